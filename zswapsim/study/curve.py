"""Faults and swap-outs at every size of DRAM from one pass over a trace, with exact LRU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.distances import StackDistances
from zswapsim._core.errors import InputError
from zswapsim.traces import DenseTrace

Progress = Callable[[int, int], None]
EXACT = "exact"
PIECE = 1 << 18
"""Accesses between two looks for Ctrl-C."""


class Curve(msgspec.Struct, kw_only=True):
    """One curve at chosen sizes; counts are pages."""

    trace: str
    method: str
    """``exact``, ``shards:rate=R`` or ``mini:NAME:rate=R``."""
    frames: list[int]
    """Sizes of DRAM, ascending."""
    major_faults: list[int]
    swap_outs: list[int]
    """Evictions (`reclaimed_pages`): each needs a store, since a load drops the copy behind."""
    dirty_swap_outs: list[int]
    """Of these, those that need a store where copies stay until a write (`reclaimed_pages - dropped_clean_pages`)."""
    accesses: int
    first_accesses: int
    """Of these, those that are their page's first: minor faults at every size."""
    pages: int
    """Footprint of the trace."""
    error: float | None = None
    """Bound of the error of major faults, as a share of all accesses; None where there is none to state."""


class Steps:
    """How many accesses have a distance above a size. `counts`: int64, by distance from 0 on; what is at 0 counts not.

    Keeps what is not 0: 12 bytes a distance that occurs.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        found = np.flatnonzero(counts)
        found = found[found > 0]
        self._distances = found.astype(np.uint32)
        self._above: NDArray[np.int64] = np.append(np.cumsum(counts[found][::-1])[::-1], 0)

    def above(self, frames: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """int64, one for each of `frames`. O(log distances) each."""
        place = np.searchsorted(self._distances, frames, side="right")
        found: NDArray[np.int64] = self._above[place]
        return found


class StackCurve(NamedTuple):
    """A curve that knows every size of DRAM; counts of pages are those of exact LRU replays with a batch of 1."""

    trace: str
    accesses: int
    pages: int
    """Footprint of the trace."""
    seen: tuple[int, int]
    """Distinct pages accessed before it and at its end: all there were, unless it is a window."""
    reuses: Steps
    """Accesses but first ones."""
    dirtied: Steps
    """How often pages were made dirty, by the largest distance until a write."""

    def at(self, frames: int) -> tuple[int, int]:
        """(major faults, swap-outs) at a DRAM of `frames` frames."""
        return int(self.major_faults([frames])[0]), int(self.swap_outs([frames])[0])

    def major_faults(self, frames: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """At each size."""
        return self.reuses.above(frames)

    def swap_outs(self, frames: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Pages evicted at each size: those that came in and are not there any more."""
        before, after = self.seen
        came_in = self.major_faults(frames) + (after - before)
        return came_in - (np.minimum(frames, after) - np.minimum(frames, before))

    def dirty_swap_outs(self, frames: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Of these, those that need a store where copies stay behind a load until a write."""
        return self.dirtied.above(frames)

    def sizes(self, points: int) -> list[int]:
        """At most `points` sizes from 1 frame to the footprint, evenly spread, ascending."""
        return sorted({max(self.pages * step // points, 1) for step in range(1, points + 1)})

    def curve(self, frames: Sequence[int]) -> Curve:
        """The curve at sizes of at least 1 frame. Raises InputError."""
        if not frames or min(frames) < 1:
            raise InputError(f"sizes of DRAM {list(frames)}: expected at least one, of at least 1 frame")
        sizes = sorted(set(frames))
        return Curve(
            trace=self.trace,
            method=EXACT,
            frames=sizes,
            major_faults=self.major_faults(sizes).tolist(),
            swap_outs=self.swap_outs(sizes).tolist(),
            dirty_swap_outs=self.dirty_swap_outs(sizes).tolist(),
            accesses=self.accesses,
            first_accesses=self.seen[1] - self.seen[0],
            pages=self.pages,
        )


class CurveSet(NamedTuple):
    """What one pass found."""

    whole: StackCurve
    windows: list[StackCurve]
    """Of `window` accesses each, the last one of what is left; together they are the whole."""
    processes: dict[int, StackCurve]
    """Each process by itself: with a DRAM of its own."""
    interrupted: bool
    """Ctrl-C ended the pass: curves are those of the accesses before it."""


def exact_curve(
    trace: DenseTrace, *, window: int = 0, by_process: bool = False, progress: Progress | None = None
) -> CurveSet:
    """The curve of a trace at every size of DRAM, as exact LRU replays with a reclaim batch of 1 would give it.

    `window`: accesses of each of the curves in time, which takes O(pages log pages) a window; 0 for none. `by_process`:
    a curve for every process of the trace too. Takes 25 bytes a page, as much again with `by_process`, and at most 24
    bytes an access or a page in every window. Ctrl-C ends the pass with what was found so far.

    Raises InputError, HostMemoryError.
    """
    if window < 0:
        raise InputError(f"--window {window}: expected a number of accesses")
    trace.scan()
    stack = StackDistances(trace.pages)
    owners = ByProcess(trace) if by_process else None
    timeline = Windows(trace, stack)
    done, interrupted = 0, False
    try:
        for pages, ops in pieces(trace, window):
            stack.feed(pages, ops)
            done += len(pages)
            if owners is not None:
                owners.feed(pages, ops)
            if window and (done % window == 0 or done == trace.events):
                timeline.note(done)
            if progress is not None:
                progress(done, trace.events)
    except KeyboardInterrupt:
        interrupted = True
    whole = curve_of(trace, stack, done)
    return CurveSet(whole, timeline.curves, {} if owners is None else owners.curves(), interrupted)


def pieces(trace: DenseTrace, window: int) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.uint8]]]:
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


def curve_of(trace: DenseTrace, stack: StackDistances, accesses: int) -> StackCurve:
    """The curve of all that was fed."""
    reuses, dirtied = counts_of(stack)
    return StackCurve(trace.name, accesses, trace.pages, (0, stack.seen), Steps(reuses), Steps(dirtied))


def counts_of(stack: StackDistances) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Accesses by distance, stores by distance, so far."""
    return stack.accesses_by_distance().view(np.int64), stack.stores_by_distance().view(np.int64)


class Windows:
    """Curves of what came between two looks at `stack`."""

    def __init__(self, trace: DenseTrace, stack: StackDistances) -> None:
        self.trace, self.stack = trace, stack
        self.curves: list[StackCurve] = []
        self._done = self._seen = 0
        self._before: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def note(self, done: int) -> None:
        """A window has ended after `done` accesses."""
        reuses, dirtied = counts = counts_of(self.stack)
        if self._before is not None:
            reuses, dirtied = reuses - self._before[0], dirtied - self._before[1]
        seen = self._seen, self.stack.seen
        accesses = done - self._done
        self.curves.append(StackCurve(self.trace.name, accesses, self.trace.pages, seen, Steps(reuses), Steps(dirtied)))
        self._done, self._seen, self._before = done, self.stack.seen, counts


class ByProcess:
    """Distances of each process among its own pages alone. Raises InputError where the trace names no processes."""

    def __init__(self, trace: DenseTrace) -> None:
        owner = trace.processes()
        if owner is None:
            raise InputError(f"{trace.name}: --by-process: expected a trace that names processes")
        self.trace = trace
        self.names, place = np.unique(owner, return_inverse=True)
        self.place = place.astype(np.uint32)
        sizes = np.bincount(self.place)
        self.number = np.empty(trace.pages, np.uint32)
        """Of each page, among its process's."""
        starts = np.cumsum(sizes) - sizes
        order = np.argsort(self.place, kind="stable")
        self.number[order] = np.arange(trace.pages) - np.repeat(starts, sizes)
        self.stacks = [StackDistances(int(size)) for size in sizes]
        self.accesses = [0] * len(sizes)

    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        """Hands each process its accesses, in their order."""
        owner = self.place[pages]
        order = np.argsort(owner, kind="stable")
        ends = np.flatnonzero(np.diff(owner[order])) + 1
        for events in np.split(order, ends):
            place = int(owner[events[0]])
            self.stacks[place].feed(self.number[pages[events]], np.ascontiguousarray(ops[events]))
            self.accesses[place] += len(events)

    def curves(self) -> dict[int, StackCurve]:
        """By process."""
        found = zip(self.names.tolist(), self.stacks, self.accesses, strict=True)
        return {name: curve_of(self.trace, stack, accesses) for name, stack, accesses in found}
