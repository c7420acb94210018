"""Faults and swap-outs at every size of DRAM from one pass over a trace, with exact LRU: exactly, or of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim.study.byprocess import Alone, Owners, Shared
from zswapsim.study.onepass import Progress, Windows, curve_of, walk
from zswapsim.study.stackcurve import EXACT, Curve, StackCurve
from zswapsim.traces import DenseTrace

__all__ = ["EXACT", "Curve", "CurveSet", "StackCurve", "exact_curve"]


class CurveSet(NamedTuple):
    """What one pass found."""

    whole: StackCurve
    windows: list[StackCurve]
    """Of `window` accesses each, the last one of what is left; together they are the whole."""
    processes: dict[int, StackCurve]
    """Each process by itself: with a DRAM of its own."""
    shared: dict[int, Curve]
    """Each process's part of the whole, at `shared_at`."""
    interrupted: bool
    """Ctrl-C ended the pass: curves are those of the accesses before it."""


def exact_curve(
    trace: DenseTrace,
    *,
    window: int = 0,
    by_process: bool = False,
    shared_at: Sequence[int] = (),
    progress: Progress | None = None,
) -> CurveSet:
    """The curve of a trace at every size of DRAM, as exact LRU replays with a reclaim batch of 1 would give it.

    `window`: accesses of each of the curves in time, which takes O(pages log pages) a window; 0 for none. `by_process`:
    a curve for every process of the trace too; `shared_at`, ascending: sizes of the whole's at which it is said whose
    faults they are. Takes 25 bytes a page, as much again with `by_process`, and at most 24 bytes an access or a page in
    every window. Ctrl-C ends the pass with what was found so far.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    trace.scan()
    stack = StackDistances(trace.pages)
    timeline = Windows(trace, stack)
    owners = Owners(trace) if by_process or shared_at else None
    alone = Alone(trace, owners) if owners is not None and by_process else None
    shared = Shared(trace, owners, shared_at) if owners is not None and shared_at else None

    def take(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        distances = None if shared is None else np.empty(len(pages), np.uint32)
        stack.feed(pages, ops, distances)
        if alone is not None:
            alone.feed(pages, ops)
        if shared is not None and distances is not None:
            shared.feed(pages, distances)

    done, interrupted = walk(trace, take, window=window, ended=timeline.note, progress=progress)
    processes = {} if alone is None else alone.curves()
    parts = {} if shared is None else shared.curves(stack)
    return CurveSet(curve_of(trace, stack, done), timeline.curves, processes, parts, interrupted)


def check_window(window: int) -> None:
    """Raises InputError."""
    if window < 0:
        raise InputError(f"--window {window}: expected a number of accesses, or 0 for none")
