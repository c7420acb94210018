"""Compute the faults and swap-outs of exact LRU at every size of DRAM, exactly, in one pass over a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim.study.curve.by_process import PageOwners, SeparateDram, SharedDram
from zswapsim.study.curve.stack_curve import Curve, StackCurve, WindowCurves, make_stack_curve
from zswapsim.study.curve.trace_walk import Progress, walk_trace
from zswapsim.traces import DenseTrace


class CurveSet(NamedTuple):
    """Hold the curves that one pass found."""

    whole: StackCurve
    windows: list[StackCurve]
    """Curves of `window` accesses each, the last one of the rest; together they are the whole."""
    processes: dict[int, StackCurve]
    """Curves of each process with a DRAM of its own."""
    shared: dict[int, Curve]
    """Each process's part of the whole, at the sizes `shared_at`."""
    interrupted: bool
    """True if Ctrl-C ended the pass; then the curves are those of the accesses before that."""


def exact_curve(
    trace: DenseTrace,
    *,
    window: int = 0,
    by_process: bool = False,
    shared_at: Sequence[int] = (),
    progress: Progress | None = None,
) -> CurveSet:
    """Return the curve of a trace at every size of DRAM, equal to exact LRU replays with a reclaim batch of 1.

    `window` is the number of accesses of each of the curves in time, 0 for none; each takes O(pages log pages).
    `by_process` adds a curve for every process of the trace. `shared_at` lists ascending sizes of the DRAM at which the
    faults of the whole are split by process. Takes 25 bytes a page, as much again with `by_process`, and at most 24
    bytes an access or a page in every window. Ctrl-C ends the pass with the curves of the accesses up to then.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    trace.scan()
    stack = StackDistances(trace.pages)
    windows = WindowCurves(trace, stack)
    owners = PageOwners(trace) if by_process or shared_at else None
    separate = SeparateDram(trace, owners) if owners is not None and by_process else None
    shared = SharedDram(trace, owners, shared_at) if owners is not None and shared_at else None

    def feed(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        distances = None if shared is None else np.empty(len(pages), np.uint32)
        stack.feed(pages, ops, distances)
        if separate is not None:
            separate.feed(pages, ops)
        if shared is not None and distances is not None:
            shared.feed(pages, distances)

    done, interrupted = walk_trace(trace, feed, window=window, end_window=windows.end_window, progress=progress)
    processes = {} if separate is None else separate.curves()
    parts = {} if shared is None else shared.curves(stack)
    return CurveSet(make_stack_curve(trace, stack, done), windows.curves, processes, parts, interrupted)


def check_window(window: int) -> None:
    """Raise InputError if `window` is not a number of accesses."""
    if window < 0:
        raise InputError(f"--window {window}: expected a number of accesses, or 0 for none")
