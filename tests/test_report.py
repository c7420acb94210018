"""Make reports from Results written by hand: no engine is needed to test them."""

import re

import pytest
from report_records import a_result, column_of

from zswapsim.report import figures
from zswapsim.report.comparison import comparison_text
from zswapsim.report.table import BOLD_GREEN, Column, render
from zswapsim.report.text import result_text
from zswapsim.report.units import SIZES, TIMES, count, duration, factor, in_one_unit, share
from zswapsim.study.run.result import OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ns"), (999, "999 ns"), (7_310, "7.31 µs"), (12_345, "12.3 µs"), (999_999, "1.00 ms"), (2.5e11, "250 s")],
)
def test_duration(nanoseconds, text):
    assert duration(nanoseconds) == text


def test_units_of_nothing():
    assert (count(1234567), factor(None), share(1, 0), share(1, 8)) == ("1,234,567", "-", "-", "12.5 %")


def test_a_column_has_one_unit():
    assert in_one_unit([7_310, 77_000, None, 0], TIMES) == ("µs", ["7.31", "77.0", "-", "0.00"])
    assert in_one_unit([12 << 20, 3 << 30], SIZES) == ("MiB", ["12.0", "3,072"])
    assert in_one_unit([None], SIZES) == ("B", ["-"])


def test_table_aligns_numbers_whether_marked_or_not():
    text = render([Column("name", ["a", "bb"], left=True)], [Column("n", ["1", "22"], best=frozenset({0}))])
    assert text.splitlines() == ["name   n", "----  ---", "a      1*", "bb    22"]


def test_table_breaks_into_blocks_and_repeats_its_keys():
    columns = [Column(f"column {number}", ["1", "2"]) for number in range(9)]
    text = render([Column("key", ["x", "y"], left=True)], columns, width=40)
    assert max(map(len, text.splitlines())) <= 40
    assert text.count("key") == 3
    assert all(f"column {number}" in text for number in range(9))


def test_run_says_everything_that_moved():
    text = result_text(a_result(reject_compress_fail=7, a_new_counter=99))
    for needed in ("123,456", "123.46 in 1000", "zswpwb", "64.0 MiB", "swap backend 2,600", "p99.9 80.0 µs", "7.31 µs"):
        assert needed in text
    assert re.search(r"reject_compress_fail +7", text)
    assert re.search(r"a_new_counter +99", text)
    assert "pool_limit_hit" not in text
    assert "\x1b" not in text


def test_run_on_a_disk_tells_of_no_node():
    text = result_text(a_result(settings={"backend": "disk"}, pool_total_size=0, stored_pages=0))
    assert "private node" not in text
    assert "lz4" not in text


def test_run_without_a_fault():
    result = a_result(major_faults=0, accesses=0)
    result.fault_latency_ns.clear()
    assert "a major fault" not in result_text(result)


def test_figures():
    result = a_result()
    assert figures.ratio(result) == pytest.approx(8_192 / 2_600)
    assert figures.pool_saved(result) == (8_192 - 2_600) * 4096
    assert figures.dram_saved(result) == 8_192 * 4096
    assert figures.ratio(a_result(pool_total_size=0)) is None
    result.settings["footprint_pages"] = 20_000
    assert figures.footprint(result) == 20_000 * 4096


def test_comparison_marks_the_best_of_each_column():
    rows = [
        a_result("lz4", major_faults=50, modelled={"total": 2e6}),
        a_result("zstd:level=3", major_faults=40, pool_total_size=1_000 * 4096, modelled={"total": 3e6}),
        a_result("store", major_faults=40, modelled={"total": 1e6}),
    ]
    text = comparison_text(rows)
    assert column_of(text, "compressor") == ["lz4", "zstd:level=3", "store"]
    assert column_of(text, "major faults") == ["50", "40*", "40*"]
    assert column_of(text, "ratio") == ["3.15", "8.19*", "3.15"]
    assert column_of(text, "x best") == ["2.00", "3.00", "1.00*"]
    assert column_of(text, "written back") == ["3,000"] * 3, "nothing is best where all are equal"
    assert BOLD_GREEN not in text
    assert comparison_text(rows, colour=True).count(BOLD_GREEN) == text.count("*") - 1


def test_comparison_shows_only_settings_that_differ():
    text = comparison_text([a_result(), a_result(settings={"dram": "30%"})])
    assert column_of(text, "dram") == ["50%", "30%"]
    assert "compressor lz4" in text.splitlines()[0]
    text = comparison_text([a_result(settings={"reclaim_batch": 1}), a_result(settings={"reclaim_batch": 32})])
    assert column_of(text, "reclaim_batch") == ["1", "32"]


def test_comparison_with_a_disk_and_a_failed_run():
    failed = a_result(outcome=OUT_OF_MEMORY, major_faults=1, modelled={"total": 1.0})
    text = comparison_text([a_result(major_faults=9), a_result(settings={"backend": "disk"}, major_faults=5), failed])
    assert column_of(text, "outcome") == ["completed", "completed", "out of memory"]
    assert column_of(text, "major faults") == ["9", "5*", "1"], "a run that ended early wins nothing"
    assert column_of(text, "compressor") == ["lz4", "-", "lz4"]
    assert column_of(text, "ratio") == ["3.15", "-", "3.15"]
    assert column_of(text, "x best") == ["1.00", "1.00", "-"]


def test_comparison_of_one():
    assert column_of(comparison_text([a_result()]), "compressor") == ["lz4"]
