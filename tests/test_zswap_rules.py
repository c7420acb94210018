"""Test zswap's rules, one test for each and named after it, with tiny pools. docs/backends.md describes them."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from tests.page_samples import lz4_length
from zswapsim import CorruptPageError, InputError, Settings, get_compressor
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.zswap import ZswapBackend
from zswapsim._core.base.errors import SlotEmptyError
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.rules import ZswapRules
from zswapsim.compressors import measure
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import Contents
from zswapsim.traces.recipes import recipe_pages

PAGES = 64
FRAMES = 20


def contents_of(recipe: str, count: int = PAGES) -> Contents:
    return Contents(np.ascontiguousarray(recipe_pages(recipe, count)), recipe)


def word_pages(count: int = PAGES) -> Contents:
    """Make pages that repeat one word, each another one, and none of them 0."""
    return Contents(np.repeat(np.arange(1, count + 1, dtype=np.uint64), 512).view(np.uint8).reshape(-1, 4096), "words")


def opened(backend: str, contents: Contents, **changes: Any) -> Replay:
    asked: dict[str, Any] = {"dram": FRAMES * 4096, "backend": backend, "depth": "bytes"} | changes
    sizes = measure(get_compressor("lz4"), contents.images) if asked["depth"] == "sizes" else None
    return open_replay(Settings(**asked), PAGES, contents, sizes)


def touch(engine: Replay, pages: list[int], write: bool = True, *, ends: bool = False) -> dict[str, int]:
    """Make accesses one by one, check all invariants after each, and return the counters.

    `ends`: the run is expected to end out of memory.
    """
    for page in pages:
        engine.feed(np.array([page], np.uint32), np.array([write], np.uint8))
        engine.check()
    assert engine.out_of_memory == ends
    return engine.counters_now()


def test_a_pool_frame_is_one_less_for_the_workload() -> None:
    engine = opened("zswap:max_pool_percent=50", contents_of("text"))
    for page in range(PAGES):
        counters = touch(engine, [page])
        assert counters["resident_pages"] + counters["pool_total_size"] // 4096 <= FRAMES
    assert counters["pool_total_size"] > 0
    assert engine.owners()["dram"]["workload"] == counters["resident_pages"] < FRAMES


@pytest.mark.parametrize("backend", ["zswap:max_pool_percent=50", "zram"])
def test_all_depths_share_dram_alike(backend: str) -> None:
    """Without contents every page is assumed to compress to one length, so these contents do."""
    noise = recipe_pages("noise", 16)
    noise[:, 1200:] = 5
    contents = Contents(np.ascontiguousarray(noise), "of one length")
    assert len({lz4_length(page.tobytes()) for page in contents.images}) == 1
    options = {"assumed_length": lz4_length(contents.images[0].tobytes()), "swap": PAGES * 4096}
    engines = [opened(backend, contents, depth=depth, **options) for depth in ("bytes", "sizes")]
    engines.append(
        open_replay(Settings(dram=FRAMES * 4096, backend=backend, depth="counts", **options), PAGES, None, None)
    )
    trace = [*range(40), *range(0, 40, 3), *range(40)]
    found = [touch(engine, trace, write=False) for engine in engines]
    assert found[0] == found[1] == found[2]
    assert found[0]["major_faults"] > 20


def test_pool_limit_hit_at_max_pool_percent() -> None:
    engine = opened("zswap:max_pool_percent=25", contents_of("noise"))  # five frames, each with one page
    assert touch(engine, [*range(FRAMES)])["pool_limit_hit"] == 0
    # Storing one of these pages frees no frame, so a fault evicts until a page is written to the device.
    counters = touch(engine, [FRAMES])
    assert counters["zswpout"] == 5, "the limit is looked at before a page is stored"
    assert counters["pool_limit_hit"] == 1
    assert counters["peak_pool_total_size"] == 5 * 4096


def test_a_refused_page_goes_to_the_device_and_the_worker_writes_back_to_the_threshold() -> None:
    engine = opened("zswap:max_pool_percent=50,retries=1000", contents_of("noise"), accept_threshold_percent=60)
    counters = touch(engine, [*range(FRAMES + 1)])
    assert counters["pool_limit_hit"] == 1
    assert counters["pswpout"] == counters["zswpwb"] + 1, "one page went past the pool"
    assert counters["pool_total_size"] // 4096 == 10 * 60 // 100
    assert counters["written_back_pages"] == counters["zswpwb"] == 4


def test_the_pool_is_full_until_the_threshold() -> None:
    """If the worker gives up early, pages are rejected below the limit too, until the pool is at the threshold."""
    engine = opened("zswap:max_pool_percent=50,retries=1", contents_of("noise"), accept_threshold_percent=80)
    full = touch(engine, [*range(FRAMES + 1)])
    assert full["pool_total_size"] == 10 * 4096
    loaded = touch(engine, [0])
    assert loaded["zswpin"] == 1
    assert loaded["pool_total_size"] == 9 * 4096
    refused = touch(engine, [FRAMES + 1, FRAMES + 2])
    assert refused["zswpout"] == full["zswpout"], "below the limit, and still refused"
    assert refused["pswpout"] > loaded["pswpout"]
    assert refused["pool_limit_hit"] == loaded["pool_limit_hit"]
    accepted = touch(engine, [*range(FRAMES + 3, PAGES)])
    assert accepted["zswpwb"] >= 1
    assert accepted["zswpout"] > full["zswpout"]


def test_the_worker_gives_up_after_max_reclaim_retries() -> None:
    """Every entry is rotated once. If there are more entries than tries, the first call writes nothing back."""
    limited = opened("zswap:max_pool_percent=80,retries=4", contents_of("noise"))
    counters = touch(limited, [*range(FRAMES + 1)])
    assert counters["pool_limit_hit"] == 1
    assert counters["stored_pages"] == 16
    assert counters["zswpwb"] == 0


def test_incompressible_pages_are_stored_as_they_are_since_6_18() -> None:
    counters = touch(opened("zswap:max_pool_percent=50", contents_of("noise")), [*range(FRAMES + 4)])
    assert counters["stored_incompressible_pages"] == counters["stored_pages"] > 0
    assert counters["compr_data_size"] == 4096 * counters["stored_pages"]
    assert counters["reject_compress_fail"] == 0
    assert counters["reject_compress_poor"] == 0, "zs_malloc() has room for every length up to a page"


def test_incompressible_pages_are_refused_before_6_18() -> None:
    counters = touch(opened("zswap:version=6.17", contents_of("noise")), [*range(FRAMES + 4)])
    assert counters["reject_compress_fail"] == counters["pswpout"] == 4
    assert counters["stored_pages"] == 0


def test_incompressible_pages_are_refused_where_writeback_is_not_allowed() -> None:
    engine = opened("zswap:writeback=0", contents_of("noise"))
    counters = touch(engine, [*range(FRAMES + 4)], ends=True)
    assert counters["reject_compress_fail"] > 0
    assert counters["pswpout"] == counters["stored_pages"] == 0
    assert engine.out_of_memory


def test_there_is_no_other_ratio_threshold() -> None:
    """A page that compresses to 3625 to 4095 bytes is stored compressed and takes a frame."""
    contents = poor_pages()
    assert {lz4_length(page.tobytes()) for page in contents.images} <= {*range(3625, 4096)}
    counters = touch(opened("zswap:max_pool_percent=50", contents), [*range(FRAMES + 4)])
    assert counters["stored_incompressible_pages"] == 0
    assert counters["pool_total_size"] == 4096 * counters["stored_pages"] > 0


@pytest.mark.parametrize("depth", ["bytes", "sizes"])
def test_same_filled_pages_are_kept_as_a_word_before_6_12(depth: str) -> None:
    counters = touch(opened("zswap:version=6.11", word_pages(), depth=depth), [*range(FRAMES + 9)])
    assert counters["same_filled_pages"] == counters["stored_pages"] == 9
    assert counters["compr_data_size"] == counters["pool_total_size"] == 0


@pytest.mark.parametrize("depth", ["bytes", "sizes"])
def test_same_filled_pages_are_compressed_since_6_12(depth: str) -> None:
    counters = touch(opened("zswap:version=6.12", word_pages(), depth=depth), [*range(FRAMES + 9)])
    assert counters["same_filled_pages"] == 0
    length = lz4_length(word_pages().images[0].tobytes())
    assert counters["compr_data_size"] == length * counters["stored_pages"] > 0


def test_a_load_is_exclusive() -> None:
    engine = opened("zswap:max_pool_percent=100", contents_of("text"), dram=40 * 4096)
    before = touch(engine, [*range(44)], write=False)
    after = touch(engine, [0], write=False)
    assert after["zswpin"] == 1
    assert after["dropped_clean_pages"] == 0
    again = touch(engine, [*range(1, 44)], write=False)
    assert again["zswpout"] > before["zswpout"], "it was only read, and is compressed again"
    assert again["dropped_clean_pages"] == 0


def test_fifo_with_one_second_chance() -> None:
    """The oldest entry is written back first, after every entry was rotated once."""
    engine = opened("zswap:max_pool_percent=50,retries=1000", contents_of("noise"), accept_threshold_percent=90)
    assert touch(engine, [*range(FRAMES + 1)])["zswpwb"] == 1
    assert touch(engine, [0])["pswpin"] == 1, "page 0 was stored first"
    assert touch(engine, [2])["zswpin"] >= 1


def test_a_page_loaded_from_the_device_stays_there_clean() -> None:
    engine = opened("zswap:max_pool_percent=0", contents_of("text"))
    counters = touch(engine, [*range(FRAMES + 4)], write=False)
    assert counters["pool_limit_hit"] == counters["pswpout"] == 4
    counters = touch(engine, [0, *range(4, FRAMES + 4)], write=False)
    assert counters["pswpin"] > 0
    assert counters["dropped_clean_pages"] > 0


def test_the_group_limit_counts_compressed_bytes() -> None:
    """memory.zswap.max limits compressed bytes; the global limit limits frames."""
    contents = contents_of("text", 8)
    engine = opened("zswap:max_pool_percent=100,max=8192", contents)
    counters = touch(engine, [*range(PAGES)])
    assert counters["pool_limit_hit"] == 0
    longest = max(lz4_length(page.tobytes()) for page in contents.images)
    assert 8192 - longest <= counters["compr_data_size"] < 8192 + longest
    assert counters["zswpwb"] > 0


def test_a_group_limit_of_nothing_keeps_pages_out_of_zswap() -> None:
    counters = touch(opened("zswap:max=0", contents_of("text")), [*range(FRAMES + 4)])
    assert counters["zswpout"] == 0
    assert counters["pswpout"] == 4


def test_writeback_of_0_keeps_pages_out_of_the_device() -> None:
    engine = opened("zswap:max_pool_percent=20,writeback=0", contents_of("text"))
    counters = touch(engine, [*range(PAGES)], ends=True)
    assert counters["device_pages"] == counters["pswpout"] == counters["zswpwb"] == 0
    assert counters["kept_pages"] > 0


def test_every_page_in_the_pool_has_its_slot_on_the_device() -> None:
    engine = opened("zswap:max_pool_percent=100", contents_of("text"), swap=3 * 4096)
    counters = touch(engine, [*range(PAGES)], ends=True)
    assert engine.out_of_memory
    assert counters["stored_pages"] + counters["device_pages"] == 3


def test_the_dynamic_shrinker_writes_back_less_the_better_pages_compress() -> None:
    def share_written(recipe: str) -> float:
        options = "zswap:max_pool_percent=100,shrinker_enabled=1,shrinker_priority=1"
        counters = touch(opened(options, contents_of(recipe), dram=40 * 4096), [*range(PAGES)])
        return counters["zswpwb"] / counters["zswpout"]

    assert share_written("noise") > share_written("text") > 0


def test_the_dynamic_shrinker_is_off_unless_asked_for() -> None:
    engine = opened("zswap:max_pool_percent=100", contents_of("text"), dram=40 * 4096)
    assert touch(engine, [*range(PAGES)])["zswpwb"] == 0


def test_the_dynamic_shrinker_spares_as_many_as_were_swapped_in_from_the_device() -> None:
    """The shrinker subtracts the pages swapped in from the device meanwhile, once."""
    options = "zswap:max_pool_percent=100,shrinker_enabled=1,shrinker_priority=1"

    def written_by(pages: list[int]) -> tuple[int, int]:
        engine = opened(options, contents_of("noise"), dram=40 * 4096, reclaim_batch=8)
        before = touch(engine, [*range(57)])
        after = touch(engine, pages)
        return after["zswpwb"] - before["zswpwb"], after["pswpin"]

    back, swapped_in = written_by([*range(6), 63])
    new, none = written_by([*range(57, 64)])
    assert swapped_in > none == 0
    assert back < new


def test_an_allocation_failure_is_reject_alloc_fail() -> None:
    """Reclaim's reserve has fewer frames than a zspage; a machine has one frame of DRAM and a pool of none."""
    images = contents_of("text").images
    arena = FrameArena(4 * 4096)
    pool = ZswapBackend(
        PRESETS["dram-nvme"], arena.grant("pool"), SwapDevice(100, backed=True), get_compressor("lz4"),
        rules=ZswapRules(),
    )  # fmt: skip
    engine = Replay(
        PAGES, 3, pool, dram=arena.grant("workload"), reserved=0, images=images,
        next_image=np.arange(PAGES, dtype=np.uint32), zero=np.zeros(PAGES, np.uint8),
    )  # fmt: skip
    counters = touch(engine, [0, 1, 2, 3, 4, 5, 6])
    assert counters["reject_alloc_fail"] > 0
    assert counters["pswpout"] == counters["reject_alloc_fail"]


def poor_pages() -> Contents:
    """Make pages that compress but take a frame each."""
    noise = recipe_pages("noise", 8)
    noise[:, 3700:] = 5
    return Contents(np.ascontiguousarray(noise), "poor")


def test_a_writeback_that_fails_is_reject_reclaim_fail_and_the_entry_is_the_youngest() -> None:
    """Its bytes do not decode. The worker goes on with the others, and the page is lost only when it is loaded."""
    engine = opened("zswap:max_pool_percent=50,retries=4", poor_pages(), compressor="zstd")
    stored = touch(engine, [*range(FRAMES + 1)])["stored_pages"]
    assert stored == 10
    engine.backend.inject_fault(0, 0, 0xFF)  # the magic number of zstd in the page that was stored first
    counters = touch(engine, [*range(FRAMES + 1, PAGES)])
    assert counters["decompress_fail"] == counters["reject_reclaim_fail"] > 0
    assert counters["zswpwb"] == counters["written_back_pages"] > 0
    with pytest.raises(CorruptPageError, match="page 0"):
        touch(engine, [0])


def test_a_group_at_its_limit_refuses_a_page_where_the_writeback_fails() -> None:
    engine = opened("zswap:max_pool_percent=100,max=8192", poor_pages(), compressor="zstd", dram=40 * 4096)
    stored = touch(engine, [*range(43)])["stored_pages"]
    assert stored == 3, "two of them do not take 8192 bytes"
    for slot in range(64):
        with suppress(SlotEmptyError):
            engine.backend.inject_fault(slot, 0, 0xFF)
    counters = touch(engine, [*range(43, PAGES)])
    assert counters["reject_reclaim_fail"] > 0
    assert counters["stored_pages"] == stored
    assert counters["pswpout"] == counters["reclaimed_pages"] - stored


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("zswap:max_pool_percent=101", "from 0 to 100, got '101'"),
        ("zswap:pool=5", "has no parameter 'pool', only max_pool_percent"),
        ("zswap:version=new", "a version of Linux such as 6.18"),
        ("zswap:shrinker_priority=13", "from 0 to 12"),
        ("disk:x=1", "has no parameter 'x', only none"),
        ("zram:algorithms=a+b+c+d", "one to three codecs"),
        ("zram:writeback=cold", "one of idle, huge, huge_idle, incompressible"),
        ("zram:mem_limit=-5", "at least one frame"),
        ("tape", "one of private-node, zswap, zram, cram, disk"),
    ],
)
def test_a_wrong_spec_is_refused(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(backend=spec)
