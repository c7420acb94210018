"""Test the tables of a plan and the lines between them, from plain records."""

import msgspec
import pytest
from report_records import a_plan, a_point, a_trial, column_of

from zswapsim.report.plan import pace_text, plan_text, working_set_text
from zswapsim.study.plan.access_rate import ASKED, DEFAULT, FROM_TRACE, OBSERVED, WINDOW_NS, AccessRate
from zswapsim.study.plan.estimate import Unseen
from zswapsim.study.plan.plan_point import UNDISTURBED_SHARE, Prices

WHOLE = a_point(
    dram_frames=1_000, node_frames=0, saved=0.0, slowdown=0.0, promotion=0.1, fault_mean_ns=0.0, fault_p99_ns=0.0
)


def text_of(**others) -> str:
    return plan_text(a_plan(**{"points": [WHOLE, a_point()], **others}))


def one_line(text: str) -> str:
    return " ".join(text.split())


# -- the head ---------------------------------------------------------------------------------------------------------


def test_the_head_says_what_was_asked_and_on_what_it_rests():
    lines = text_of(limits=["it is a guess"]).splitlines()
    assert lines[:5] == [
        "trace t, 600,000,000 accesses to 1,000 pages (3.9 MiB); contents c",
        "asked for slowdown<5%; reclaim lru, modelled machine cxl-nvme",
        "faults by DRAM size: one pass",
        "  it is a guess",
        "pace 100 ns an access, 60.0 s in all: as asked for",
    ]


def test_a_process_has_no_accesses_that_were_counted():
    assert text_of(accesses=None).startswith("t, 1,000 pages (3.9 MiB); contents c\n")
    assert text_of(accesses=1).startswith("trace t, 1 access to 1,000 pages ")
    assert text_of(accesses=2).startswith("trace t, 2 accesses to 1,000 pages ")


def test_prices_are_said_if_there_are_any():
    assert "prices" not in text_of()
    priced = [msgspec.structs.replace(each, money=0.5, money_saved=0.25) for each in (WHOLE, a_point())]
    text = text_of(points=priced, trial=a_trial(priced[1], priced[1]), prices=Prices(dram=4.0, node=0.5))
    assert "\nprices a GiB: DRAM 4, node 0.5\n" in text
    assert column_of(text.partition("lz4\n")[2], "cost") == ["0.5000", "0.5000"]


@pytest.mark.parametrize(("source", "said"), [
    (FROM_TRACE, "from the trace's time_ns"), (ASKED, "as asked for"), (DEFAULT, "that of local DRAM, as the trace"),
])  # fmt: skip
def test_the_source_of_the_pace_is_said(source, said):
    rate = AccessRate(access_ns=90.0, base_ns=9e9, source=source, working_set=5.0)
    assert pace_text(rate).startswith(f"pace 90 ns an access, 9.00 s in all: {said}")


def test_without_accesses_rates_are_by_the_time_of_the_observation():
    rate = AccessRate(access_ns=None, base_ns=9e9, source=OBSERVED, working_set=5.0)
    assert pace_text(rate) == "rates by the 9.00 s in which the process was observed"


@pytest.mark.parametrize(
    ("base_ns", "seconds", "pages", "said"),
    [
        (WINDOW_NS, 120.0, 500.0, "working set 500 pages: accessed within 120 s, the whole time"),
        (WINDOW_NS + 1, 120.0, 500.0, "working set 500 pages: accessed within 120 s, mean over the trace"),
        (9e9, 9.0, 1.4, "working set 1 page: accessed within 9.00 s, the whole time"),
        (9e9, 0.0, 7.0, "working set not known: all 7 pages are counted in it"),
    ],
)
def test_the_working_set_is_said_with_its_time(base_ns, seconds, pages, said):
    rate = AccessRate(access_ns=1.0, base_ns=base_ns, source=ASKED, working_set=pages, working_set_seconds=seconds)
    assert working_set_text(rate) == said


# -- tables -----------------------------------------------------------------------------------------------------------


def test_faults_by_size_have_the_largest_size_first():
    text = text_of().partition("major faults, whatever the compressor\n")[2]
    assert column_of(text, "DRAM MiB") == ["3.91", "2.34"]
    assert column_of(text, "of the footprint") == ["100.0 %", "60.0 %"]
    assert column_of(text, "faults a million") == ["5.00", "5.00"]
    assert column_of(text, "of 0.2 %/min") == ["below", "2.00 x"]
    assert "at least" not in text


@pytest.mark.parametrize(("promotion", "said"), [(0.199, "below"), (0.2, "1.00 x"), (0.3, "1.50 x")])
def test_promotions_are_compared_with_the_line(promotion, said):
    text = text_of(points=[WHOLE, a_point(promotion=promotion)], trial=a_trial(a_point(promotion=promotion)))
    assert column_of(text, "of 0.2 %/min")[1] == said


def test_unknown_figures_are_dashes():
    unknown = a_point(faults_per_million=None)
    text = text_of(points=[WHOLE, unknown], trial=a_trial(unknown), at_least={600: 7.0, 5: 1.0})
    assert column_of(text, "faults a million") == ["5.00", "-"]
    assert column_of(text, "at least") == ["-", "7.00"]


def test_knee_and_recommended_point_are_marked_and_shown_though_no_row_asks_for_them():
    knee, best = a_point(dram_frames=700, saved=15.0), a_point(dram_frames=650, saved=18.0)
    text = text_of(knees={"lz4": knee}, trial=a_trial(best, best), front=[best])
    table = text.partition("\nlz4\n")[2]
    assert column_of(table, "DRAM MiB") == ["3.91", "2.73", "2.54", "2.34"]
    notes = [line.split()[1] for line in table.splitlines()[2:6]]
    assert (notes[1], notes[2]) == ("knee", "take")
    assert column_of(table, "slowdown %") == ["0", "2.00", "2.00*", "2.00"]
    both = text_of(knees={"lz4": a_point()}).partition("\nlz4\n")[2]
    assert "take, knee" in both


def test_each_compressor_has_a_table_of_its_own_points():
    text = text_of(points=[WHOLE, a_point(), a_point("zstd", dram_frames=1_000), a_point("zstd", saved=33.0)])
    assert text.count("\nlz4\nDRAM") == text.count("\nzstd\nDRAM") == 1
    assert column_of(text.partition("\nzstd\n")[2], "saved %")[1] == "33.0"
    assert "33.0" not in text.partition("\nlz4\n")[2].partition("\nzstd\n")[0]


def test_a_point_without_faults_has_no_latency():
    table = text_of().partition("\nlz4\n")[2]
    assert column_of(table, "fault mean µs") == ["-", "9.00"]
    assert column_of(table, "p99 µs") == ["-", "20.0"]


@pytest.mark.parametrize(
    ("money", "shown"),
    [(0.0, "0.00"), (0.05, "0.05000"), (1.0, "1.000"), (9.0, "9.000"), (10.0, "10.00"), (12345.6, "12,346")],
)
def test_costs_have_four_digits(money, shown):
    point = a_point(money=money, money_saved=0.0)
    text = text_of(
        points=[msgspec.structs.replace(WHOLE, money=0.0, money_saved=0.0), point], trial=a_trial(point, point)
    )
    assert column_of(text.partition("\nlz4\n")[2], "cost")[1] == shown


# -- runs -------------------------------------------------------------------------------------------------------------


def test_runs_stand_below_their_estimates_with_the_difference():
    text = text_of(trial=a_trial(a_point(), a_point(saved=19.5, slowdown=2.25, node_frames=180)))
    table = text.partition("run at bytes depth: ")[2]
    assert column_of(table, "saved %") == ["20.0", "19.5", "-0.5"]
    assert column_of(table, "slowdown %") == ["2.00", "2.25", "+0.25"]
    assert column_of(table, "node MiB") == ["0.78", "0.70", "-0.08"]


def test_a_figure_that_one_side_lacks_has_no_difference():
    text = text_of(trial=a_trial(a_point(), a_point(fault_mean_ns=0.0, fault_p99_ns=0.0)))
    assert column_of(text.partition("run at bytes depth: ")[2], "p99 µs") == ["20.0", "-", ""]


@pytest.mark.parametrize(
    ("faults", "verified", "said"),
    [
        (0, 0, "no page was swapped in"),
        (1, 1, "1 page was swapped in, each as it was stored"),
        (2, 2, "2 pages were swapped in, each as it was stored"),
        (2, 0, "2 pages were swapped in"),
    ],
)
def test_pages_that_were_compared_are_said(faults, verified, said):
    trial = a_trial(a_point(), a_point(major_faults=faults), verified_pages=verified)
    assert f"\nrun at bytes depth: {said}\n" in text_of(trial=trial)


def test_a_run_at_sizes_depth_says_why():
    assert "run at sizes depth, as a profile holds no bytes: " in text_of(
        depth="sizes", without_bytes="a profile holds no bytes"
    )
    assert "run at " not in text_of(tries=[])


@pytest.mark.parametrize(("share", "said"), [(UNDISTURBED_SHARE, False), (0.9499, True), (0.4, True), (1.0, False)])
def test_other_work_on_the_machine_is_told_from_a_twentieth_on(share, said):
    text = one_line(text_of(trial=a_trial(processor_share=share)))
    assert (f"had the CPU for {100 * (1 - share):.0f} % of the recommended run" in text) == said


def test_other_work_is_not_told_of_a_run_with_all_pages_in_dram():
    assert "had the CPU" not in text_of(trial=a_trial(WHOLE, WHOLE, processor_share=0.1))
    near = msgspec.structs.replace(WHOLE, dram_frames=999)
    assert "had the CPU" in text_of(trial=a_trial(WHOLE, near, processor_share=0.1))


# -- what is not known ------------------------------------------------------------------------------------------------


def test_sizes_with_unknown_faults_have_a_table():
    assert "faults not known" not in text_of()
    rows = [
        Unseen(
            compressor="lz4", dram_frames=512, node_frames=64, saved=42.4, fault_stall_ns=9e3, faults_per_percent=1111.0
        ),
        Unseen(
            compressor="zstd",
            dram_frames=256,
            node_frames=32,
            saved=71.2,
            fault_stall_ns=18e3,
            faults_per_percent=555.5,
        ),
    ]
    table = text_of(unseen=rows).partition("faults not known: ")[2]
    assert column_of(table, "compressor") == ["lz4", "zstd"]
    assert column_of(table, "DRAM MiB") == ["2.00", "1.00"]
    assert column_of(table, "node MiB") == ["0.25", "0.12"]
    assert column_of(table, "saved %") == ["42.4", "71.2"]
    assert column_of(table, "a fault µs") == ["9.00", "18.0"]
    assert column_of(table, "a second for 1 %") == ["1,111", "556"]
