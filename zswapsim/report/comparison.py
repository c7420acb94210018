"""Print Results side by side: one row a run, the best in each column marked."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from zswapsim.report import figures
from zswapsim.report.table import Column, render
from zswapsim.report.units import SIZES, TIMES, count, factor, in_one_unit
from zswapsim.study.run.result import COMPLETED, Result
from zswapsim.text import printable

ROW_SETTINGS = ("compressor", "backend", "dram", "node")
COMMON = ("trace", "contents", "depth")
DRAM_SHARE = "% of DRAM"
AHEAD_HITS, AHEAD_UNUSED = "read-ahead hits", "read-ahead unused"


class Measure(NamedTuple):
    """Describe a column: how to take it from a Result, how to print it, and which end of it is better."""

    title: str
    take: Callable[[Result], float | None]
    show: Callable[[Any], str] | Sequence[tuple[str, float]]
    """Turns a number into text, or lists the units of which one is chosen for the whole column."""
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
"""Columns that are shown only if this is above 0 in some row."""
POOL_ONLY = {"pool peak", "ratio", "saved", "written back"}


def comparison_text(results: Sequence[Result], width: int | None = None, colour: bool = False) -> str:
    """Return the table of `results`, with their common settings above it and a legend below it.

    `width` is that of the terminal; None leaves the table as wide as it comes out.
    """
    parts = [_common(results), render(_keys(results), _columns(results), width, colour), _legend(results)]
    return "\n\n".join(part for part in parts if part)


def _common(results: Sequence[Result]) -> str:
    first = results[0]
    words = [f"{name} {printable(first.settings.get(name) or 'none')}" for name in COMMON]
    same = [name for name in _asked(results) if len({_setting(result, name) for result in results}) == 1]
    words += [f"{name} {printable(_setting(first, name))}" for name in same]
    accesses, pages = (max(result.counters[name] for result in results) for name in ("accesses", "pages"))
    return f"{', '.join(words)}\n{count(accesses)} accesses to {count(pages)} pages"


def _keys(results: Sequence[Result]) -> list[Column]:
    """Return the settings in which the rows differ, and the outcome if a run did not complete."""
    names = [name for name in _asked(results) if len({_setting(result, name) for result in results}) > 1]
    keys = [Column(name, [_setting(result, name) for result in results], left=True) for name in names or ["compressor"]]
    if any(result.outcome != COMPLETED for result in results):
        keys.append(Column("outcome", [result.outcome for result in results], left=True))
    return keys


def _asked(results: Sequence[Result]) -> list[str]:
    """Return the settings of a row: the usual four, and any other in which the runs differ."""
    first = results[0].settings
    hidden = {*ROW_SETTINGS, *COMMON, "footprint_pages", "dram_frames", "node_frames", "device_pages"}
    others = [name for name in first if name not in hidden]
    differing = [name for name in others if any(result.settings.get(name) != first[name] for result in results)]
    return [*ROW_SETTINGS, *differing]


def _setting(result: Result, name: str) -> str:
    """Return a setting as a row shows it: a dash if the backend does not use it."""
    kind = figures.backend(result)
    if (kind == "disk" and name == "compressor") or (kind != "private-node" and name == "node"):
        return "-"
    return str(result.settings.get(name))


def _columns(results: Sequence[Result]) -> list[Column]:
    return [*(_column(measure, results) for measure in _shown(results)), _against_best(results)]


def _shown(results: Sequence[Result]) -> list[Measure]:
    """Return the columns to show: the share of DRAM only if a pool takes some, readahead only if there is any."""
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
    """Return the rows with the best value among the runs that completed; none if all are equal."""
    able = {row: value for row, value in enumerate(values) if value is not None and results[row].outcome == COMPLETED}
    if len(set(able.values())) < 2:
        return frozenset()
    best = max(able.values()) if highest else min(able.values())
    return frozenset(row for row, value in able.items() if value == best)


def _against_best(results: Sequence[Result]) -> Column:
    """Return the column of each completed run's stall over that of the best run."""
    totals = [result.modelled_ns["total"] if result.outcome == COMPLETED else None for result in results]
    least = min((total for total in totals if total is not None), default=0.0)
    ratios = [None if total is None or not least else total / least for total in totals]
    return Column("x best", [factor(ratio) for ratio in ratios], best=_best(results, ratios, False))


def _legend(results: Sequence[Result]) -> str:
    shared = any(measure.title == DRAM_SHARE for measure in _shown(results))
    lines = [
        "*: best of its column. per 1000: major faults in 1000 accesses.",
        "ratio, saved: pages in the pool at the end against the frames that hold them.",
        *([f"{DRAM_SHARE}: the most of the workload's DRAM that the pool took."] if shared else []),
        f"fault: modelled latency of a major fault ({results[0].settings['cost']}).",
        "stall: all modelled waiting for memory. x best: stall over the least stall.",
    ]
    return "\n".join(lines)
