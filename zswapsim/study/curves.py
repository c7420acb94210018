"""What `zswapsim curve` finds: a curve of the whole trace, and of its windows and processes where that is asked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.study.curve import CurveSet, exact_curve
from zswapsim.study.mini import mini_curves
from zswapsim.study.onepass import Progress
from zswapsim.study.policies import parse_reclaim
from zswapsim.study.reclaim import EXACT_LRU
from zswapsim.study.run import open_trace
from zswapsim.study.sampled import sampled_curve
from zswapsim.study.stackcurve import EXACT, Curve, StackCurve
from zswapsim.traces import DenseTrace, Trace

MOST_POINTS = 1 << 20


class Curves(msgspec.Struct, kw_only=True):
    """Curves at the same number of sizes each."""

    reclaim: str
    whole: Curve
    window: int
    """Accesses of each window, 0 where there are none."""
    windows: list[Curve]
    """In time; together they are the whole."""
    processes: dict[int, Curve]
    """Each process by itself, with a DRAM of its own; sizes are of its own footprint."""
    shared: dict[int, Curve]
    """Each process's part of the whole, in a DRAM that all share; of dirty pages nothing is known."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the pass."""
        return self.whole.interrupted

    def to_json(self) -> bytes:
        """One JSON object, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


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
    """Faults and swap-outs at `points` sizes of DRAM, evenly spread up to the footprint, in one pass over `trace`.

    `reclaim` as in Settings. With ``lru`` every size comes from stack distances; with others each has a replay. `rate`
    or `sampled_pages`: look at a share of the pages alone (:func:`~zswapsim.study.sampled.sample_size`); with neither
    counts are exact. `window`: a curve for every so many accesses too. `by_process`: one for every process.

    Raises InputError, HostMemoryError.
    """
    parse_reclaim(reclaim)
    _check(points, rate, sampled_pages, by_process=by_process)
    if by_process and reclaim != EXACT_LRU:
        raise InputError(f"--by-process: --reclaim {reclaim} tells no process apart: expected {EXACT_LRU}")
    dense = open_trace(trace)
    dense.scan(progress)
    sizes = spread(dense.pages, points)
    if reclaim != EXACT_LRU:
        whole, windows = mini_curves(
            dense, reclaim, sizes, rate=rate, sampled_pages=sampled_pages, window=window, progress=progress
        )
        return Curves(reclaim=reclaim, whole=whole, window=window, windows=windows, processes={}, shared={})
    if rate is None and sampled_pages is None:
        shared_at = sizes if by_process else ()
        found = exact_curve(dense, window=window, by_process=by_process, shared_at=shared_at, progress=progress)
        return _at(found, points, EXACT, [0.0] * len(sizes), window)
    sampled = sampled_curve(dense, rate=rate, sampled_pages=sampled_pages, window=window, progress=progress)
    return _at(sampled.found, points, sampled.method, sampled.bounds(sizes), window)


def _check(points: int, rate: float | None, sampled_pages: int | None, *, by_process: bool) -> None:
    """Raises InputError for what does not go together."""
    if not 0 < points <= MOST_POINTS:
        raise InputError(f"--points {points}: expected 1 to {MOST_POINTS}")
    if rate is not None and sampled_pages is not None:
        raise InputError("--rate, --sampled-pages: expected one of them")
    if by_process and (rate is not None or sampled_pages is not None):
        raise InputError("--by-process: not of a sample: leave out --rate and --sampled-pages")


def _at(found: CurveSet, points: int, method: str, errors: list[float], window: int) -> Curves:
    def taken(curve: StackCurve, pages: int) -> Curve:
        return curve.curve(spread(pages, points), method)

    whole = found.whole.curve(spread(found.whole.pages, points), method, errors)
    return Curves(
        reclaim=EXACT_LRU,
        whole=msgspec.structs.replace(whole, interrupted=found.interrupted),
        window=window,
        windows=[taken(each, each.pages) for each in found.windows],
        processes={name: taken(each, each.seen[1]) for name, each in found.processes.items()},
        shared=found.shared,
    )


def spread(pages: int, points: int) -> list[int]:
    """At most `points` sizes up to `pages` frames, evenly spread, ascending."""
    return sorted({max(pages * step // points, 1) for step in range(1, points + 1)})
