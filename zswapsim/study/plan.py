"""How to provision a workload: from a trace, contents and objectives to a DRAM size, a node size and a compressor.

Every size is estimated from faults by size and measured pages; the point that is recommended is then run, and only what
a run has shown to keep the objectives is said to keep them.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zswapsim._core.codec import Codec
from zswapsim._core.errors import InputError
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Measured, measure
from zswapsim.study.confirm import Bench, Try, settle
from zswapsim.study.cost import PRESETS
from zswapsim.study.estimate import PageCosts
from zswapsim.study.objectives import DEFAULT, Objectives, parse_objectives
from zswapsim.study.pace import Pace, TimedTrace, measure_pace
from zswapsim.study.point import Point, Prices, Workload
from zswapsim.study.run import open_trace
from zswapsim.study.search import Search, knee, least_frames, pareto
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE, parse_size
from zswapsim.study.traffic import Replays
from zswapsim.traces import Contents, DenseTrace, Trace, read_contents, read_trace

Progress = Callable[[int, int], None]
COMPRESSORS = ("lzo-rle", "lz4", "zstd")
ROWS = tuple(range(100, 0, -10))
"""Per cent of the footprint: the sizes of the table, unless others are asked for."""
FINE = 40
"""Sizes on the curves of the picture, where any number costs one pass."""


class Plan(msgspec.Struct, kw_only=True):
    """What was found; see docs/plan.md for every figure."""

    trace: str
    contents: str
    cost: str
    reclaim: str
    pages: int
    """Footprint."""
    accesses: int
    pace: Pace
    prices: Prices | None
    objectives: list[str]
    kept: bool
    """Whether the run of the recommended point kept all objectives; else it is the nearest one that was found."""
    recommended: Try
    """The point, as estimated and as run."""
    tries: list[Try]
    """All points that were run, in their order; the recommended one is among them."""
    rows: list[int]
    """DRAM sizes of the table, in frames, from large to small."""
    points: list[Point]
    """Estimates at every size that was looked at on purpose, by compressor, from large to small."""
    knees: dict[str, Point]
    """By compressor, the point of diminishing return."""
    front: list[Point]
    """Estimates that no other beats in both memory and slowdown."""
    rivals: list[Point]
    """The best estimate of each other compressor that keeps the objectives."""
    alone: dict[str, Point]
    """Where not all objectives are kept: the best estimate for each limit by itself, which may miss it too."""
    looser: Point | None
    """The best estimate with twice the waiting that was asked for; None where nothing was."""

    def to_json(self) -> bytes:
        """One JSON object, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def plan(  # noqa: PLR0913 - each is one thing that a plan rests on
    trace: str | Path | Trace | DenseTrace,
    contents: str | Contents,
    objectives: Sequence[str] = DEFAULT,
    *,
    compressors: Sequence[str] = COMPRESSORS,
    dram: Sequence[str | int] = (),
    access_ns: float | None = None,
    prices: tuple[float, float] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Plan:
    """How to provision `trace` over `contents` so that `objectives` are kept.

    `trace` and `contents` are what :func:`zswapsim.run` takes. `dram`: sizes of the table. `access_ns`: what an access
    takes that finds its page; else the trace's times, else a default. `prices`: money for a GiB of DRAM and of the
    node. `settings`: cost, reclaim, reclaim_batch, chain_size, seed and zero_map are taken from it.

    Raises InputError for what was asked wrongly, and what :func:`zswapsim.run` raises.
    """
    asked = parse_objectives(objectives)
    base = settings or Settings()
    codecs = {get_compressor(spec).spec: get_compressor(spec) for spec in compressors}
    if not codecs:
        raise InputError("--compressor: expected at least one")
    priced = _prices(prices, asked)
    held = read_contents(contents) if isinstance(contents, str) else contents
    if held is None:
        raise InputError("--contents none: a plan needs to know what pages hold: expected FILE.pages, recipe:NAME, ...")
    dense = timed(trace)
    dense.scan(progress)
    workload = Workload(dense.pages, dense.events, measure_pace(dense, access_ns), priced)
    page_costs = {
        spec: PageCosts(
            _measured(codec, held, progress),
            dense.pages,
            PRESETS[base.cost],
            chain_size=base.chain_size,
            seed=base.seed,
            zero_map=base.zero_map,
        )
        for spec, codec in codecs.items()
    }
    rows = row_frames(dram, dense.pages, base.batch)
    source = Replays(dense, base)
    search = Search(source, page_costs, workload, base.batch, [*rows, *_fine(dense.pages, source.one_pass)])
    tries, best, kept = settle(search, asked, Bench(dense, held, base, progress))
    return _plan(search, asked, best, rows, kept, tries=tries, **_about(dense, held, base, workload, objectives))


def _measured(codec: Codec, contents: Contents, progress: Progress | None) -> Measured:
    """Lengths and times of every image; of two times of a page the lesser, since what else a machine does only adds."""
    threads = len(os.sched_getaffinity(0))
    first, second = (measure(codec, contents.images, threads, progress) for _ in range(2))
    return replace(
        first,
        compress_ns=np.minimum(first.compress_ns, second.compress_ns),
        decompress_ns=np.minimum(first.decompress_ns, second.decompress_ns),
    )


def timed(trace: str | Path | Trace | DenseTrace) -> DenseTrace:
    """A DenseTrace that notes the trace's times as it is scanned; one that exists already is taken as it is."""
    if isinstance(trace, DenseTrace):
        return trace
    return open_trace(TimedTrace(trace if isinstance(trace, Trace) else read_trace(trace)))


def row_frames(dram: Sequence[str | int], pages: int, batch: int) -> list[int]:
    """Sizes of the table in frames, from large to small. Raises InputError."""
    asked = [parse_size(size, "--dram", pages * PAGE_SIZE) // PAGE_SIZE for size in dram]
    frames = asked or [pages * share // 100 for share in ROWS]
    least = least_frames(pages, batch)
    return sorted({min(max(each, least), pages) for each in frames}, reverse=True)


def _fine(pages: int, one_pass: bool) -> list[int]:
    return [pages * step // FINE for step in range(FINE, 0, -1)] if one_pass else []


def _prices(prices: tuple[float, float] | None, asked: Objectives) -> Prices | None:
    if prices is None:
        if asked.cheapest:
            raise InputError("--objective cost: needs prices: expected --price-dram and --price-node, a GiB")
        return None
    if not all(0 <= price < 1e12 for price in prices) or not prices[0]:
        raise InputError(f"--price-dram {prices[0]} --price-node {prices[1]}: expected money a GiB, for DRAM above 0")
    return Prices(*prices)


def _about(
    trace: DenseTrace, contents: Contents, settings: Settings, workload: Workload, objectives: Sequence[str]
) -> dict[str, Any]:
    return {
        "trace": trace.name,
        "contents": contents.name,
        "cost": settings.cost,
        "reclaim": settings.reclaim,
        "pages": workload.pages,
        "accesses": workload.accesses,
        "pace": workload.pace,
        "prices": workload.prices,
        "objectives": list(objectives),
    }


def _plan(search: Search, asked: Objectives, best: Try, rows: list[int], kept: bool, **about: Any) -> Plan:
    """What the estimates say beside the point that is recommended."""
    grid = sorted({*search.grid}, reverse=True)
    by_compressor = {name: [search.point(name, frames) for frames in grid] for name in search.costs}
    points = [point for each in by_compressor.values() for point in each]
    knees = {name: found for name, each in by_compressor.items() if (found := knee(each)) is not None}
    rivals = [search.best(asked, name) for name in search.costs if name != best.estimate.compressor]
    return Plan(
        recommended=best,
        rows=rows,
        points=points,
        knees=knees,
        front=pareto(points),
        rivals=[rival for rival in rivals if asked.kept(rival)],
        alone={} if kept else {each.text: search.best(Objectives((each,), False)) for each in asked.limits},
        kept=kept,
        looser=search.best(asked.looser()) if asked.looser() != asked else None,
        **about,
    )
