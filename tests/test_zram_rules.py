"""Test zram's rules, one test for each and named after it, with tiny pools. docs/backends.md describes them."""

from typing import Any

import numpy as np
import pytest

from tests.page_samples import lz4_length
from tests.test_zswap_rules import PAGES, contents_of, touch, word_pages
from zswapsim import CorruptPageError, InputError, Settings, get_compressor, run
from zswapsim._core.backend.zram_recompress import recompress_slots
from zswapsim._core.backend.zram_slots import HUGE_SLOTS, IDLE_SLOTS, INCOMPRESSIBLE_SLOTS, mark_idle
from zswapsim._core.backend.zram_writeback import write_back_slots as write_back
from zswapsim._core.engine.replay import Replay
from zswapsim.report.text import result_text
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.backends import parse_backend
from zswapsim.traces import Contents
from zswapsim.traces.recipes import recipe_pages

FRAMES = 40
ALL = 0
CODECS = ("zstd:level=1", "zstd:level=9")


def opened(contents: Contents, backend: str = "zram", **changes: Any) -> Replay:
    asked: dict[str, Any] = {"dram": FRAMES * 4096, "backend": backend} | changes
    return open_replay(Settings(**asked), PAGES, contents, None)


def of_lengths(*kept: int) -> Contents:
    """Make pages that begin with the given lengths of noise and then repeat one byte."""
    noise = recipe_pages("noise", len(kept))
    for page, length in zip(noise, kept, strict=True):
        page[length:] = 5
    return Contents(np.ascontiguousarray(noise), "cut")


def lengths(engine: Replay) -> int:
    return engine.counters_now()["compr_data_size"]


def test_a_length_from_huge_class_size_on_is_stored_raw() -> None:
    contents = of_lengths(*[3700] * PAGES)
    assert {lz4_length(page.tobytes()) for page in contents.images} <= {*range(3625, 4096)}
    counters = touch(opened(contents, dram=60 * 4096, swap="none"), [*range(61)], ends=True)
    huge = counters["stored_incompressible_pages"]
    assert huge == counters["stored_pages"] == counters["huge_pages_since"] > 0
    assert counters["compr_data_size"] == huge * 4096


def test_a_length_below_huge_class_size_is_stored_compressed() -> None:
    contents = of_lengths(*[3500] * PAGES)
    counters = touch(opened(contents), [*range(44)])
    assert counters["huge_pages_since"] == 0
    assert counters["stored_pages"] > 0


def test_a_page_of_one_word_takes_no_object() -> None:
    counters = touch(opened(word_pages()), [*range(PAGES)])
    assert counters["same_filled_pages"] == counters["stored_pages"] == PAGES - FRAMES
    assert counters["pool_total_size"] == counters["compr_data_size"] == 0


def test_mem_limit_fails_the_write_and_the_page_stays() -> None:
    engine = opened(contents_of("text"), "zram:mem_limit=8K", swap="none")
    counters = touch(engine, [*range(PAGES)], ends=True)
    assert counters["failed_writes"] == counters["kept_pages"] > 0
    assert counters["pool_total_size"] <= 2 * 4096
    assert counters["pswpout"] == counters["stored_pages"]
    assert engine.out_of_memory


def test_mem_used_max_has_what_the_failed_write_took() -> None:
    """zram allocates first and checks its limit after that."""
    contents = of_lengths(*[2500] * PAGES)  # a zspage of five frames
    counters = touch(opened(contents, "zram:mem_limit=16K"), [*range(FRAMES + 1)], ends=True)
    assert counters["pool_total_size"] == 0
    assert counters["peak_pool_total_size"] == 5 * 4096


def test_disksize_limits_the_slots() -> None:
    engine = opened(word_pages(), "zram:disksize=12K")
    counters = touch(engine, [*range(PAGES)], ends=True)
    assert counters["stored_pages"] == 3
    assert counters["failed_writes"] == 0, "there is no swap slot to write to"
    assert engine.out_of_memory


def test_with_zram_as_swap_every_swap_in_frees_its_slot() -> None:
    engine = opened(contents_of("text"))
    before = touch(engine, [*range(44)], write=False)
    after = touch(engine, [0], write=False)
    assert after["pswpin"] == 1
    assert after["stored_pages"] == before["stored_pages"] + (after["pswpout"] - before["pswpout"]) - 1
    assert touch(engine, [*range(1, 44)], write=False)["dropped_clean_pages"] == 0
    counters = engine.counters_now()
    assert counters["pswpout"] - counters["pswpin"] == counters["stored_pages"]


def test_a_slot_stays_until_it_is_overwritten() -> None:
    engine = opened(contents_of("text"), exclusive_loads=False)
    before = touch(engine, [*range(44)], write=False)
    after = touch(engine, [0], write=False)
    assert after["stored_pages"] == before["stored_pages"] + after["pswpout"] - before["pswpout"]
    after = touch(engine, [0], write=True)
    assert after["stored_pages"] == before["stored_pages"] + after["pswpout"] - before["pswpout"], "stale, and there"


def test_a_clean_page_whose_slot_is_valid_is_not_compressed_again() -> None:
    engine = opened(contents_of("text"), exclusive_loads=False)
    touch(engine, [*range(44)], write=False)
    counters = touch(engine, [*range(44), *range(44)], write=False)
    assert counters["dropped_clean_pages"] > 0
    assert counters["pswpout"] < counters["reclaimed_pages"]


def test_an_overwrite_allocates_the_new_object_before_it_frees_the_old() -> None:
    """At the limit there is no room for the new object beside the old one, although it would fit in place of that."""
    contents = of_lengths(*[4096] * PAGES)
    engine = opened(contents, "zram:mem_limit=4K", exclusive_loads=False)
    touch(engine, [*range(FRAMES)])
    engine.feed(np.array([FRAMES], np.uint32), np.ones(1, np.uint8))
    counters = engine.counters_now()
    assert counters["stored_pages"] <= 1
    assert counters["peak_pool_total_size"] == 2 * 4096, "two frames, for a moment"


def test_idle_marks_go_with_an_access() -> None:
    engine = opened(contents_of("text"), exclusive_loads=False)
    touch(engine, [*range(48)], write=False)
    mark_idle(engine.backend)
    engine.check()
    stored = engine.counters_now()["stored_pages"]
    touch(engine, [0, 1], write=False)
    new = engine.counters_now()["pswpout"] - stored
    assert write_back(engine.backend, IDLE_SLOTS, 1000) == stored - 2
    engine.check()
    assert engine.counters_now()["stored_pages"] == 2 + new


def test_same_filled_slots_are_never_idle() -> None:
    engine = opened(word_pages())
    touch(engine, [*range(PAGES)])
    mark_idle(engine.backend)
    assert write_back(engine.backend, IDLE_SLOTS, 1000) == 0


def test_writeback_of_huge_slots_alone() -> None:
    contents = of_lengths(*[500, 500, 500, 500, 4096] * 12)
    engine = opened(contents)
    huge = touch(engine, [*range(52)])["stored_incompressible_pages"]
    assert huge > 1
    before = engine.counters_now()
    assert write_back(engine.backend, HUGE_SLOTS, 1000) == huge
    counters = engine.counters_now()
    assert counters["stored_incompressible_pages"] == 0
    assert counters["bd_writes"] == counters["device_pages"] == huge
    assert counters["stored_pages"] == before["stored_pages"] - huge


def test_writeback_is_largest_first_under_a_limit_in_pages() -> None:
    contents = of_lengths(*[400, 1000, 2000] * 20)
    engine = opened(contents)
    counters = touch(engine, [*range(FRAMES + 8)], write=False)
    held = [lz4_length(page.tobytes()) for page in contents.images[: counters["stored_pages"]]]
    assert counters["compr_data_size"] == sum(held)
    assert write_back(engine.backend, ALL, 3) == 3
    # Slots are chosen by ranges of 64 bytes, in each range the last slot first.
    largest = sorted(range(len(held)), key=lambda slot: (held[slot] // 64, slot))[-3:]
    assert lengths(engine) == sum(held) - sum(held[slot] for slot in largest)
    assert touch(engine, [largest[0]])["bd_reads"] == 1


def test_reading_a_written_back_slot_does_not_bring_it_back_into_the_pool() -> None:
    engine = opened(contents_of("text"), exclusive_loads=False)
    touch(engine, [*range(44)], write=False)
    write_back(engine.backend, ALL, 1000)
    before = engine.counters_now()
    after = touch(engine, [0], write=False)
    assert after["bd_reads"] == 1
    assert after["device_pages"] == before["device_pages"]
    assert after["zswpin"] == 0
    assert after["pswpin"] == before["pswpin"] + 1


def test_recompression_tries_the_codecs_in_turn() -> None:
    engine = opened(contents_of("text", 2), "zram:algorithms=zstd")
    before = touch(engine, [*range(48)])
    assert recompress_slots(engine.backend, ALL, 0) > 0
    engine.check()
    after = engine.counters_now()
    assert after["compr_data_size"] < before["compr_data_size"]
    assert after["stored_pages"] == before["stored_pages"]
    assert recompress_slots(engine.backend, ALL, 0) == 0, "the strongest has been tried"
    touch(engine, [*range(48)])
    assert engine.verified_pages == engine.counters_now()["major_faults"] > 0


def test_recompression_succeeds_only_where_the_size_class_gets_smaller() -> None:
    """The same codec makes the same length again."""
    engine = opened(contents_of("text"), "zram:algorithms=lz4")
    before = touch(engine, [*range(48)])
    assert recompress_slots(engine.backend, ALL, 0) == 0
    assert lengths(engine) == before["compr_data_size"]


def test_failure_at_the_strongest_marks_the_slot_incompressible() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=lz4")
    stored = touch(engine, [*range(48)])["stored_pages"]
    assert write_back(engine.backend, INCOMPRESSIBLE_SLOTS, 1000) == 0
    recompress_slots(engine.backend, ALL, 0)
    assert engine.counters_now()["recompress_fail"] == stored
    assert write_back(engine.backend, INCOMPRESSIBLE_SLOTS, 1000) == stored


def test_the_threshold_of_recompression() -> None:
    """Objects below the threshold are left alone; results at or above it are dropped."""
    contents = contents_of("text")
    strong = [len(get_compressor("zstd").compress(page)) for page in contents.images]
    engine = opened(contents, "zram:algorithms=zstd")
    counters = touch(engine, [*range(48)], write=False)
    stored = contents.images[: counters["stored_pages"]]
    assert recompress_slots(engine.backend, ALL, 3624) == 0, "all objects are below it"
    threshold = sorted(strong[: len(stored)])[len(stored) // 2]
    changed = recompress_slots(engine.backend, ALL, threshold)
    assert 0 < changed <= sum(length < threshold for length in strong[: len(stored)])


def test_recompression_of_idle_slots_alone() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=zstd")
    touch(engine, [*range(46)])
    assert recompress_slots(engine.backend, IDLE_SLOTS, 0) == 0
    mark_idle(engine.backend)
    assert recompress_slots(engine.backend, IDLE_SLOTS, 0) > 0


def test_huge_slots_alone_and_those_that_are_idle_too() -> None:
    """The choices of recompression and of writeback are huge and huge_idle."""
    engine = opened(of_lengths(*[500, 500, 500, 500, 4096] * 12), "zram:algorithms=lz4", exclusive_loads=False)
    huge = touch(engine, [*range(52)], write=False)["stored_incompressible_pages"]
    recompress_slots(engine.backend, HUGE_SLOTS | IDLE_SLOTS)
    assert engine.counters_now()["recompress_fail"] == 0
    mark_idle(engine.backend)
    touch(engine, [4], write=False)  # the first huge page is no longer idle
    assert write_back(engine.backend, HUGE_SLOTS | IDLE_SLOTS, 1000) == huge - 1
    recompress_slots(engine.backend, HUGE_SLOTS)
    assert engine.counters_now()["recompress_fail"] >= 1
    assert engine.counters_now()["bd_writes"] == huge - 1


def test_idle_by_age_marks_slots_that_were_not_accessed_for_longer() -> None:
    """mark_idle() with a cutoff clears the mark of younger slots."""
    engine = opened(contents_of("text"), "zram:idle_every=1000,idle_age=1", exclusive_loads=False)
    touch(engine, [*range(42)], write=False)  # 41 accesses before page 0 is swapped out, and so on
    early = engine.counters_now()["stored_pages"]
    touch(engine, [*range(42, 46)], write=False)
    stored = engine.counters_now()["stored_pages"]
    mark_idle(engine.backend)
    mark_idle(engine.backend, 46, 4)
    assert write_back(engine.backend, IDLE_SLOTS, 1000) == early < stored
    assert touch(engine, [0], write=False)["bd_reads"] == 1, "the first that went is the oldest"
    mark_idle(engine.backend, 46, 0)
    assert write_back(engine.backend, IDLE_SLOTS, 1000) >= stored - early


def test_a_load_makes_a_slot_young() -> None:
    engine = opened(contents_of("text"), "zram:idle_every=1000,idle_age=1", exclusive_loads=False)
    touch(engine, [*range(44)], write=False)
    touch(engine, [1], write=False)
    mark_idle(engine.backend, 45, 2)
    write_back(engine.backend, IDLE_SLOTS, 1000)
    assert touch(engine, [0], write=False)["bd_reads"] == 1
    before = touch(engine, [*range(4, 44)], write=False)  # 1 is evicted again, still clean
    after = touch(engine, [1], write=False)
    assert after["bd_reads"] == before["bd_reads"]
    assert after["pswpin"] == before["pswpin"] + 1


def test_idle_by_age_needs_the_times_of_access() -> None:
    """Without CONFIG_ZRAM_TRACK_ENTRY_ACTIME the idle file rejects numbers."""
    with pytest.raises(InputError, match="a pool that tracks accesses"):
        mark_idle(opened(contents_of("text")).backend, 100, 10)


def test_writeback_of_page_indexes_alone() -> None:
    engine = opened(contents_of("text"))
    touch(engine, [*range(50)])
    assert write_back(engine.backend, ALL, 1000, [(3, 3)]) == 1
    assert write_back(engine.backend, ALL, 1000, [(5, 7), (1, 1), (6, 8), (7, 7)]) == 5, "each slot once"
    assert write_back(engine.backend, ALL, 1000, [(3, 3), (60, 63)]) == 0, "it is written, they were never stored"
    engine.check()
    assert touch(engine, [3, 8])["bd_reads"] == 2
    assert touch(engine, [4])["bd_reads"] == 2


def test_page_indexes_beyond_the_device_are_refused() -> None:
    engine = opened(contents_of("text"))
    for wrong in ((0, PAGES), (5, 4), (-1, 3)):
        with pytest.raises(InputError, match=f"expected two of 0 to {PAGES - 1}, the lower one first"):
            write_back(engine.backend, ALL, 1000, [wrong])
    asked = Settings(dram="60%", backend="zram:writeback_every=10,page_indexes=7+100-199")
    with pytest.raises(InputError, match="slots 100-199: expected two of 0 to 49"):
        run("gen:loop,pages=50,events=500", "recipe:text", asked)


def test_writeback_goes_on_after_a_slot_that_does_not_decode() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=zstd")
    stored = touch(engine, [*range(48)])["stored_pages"]
    recompress_slots(engine.backend, ALL)
    engine.backend.inject_fault(2, 0, 0xFF)  # the magic number of zstd
    assert write_back(engine.backend, ALL, 1000) == stored - 1
    counters = engine.counters_now()
    assert (counters["decompress_fail"], counters["stored_pages"]) == (1, 1)
    touch(engine, [0, 1])
    with pytest.raises(CorruptPageError, match="page 2"):
        touch(engine, [2])


def test_recompression_ends_at_a_slot_that_does_not_decode() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=zstd+zstd:level=9")
    stored = touch(engine, [*range(48)])["stored_pages"]
    assert recompress_slots(engine.backend, ALL, 0, 1) == stored
    for slot in range(8):
        engine.backend.inject_fault(slot, 0, 0xFF)
    recompress_slots(engine.backend, ALL)
    counters = engine.counters_now()
    assert counters["decompress_fail"] == 1
    assert counters["stored_pages"] == stored


def test_recompression_by_priority_takes_that_codec_alone() -> None:
    contents = contents_of("text")
    lengths_by = {spec: [len(get_compressor(spec).compress(page)) for page in contents.images] for spec in CODECS}
    engine = opened(contents, "zram:algorithms=" + "+".join(CODECS))
    stored = touch(engine, [*range(48)], write=False)["stored_pages"]
    assert recompress_slots(engine.backend, ALL, 0, 2) == stored
    assert lengths(engine) == sum(lengths_by[CODECS[1]][:stored])
    assert recompress_slots(engine.backend, ALL, 0, 1) == 0, "they were compressed by a stronger one"
    assert engine.counters_now()["recompress_fail"] == 0
    with pytest.raises(InputError, match="priority 3: expected 1 to 2"):
        recompress_slots(engine.backend, ALL, 0, 3)


def test_only_the_strongest_codec_marks_a_slot_incompressible() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=lz4+zstd")
    touch(engine, [*range(48)])
    assert recompress_slots(engine.backend, ALL, 0, 1) == 0
    assert engine.counters_now()["recompress_fail"] == 0
    assert write_back(engine.backend, INCOMPRESSIBLE_SLOTS, 1000) == 0


def test_a_result_at_the_threshold_marks_the_slot_incompressible_too() -> None:
    """Linux marks a slot incompressible since 6.15, if no codec could shrink it."""
    engine = opened(contents_of("text"), "zram:algorithms=zstd")
    stored = touch(engine, [*range(48)])["stored_pages"]
    assert recompress_slots(engine.backend, ALL, 100) == 0
    assert engine.counters_now()["recompress_fail"] == stored


def test_max_pages_limits_the_slots_that_are_tried_whatever_comes_of_it() -> None:
    engine = opened(contents_of("text"), "zram:algorithms=zstd")
    touch(engine, [*range(48)])
    assert recompress_slots(engine.backend, ALL, 0, 0, 3) == 3
    assert recompress_slots(engine.backend, ALL, 0, 0, 0) == 0
    poor = opened(contents_of("text"), "zram:algorithms=lz4")
    touch(poor, [*range(48)])
    assert recompress_slots(poor.backend, ALL, 0, 0, 2) == 0
    assert poor.counters_now()["recompress_fail"] == 2


def test_a_threshold_of_huge_pages_is_refused() -> None:
    with pytest.raises(InputError, match="threshold 3625: expected less than 3625 bytes"):
        recompress_slots(opened(contents_of("text"), "zram:algorithms=zstd").backend, ALL, 3625)
    asked = Settings(dram="60%", backend="zram:algorithms=zstd,recompress_every=10,threshold=3300", chain_size=4)
    with pytest.raises(InputError, match="threshold 3300: expected less than 3257 bytes"):
        run("gen:loop,pages=50,events=500", "recipe:text", asked)


@pytest.mark.parametrize(
    ("parameters", "wrote"),
    [("writeback_limit_enable=1", 0), ("writeback_limit_enable=1,writeback_limit=7", 7), ("", 100)],
)
def test_writeback_limit_counts_where_it_is_enabled(parameters: str, wrote: int) -> None:
    backend = "zram:idle_every=500,writeback_every=500" + ("," + parameters if parameters else "")
    trace = "gen:zipf,pages=600,events=6000,alpha=0.8"
    found = run(trace, "recipe:text,pages=100", Settings(dram="60%", backend=backend, depth="sizes")).counters
    assert found["bd_writes"] == wrote if wrote < 100 else found["bd_writes"] > wrote


def test_what_zram_is_asked_for_by_a_spec() -> None:
    codecs = "algorithms=zstd+zstd:level=9"
    assert parse_backend(f"zram:{codecs},algo=zstd:level=9").values["priority"] == 2
    assert parse_backend("zram:writeback_every=5,page_indexes=7+100-199").values["page_indexes"] == [(7, 7), (100, 199)]
    for wrong, said in {
        f"{codecs},algo=lzo": "priority or algo to name one of 2 algorithms",
        f"{codecs},priority=3": "priority or algo to name one of 2 algorithms",
        f"{codecs},algo=zstd,priority=1": "either priority or algo",
        "writeback_limit=5": "writeback_limit_enable=1 as well",
        "idle_age=5": "idle_every as well",
        "page_indexes=9-5": "as in 1\\+5-9, got '9-5'",
        "charged=2": "from 0 to 1",
    }.items():
        with pytest.raises(InputError, match=said):
            parse_backend(f"zram:{wrong}")
    with pytest.raises(InputError, match="not charged=0"):
        parse_backend("zram:charged=0/zswap")


@pytest.mark.parametrize("depth", ["bytes", "sizes", "counts"])
def test_a_pool_that_is_not_charged_takes_nothing_of_the_workload_s_dram(depth: str) -> None:
    """In a memory-limited group too, zram's memory is charged to no group."""
    contents = None if depth == "counts" else "recipe:text,pages=100"
    trace = "gen:zipf,pages=600,events=6000,alpha=0.8,writes=0.3"
    found = run(trace, contents, Settings(dram="40%", backend="zram:charged=0", depth=depth))
    plain = run(trace, None, Settings(dram="40%", node="100%"))
    assert found.outcome == "completed"
    assert found.counters["pool_total_size"] > 0
    assert found.counters["major_faults"] == plain.counters["major_faults"]
    assert found.counters["resident_pages"] == found.settings["dram_frames"]
    assert found.owners["dram of others"]["swap backend"] * 4096 == found.counters["pool_total_size"]
    assert found.owners["dram"].get("swap backend", 0) == 0
    assert "pool at its peak, beside it" in result_text(found)


@pytest.mark.parametrize("depth", ["bytes", "sizes"])
def test_upkeep_is_done_every_so_many_accesses(depth: str) -> None:
    backend = "zram:algorithms=zstd,recompress_every=1700,idle_every=1500,writeback_every=1900"
    backend += ",writeback_limit_enable=1,writeback_limit=40"
    settings = Settings(dram="60%", backend=backend, depth=depth, window=333)
    trace = "gen:zipf,pages=2000,events=20000,alpha=0.8,writes=0.3"
    result = run(trace, "recipe:mix,pages=200", settings)
    counters = result.counters
    assert result.outcome == "completed"
    assert counters["bd_writes"] == 40, "the limit is of the whole run"
    assert counters["recompressed_pages"] > 0
    plain = run(trace, "recipe:mix,pages=200", Settings(dram="60%", depth=depth, backend="zram")).counters
    assert plain["bd_writes"] == plain["recompressed_pages"] == 0


def test_traffic_is_that_of_a_swap_device() -> None:
    counters = touch(opened(contents_of("text")), [*range(48), *range(8)])
    assert counters["zswpin"] == counters["zswpout"] == counters["zswpwb"] == 0
    assert counters["pswpin"] == counters["major_faults"] > 0
