"""Print a plan as text: its inputs, faults by DRAM size, a table for each compressor, the runs, the recommendation."""

import math
import textwrap
from collections.abc import Callable, Sequence

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.plan_words import recommendation
from zswapsim.report.table import Column, render
from zswapsim.report.units import SIZES, TIMES, count, duration, factor, fine, format_size, in_one_unit, three_digits
from zswapsim.report.unseen import unseen_text
from zswapsim.study.plan.access_rate import ASKED, DEFAULT, FROM_TRACE, OBSERVED, PROMOTION_LINE, WINDOW_NS, AccessRate
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.plan_point import UNDISTURBED_SHARE, PlanPoint
from zswapsim.text import printable

PROSE = 113
"""Lines outside tables have at most this many characters."""
KNEE, TAKE = "knee", "take"
PACE = {
    FROM_TRACE: "from the trace's time_ns",
    ASKED: "as asked for",
    DEFAULT: "that of local DRAM, as the trace has no times and --access-ns is not given",
    OBSERVED: "in which the process was observed",
}


def plan_text(plan: Plan, width: int | None = None, colour: bool = False) -> str:
    """Return the whole report. `width` is that of the terminal; None leaves tables as wide as they come out."""
    names = list(dict.fromkeys(point.compressor for point in plan.points))
    parts = [
        _head(plan, width),
        _faults(plan, names[0], width, colour),
        *(_compressor(plan, name, width, colour) for name in names),
        *([unseen_text(plan, width, colour)] if plan.unseen else []),
        "\n".join(_filled(line, width) for line in LEGEND),
        *([_runs(plan, width, colour)] if plan.tries else []),
        recommendation(plan, width),
    ]
    return "\n\n".join(parts)


def _filled(line: str, width: int | None) -> str:
    """Break prose into lines; all but the first are indented by two spaces."""
    return textwrap.fill(line, min(width or PROSE, PROSE), subsequent_indent="  ", break_on_hyphens=False)


LEGEND = (
    "knee: the point of diminishing return; beyond it a per cent of memory costs more slowdown than on average.",
    "take: the recommended point. *: on the Pareto front; no other point has less slowdown and saves as much.",
    "node: the most frames that the pool takes. expansion: footprint over DRAM and node. saved: footprint less both.",
    "compress, decompress: share of one core. fault: modelled latency of a major fault.",
    "Rates are relative to the time that the workload takes with all its pages in DRAM.",
)


def _head(plan: Plan, width: int | None) -> str:
    """Return the lines that say what was asked and on which inputs the plan rests."""
    pages = f"{_many(plan.pages, 'page', 'pages')} ({format_size(plan.pages * PAGE_SIZE)})"
    if plan.accesses is None:
        source = f"{printable(plan.trace)}, {pages}"
    else:
        source = f"trace {printable(plan.trace)}, {_many(plan.accesses, 'access', 'accesses')} to {pages}"
    lines = [
        f"{source}; contents {printable(plan.contents)}",
        f"asked for {', '.join(plan.objectives)}; reclaim {plan.reclaim}, modelled machine {plan.cost}",
        f"faults by DRAM size: {plan.source}",
        *(f"  {limit}" for limit in plan.limits),
        pace_text(plan.pace),
        working_set_text(plan.pace),
    ]
    if plan.prices is not None:
        lines.append(f"prices a GiB: DRAM {plan.prices.dram:g}, node {plan.prices.node:g}")
    return "\n".join(_filled(line, width) for line in lines)


def _many(number: float, one: str, more: str) -> str:
    return f"{count(number)} {one if round(number) == 1 else more}"


def pace_text(pace: AccessRate) -> str:
    """Say how fast the workload runs, and how that is known."""
    if pace.access_ns is None:
        return f"rates by the {duration(pace.base_ns)} {PACE[pace.source]}"
    return f"pace {duration(pace.access_ns)} an access, {duration(pace.base_ns)} in all: {PACE[pace.source]}"


def working_set_text(pace: AccessRate) -> str:
    """Say how many pages are in use, and within which time."""
    if not pace.working_set_seconds:
        return f"working set not known: all {count(pace.working_set)} pages are counted in it"
    pages, within = _many(pace.working_set, "page", "pages"), duration(1e9 * pace.working_set_seconds)
    if pace.base_ns > WINDOW_NS:
        return f"working set {pages}: accessed within {within}, mean over the trace"
    return f"working set {pages}: accessed within {within}, the whole time"


def _faults(plan: Plan, any_name: str, width: int | None, colour: bool) -> str:
    """Return the table of figures that do not depend on the compressor."""
    points = _shown(plan, any_name, [*plan.knees.values(), plan.recommended.estimate])
    columns = [
        Column("of the footprint", [f"{100 * point.dram_frames / plan.pages:.1f} %" for point in points]),
        Column("faults a million", [_if_known(point.faults_per_million) for point in points]),
        *_at_least(plan, points),
        Column("a second", [fine(point.faults_per_second) for point in points]),
        Column("promotion %/min", [fine(point.promotion) for point in points]),
        Column(f"of {PROMOTION_LINE} %/min", [_line(point) for point in points]),
    ]
    return f"major faults, whatever the compressor\n{render([_dram(points)], columns, width, colour)}"


def _at_least(plan: Plan, points: Sequence[PlanPoint]) -> list[Column]:
    """Return the column of the lower bound, if faults are known by bounds."""
    known = [plan.at_least.get(point.dram_frames) for point in points]
    return [Column("at least", [_if_known(rate) for rate in known])] if plan.at_least else []


def _if_known(value: float | None) -> str:
    return "-" if value is None else fine(value)


def _line(point: PlanPoint) -> str:
    """Compare a promotion rate with Google's limit."""
    times = point.promotion / PROMOTION_LINE
    return f"{three_digits(times)} x" if times >= 1 else "below"


def _compressor(plan: Plan, name: str, width: int | None, colour: bool) -> str:
    extra = [point for point in (plan.knees.get(name), plan.recommended.estimate) if point is not None]
    points = _shown(plan, name, [point for point in extra if point.compressor == name])
    front = frozenset(row for row, point in enumerate(points) if point in plan.front)
    keys = [_dram(points), Column("", [_note(plan, point) for point in points], left=True)]
    return f"{printable(name)}\n{render(keys, _figures(points, front), width, colour)}"


def _dram(points: Sequence[PlanPoint]) -> Column:
    unit, cells = in_one_unit([point.dram_frames * PAGE_SIZE for point in points], SIZES)
    return Column(f"DRAM {unit}", cells)


def _note(plan: Plan, point: PlanPoint) -> str:
    best = plan.recommended.estimate
    notes = [TAKE] * (point == best) + [KNEE] * (plan.knees.get(point.compressor) == point)
    return ", ".join(notes)


def _shown(plan: Plan, name: str, extra: Sequence[PlanPoint]) -> list[PlanPoint]:
    """Return a compressor's points at the sizes asked for, and those in `extra`, from large to small."""
    points = {point.dram_frames: point for point in plan.points if point.compressor == name}
    shown = {frames: points[frames] for frames in plan.rows} | {point.dram_frames: point for point in extra}
    return [shown[frames] for frames in sorted(shown, reverse=True)]


def _figures(points: Sequence[PlanPoint], front: frozenset[int] = frozenset()) -> list[Column]:
    """Return a compressor's columns, for estimates and for runs."""
    node_unit, nodes = in_one_unit([point.node_frames * PAGE_SIZE for point in points], SIZES)
    mean_unit, means = in_one_unit([point.fault_mean_ns or None for point in points], TIMES)
    p99_unit, p99s = in_one_unit([point.fault_p99_ns or None for point in points], TIMES)

    def column(title: str, take: Callable[[PlanPoint], float], show: Callable[[float], str] = fine) -> Column:
        return Column(title, [show(take(point)) for point in points])

    return [
        Column(f"node {node_unit}", nodes),
        column("expansion", lambda point: point.expansion, factor),
        column("saved %", lambda point: point.saved, three_digits),
        *_money(points),
        column("compress %", lambda point: point.compress_cpu),
        column("decompress %", lambda point: point.decompress_cpu),
        Column(f"fault mean {mean_unit}", means),
        Column(f"p99 {p99_unit}", p99s),
        column("slowdown %", lambda point: point.slowdown)._replace(best=front),
    ]


def _money(points: Sequence[PlanPoint]) -> list[Column]:
    """Return the columns of costs, if there are prices."""
    if points[0].money is None:
        return []
    costs, saved = [point.money or 0.0 for point in points], [point.money_saved or 0.0 for point in points]
    digits = max(0, 3 - math.floor(math.log10(max(costs)))) if max(costs) > 0 else 2
    return [
        Column("cost", [f"{value:,.{digits}f}" for value in costs]),
        Column("cost saved", [f"{value:,.{digits}f}" for value in saved]),
    ]


def _runs(plan: Plan, width: int | None, colour: bool) -> str:
    """Return the table of every point that was run: its estimate, its run, and the difference."""
    points = [each for tried in plan.tries for each in (tried.estimate, tried.found)]
    keys = [
        Column("compressor", [word for tried in plan.tries for word in (tried.estimate.compressor, "", "")], left=True),
        Column("DRAM", [w for t in plan.tries for w in (format_size(t.found.dram_frames * PAGE_SIZE), "", "")]),
        Column("", ["estimated", "run", "difference"] * len(plan.tries), left=True),
    ]
    columns = [_with_difference(column) for column in _figures(points)]
    verified = plan.recommended.verified_pages
    faults = plan.recommended.found.major_faults
    if not faults:
        loaded = "no page was swapped in"
    elif verified:
        loaded = f"{_many(faults, 'page was', 'pages were')} swapped in, each as it was stored"
    else:
        loaded = f"{_many(faults, 'page was', 'pages were')} swapped in"
    depth = f"{plan.depth} depth, as {plan.without_bytes}" if plan.without_bytes else f"{plan.depth} depth"
    title = f"run at {depth}: {loaded}"
    return f"{title}\n{render(keys, columns, width, colour)}{_disturbed(plan, width)}"


def _disturbed(plan: Plan, width: int | None) -> str:
    """Say so if other work on the machine made the run's times uncertain."""
    had = plan.recommended.processor_share
    if had >= UNDISTURBED_SHARE or plan.recommended.found.dram_frames == plan.pages:
        return ""
    other = (
        f"other work on this machine had the CPU for {100 * (1 - had):.0f} % of the recommended run; codec times "
        "were reduced by that share, and are less certain than on a quiet machine"
    )
    return f"\n{_filled(other, width)}"


def _with_difference(column: Column) -> Column:
    """Add the difference behind each pair of estimate and run, in the column's unit."""
    cells: list[str] = []
    for estimate, run in zip(column.cells[::2], column.cells[1::2], strict=True):
        digits = len(run.partition(".")[2])
        if "-" in {estimate, run}:
            cells += [estimate, run, ""]
            continue
        before, after = (float(cell.replace(",", "")) for cell in (estimate, run))
        cells += [estimate, run, f"{after - before:+,.{digits}f}"]
    return column._replace(cells=cells)
