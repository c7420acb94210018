"""One pass over a trace, in pieces that end where a window ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.curve.distances import StackDistances
from zswapsim.study.stackcurve import StackCurve, Steps
from zswapsim.traces import DenseTrace

Progress = Callable[[int, int], None]
Piece = tuple[NDArray[np.uint32], NDArray[np.uint8]]
PIECE = 1 << 18
"""Accesses between two looks for Ctrl-C."""


def walk(
    trace: DenseTrace,
    take: Callable[[NDArray[np.uint32], NDArray[np.uint8]], None],
    *,
    window: int = 0,
    ended: Callable[[int], None] = lambda _done: None,
    progress: Progress | None = None,
) -> tuple[int, bool]:
    """Hands all accesses to `take`, and tells `ended` how many there were at the end of each window and of the trace.

    Returns how many were handed over, and whether Ctrl-C ended it before the end.
    """
    done = 0
    try:
        for pages, ops in pieces(trace, window):
            with interrupt_held():
                take(pages, ops)
                done += len(pages)
                if window and (done % window == 0 or done == trace.events):
                    ended(done)
            if progress is not None:
                progress(done, trace.events)
    except KeyboardInterrupt:
        return done, True
    return done, False


@contextmanager
def interrupt_held() -> Iterator[None]:
    """Ctrl-C meanwhile is raised at the end, so that no part of what is done here is without another.

    Where Ctrl-C is not this thread's, or the program has its own way with it, nothing is held.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if held:
        raise KeyboardInterrupt


def pieces(trace: DenseTrace, window: int) -> Iterator[Piece]:
    """The trace in pieces that end where a window ends."""
    done = 0
    for pages, ops in trace.chunks():
        first = 0
        while first < len(pages):
            most = min(PIECE, window - done % window) if window else PIECE
            end = min(first + most, len(pages))
            yield pages[first:end], ops[first:end]
            done += end - first
            first = end


def curve_of(trace: DenseTrace, stack: StackDistances, accesses: int, rate: float = 1.0) -> StackCurve:
    """The curve of all that was fed, out of `accesses`."""
    reuses, dirtied = counts_of(stack)
    return StackCurve(trace.name, accesses, trace.pages, (0, stack.seen), Steps(reuses), Steps(dirtied), rate)


def counts_of(stack: StackDistances) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Accesses by distance, stores by distance, so far."""
    return stack.accesses_by_distance().view(np.int64), stack.stores_by_distance().view(np.int64)


class Windows:
    """Curves of what came between two looks at `stack`."""

    def __init__(self, trace: DenseTrace, stack: StackDistances, rate: float = 1.0) -> None:
        self.trace, self.stack, self.rate = trace, stack, rate
        self.curves: list[StackCurve] = []
        self._done = self._seen = 0
        self._before: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def note(self, done: int) -> None:
        """A window has ended after `done` accesses."""
        reuses, dirtied = counts = counts_of(self.stack)
        if self._before is not None:
            reuses, dirtied = reuses - self._before[0], dirtied - self._before[1]
        seen = self._seen, self.stack.seen
        about = self.trace.name, done - self._done, self.trace.pages, seen
        self.curves.append(StackCurve(*about, Steps(reuses), Steps(dirtied), self.rate))
        self._done, self._seen, self._before = done, self.stack.seen, counts
