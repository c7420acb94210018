"""Curves over the size of DRAM: what one pass found, at every size or at chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError

EXACT = "exact"
Sizes = Sequence[int] | NDArray[np.int64] | NDArray[np.float64]


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
    """The largest of `errors`; None where no bound is known."""
    errors: list[float] = []
    """Of each size: a bound of the error of its major faults, as a share of the accesses."""
    interrupted: bool = False
    """Ctrl-C ended it: it is the curve of the accesses before that."""


class Steps:
    """How many accesses have a distance above a size. `counts`: int64, by distance from 0 on; what is at 0 counts not.

    Keeps what is not 0: 12 bytes a distance that occurs.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        found = np.flatnonzero(counts)
        found = found[found > 0]
        self._distances = found.astype(np.uint32)
        self._above: NDArray[np.int64] = np.append(np.cumsum(counts[found][::-1])[::-1], 0)

    def above(self, frames: Sizes) -> NDArray[np.int64]:
        """int64, one for each of `frames`. O(log distances) each."""
        place = np.searchsorted(self._distances, frames, side="right")
        found: NDArray[np.int64] = self._above[place]
        return found

    def between(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of sizes that are not whole, in proportion."""
        low = np.floor(sizes).astype(np.int64)
        above, next_above = (self.above(each).astype(np.float64) for each in (low, low + 1))
        return above + (sizes - low) * (next_above - above)


class StackCurve(NamedTuple):
    """A curve that knows every size of DRAM; exact counts are those of exact LRU replays with a batch of 1."""

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
    rate: float = 1.0
    """Share of the pages that were looked at. Below 1, `seen`, `reuses`, `dirtied` are of those, counts estimates."""

    def at(self, frames: int) -> tuple[int, int]:
        """(major faults, swap-outs) at a DRAM of `frames` frames."""
        return int(self.major_faults([frames])[0]), int(self.swap_outs([frames])[0])

    def major_faults(self, frames: Sizes) -> NDArray[np.int64]:
        """At each size."""
        found: NDArray[np.int64] = np.minimum(self._counted(self.reuses, frames), self.accesses - self.first_accesses)
        return found

    def swap_outs(self, frames: Sizes) -> NDArray[np.int64]:
        """Pages evicted at each size: those that came in and are not there any more."""
        before, after = self._distinct
        came_in = self.major_faults(frames) + (after - before)
        stayed: NDArray[np.int64] = np.minimum(frames, after) - np.minimum(frames, before)
        return came_in - stayed

    def dirty_swap_outs(self, frames: Sizes) -> NDArray[np.int64]:
        """Of these, those that need a store where copies stay behind a load until a write."""
        found: NDArray[np.int64] = np.minimum(self._counted(self.dirtied, frames), self.swap_outs(frames))
        return found

    @property
    def first_accesses(self) -> int:
        """Accesses that are their page's first."""
        return self._distinct[1] - self._distinct[0]

    @property
    def _distinct(self) -> tuple[int, int]:
        before, after = (round(each / self.rate) for each in self.seen)
        return before, min(after, self.pages)

    def _counted(self, steps: Steps, frames: Sizes) -> NDArray[np.int64]:
        if self.rate == 1:
            return steps.above(frames)
        return np.rint(steps.between(np.asarray(frames) * self.rate) / self.rate).astype(np.int64)

    def curve(self, frames: Sequence[int], method: str = EXACT, errors: Sequence[float] = ()) -> Curve:
        """The curve at ascending sizes of at least 1 frame, with the bound of each. Raises InputError."""
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
