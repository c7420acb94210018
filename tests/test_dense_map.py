"""Compare DenseMap with a dict, and call it in every wrong way."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.two_threads import refusal_of_a_second_thread
from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.dense import DenseMap, next_access

# Small numbers, so that pages occur again; large ones; and numbers that differ in their upper half alone.
PAGES = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1), st.integers(0, 40).map(lambda high: high << 48))


def mapped(table: DenseMap, pages: list[int]) -> list[int]:
    out = np.empty(len(pages), np.uint32)
    table.map(np.array(pages, np.uint64), out)
    return out.tolist()


@given(st.lists(st.lists(PAGES, max_size=300), max_size=8))
def test_numbers_pages_as_a_dict_does(chunks: list[list[int]]) -> None:
    table, model = DenseMap(), {}
    for chunk in chunks:
        assert mapped(table, chunk) == [model.setdefault(page, len(model)) for page in chunk]
        table.check()
    assert len(table) == len(model)
    assert table.originals().tolist() == list(model)


@pytest.mark.parametrize("stride", [1, 2**12, 2**32, 2**44, 0x9E3779B97F4A7C15, 3])
def test_grows_over_regular_pages(stride: int) -> None:
    pages = np.arange(50_000, dtype=np.uint64) * np.uint64(stride)
    table, out = DenseMap(), np.empty(50_000, np.uint32)
    table.map(pages, out)
    assert (out == np.arange(50_000)).all()
    table.map(pages[::-1].copy(), out)
    assert (out == np.arange(50_000)[::-1]).all()
    assert (table.originals() == pages).all()
    table.check()


WIDTHS = (27, 35, 43, 52, 64)  # bits of the keys for which the table's slots are chosen


def pages_of_hashes(first: int, count: int, width: int) -> list[int]:
    """Return the pages whose hashes by the table's first factor are `first`, `first` + 1, …"""
    factor = 0x9E3779B97F4A7C15 >> (64 - width) | 1
    mixed = [(first + step) * pow(factor, -1, 1 << width) % (1 << width) for step in range(count)]
    return [value ^ (value >> (width + 1) // 2) for value in mixed]


class DenseMapMachine(RuleBasedStateMachine):
    """Map pages of all widths, in runs, in crowds and repeatedly, and compare with a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.model = DenseMap(), {}

    @rule(pages=st.lists(PAGES, max_size=200))
    def any_pages(self, pages: list[int]) -> None:
        assert mapped(self.table, pages) == [self.model.setdefault(page, len(self.model)) for page in pages]

    @rule(first=st.integers(0, 2**64 - 1), count=st.integers(1, 3000), stride=st.sampled_from([1, 8, 512]))
    def a_run(self, first: int, count: int, stride: int) -> None:
        self.any_pages([(first + stride * step) % 2**64 for step in range(count)])

    @rule(first=st.integers(0, 2**64 - 1), count=st.integers(1, 3000), width=st.sampled_from(WIDTHS))
    def a_crowd(self, first: int, count: int, width: int) -> None:
        self.any_pages(pages_of_hashes(first % (1 << width), count, width))

    @rule(width=st.sampled_from(WIDTHS), seed=st.integers(0, 99), count=st.integers(1, 4000))
    def a_wider_one(self, width: int, seed: int, count: int) -> None:
        pages = np.random.default_rng(seed).integers(0, 2**width - 1, count, np.uint64, endpoint=True)
        self.any_pages([*pages.tolist(), 2**width - 1])

    @rule()
    def all_again(self) -> None:
        self.any_pages(list(reversed(self.model)))

    @invariant()
    def agrees(self) -> None:
        self.table.check()
        assert len(self.table) == len(self.model)
        assert self.table.originals().tolist() == list(self.model)


TestDenseMapMachine = DenseMapMachine.TestCase
TestDenseMapMachine.settings = settings(max_examples=12, stateful_step_count=12)


@pytest.mark.parametrize("width", WIDTHS)
def test_disperses_a_crowd(width: int) -> None:
    """Map more pages to one home slot than a crowd may have: half before the table grows, half after."""
    table, model = DenseMap(), {}
    for pages in (
        [*pages_of_hashes(5, 1500, width), 2 ** (width - 1)],
        list(range(3000)),
        pages_of_hashes(0, 5000, width),
    ):
        assert mapped(table, pages) == [model.setdefault(page, len(model)) for page in pages]
        table.check()
    assert table.originals().tolist() == list(model)


def test_becomes_wider_with_its_keys() -> None:
    """Slots grow from 5 bytes to 12, and every page keeps its number."""
    table, pages, slot_bytes = DenseMap(), [], []
    for width in WIDTHS:
        pages += [2**width - 1 - step for step in range(20_000)]
        assert mapped(table, pages) == list(range(len(pages)))
        slot_bytes.append(table.nbytes / len(pages))
        table.check()
    assert table.originals().tolist() == pages
    assert [round(size) for size in slot_bytes] == [8, 7, 9, 10, 15]


@pytest.mark.parametrize("width", WIDTHS)
def test_grows_and_gives_its_memory_back(width: int) -> None:
    """The table is so large that it frees its old memory piece by piece while it grows."""
    pages = np.unique(np.random.default_rng(width).integers(0, 2**width, 700_000, np.uint64))
    np.random.default_rng(1).shuffle(pages)
    table, out = DenseMap(), np.empty(len(pages), np.uint32)
    table.map(pages, out)
    assert (out == np.arange(len(pages))).all()
    table.map(pages[::-1].copy(), out)
    assert (out == np.arange(len(pages))[::-1]).all()
    assert (table.originals() == pages).all()
    assert table.nbytes / len(pages) <= {27: 8.0, 35: 8.02, 43: 9.5, 52: 10.8, 64: 16.2}[width]


def test_maps_a_field_of_packed_records() -> None:
    records = np.zeros(1000, [("time", "<u4"), ("object", "<u8"), ("size", "u1")])
    records["object"] = np.arange(1000) ** 5
    table, out = DenseMap(), np.empty(1000, np.uint32)
    table.map(records["object"], out)
    table.map(records["object"][::-1], out)
    assert out.tolist() == list(range(1000))[::-1]
    assert table.originals().tolist() == records["object"].tolist()


def test_an_uninitialised_one_is_empty_and_usable() -> None:
    table = DenseMap.__new__(DenseMap)
    assert len(table) == 0
    assert table.originals().tolist() == []
    table.check()
    assert mapped(table, []) == []
    assert mapped(table, [7, 7, 8]) == [0, 0, 1]


@pytest.mark.parametrize(
    ("pages", "out"),
    [
        (np.zeros(3, np.int64), np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint32), np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint64), np.zeros(3, np.uint64)),
        (np.zeros(3, np.uint64), np.zeros(2, np.uint32)),
        (np.zeros((3, 1), np.uint64), np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint64), np.zeros(6, np.uint32)[::2]),
        (np.zeros(3, ">u8"), np.zeros(3, np.uint32)),
        ([1, 2, 3], np.zeros(3, np.uint32)),
        (None, np.zeros(3, np.uint32)),
        (np.zeros(3, np.uint64), b"0123456789ab"),
    ],
)
def test_refuses_other_arrays(pages: object, out: object) -> None:
    with pytest.raises(InputError, match=r"DenseMap\.map"):
        DenseMap().map(pages, out)  # type: ignore[arg-type]


def test_refuses_two_threads_at_once() -> None:
    table, pages = DenseMap(), np.arange(1 << 20, dtype=np.uint64)
    refusal = refusal_of_a_second_thread(lambda: table.map(pages, np.empty(len(pages), np.uint32)))
    assert refusal == "DenseMap: another thread is using it"
    table.check()


def test_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="pickled"):
        DenseMap().__reduce__()


STARVED = """
import resource
import numpy as np
from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.base.errors import HostMemoryError
table, out, pages = DenseMap(), np.empty(1 << 18, np.uint32), np.arange(1 << 18, dtype=np.uint64)
table.map(pages, out)
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), resource.RLIM_INFINITY))
for step in range(1, 64):
    try:
        table.map(pages + np.uint64(step << 18), out)
    except HostMemoryError as error:
        print(str(error).startswith("DenseMap of ") and "out of memory" in str(error))
        break
table.map(pages, out)
table.check()
print((out == pages).all(), len(table) >= 1 << 18)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space")
@pytest.mark.memory
def test_survives_a_host_without_memory() -> None:
    done = subprocess.run([sys.executable, "-c", STARVED], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 20))
def test_next_access_is_the_next_equal_page(pages: list[int], step: int) -> None:
    dense, following, found = np.array(pages, np.uint32), np.full(10, -1, np.int64), []
    for first in reversed(range(0, len(pages), step)):
        part = dense[first : first + step]
        out = np.empty(len(part), np.int64)
        next_access(part, first, following, out)
        found[:0] = out.tolist()
    expected = [pages.index(page, at + 1) + 1 if page in pages[at + 1 :] else -1 for at, page in enumerate(pages)]
    assert found == expected


def test_next_access_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="page 3: expected less than 3"):
        next_access(np.array([3], np.uint32), 0, np.zeros(3, np.int64), np.zeros(1, np.int64))
    with pytest.raises(InputError, match="room for 2"):
        next_access(np.array([3], np.uint32), 0, np.zeros(3, np.int64), np.zeros(2, np.int64))
