"""Test the comparison and the advice from it: every column, mark and sentence on both sides of its condition."""

import pytest
from report_records import a_result, column_of

from zswapsim.report.advice import advice
from zswapsim.report.comparison import comparison_text
from zswapsim.study.run.result import OUT_OF_MEMORY

PAGE = 4096


def taken(name: str = "lz4", stall: float = 2e6, written: int = 0, peak: int = 3_000, **settings):
    counters = {"written_back_pages": written, "peak_pool_total_size": peak * PAGE}
    return a_result(name, settings=settings, modelled={"total": stall}, **counters)


# -- the comparison ---------------------------------------------------------------------------------------------------


def test_a_plain_disk_has_no_figures_of_a_pool():
    text = comparison_text([a_result(), a_result(settings={"backend": "disk"})])
    for title in ("pool peak MiB", "ratio", "saved MiB", "written back"):
        assert column_of(text, title)[1] == "-", title
    assert column_of(text, "compressor") == ["lz4", "-"]
    assert column_of(text, "node") == ["25%", "-"]


@pytest.mark.parametrize(("backend", "share"), [("zswap", "36.62"), ("zram:charged=0", None), ("private-node", None)])
def test_the_share_of_dram_is_a_column_if_a_pool_takes_some(backend, share):
    text = comparison_text([a_result(settings={"backend": backend}), a_result("zstd", settings={"backend": backend})])
    assert (column_of(text, "% of DRAM") == [share] * 2) if share else ("% of DRAM" not in text)
    legend = "% of DRAM: the most of the workload's DRAM that the pool took."
    assert (legend in text) == bool(share)


def test_readahead_is_a_column_if_pages_were_read_ahead():
    assert "read-ahead" not in comparison_text([a_result(swap_ra=0, swap_ra_hit=0, swap_ra_unused=0)])
    rows = [a_result(swap_ra=5, swap_ra_hit=3, swap_ra_unused=2), a_result("zstd"), a_result(
        "store", swap_ra=9, swap_ra_hit=1, swap_ra_unused=8)]  # fmt: skip
    text = comparison_text(rows)
    assert column_of(text, "read-ahead hits") == ["3*", "-", "1"]
    assert column_of(text, "read-ahead unused") == ["2*", "-", "8"]


def test_zram_s_own_writeback_is_in_the_column_of_pages_written_back():
    rows = [a_result(written_back_pages=0, bd_writes=2), a_result("zstd", written_back_pages=1)]
    assert column_of(comparison_text(rows), "written back") == ["2", "1*"]


def test_the_best_of_a_column_is_its_highest_or_lowest():
    rows = [a_result("a", stored_pages=9_000, peak_pool_total_size=PAGE << 8), a_result("b")]
    text = comparison_text(rows)
    assert column_of(text, "ratio") == ["3.46*", "3.15"]
    assert column_of(text, "pool peak MiB") == ["1.00*", "11.7"]
    assert column_of(text, "saved MiB") == ["25.0*", "21.8"]


def test_without_any_waiting_no_run_is_so_many_times_the_best():
    text = comparison_text([taken(stall=0.0), taken("zstd", stall=5.0)])
    assert column_of(text, "x best") == ["-", "-"]
    assert column_of(text, "stall ns") == ["0*", "5"]
    assert column_of(comparison_text([taken(stall=4.0), taken("zstd", stall=5.0)]), "x best") == ["1.00*", "1.25"]


def test_the_outcome_is_a_column_if_a_run_did_not_complete():
    assert "outcome" not in comparison_text([a_result(), a_result("zstd")])
    failed = comparison_text([a_result(), a_result("zstd", outcome=OUT_OF_MEMORY)])
    assert column_of(failed, "outcome") == ["completed", "out of memory"]


def test_accesses_are_those_of_the_run_that_got_farthest():
    text = comparison_text([a_result(accesses=5, pages=4), a_result("zstd", accesses=7, pages=3)])
    assert text.splitlines()[1] == "7 accesses to 4 pages"
    assert text.splitlines()[0].startswith("trace gen:zipf, contents recipe:mix, depth bytes, backend private-node, ")


def test_contents_that_are_missing_are_none():
    result = a_result()
    result.settings["contents"] = ""
    assert ", contents none, " in comparison_text([result])


# -- the advice: what to take -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (2.2e6, ", 1.1 times less than with plain swap."),
        (2e6, "; with plain swap it would wait as long."),
        (1.9e6, "; with plain swap it would wait less."),
    ],
)
def test_plain_swap_is_said_to_wait_more_as_long_or_less(disk, said):
    first = advice([taken(), taken(stall=disk, backend="disk")]).splitlines()[0]
    assert first == (
        "Take lz4: with 32.0 MiB of DRAM less, the workload waits 2.00 ms in all and 7.31 µs a major fault "
        f"(p99 20.0 µs){said}"
    )


def test_without_waiting_plain_swap_is_no_measure():
    assert "plain swap" not in advice([taken(stall=0.0), taken(stall=1e6, backend="disk")])


def test_dram_beyond_the_footprint_is_no_saving():
    result = taken()
    result.settings["dram_frames"] = 16_385
    assert advice([result]).startswith("Take lz4: with 0 B of DRAM less, ")


def test_a_disk_that_failed_is_no_measure():
    failed = a_result(outcome=OUT_OF_MEMORY, settings={"backend": "disk"}, modelled={"total": 1e9})
    assert "plain swap" not in advice([taken(), failed])


# -- the advice: what it costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peak", "said"),
    [
        (8_191, "so 4.0 KiB of memory are saved; "),
        (8_192, "so no memory is saved; "),
        (8_193, "so no memory is saved; "),
    ],
)
def test_memory_is_said_to_be_saved_from_one_page_on(peak, said):
    assert said in advice([taken(peak=peak)])


@pytest.mark.parametrize(
    ("backend", "place"),
    [
        ("private-node", "the private node"),
        ("zswap", "the workload's DRAM"),
        ("zram", "the workload's DRAM"),
        ("zram:charged=0", "DRAM of others"),
    ],
)
def test_the_price_names_the_memory_that_the_pool_takes(backend, place):
    text = advice([taken(peak=2_560, backend=backend), taken("zstd", 3e6, peak=256, backend=backend)])
    assert f"For that it takes 10.0 MiB of {place} (ratio 3.15) and writes nothing back to the device, " in text
    assert text.endswith(f"zstd would take 1.0 MiB of {place}, for 1.50 times the waiting.")


def test_what_zram_writes_back_by_itself_is_written_back():
    wrote = a_result(settings={"backend": "zram"}, written_back_pages=0, bd_writes=9)
    assert "and writes 9 pages back to the device" in advice([wrote])


# -- the advice: what another would change ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peak", "named"),
    [(2_849, True), (2_850, False), (2_851, False), (3_001, False)],
)
def test_a_pool_is_called_smaller_if_it_is_smaller_by_more_than_five_per_cent(peak, named):
    text = advice([taken(peak=3_000), taken("zstd", 3e6, peak=peak)])
    assert text.endswith("for 1.50 times the waiting.") == named
    assert text.endswith("no other compressor takes less of either.") != named


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (4, "zstd would write back 4 pages, for 1.50 times the waiting."),
        (5, "no other compressor takes less of either."),
        (6, "no other compressor takes less of either."),
    ],
)
def test_a_rival_that_writes_back_less_is_named(written, said):
    assert advice([taken(written=5), taken("zstd", 3e6, written=written)]).endswith(said)


def test_of_rivals_that_write_back_as_little_the_one_that_waits_less_is_named():
    rivals = [taken("zstd", 9e6, written=1), taken("lzo", 4e6, written=1), taken("store", 3e6, written=2)]
    assert advice([taken(written=5), *rivals]).endswith("lzo would write back 1 page, for 2.00 times the waiting.")


def test_a_smaller_pool_that_writes_back_more_is_not_named():
    assert advice([taken(), taken("zstd", 3e6, written=1, peak=100)]).endswith("takes less of either.")


def test_of_smaller_pools_the_smallest_is_named():
    rivals = [taken("zstd", 3e6, peak=1_500), taken("deflate", 4e6, peak=1_000)]
    assert advice([taken(), *rivals]).endswith(
        "deflate would take 3.9 MiB of the private node, for 2.00 times the waiting."
    )


def test_the_waiting_of_a_rival_has_no_factor_if_the_best_has_none():
    assert advice([taken(stall=0.0), taken("zstd", 0.0, peak=100)]).endswith("for the same waiting.")


def test_of_equal_waiting_the_first_is_taken():
    assert advice([taken("a"), taken("b")]).startswith("Take a: ")
    assert advice([taken("a", 3e6), taken("b")]).startswith("Take b: ")
