"""Test the reports on curves, profiles, codecs, audits, validation and headroom from plain records."""

import msgspec
import pytest
from report_records import a_result, column_of

from zswapsim.compressors import CompressorInfo, Parameter
from zswapsim.kernel.zram import MM_STAT
from zswapsim.machine.audit import Cell, Verdict
from zswapsim.machine.sources import BASELINE
from zswapsim.report.audit import audit_text, cell_text, verdict_text
from zswapsim.report.compressors import heading, listing_text, measured_text, parameters_text
from zswapsim.report.curve import MOST_ROWS, curves_text, miss_ratio
from zswapsim.report.headroom import headroom_text, overwritten_text
from zswapsim.report.kernelforms import VMSTAT, kernel_form, mm_stat_fields
from zswapsim.report.profile import machines, profile_text
from zswapsim.report.table import BOLD, BOLD_GREEN, RESET, Column, render
from zswapsim.report.units import SIZES, TIMES, duration, factor, fine, in_one_unit, share, three_digits
from zswapsim.report.validate import block, farthest, swap_text, verdict
from zswapsim.study.cram.headroom import HeadroomCase, HeadroomPoint
from zswapsim.study.cram.overwritten import Overwritten
from zswapsim.study.curve.curves import Curves
from zswapsim.study.curve.stack_curve import EXACT, Curve
from zswapsim.study.validate.page_store import Validated
from zswapsim.study.validate.reclaim import SwapValidated

# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (999.4, "999 ns"), (999.5, "1.00 µs"), (999_499, "999 µs"), (999_500, "1.00 ms"), (-2_500, "-2.50 µs"),
        (0.4, "0 ns"), (9.994e9, "9.99 s"), (9.996e9, "10.0 s"), (99.94e9, "99.9 s"),
        (99.95e9, "100 s"), (1234.4e9, "1,234 s"),
    ],
)  # fmt: skip
def test_a_time_has_three_digits_of_the_largest_unit_that_fits(nanoseconds, text):
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.00004, "0.0000"), (0.0994, "0.0994"), (0.0995, "0.100"), (0.9994, "0.999"), (0.9995, "1.00"),
        (-0.05, "-0.0500"), (12.34, "12.3"), (123.4, "123"),
    ],
)  # fmt: skip
def test_small_numbers_keep_three_digits(value, text):
    assert fine(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(9.994, "9.99"), (9.996, "10.0"), (99.94, "99.9"), (99.96, "100"), (-5, "-5.00")]
)
def test_three_digits(value, text):
    assert three_digits(value) == text


def test_shares_and_factors_round():
    assert (share(1, 3), share(0, 3), share(-1, 4), factor(0.0), factor(0.005)) == (
        "33.3 %",
        "0.0 %",
        "-25.0 %",
        "0.00",
        "0.01",
    )


@pytest.mark.parametrize(
    ("values", "units", "found"),
    [
        ([100, 5e9], TIMES, ("µs", ["0.10", "5,000,000"])),
        ([99.9, 5e9], TIMES, ("ns", ["100", "5,000,000,000"])),
        ([0.1 * 2**30], SIZES, ("GiB", ["0.10"])),
        ([0.09 * 2**30], SIZES, ("MiB", ["92.2"])),
        ([-(2**20), 0], SIZES, ("MiB", ["-1.00", "0.00"])),
        ([0.01], TIMES, ("ns", ["0"])),
        ([], SIZES, ("B", [])),
    ],
)
def test_the_unit_of_a_column_leaves_no_number_below_a_tenth(values, units, found):
    assert in_one_unit(values, units) == found


# -- tables -----------------------------------------------------------------------------------------------------------


def test_columns_go_into_the_next_block_from_the_first_that_does_not_fit():
    columns = [Column(name, ["1234"]) for name in ("aaaa", "bbbb")]
    keys = [Column("k", ["x"], left=True)]
    assert render(keys, columns, width=13).count("\n\n") == 0, "13 characters are k, two gaps and both columns"
    assert render(keys, columns, width=12).count("\n\n") == 1
    assert render(keys, columns, width=1).count("\n\n") == 1, "a block has one column at least"
    assert render(keys, columns).count("\n\n") == 0


def test_keys_are_as_wide_as_they_and_the_gaps_between_them():
    keys = [Column("k", ["x"]), Column("l", ["y"])]
    columns = [Column("aa", ["1"]), Column("bb", ["2"])]
    assert [render(keys, columns, width=width).count("\n\n") for width in (12, 11)] == [0, 1]


def test_colour_marks_titles_and_best_cells():
    text = render([Column("k", ["x", "y"])], [Column("n", ["1", "2"], best=frozenset({1}))], colour=True)
    assert text.splitlines() == [f"{BOLD}k  n{RESET}", "-  --", "x  1", f"y  {BOLD_GREEN}2*{RESET}"]


# -- curves -----------------------------------------------------------------------------------------------------------

CURVE = Curve(
    trace="t",
    method=EXACT,
    frames=[50, 100, 150, 200],
    major_faults=[80, 40, 20, 0],
    swap_outs=[90, 50, 10, 0],
    dirty_swap_outs=[9, 5, 1, 0],
    accesses=400,
    first_accesses=200,
    pages=200,
)


def a_curve(**changes: object) -> Curve:
    return msgspec.structs.replace(CURVE, **changes)


def curves_of(whole: Curve = CURVE, **parts: object) -> str:
    values = {"window": 0, "windows": [], "processes": {}, "shared": {}}
    return curves_text(Curves(reclaim="lru", whole=whole, **values | parts))


def test_a_curve_has_a_row_for_each_size():
    text = curves_of()
    assert text.splitlines()[:2] == ["trace t, reclaim lru, every size from one pass", "400 accesses to 200 pages"]
    assert column_of(text, "dram") == ["25.0%", "50.0%", "75.0%", "100.0%"]
    assert column_of(text, "MiB") == ["0.20", "0.39", "0.59", "0.78"]
    assert column_of(text, "miss ratio") == ["0.7000", "0.6000", "0.5500", "0.5000"]
    assert column_of(text, "swap-outs") == ["90", "50", "10", "0"]
    assert column_of(text, "of dirty pages") == ["9", "5", "1", "0"]
    assert "windows" not in text
    assert "process" not in text


def test_no_access_misses_nothing():
    assert miss_ratio(a_curve(accesses=0), 0) == 0


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("shards:rate=1", "all pages followed"),
        ("mini:fifo:rate=1.0", "all pages followed"),
        ("shards:rate=0.125", "stack distances of 12.5 % of the pages"),
        ("mini:fifo:rate=0.05", "a small replay for each size, of 5 % of the pages"),
    ],
)
def test_the_head_of_a_curve_says_how_it_was_found(method, said):
    assert curves_of(a_curve(method=method)).splitlines()[0].endswith(f", {said}")


@pytest.mark.parametrize(
    ("error", "errors", "bound", "estimates"),
    [(None, [], False, True), (0.0, [0.0] * 4, False, False), (0.03, [0.03, 0.02, 0.01, 0.0], True, False)],
)
def test_bounds_of_errors_are_shown_if_they_are_known_and_not_zero(error, errors, bound, estimates):
    text = curves_of(a_curve(error=error, errors=errors))
    assert ("+-: bound of the error of the miss ratio" in text) == bound
    assert ("Estimates; docs/curve.md" in text) == estimates
    if bound:
        assert column_of(text, "+-") == ["0.0300", "0.0200", "0.0100", "0.0000"]


def test_an_interrupted_curve_says_so():
    assert "interrupted: the curve of the accesses so far" in curves_of(a_curve(interrupted=True))
    assert "interrupted" not in curves_of()


def test_windows_and_processes_have_tables_of_a_few_sizes():
    text = curves_of(window=2_000, windows=[CURVE, a_curve(accesses=800)])
    table = text.partition("miss ratio in windows of 2,000 accesses, ")[2]
    assert column_of(table, "window") == ["1", "2"]
    assert column_of(table, "new pages") == ["200", "200"]
    assert column_of(table, "25%") == ["0.7000", "0.3500"]
    assert column_of(table, "100%") == ["0.5000", "0.2500"]
    both = curves_of(processes={7: CURVE}, shared={7: a_curve(accesses=800)})
    own, _, shared = both.partition("miss ratio of each process in a DRAM that all share")
    assert column_of(own.partition("with a DRAM of its own")[2], "process") == ["7"]
    assert column_of(shared, "50%") == ["0.3000"]


@pytest.mark.parametrize(("number", "more"), [(MOST_ROWS, ""), (MOST_ROWS + 1, "and 1 more; --json has them all")])
def test_a_long_table_of_parts_is_cut(number, more):
    text = curves_of(window=5, windows=[CURVE] * number)
    assert text.endswith(more)
    assert ("more;" in text) == bool(more)
    assert len(column_of(text.partition("in windows of")[2], "window")) == MOST_ROWS + bool(more)


def test_a_share_of_a_part_is_its_smallest_size_within_a_frame():
    part = a_curve(frames=[49, 100, 150, 200], major_faults=[1, 2, 3, 4], first_accesses=0, accesses=10)
    table = curves_of(window=5, windows=[part, a_curve(frames=[50, 99, 151, 200], accesses=10, first_accesses=0)])
    rows = table.partition("in windows of")[2]
    assert column_of(rows, "25%")[0] == "0.2000", "49 of 200 frames are more than a frame below a quarter"
    assert column_of(rows, "50%")[1] == "2.0000", "99 of 200 frames are not"


def test_many_sizes_are_cut_to_six_evenly_spread():
    many = a_curve(
        frames=list(range(10, 130, 10)), major_faults=list(range(12)), swap_outs=[0] * 12, dirty_swap_outs=[0] * 12
    )
    head = curves_of(many, window=5, windows=[many]).partition("in windows of")[2].splitlines()[2]
    assert head.split()[-6:] == ["16.7%", "33.3%", "50%", "66.7%", "83.3%", "100%"]


# -- profiles and codecs ----------------------------------------------------------------------------------------------

CODEC = {
    "compressor": "lz4", "pages": 10, "measured": 4, "ratio": 2.0, "incompressible": 0.25, "same_filled": 0.5,
    "compress_ns_mean": 100.0, "compress_ns_p99": 200.0, "decompress_ns_mean": 30.0, "decompress_ns_p99": 40.0,
    "version": "1.9", "cpu": "one",
}  # fmt: skip


def test_a_profile_has_a_row_for_each_codec():
    other = CODEC | {"compressor": "zstd", "ratio": 3.0, "incompressible": None, "cpu": "two"}
    summary = {
        "profile": "f", "contents": "c", "contents_hash": "h", "pages": 10, "distinct": 7, "codecs": [CODEC, other],
    }  # fmt: skip
    text = profile_text(summary)
    assert text.startswith("f: c, hash h\n10 pages (40.0 KiB), 50.0 % of them same-filled; 7 distinct contents\n")
    assert column_of(text, "ratio") == ["2.00", "3.00*"]
    assert column_of(text, "distinct") == ["7", "7"]
    assert column_of(text, "incompressible") == ["25.0 %", "0.0 %"]
    assert column_of(text, "compress p99 µs") == ["0.20", "0.20"]
    assert text.endswith("times of lz4: one\ntimes of zstd: two")
    assert machines([CODEC, CODEC]) == ["times of one"]
    empty = profile_text(summary | {"codecs": []})
    assert "0.0 % of them same-filled" in empty


def an_info(**changes: object) -> CompressorInfo:
    values = {
        "name": "lz4", "parameters": (), "takes_dictionary": False, "origin": "built in", "library": "", "version": "",
        "missing": "",
    }  # fmt: skip
    return CompressorInfo(**{**values, **changes})


def test_codecs_are_listed_with_what_they_take():
    level = Parameter(name="level", lowest=1, highest=9, initial=3, help="how hard")
    quiet = Parameter(name="quiet", lowest=0, highest=1, initial=0, help="")
    assert parameters_text(an_info()) == "-"
    assert parameters_text(an_info(takes_dictionary=True)) == "dict=FILE"
    full = an_info(name="zstd", parameters=(level, quiet), takes_dictionary=True, library="/lib/z", version="1.5")
    assert parameters_text(full) == "level=1…9 (3), quiet=0…1 (0), dict=FILE"
    text = listing_text([an_info(), full, an_info(name="lzo", missing="lzo: no library")], None, False)
    assert column_of(text, "compressor") == ["lz4", "zstd"]
    assert column_of(text, "library") == ["-", "/lib/z"]
    assert column_of(text, "version") == ["-", "1.5"]
    assert "\nnot available: lzo: no library\n" in text
    assert text.endswith("PARAMETER=VALUE,...\n  zstd:level  how hard")


def test_measured_codecs_are_marked_by_the_better_end_of_a_column():
    def summary(ratio: float, frames: int | None) -> dict:
        names = [f"{step}_ns_{key}" for step in ("compress", "decompress") for key in ("p50", "p99")]
        sizes = {f"size_p{percent}": 100 * percent for percent in (10, 50, 90, 99)}
        figures = {"ratio": ratio, "pool_ratio": ratio, "pool_frames": frames, "incompressible": 0.0}
        return {"pages": 10, "same_filled": 0.25} | figures | sizes | dict.fromkeys(names, 50.0)

    text = measured_text(["a", "b", "c"], [summary(1.5, 9), summary(2.5, 5), summary(2.5, None)], None, False)
    assert text.startswith("10 pages (40.0 KiB), 25.0 % of them same-filled: stored without compression")
    assert column_of(text, "ratio") == ["1.50", "2.50*", "2.50*"]
    assert column_of(text, "pool frames") == ["9", "5*", "-"]
    assert column_of(text, "p50 B") == ["5,000"] * 3
    assert "0.0 % of them" in heading([{"pages": None, "same_filled": None}])


# -- the audit --------------------------------------------------------------------------------------------------------


def a_cell(**changes: object) -> Cell:
    values = {
        "isolation": "rule", "caller": "slab", "surface": "", "outcome": "leaked", "node": "C", "errno": None,
        "frames": 1, "rests_on": "v4",
    }  # fmt: skip
    return Cell(**{**values, **changes})


def test_a_cell_says_what_became_of_the_request_and_on_what_it_rests():
    assert cell_text(a_cell()) == "LEAKED C"
    assert cell_text(a_cell(outcome="fell-back", node="A,B")) == "fell back to A,B"
    assert (
        cell_text(a_cell(outcome="refused", node=None, errno="EINVAL", rests_on=str(BASELINE))) == "refused EINVAL (b)"
    )
    assert cell_text(a_cell(outcome="hidden", node=None)) == "hidden"


def test_callers_and_surfaces_have_a_table_each():
    user = {"caller": "process", "surface": "mbind"}
    cells = [
        a_cell(),
        a_cell(isolation="other", outcome="granted"),
        a_cell(outcome="hidden", **user),
        a_cell(isolation="other", outcome="revealed", **user),
    ]
    text = audit_text(cells, [], None, False)
    assert column_of(text, "kernel caller") == ["slab"]
    assert column_of(text, "user surface") == ["mbind"]
    kernel, users = text.split("user surface")
    assert "granted C" in kernel
    assert "revealed C" in users


@pytest.mark.parametrize("sites", [{}, {"for_each_node": 346, "GFP_THISNODE": 58}])
def test_a_verdict_lists_and_counts(sites):
    made = Verdict(
        isolation="rule", guarantee="strong", rests_on="v4", leaks=["slab", "KSM"], broken=[], reached=["mbind"],
        revealed=[], sites=sites,
    )  # fmt: skip
    lines = verdict_text(made).splitlines()
    assert lines[:5] == [
        "rule (strong guarantee; v4)",
        "  leaks: 2: slab; KSM",
        "  callers that failed, as they could not fall back: 0",
        "  user surfaces that reach a private node: 1: mbind",
        "  user surfaces that reveal it: 0",
    ]
    assert lines[5].startswith(f"  kinds of call sites to fix: {len(sites)}")
    assert ("for_each_node 346, GFP_THISNODE 58 (" in lines[5]) == bool(sites)


# -- validation -------------------------------------------------------------------------------------------------------

STAT = dict.fromkeys(MM_STAT, 7) | {"write_ns": 100, "read_ns": 0}


def test_a_codec_s_fields_stand_beside_the_kernel_s():
    row = Validated(codec="lz4", pages="p", kernel=STAT, model=STAT | {"huge_pages": 8, "write_ns": 150, "read_ns": 9})
    text = block(row, None, False)
    cells = {line.split()[0]: line.split()[1:] for line in text.splitlines()[2:]}
    assert cells["huge_pages"] == ["7", "8", "UNEQUAL"]
    assert cells["same_pages"] == ["7", "7", "equal"]
    assert cells["write_ns"] == ["a", "page", "100", "150", "x", "1.50"]
    assert cells["read_ns"] == ["a", "page", "0", "9"], "nothing is so many times zero"
    alone = block(Validated(codec="842", pages="p", kernel=STAT, model=None), None, False)
    assert column_of(alone, "model") == ["-"] * (len(MM_STAT) + 2)


def test_the_verdict_counts_what_is_equal():
    equal = Validated(codec="lz4", pages="p", kernel=STAT, model=STAT)
    wrong = Validated(codec="zstd", pages="q", kernel=STAT, model=STAT | {"same_pages": 1, "huge_pages": 2})
    none = Validated(codec="842", pages="p", kernel=STAT, model=None)
    assert verdict([equal]) == "1 of 1 comparisons are equal in every field of mm_stat."
    assert verdict([equal, wrong, none, none]).splitlines() == [
        "1 of 2 comparisons are equal in every field of mm_stat.",
        "unequal: zstd on q: same_pages, huge_pages",
        "without a model: 842",
    ]


def swapped(model: int, reclaim: str = "lru", kernel: int = 1_000) -> SwapValidated:
    figures = {"swap_outs": 5, "pool_frames": 6, "seconds": 1.5}
    return SwapValidated(
        trace="t", dram_bytes=8 * 4096, reclaim=reclaim, settings=f"{reclaim}:x=1",
        kernel={"swap_ins": kernel} | figures, model={"swap_ins": model} | figures, kernel_swap_ins=[990, 1_000, 1_010],
    )  # fmt: skip


def test_the_greatest_distance_of_a_reclaimer_is_told_whichever_its_sign():
    rows = [swapped(1_010), swapped(970), swapped(1_000, "mglru")]
    assert farthest(rows) == [
        "lru (lru:x=1): swap-ins within 3.00 % of the kernel's",
        "mglru (mglru:x=1): swap-ins within 0.00 % of the kernel's",
    ]
    text = swap_text(rows, None, False)
    assert column_of(text, "distance") == ["+1.00 %", "-3.00 %", "+0.00 %"]
    assert column_of(text, "DRAM frames") == ["8"] * 3
    assert column_of(text, "kernel's runs") == ["3 in 2.00 %"] * 3


# -- headroom ---------------------------------------------------------------------------------------------------------


def test_headroom_has_a_column_for_each_headroom():
    def point(percent: float, delay: int, lost: int) -> HeadroomPoint:
        case = HeadroomCase(headroom_percent=percent, delay_ns=delay)
        return HeadroomPoint(
            case=case, swapped_out=9, stored_pages=8, lost_pages=lost, refused_pages=lost + 1, written_back_pages=0,
            peak_pressure=900,
        )  # fmt: skip

    text = headroom_text([point(5, 0, 1), point(10, 0, 2), point(5, 1000, 3), point(10, 1000, 4)])
    assert column_of(text, "delay") == ["0 ns", "1.00 µs"]
    assert column_of(text, "lost 5 %") == ["1", "3"]
    assert column_of(text, "lost 10 %") == ["2", "4"]
    assert column_of(text, "refused 5 %") == ["2", "4"]
    assert column_of(text, "inflow") == ["1.00 GB/s"] * 2
    assert text.startswith("A device of 64.0 MiB advertises 4 times its physical capacity.")


def test_the_counter_example_has_a_row_for_each_way():
    made = Overwritten(
        form="tier", control="tokens", budget=100, pages=4096, zeros_pressure=1, in_place_writes=2, promotions=3,
        lost_pages=4, bus_errors=5, compared_pages=6,
    )  # fmt: skip
    text = overwritten_text([made])
    titles = {"writable": "100", "pressure": "1", "in place": "2", "promoted": "3", "lost": "4", "bus errors": "5"}
    assert {title: column_of(text, title)[0] for title in titles} == titles
    assert text.startswith("4,096 pages of zeros on the device")


# -- the kernel's forms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "stored"),
    [
        ("zram", 8_192 + 5),
        ("zram/zswap", 8_192),
        ("zswap", 8_192),
        ("private-node", 8_192),
        ("zram:mem_limit=8K", 8_192 + 5),
    ],
)
def test_pages_on_the_device_are_zram_s_own_if_no_tier_stands_behind_it(backend, stored):
    fields = mm_stat_fields(
        a_result(
            settings={"backend": backend}, device_pages=5, pages_compacted=3, huge_pages_since=4, same_filled_pages=12
        )
    )
    assert list(fields.values()) == [
        stored * 4096, 10_000_000, 2_600 * 4096, 8192 if "mem_limit" in backend else 0, 3_000 * 4096, 12, 3, 0, 4,
    ]  # fmt: skip


def test_vmstat_adds_up_the_counters_of_each_line():
    names = sorted({part for parts in VMSTAT.values() for part in parts})
    result = a_result(**{name: 1 << place for place, name in enumerate(names)})
    lines = dict(line.split() for line in kernel_form(result, "vmstat").splitlines())
    for kernel, parts in VMSTAT.items():
        assert int(lines[kernel]) == sum(1 << names.index(part) for part in parts), kernel
    assert VMSTAT["pgfault"] == ("minor_faults", "major_faults", "swap_ra_hit")
