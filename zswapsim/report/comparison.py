"""Results side by side: one row a run, the best in each column marked."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from zswapsim.report import figures
from zswapsim.report.table import Column, render
from zswapsim.report.units import SIZES, TIMES, count, factor, in_one_unit
from zswapsim.study.result import COMPLETED, Result

ROW_SETTINGS = ("compressor", "backend", "dram", "node")
COMMON = ("trace", "contents", "depth")
DRAM_SHARE = "% of DRAM"
AHEAD_HITS, AHEAD_UNUSED = "read-ahead hits", "read-ahead unused"


class Measure(NamedTuple):
    """A column: how to take it from a Result, how to print it, and which end of it is the better one."""

    title: str
    take: Callable[[Result], float | None]
    show: Callable[[Any], str] | Sequence[tuple[str, float]]
    """A number's text; or the units of which one is chosen for the whole column."""
    highest_is_best: bool = False


MEASURES = (
    Measure("major faults", lambda result: result.counters["major_faults"], count),
    Measure("per 1000", figures.faults_per_1000, factor),
    Measure(AHEAD_HITS, lambda result: figures.read_ahead(result, "swap_ra_hit"), count, highest_is_best=True),
    Measure(AHEAD_UNUSED, lambda result: figures.read_ahead(result, "swap_ra_unused"), count),
    Measure("pool peak", lambda result: result.counters["peak_pool_total_size"], SIZES),
    Measure(DRAM_SHARE, figures.pool_share, factor),
    Measure("ratio", figures.ratio, factor, highest_is_best=True),
    Measure("saved", figures.pool_saved, SIZES, highest_is_best=True),
    Measure("written back", figures.written_back, count),
    Measure("fault mean", lambda result: result.fault_latency_ns.get("mean"), TIMES),
    Measure("fault p99", lambda result: result.fault_latency_ns.get("p99"), TIMES),
    Measure("stall", lambda result: result.modelled_ns["total"], TIMES),
)
SOMETIMES: dict[str, Callable[[Result], float | None]] = {
    DRAM_SHARE: figures.pool_share,
    AHEAD_HITS: lambda result: figures.read_ahead(result, "swap_ra"),
    AHEAD_UNUSED: lambda result: figures.read_ahead(result, "swap_ra"),
}
"""Columns that are left out unless this is above 0 in some row."""
POOL_ONLY = {"pool peak", "ratio", "saved", "written back"}


def comparison_text(results: Sequence[Result], width: int | None = None, colour: bool = False) -> str:
    """The table of `results`, under one line of what they have in common and over one of what the words mean.

    `width` is that of the terminal, None for a table as wide as it comes out.
    """
    parts = [_common(results), render(_keys(results), _columns(results), width, colour), _legend(results)]
    return "\n\n".join(part for part in parts if part)


def _common(results: Sequence[Result]) -> str:
    first = results[0]
    words = [f"{name} {first.settings.get(name) or 'none'}" for name in COMMON]
    same = [name for name in _asked(results) if len({_setting(result, name) for result in results}) == 1]
    words += [f"{name} {_setting(first, name)}" for name in same]
    accesses, pages = (max(result.counters[name] for result in results) for name in ("accesses", "pages"))
    return f"{', '.join(words)}\n{count(accesses)} accesses to {count(pages)} pages"


def _keys(results: Sequence[Result]) -> list[Column]:
    """The settings that tell the rows apart, and the outcome where a run did not complete."""
    names = [name for name in _asked(results) if len({_setting(result, name) for result in results}) > 1]
    keys = [Column(name, [_setting(result, name) for result in results], left=True) for name in names or ["compressor"]]
    if any(result.outcome != COMPLETED for result in results):
        keys.append(Column("outcome", [result.outcome for result in results], left=True))
    return keys


def _asked(results: Sequence[Result]) -> list[str]:
    """The settings of a row: the usual four, and any other in which the runs differ."""
    first = results[0].settings
    hidden = {*ROW_SETTINGS, *COMMON, "footprint_pages", "dram_frames", "node_frames", "device_pages"}
    others = [name for name in first if name not in hidden]
    differing = [name for name in others if any(result.settings.get(name) != first[name] for result in results)]
    return [*ROW_SETTINGS, *differing]


def _setting(result: Result, name: str) -> str:
    """A setting as a row shows it; what a disk has no use for is a dash."""
    kind = figures.backend(result)
    if (kind == "disk" and name == "compressor") or (kind != "private-node" and name == "node"):
        return "-"
    return str(result.settings.get(name))


def _columns(results: Sequence[Result]) -> list[Column]:
    return [*(_column(measure, results) for measure in _shown(results)), _against_best(results)]


def _shown(results: Sequence[Result]) -> list[Measure]:
    """The measures of a table: a share of DRAM only where a pool takes one, readahead only where there is any."""
    empty = {title for title, take in SOMETIMES.items() if not any(take(result) for result in results)}
    return [measure for measure in MEASURES if measure.title not in empty]


def _column(measure: Measure, results: Sequence[Result]) -> Column:
    values = [_value(measure, result) for result in results]
    title = measure.title
    if callable(measure.show):
        cells = ["-" if value is None else measure.show(value) for value in values]
    else:
        unit, cells = in_one_unit(values, measure.show)
        title = f"{title} {unit}"
    return Column(title, cells, best=_best(results, values, measure.highest_is_best))


def _value(measure: Measure, result: Result) -> float | None:
    if measure.title in POOL_ONLY and figures.backend(result) == "disk":
        return None
    return measure.take(result)


def _best(results: Sequence[Result], values: Sequence[float | None], highest: bool) -> frozenset[int]:
    """Rows with the best value among the runs that completed; none where all are equal."""
    able = {row: value for row, value in enumerate(values) if value is not None and results[row].outcome == COMPLETED}
    if len(set(able.values())) < 2:
        return frozenset()
    best = max(able.values()) if highest else min(able.values())
    return frozenset(row for row, value in able.items() if value == best)


def _against_best(results: Sequence[Result]) -> Column:
    """How many times the stall of the best run each run has that completed."""
    totals = [result.modelled_ns["total"] if result.outcome == COMPLETED else None for result in results]
    least = min((total for total in totals if total is not None), default=0.0)
    ratios = [None if total is None or not least else total / least for total in totals]
    return Column("x best", [factor(ratio) for ratio in ratios], best=_best(results, ratios, False))


def _legend(results: Sequence[Result]) -> str:
    shared = any(measure.title == DRAM_SHARE for measure in _shown(results))
    share = f" {DRAM_SHARE}: what the pool took of the workload's,\nat most." if shared else ""
    return (
        "* best of its column. per 1000: major faults in 1000 accesses. ratio, saved: pages in the pool at the end\n"
        f"against the frames that hold them.{share} fault, stall: modelled ({results[0].settings['cost']});\n"
        "stall is all waiting for memory, x best the same against the best row."
    )
