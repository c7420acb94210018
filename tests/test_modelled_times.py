"""Test that modelled times are counters times constants, for every backend, and that latencies count every fault.

All pages have one length and one time of the codec here, so that every bound is exact.
"""

import time
from typing import Any

import numpy as np
import pytest

from tests.reference.times import Run, assert_result_times, assert_times
from zswapsim import Settings, run
from zswapsim._core.backend.zram_recompress import recompress_slots
from zswapsim._core.backend.zram_writeback import write_back_slots
from zswapsim._core.engine.replay import Replay
from zswapsim.compressors.measure import Columns, Measured
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.backends import SLOT_CHOICES
from zswapsim.study.settings.cost import PRESETS, in_dram
from zswapsim.traces import ArrayTrace, Contents, DenseTrace
from zswapsim.traces.folios import find_folios
from zswapsim.traces.recipes import recipe_pages

PAGES, IMAGES = 160, 8
COST = PRESETS["cxl-nvme"]
COMPRESS, DECOMPRESS = 700, 300
CONTENTS = Contents(recipe_pages("text", IMAGES), "text")


def measured(length: int = 1_000) -> Measured:
    """Return one length and one time of all images."""
    size, none = np.full(IMAGES, length, np.uint16), np.zeros(IMAGES, bool)
    times = np.full(IMAGES, COMPRESS, np.uint32), np.full(IMAGES, DECOMPRESS, np.uint32)
    return Measured("even", size, none, none, *times, Columns(size, *times))


def opened(backend: str, frames: int = 60, node: int = 8, **others: Any) -> Replay:
    asked = Settings(dram=frames * 4096, node=node * 4096, backend=backend, depth="sizes", **others)
    folios = None
    if asked.folio != "4KiB":
        folios = find_folios(np.arange(PAGES, dtype=np.uint64), None, 2, "even")
    known = None if backend == "disk" else measured()
    return open_replay(asked, PAGES, CONTENTS, known, folios=folios, **ordered(asked))


def ordered(asked: Settings) -> dict[str, Any]:
    """Return the order of addresses that readahead by VMA needs."""
    if asked.readahead != "vma":
        return {}
    from zswapsim.study.run.readahead import by_address

    return {"order": by_address(np.arange(PAGES, dtype=np.uint64))}


def feed(engine: Replay, seed: int, number: int = 400) -> None:
    draw = np.random.default_rng(seed)
    pages = np.minimum(draw.geometric(0.03, number), PAGES) - 1
    scan = np.arange(number // 2) % PAGES
    trace = np.concatenate([pages, scan]).astype(np.uint32)
    engine.feed(trace, (draw.random(len(trace)) < 0.3).astype(np.uint8))


def times_hold(engine: Replay, run: Run) -> dict[str, int]:
    """Feed accesses in three parts; after each, every time is what the counters say. Return the counters."""
    for seed in range(3):
        feed(engine, seed)
        engine.check()
        assert_times(engine, run)
    return engine.counters_now()


EVEN = Run(COST, 1_000, 1_000, slots_worked_on=False)
FOLIOS = Run(COST, 0, 1_000, folio_pages=4)
"""Pages of a folio that were never accessed are zero, and shorter than all others."""


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize(
    ("backend", "moved"),
    [
        ("private-node", ["zswpin", "zswpout", "zswpwb", "pswpin"]),
        ("disk", ["pswpin", "pswpout"]),
        ("zswap:max_pool_percent=10", ["zswpin", "zswpout", "zswpwb", "pswpin", "pool_limit_hit"]),
        ("zswap:max_pool_percent=10,shrinker_enabled=1,shrinker_priority=0", ["zswpwb"]),
        ("zram:mem_limit=20K", ["pswpin", "pswpout", "failed_writes"]),
        ("private-node/zswap:max_pool_percent=10", ["demoted_pages", "zswpwb", "pswpin"]),
    ],
)
def test_times_are_counters_times_constants(backend: str, moved: list[str], exclusive: bool) -> None:
    counts = times_hold(opened(backend, exclusive_loads=exclusive), EVEN)
    assert all(counts[name] for name in moved), {name: counts[name] for name in moved}


def test_each_page_that_is_stored_or_loaded_takes_the_codec_s_time() -> None:
    engine = opened("private-node", node=100)
    counts = times_hold(engine, EVEN)
    assert counts["zswpwb"] == counts["reject_alloc_fail"] == 0
    modelled = engine.times()["modelled"]
    assert modelled["compress"] == COMPRESS * counts["zswpout"]
    assert modelled["decompress"] == DECOMPRESS * counts["zswpin"]


def test_a_page_that_is_written_back_is_decompressed_first() -> None:
    engine = opened("private-node")
    counts = times_hold(engine, EVEN)
    assert counts["zswpwb"]
    modelled = engine.times()["modelled"]
    assert modelled["compress"] == COMPRESS * (counts["zswpout"] + counts["reject_alloc_fail"])
    assert modelled["decompress"] == DECOMPRESS * (counts["zswpin"] + counts["zswpwb"])


def test_a_latency_is_the_fault_s_constant_the_load_and_the_store_that_it_waits_for() -> None:
    engine = opened("private-node", frames=1, node=100)
    engine.feed(np.array([0, 1, 0], np.uint32), np.zeros(3, np.uint8))
    transfer = COST.node_latency_ns + 1_000 / COST.node_bandwidth
    expected = COST.major_fault_ns + 2 * transfer + COMPRESS + DECOMPRESS
    assert engine.latencies()["mean"] == engine.latencies()["max"] == pytest.approx(expected)


def test_a_pool_in_dram_has_dram_s_latency() -> None:
    engine = opened("zram", frames=2)
    engine.feed(np.array([0, 1, 2, 0], np.uint32), np.zeros(4, np.uint8))
    assert engine.counters_now()["major_faults"] == 1
    cost = in_dram(COST)
    transfers = engine.counters_now()["pswpout"] + 1
    assert engine.times()["modelled"]["node"] == pytest.approx(
        transfers * (cost.node_latency_ns + 1_000 / cost.node_bandwidth)
    )


@pytest.mark.parametrize("backend", ["private-node", "zswap:max_pool_percent=10", "zram"])
def test_codec_times_are_measured_within_the_time_of_the_call(backend: str) -> None:
    frames = 100 if backend == "zram" else 60
    asked = Settings(dram=frames * 4096, node=8 * 4096, backend=backend, compressor="lz4-linux")
    engine = open_replay(asked, PAGES, CONTENTS, None)
    began = time.monotonic_ns()
    feed(engine, 1)
    most = time.monotonic_ns() - began
    times = engine.times()
    assert 0 < times["wall"]["compress"] < most
    assert 0 < times["wall"]["decompress"] < most
    assert times["wall"]["compress"] + times["wall"]["decompress"] < most
    assert times["modelled"]["compress"] == times["wall"]["compress"]
    assert times["modelled"]["decompress"] == times["wall"]["decompress"]
    assert_times(engine, Run(COST))


# -- readahead --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cluster", "vma"])
@pytest.mark.parametrize("backend", ["disk", "zswap:max_pool_percent=5"])
def test_no_fault_waits_for_pages_that_are_read_ahead(backend: str, kind: str) -> None:
    engine = opened(backend, readahead=kind)
    counts = times_hold(engine, EVEN)
    assert counts["swap_ra"] > counts["swap_ra_hit"] > 0
    modelled = engine.times()["modelled"]
    if backend == "disk":
        assert modelled["readahead"] == counts["swap_ra"] * COST.device_read_ns
        assert modelled["device"] == counts["pswpout"] * COST.device_write_ns + (
            counts["major_faults"] * COST.device_read_ns
        )


# -- folios -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swapin", ["page", "whole"])
@pytest.mark.parametrize("backend", ["private-node", "zswap:max_pool_percent=10", "zram:mem_limit=40K", "disk"])
@pytest.mark.parametrize("swap", ["unlimited", 24 * 4096])
def test_every_page_of_a_folio_is_written_read_and_cleared(backend: str, swapin: str, swap: object) -> None:
    if backend != "zram:mem_limit=40K" and swapin == "whole":
        swapin = "auto"
    engine = opened(backend, folio="16KiB", folio_swapin=swapin, reclaim="two-list", swap=swap)
    counts = times_hold(engine, FOLIOS)
    assert counts["mthp_anon_fault_alloc"]


def test_a_folio_that_is_compressed_as_one_is_written_back_page_by_page() -> None:
    engine = opened("private-node", node=4, folio="16KiB", folio_compress="whole", compressor="lz4")
    counts = times_hold(engine, FOLIOS._replace(whole_folios=True, longest=4096))
    assert counts["zswpwb"] % 4 == 0 < counts["zswpwb"]
    assert counts["pswpout"] > 0


def test_a_folio_that_finds_no_room_is_written_to_the_device_page_by_page() -> None:
    engine = opened("private-node", node=1, folio="16KiB", folio_compress="whole", compressor="lz4")
    counts = times_hold(engine, FOLIOS._replace(whole_folios=True, longest=4096))
    assert counts["pswpout"] >= 4


# -- zram's slots -----------------------------------------------------------------------------------------------------


def test_recompression_reads_each_page_and_stores_what_became_smaller() -> None:
    asked = Settings(dram=200 * 4096, backend="zram:algorithms=zstd", depth="sizes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zswapsim.study.run.backend.recompression_codecs", lambda *_: [measured(500)])
        engine = open_replay(asked, PAGES, CONTENTS, measured())
    feed(engine, 1)
    assert engine.counters_now()["pswpout"] == 0
    small = open_small(500)
    counts = small.counters_now()
    before, stored = small.times()["modelled"], counts["stored_pages"]
    assert recompress_slots(small.backend, SLOT_CHOICES["all"]) == stored > 0
    after = small.times()["modelled"]
    cost = in_dram(COST)
    one = [cost.node_latency_ns + length / cost.node_bandwidth for length in (1_000, 500)]
    assert after["node"] - before["node"] == pytest.approx(stored * sum(one))
    assert after["compress"] - before["compress"] == stored * COMPRESS
    assert after["decompress"] - before["decompress"] == stored * DECOMPRESS
    small.check()
    assert_times(small, Run(COST, 500, 1_000))


def open_small(stronger: int) -> Replay:
    """Return a replay on zram whose second codec makes pages of `stronger` bytes, after some accesses."""
    asked = Settings(dram=60 * 4096, backend="zram:algorithms=zstd", depth="sizes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zswapsim.study.run.backend.recompression_codecs", lambda *_: [measured(stronger)])
        engine = open_replay(asked, PAGES, CONTENTS, measured())
    feed(engine, 1)
    return engine


def test_recompression_in_vain_has_read_each_page() -> None:
    engine = open_small(999)
    stored, before = engine.counters_now()["stored_pages"], engine.times()["modelled"]
    assert recompress_slots(engine.backend, SLOT_CHOICES["all"]) == 0
    assert engine.counters_now()["recompress_fail"] == stored > 0
    cost = in_dram(COST)
    node = engine.times()["modelled"]["node"] - before["node"]
    assert node == pytest.approx(stored * (cost.node_latency_ns + 1_000 / cost.node_bandwidth))
    assert_times(engine, Run(COST, 1_000, 1_000))


def test_writeback_of_slots_takes_the_device_s_time_and_so_does_reading_them() -> None:
    engine = open_small(500)
    before = engine.times()["modelled"]
    assert before["device"] == 0
    written = write_back_slots(engine.backend, SLOT_CHOICES["all"], 20)
    assert written == 20
    after = engine.times()["modelled"]
    assert after["device"] == 20 * COST.device_write_ns
    assert after["decompress"] - before["decompress"] == 20 * DECOMPRESS
    feed(engine, 2)
    counts = engine.counters_now()
    assert counts["bd_reads"] > 0
    assert engine.times()["modelled"]["device"] == 20 * COST.device_write_ns + counts["bd_reads"] * COST.device_read_ns
    assert_times(engine, Run(COST, 500, 1_000))


def test_zram_before_zswap_has_only_zswap_s_device() -> None:
    engine = opened("zram:mem_limit=20K/zswap:max_pool_percent=10")
    counts = times_hold(engine, EVEN._replace(slots_worked_on=True))
    assert write_back_slots(engine.backend.fast, SLOT_CHOICES["all"], 5) == 5
    assert engine.counters_now()["demoted_pages"] == counts["demoted_pages"] + 5
    assert_times(engine, EVEN._replace(slots_worked_on=True))
    assert counts["zswpout"] > 0


# -- a device that compresses by itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cram", "maps", "moved"),
    [
        ("form=swap,read=copy", False, ["zswpin", "zswpout"]),
        ("form=swap,read=map", True, ["zswpin", "mapped_reads", "promotions"]),
        ("form=tier,budget=50%", True, ["mapped_reads", "in_place_writes"]),
        ("form=swap,read=map,ratio=4,high=500,low=300,delay=0,zero=0", True, ["zswpwb", "pswpin", "reject_pressure"]),
        ("form=tier,ratio=6,delay=50,zero=100,control=counting", True, ["pswpout", "reject_bound"]),
    ],
)
def test_a_compressing_device_takes_lines_in_place_and_whole_pages_otherwise(cram, maps, moved) -> None:
    engine = opened("cram", node=100, cram=f"{cram},line_ns=650")
    counts = times_hold(engine, Run(COST, line_ns=650.0, maps_pages=maps))
    assert all(counts[name] for name in moved), {name: counts[name] for name in moved}


def test_lost_pages_are_not_read() -> None:
    engine = opened("cram", node=100, cram="form=tier,budget=100%,ratio=12,control=counting,delay=2000,zero=0")
    times_hold(engine, Run(COST, maps_pages=True))


# -- counts depth, and results ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclusive", [True, False])
def test_faults_that_are_only_counted_have_their_constants(exclusive: bool) -> None:
    """The engine counts faults in one go if the backend cannot fail: each has a latency nevertheless."""
    asked = Settings(dram=60 * 4096, depth="counts", exclusive_loads=exclusive)
    engine = open_replay(asked, PAGES, None, None)
    counts = times_hold(engine, EVEN)
    assert counts["major_faults"] > 100
    assert set(engine.latencies().values()) == {COST.major_fault_ns}


@pytest.mark.parametrize("backend", ["private-node", "zswap", "zram:writeback_every=100,idle_every=50", "disk", "cram"])
def test_the_times_of_a_result_add_up(backend: str) -> None:
    draw = np.random.default_rng(4)
    trace = DenseTrace(ArrayTrace(draw.integers(0, PAGES, 3_000).astype(np.uint64), name="even"))
    result = run(trace, CONTENTS, Settings(dram="60%", node="5%", backend=backend, compressor="lz4-linux"))
    assert_result_times(result)


def test_the_first_allocation_of_a_folio_clears_the_pages_beyond_its_first() -> None:
    engine = opened("zram", frames=100, folio="16KiB")
    engine.feed(np.array([0, 5], np.uint32), np.zeros(2, np.uint8))
    assert engine.counters_now()["mthp_anon_fault_alloc"] == 2
    one = 4096 / 20.0
    assert engine.times()["modelled"]["fault"] == pytest.approx(2 * (COST.minor_fault_ns + 3 * one))
