"""Walk over a trace once, in pieces that end where a window ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim.signals import held
from zswapsim.traces import DenseTrace

Progress = Callable[[int, int], None]
Piece = tuple[NDArray[np.uint32], NDArray[np.uint8]]
MOST_WINDOWS = 1 << 14
PIECE = 1 << 18
"""Accesses after which Ctrl-C is noticed."""


def walk_trace(
    trace: DenseTrace,
    feed: Callable[[NDArray[np.uint32], NDArray[np.uint8]], None],
    *,
    window: int = 0,
    end_window: Callable[[int], None] = lambda _done: None,
    progress: Progress | None = None,
) -> tuple[int, bool]:
    """Pass all accesses to `feed`, and call `end_window` with their number at the end of each window and of the trace.

    Returns how many accesses were passed on, and True if Ctrl-C ended the walk before its end. Raises InputError if
    there are too many windows.
    """
    if window and trace.events > MOST_WINDOWS * window:
        raise InputError(f"--window {window}: expected at most {MOST_WINDOWS} windows in {trace.events} accesses")
    done = 0
    try:
        for pages, ops in pieces(trace, window):
            with held():  # all of a piece is counted, or nothing
                feed(pages, ops)
                done += len(pages)
                if window and (done % window == 0 or done == trace.events):
                    end_window(done)
            if progress is not None:
                progress(done, trace.events)
    except KeyboardInterrupt:
        return done, True
    return done, False


def pieces(trace: DenseTrace, window: int) -> Iterator[Piece]:
    """Yield the trace in pieces that end where a window ends."""
    done = 0
    for pages, ops in trace.chunks():
        first = 0
        while first < len(pages):
            most = min(PIECE, window - done % window) if window else PIECE
            end = min(first + most, len(pages))
            yield pages[first:end], ops[first:end]
            done += end - first
            first = end
