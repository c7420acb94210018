"""Test arguments of the Python interface that were once taken, or refused without a word on what was wrong."""

import sys
from typing import Any

import numpy as np
import pytest

from zswapsim import InputError, PageStore, PluginError, Settings, compare, get_compressor, make_profile, run
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.base.arguments import flag, number, path_text, shown, text, whole
from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim._core.reclaim.plugin import PluginReclaimer
from zswapsim._core.reclaim.python_plugin import table_of_class

PAGE = bytes(range(256)) * 16


@pytest.mark.parametrize(
    "threads", [1.5, "2", 0, -1, 257, 2**31, 2**63, 10**5000, None, float("nan")], ids=lambda each: type(each).__name__
)
def test_threads_are_a_whole_number(threads: Any) -> None:
    store = PageStore(1 << 20)
    with pytest.raises(InputError, match="threads"):
        store.store_pages([1], PAGE, threads=threads)
    with pytest.raises(InputError, match="threads"):
        store.load_pages([1], bytearray(4096), threads=threads)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"raw_from": 3.5}, "raw_from 3.5: expected a whole number"),
        ({"raw_from": 0}, "raw_from 0: expected 1 to 4096"),
        ({"chain_size": 2**31}, "chain size 2147483648: expected 4 to 16"),
        ({"chain_size": 8.0}, "chain size 8.0: expected a whole number"),
        ({"verify": 2}, "verify 2: expected 0 to 1"),
        ({"node_bytes": float("inf")}, "node inf: expected a whole number"),
        ({"node_bytes": 10**5000}, "node of type int: expected"),
        ({"compressor": None}, "compressor None: expected a string"),
        ({"compressor": PageStore}, "compressor <class"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_store_names_the_argument_that_is_wrong(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PageStore(**({"node_bytes": 1 << 20} | changes))


def test_a_profile_is_made_of_contents() -> None:
    with pytest.raises(InputError, match="contents: expected Contents, got recipe:mix"):
        make_profile("recipe:mix", ["lz4"])  # type: ignore[arg-type]


def test_settings_are_of_the_classes_that_they_state() -> None:
    for wrong in ({"dram": None}, {"backend": 3}, {"zero_map": 1}, {"seed": True}, {"groups": 1.5}, {"window": 2**70}):
        with pytest.raises(InputError, match=f"--{next(iter(wrong)).replace('_', '-')}"):
            Settings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="settings: expected Settings"):
        run("gen:zipf,pages=40,events=100", None, "lz4")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="settings: expected Settings"):
        compare("gen:zipf,pages=40,events=100", None, ["lz4"])  # type: ignore[list-item]


def test_a_footprint_that_overflows_with_its_accesses_is_refused() -> None:
    for footprint in (2**64 - 1, 2**64, 2**32, -1, 0):
        with pytest.raises(InputError):
            NextAccesses(np.zeros(4, np.uint32), footprint)


class Index:
    def __index__(self) -> int:
        return 5


def test_whole_numbers_are_what_index_makes_one() -> None:
    assert [whole(each, "n", 0, 9) for each in (5, np.int8(5), Index(), True)] == [5, 5, 5, 1]
    for wrong in (5.0, "5", None, b"5", [5], np.float64(5)):
        with pytest.raises(InputError, match=r"n .*expected a whole number"):
            whole(wrong, "n", 0, 9)


def test_numbers_are_finite_and_in_range() -> None:
    assert number(3, "x", 0, 4) == number(np.float32(3), "x", 0, 4) == 3.0
    for wrong in (float("nan"), float("inf"), -1, 5, "3", b"3", None, 10**400):
        with pytest.raises(InputError, match="x "):
            number(wrong, "x", 0, 4)


def test_flags_are_true_or_false() -> None:
    assert [flag(each, "f") for each in (True, False, 1, 0, np.True_, np.bool_(False))] == [1, 0, 1, 0, 1, 0]
    for wrong in (2, None, "yes", 1.0, np.zeros(3), []):
        with pytest.raises(InputError, match="f "):
            flag(wrong, "f")


def test_names_are_strings_and_files_have_names() -> None:
    assert text("a", "t") == "a"
    assert path_text(sys.exec_prefix, "p") == sys.exec_prefix
    for wrong in (None, 1, b"a", object(), "a\0b", "\ud800"):
        with pytest.raises(InputError, match="p: expected a file's name"):
            path_text(wrong, "p")


def test_a_value_is_shown_in_one_short_line() -> None:
    class Angry:
        def __repr__(self) -> str:
            raise ValueError

    assert shown(10**5000) == "of type int"
    assert shown(Angry()) == "of type Angry"
    assert shown("a\n b") == "a b"
    assert len(shown(bytes(1000))) == len(shown(np.zeros((9, 9)))) == 60


class Failing:
    """Insert the first pages, and raise at one that is put back after its folio was split."""

    def __init__(self, host: Any) -> None:
        self.host, self.pages = host, []

    def insert(self, page: int, refault: bool) -> None:
        if page % 4:
            raise OSError("no list for a page")
        self.pages.append(page)

    def reclaim(self, page: int, wanted: int) -> None:
        for each in list(self.pages):
            if self.host.evict(each):
                self.pages.remove(each)
                return


def test_an_error_at_a_page_that_was_split_off_is_the_plug_ins() -> None:
    """It used to end the run as out of memory."""
    reclaimer = PluginReclaimer(table_of_class("failing", Failing, "failing"), {})
    backend = DiskBackend((1,) * 6, SwapDevice(2))
    engine = Replay(16, 8, backend, reclaimer=reclaimer, order=2, place=np.arange(16, dtype=np.uint32))
    with pytest.raises(PluginError, match="insert raised OSError: no list for a page"):
        engine.feed(np.arange(0, 16, 4, dtype=np.uint32), np.ones(4, np.uint8))
    assert not engine.out_of_memory
    engine.check()


def test_a_reclaimer_can_be_looked_at_after_its_replay() -> None:
    reclaimer = PluginReclaimer(table_of_class("failing", Failing, "failing"), {})
    engine = Replay(16, 8, DiskBackend((1,) * 6, SwapDevice(16)), reclaimer=reclaimer)
    engine.feed(np.array([4, 8], np.uint32), np.ones(2, np.uint8))
    del engine
    assert reclaimer.listed_pages() == [4, 8]
    assert get_compressor("lz4").name == "lz4"
