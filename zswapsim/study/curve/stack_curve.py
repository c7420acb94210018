"""Hold the faults and swap-outs of a trace over the size of DRAM: at every size, or at chosen sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim.traces import DenseTrace

EXACT = "exact"
Sizes = Sequence[int] | NDArray[np.int64] | NDArray[np.float64]


class Curve(msgspec.Struct, kw_only=True):
    """Hold one curve at chosen sizes; counts are pages."""

    trace: str
    method: str
    """``exact``, ``shards:rate=R`` or ``mini:NAME:rate=R``."""
    frames: list[int]
    """Sizes of DRAM, ascending."""
    major_faults: list[int]
    swap_outs: list[int]
    """Reclaimed pages (`reclaimed_pages`): each needs a store, since a load drops the copy in swap."""
    dirty_swap_outs: list[int]
    """Swap-outs that need a store if copies stay until a write (`reclaimed_pages - dropped_clean_pages`)."""
    accesses: int
    first_accesses: int
    """Accesses that are the first of their page: minor faults at every size."""
    pages: int
    """Footprint of the trace."""
    error: float | None = None
    """The largest of `errors`; None if no bound is known."""
    errors: list[float] = []
    """For each size, a bound of the error of its major faults, as a share of the accesses."""
    interrupted: bool = False
    """True if Ctrl-C ended the pass; then this is the curve of the accesses before that."""


class DistanceCounts:
    """Count the accesses whose distance is above a size.

    `counts` is int64, the number of accesses by distance from 0 on; the number at 0 is ignored. Numbers that are 0 are
    not kept: 12 bytes a distance that occurs.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        found = np.flatnonzero(counts)
        found = found[found > 0]
        self._distances = found.astype(np.uint32)
        self._above: NDArray[np.int64] = np.append(np.cumsum(counts[found][::-1])[::-1], 0)

    def above(self, frames: Sizes) -> NDArray[np.int64]:
        """Return the number for each of `frames`, int64. O(log distances) each."""
        place = np.searchsorted(self._distances, frames, side="right")
        found: NDArray[np.int64] = self._above[place]
        return found

    def above_fractions(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers for sizes that are not whole, interpolated between the two whole ones."""
        low = np.floor(sizes).astype(np.int64)
        above, next_above = (self.above(each).astype(np.float64) for each in (low, low + 1))
        return above + (sizes - low) * (next_above - above)


class StackCurve(NamedTuple):
    """Hold a curve at every size of DRAM; exact counts equal those of exact LRU replays with a batch of 1."""

    trace: str
    accesses: int
    pages: int
    """Footprint of the trace."""
    seen: tuple[int, int]
    """Distinct pages accessed before its first access and before its end. The first is 0 unless it is a window."""
    reuses: DistanceCounts
    """Accesses that are not the first of their page."""
    dirtied: DistanceCounts
    """Number of times that pages became dirty, by the largest distance until a write."""
    rate: float = 1.0
    """Share of the pages that were sampled. Below 1, `seen`, `reuses` and `dirtied` count sampled pages alone."""

    def at(self, frames: int) -> tuple[int, int]:
        """Return (major faults, swap-outs) with a DRAM of `frames` frames."""
        return int(self.major_faults([frames])[0]), int(self.swap_outs([frames])[0])

    def major_faults(self, frames: Sizes) -> NDArray[np.int64]:
        """Return the major faults at each size."""
        found: NDArray[np.int64] = np.minimum(self._counted(self.reuses, frames), self.accesses - self.first_accesses)
        return found

    def swap_outs(self, frames: Sizes) -> NDArray[np.int64]:
        """Return the pages reclaimed at each size: those that came in and are no longer resident."""
        before, after = self._distinct
        came_in = self.major_faults(frames) + (after - before)
        stayed: NDArray[np.int64] = np.minimum(frames, after) - np.minimum(frames, before)
        return came_in - stayed

    def dirty_swap_outs(self, frames: Sizes) -> NDArray[np.int64]:
        """Return the swap-outs that need a store if a load leaves the copy in swap until a write."""
        found: NDArray[np.int64] = np.minimum(self._counted(self.dirtied, frames), self.swap_outs(frames))
        return found

    @property
    def first_accesses(self) -> int:
        """Return the number of accesses that are the first of their page."""
        return self._distinct[1] - self._distinct[0]

    @property
    def _distinct(self) -> tuple[int, int]:
        before, after = (round(each / self.rate) for each in self.seen)
        return before, min(after, self.pages)

    def _counted(self, counts: DistanceCounts, frames: Sizes) -> NDArray[np.int64]:
        if self.rate == 1:
            return counts.above(frames)
        return np.rint(counts.above_fractions(np.asarray(frames) * self.rate) / self.rate).astype(np.int64)

    def curve(self, frames: Sequence[int], method: str = EXACT, errors: Sequence[float] = ()) -> Curve:
        """Return the curve at ascending sizes of at least 1 frame, with the error bound of each. Raises InputError."""
        if not frames or frames[0] < 1 or sorted(set(frames)) != list(frames):
            raise InputError("sizes of DRAM: expected at least one, ascending, of at least 1 frame")
        return Curve(
            trace=self.trace,
            method=method,
            frames=list(frames),
            major_faults=self.major_faults(frames).tolist(),
            swap_outs=self.swap_outs(frames).tolist(),
            dirty_swap_outs=self.dirty_swap_outs(frames).tolist(),
            accesses=self.accesses,
            first_accesses=self.first_accesses,
            pages=self.pages,
            error=max(errors, default=None),
            errors=list(errors),
        )


def make_stack_curve(trace: DenseTrace, stack: StackDistances, accesses: int, rate: float = 1.0) -> StackCurve:
    """Return the curve of everything that was fed to `stack`, out of `accesses` accesses."""
    reuses, dirtied = counts_by_distance(stack)
    return StackCurve(
        trace.name,
        accesses,
        trace.pages,
        (0, stack.accessed_pages),
        DistanceCounts(reuses),
        DistanceCounts(dirtied),
        rate,
    )


def counts_by_distance(stack: StackDistances) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the accesses by distance and the stores by distance, up to now."""
    return stack.accesses_by_distance().view(np.int64), stack.stores_by_distance().view(np.int64)


class WindowCurves:
    """Make a curve for each window of a trace, from the counts of `stack` at its begin and its end."""

    def __init__(self, trace: DenseTrace, stack: StackDistances, rate: float = 1.0) -> None:
        self.trace, self.stack, self.rate = trace, stack, rate
        self.curves: list[StackCurve] = []
        self._done = self._seen = 0
        self._before: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def end_window(self, done: int) -> None:
        """Add the curve of the window that ends after `done` accesses."""
        reuses, dirtied = counts = counts_by_distance(self.stack)
        if self._before is not None:
            reuses, dirtied = reuses - self._before[0], dirtied - self._before[1]
        seen = self._seen, self.stack.accessed_pages
        about = self.trace.name, done - self._done, self.trace.pages, seen
        self.curves.append(StackCurve(*about, DistanceCounts(reuses), DistanceCounts(dirtied), self.rate))
        self._done, self._seen, self._before = done, self.stack.accessed_pages, counts
