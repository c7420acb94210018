"""Find what `zswapsim curve` shows: a curve of the whole trace, and on request of its windows and processes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zswapsim._core.base import arguments
from zswapsim._core.base.errors import InputError
from zswapsim.json_text import json_document
from zswapsim.reclaimers.names import EXACT_LRU, parse_reclaim
from zswapsim.study.curve.exact import CurveSet, exact_curve
from zswapsim.study.curve.miniature import miniature_curves
from zswapsim.study.curve.sampled import sampled_curve
from zswapsim.study.curve.stack_curve import EXACT, Curve, StackCurve
from zswapsim.study.curve.trace_walk import Progress
from zswapsim.study.run.inputs import open_trace
from zswapsim.traces import DenseTrace, Trace

MOST_POINTS = 1 << 20
MOST_ACCESSES = (1 << 63) - 1


class Curves(msgspec.Struct, kw_only=True):
    """Hold curves that all have the same number of sizes."""

    reclaim: str
    whole: Curve
    window: int
    """Accesses of each window; 0 if there are no windows."""
    windows: list[Curve]
    """Curves in the order of time; together they are the whole."""
    processes: dict[int, Curve]
    """Curves of each process with a DRAM of its own; sizes are shares of its own footprint."""
    shared: dict[int, Curve]
    """Each process's part of the whole, in a DRAM that all share; its dirty swap-outs are not known."""

    @property
    def interrupted(self) -> bool:
        """Tell if Ctrl-C ended the pass."""
        return self.whole.interrupted

    def to_json(self) -> bytes:
        """Return one JSON object, indented."""
        return json_document(self)


def curves(
    trace: str | Path | Trace | DenseTrace,
    reclaim: str = EXACT_LRU,
    *,
    points: int = 20,
    rate: float | None = None,
    sampled_pages: int | None = None,
    window: int = 0,
    by_process: bool = False,
    progress: Progress | None = None,
) -> Curves:
    """Return faults and swap-outs at `points` sizes of DRAM, evenly spread up to the footprint, in one pass.

    `reclaim` is written as in Settings. With ``lru`` every size comes from stack distances; with other reclaimers each
    size has a replay. `rate` or `sampled_pages` limits the pass to a sample of the pages
    (:func:`~zswapsim.study.curve.sampled.sample_size`); without them counts are exact. `window` adds a curve for every
    so many accesses, `by_process` one for every process.

    Raises InputError, HostMemoryError.
    """
    parse_reclaim(arguments.text(reclaim, "--reclaim"))
    by_process = arguments.flag(by_process, "by_process")
    window = arguments.whole(window, "--window", 0, MOST_ACCESSES)
    arguments.callback(progress, "progress")
    points = arguments.whole(points, "--points", 1, MOST_POINTS)
    rate = None if rate is None else arguments.number(rate, "--rate", 0.0, 1.0)
    if sampled_pages is not None:
        sampled_pages = arguments.whole(sampled_pages, "--sampled-pages", 1, MOST_ACCESSES)
    _check(rate, sampled_pages, by_process=by_process)
    if by_process and reclaim != EXACT_LRU:
        raise InputError(f"--by-process: --reclaim {reclaim} tells no process apart: expected {EXACT_LRU}")
    dense = open_trace(trace)
    dense.scan(progress)
    sizes = even_sizes(dense.pages, points)
    if reclaim != EXACT_LRU:
        whole, windows = miniature_curves(
            dense, reclaim, sizes, rate=rate, sampled_pages=sampled_pages, window=window, progress=progress
        )
        return Curves(reclaim=reclaim, whole=whole, window=window, windows=windows, processes={}, shared={})
    if rate is None and sampled_pages is None:
        shared_at = sizes if by_process else ()
        found = exact_curve(dense, window=window, by_process=by_process, shared_at=shared_at, progress=progress)
        return _at_sizes(found, points, EXACT, [0.0] * len(sizes), window)
    sampled = sampled_curve(dense, rate=rate, sampled_pages=sampled_pages, window=window, progress=progress)
    return _at_sizes(sampled.found, points, sampled.method, sampled.bounds(sizes), window)


def _check(rate: float | None, sampled_pages: int | None, *, by_process: bool) -> None:
    """Raise InputError for arguments that do not fit together."""
    if rate is not None and sampled_pages is not None:
        raise InputError("--rate, --sampled-pages: expected one of them")
    if by_process and (rate is not None or sampled_pages is not None):
        raise InputError("--by-process: not of a sample: leave out --rate and --sampled-pages")


def _at_sizes(found: CurveSet, points: int, method: str, errors: list[float], window: int) -> Curves:
    def at_sizes(curve: StackCurve, pages: int) -> Curve:
        return curve.curve(even_sizes(pages, points), method)

    whole = found.whole.curve(even_sizes(found.whole.pages, points), method, errors)
    return Curves(
        reclaim=EXACT_LRU,
        whole=msgspec.structs.replace(whole, interrupted=found.interrupted),
        window=window,
        windows=[at_sizes(each, each.pages) for each in found.windows],
        processes={name: at_sizes(each, each.seen[1]) for name, each in found.processes.items()},
        shared=found.shared,
    )


def even_sizes(pages: int, points: int) -> list[int]:
    """Return at most `points` sizes up to `pages` frames, evenly spread, ascending."""
    return sorted({max(pages * step // points, 1) for step in range(1, points + 1)})
