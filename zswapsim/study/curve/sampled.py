"""Estimate the curve of exact LRU from a sample of a trace's pages, and bound the error of the estimate."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim._core.curve.sample import count_misses, limit_for, sample_accesses
from zswapsim._core.trace.dense import DenseMap
from zswapsim.study.curve.exact import CurveSet, check_window, exact_curve
from zswapsim.study.curve.stack_curve import Sizes, StackCurve, WindowCurves, make_stack_curve
from zswapsim.study.curve.trace_walk import Piece, Progress, walk_trace
from zswapsim.traces import DenseTrace

LEAST_PAGES = 8192
LEAST_ACCESSES = 1 << 17
"""Minimum of the pages of a sample at a rate, and of its expected accesses, unless the trace has fewer.

The authors of SHARDS find that 1 MB of samples, some thousands of pages, has an error below 0.01 on average.
"""
CONFIDENCE = 0.95
NORMAL = 1.96
"""A normal variable is within so many standard deviations of its mean with that confidence."""
CELLS = 48
"""Number of sizes at which the variance between pages is measured."""


class Sample:
    """Choose `wanted` of the pages of a scanned trace by their numbers, and number them anew from 0 on.

    Takes memory for the sampled pages alone, at most 16 bytes each. Raises InputError.
    """

    def __init__(self, trace: DenseTrace, wanted: int, shift: int = 0) -> None:
        self.pages, self.rate = wanted, wanted / trace.pages
        self.shift, self.limit = shift, limit_for(trace.pages, shift, wanted)
        self._numbers = DenseMap()
        self._pages, self._ops = np.empty(0, np.uint64), np.empty(0, np.uint8)

    def select(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> Piece:
        """Return the accesses to sampled pages, as new numbers of pages and ops; valid until the next call."""
        count = len(pages)
        if len(self._pages) < count:
            self._pages, self._ops = np.empty(count, np.uint64), np.empty(count, np.uint8)
        chosen, chosen_ops = self._pages[:count], self._ops[:count]
        found = sample_accesses(pages, ops, self.shift, self.limit, chosen, chosen_ops)
        numbers = np.empty(found, np.uint32)
        self._numbers.map(chosen[:found], numbers)
        return numbers, chosen_ops[:found]


def sample_size(trace: DenseTrace, rate: float | None, sampled_pages: int | None) -> int:
    """Return how many pages to sample: `sampled_pages`, or a share of `rate`, but enough for a useful curve.

    Raises InputError.
    """
    if (rate is None) == (sampled_pages is None):
        raise InputError("--rate, --sampled-pages: expected one of them")
    trace.scan()
    if sampled_pages is not None:
        if sampled_pages < 1:
            raise InputError(f"--sampled-pages {sampled_pages}: expected at least 1")
        return min(sampled_pages, trace.pages)
    if rate is None or not 0 < rate <= 1:
        raise InputError(f"--rate {rate}: expected a share of the pages, above 0 and at most 1")
    enough = max(LEAST_PAGES, math.ceil(trace.pages * LEAST_ACCESSES / trace.events))
    return min(max(round(trace.pages * rate), enough), trace.pages)


class Sampled(NamedTuple):
    """Hold the curves that one pass over a sample found."""

    found: CurveSet
    method: str
    errors: ErrorBound | None
    """None if the sample is the whole trace."""

    def bounds(self, frames: Sizes) -> list[float]:
        """Return the error bound (:class:`ErrorBound`) at each size."""
        if self.errors is None:
            return [0.0] * len(frames)
        return [float(each) for each in self.errors.at(self.found.whole, np.asarray(frames, np.float64))]


def sampled_curve(
    trace: DenseTrace,
    *,
    rate: float | None = None,
    sampled_pages: int | None = None,
    window: int = 0,
    shift: int = 0,
    progress: Progress | None = None,
) -> Sampled:
    """Estimate the curve of exact LRU from a sample of the pages, by SHARDS (the core's `sample` module cites it).

    `rate` and `sampled_pages` are those of :func:`sample_size`. Each access to a sampled page counts 1 / rate times,
    and so does each page of a distance. If the sample has more or less than its share of the accesses, the difference
    is taken to be accesses that hit (the paper's SHARDS-adj). `shift`, below 2**32, chooses other pages. Takes some 250
    bytes a sampled page.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    wanted = sample_size(trace, rate, sampled_pages)
    if wanted == trace.pages:
        return Sampled(exact_curve(trace, window=window, progress=progress), "shards:rate=1", None)
    sample = Sample(trace, wanted, shift)
    stack = StackDistances(sample.pages)
    errors = ErrorBound(sample)
    windows = WindowCurves(trace, stack, sample.rate)

    def feed(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        numbers, sampled_ops = sample.select(pages, ops)
        distances = np.empty(len(numbers), np.uint32)
        stack.feed(numbers, sampled_ops, distances)
        errors.feed(numbers, distances)

    done, interrupted = walk_trace(trace, feed, window=window, end_window=windows.end_window, progress=progress)
    whole = make_stack_curve(trace, stack, done, sample.rate)
    return Sampled(CurveSet(whole, windows.curves, {}, {}, interrupted), f"shards:rate={sample.rate:.4g}", errors)


class ErrorBound:
    """Bound the error of a curve from a sample at each size, as a share of all accesses, with a confidence of 95 %.

    The bound is the sum of two errors. One comes from the choice of pages: at a size of c frames a page has at most
    accesses / c misses, since c other pages come between two of them. So an empirical Bernstein bound holds for the
    mean number of misses a page (Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT
    2009, theorem 4). The other comes from the scale of distances: among d pages there are d * rate sampled ones, with a
    standard deviation of at most the root of that. So the curve is also read at sizes that are smaller and larger by as
    much.
    """

    def __init__(self, sample: Sample) -> None:
        self.pages, self.rate = sample.pages, sample.rate
        self.cells: NDArray[np.int64] = np.unique(np.geomspace(1, max(self.pages, 2), CELLS).astype(np.int64))
        """Sizes in sampled pages."""
        self._cell_of = np.searchsorted(self.cells, np.arange(self.pages + 1)).astype(np.uint32)
        self._misses = np.zeros((self.pages, len(self.cells) + 1), np.uint32)
        """For each page and number n, its accesses that miss in the sizes of the first n cells and in no other."""

    def feed(self, numbers: NDArray[np.uint32], distances: NDArray[np.uint32]) -> None:
        """Count sampled accesses with their distances."""
        count_misses(numbers, distances, self._cell_of, self._misses)

    def at(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bound at each size; 1 if there were no accesses yet."""
        if not whole.accesses:
            return np.ones(len(frames))
        return np.minimum(self._choice_error(whole, frames) + self._scale_error(whole, frames), 1.0)

    def _choice_error(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound the error that comes from the choice of pages. `ln(4 / ...)` makes the bound two-sided."""
        log = math.log(4 / (1 - CONFIDENCE))
        known = self._variances()
        # Take the larger variance of the two cells around a size.
        cell = np.clip(np.searchsorted(self.cells, frames * self.rate), 1, len(self.cells) - 1)
        variance = np.maximum(known[cell], known[cell - 1])
        mean_off: NDArray[np.float64] = np.sqrt(2 * variance * log / self.pages)
        mean_off += 7 * (whole.accesses / frames) * log / (3 * max(self.pages - 1, 1))
        return mean_off * (whole.pages / whole.accesses)

    def _variances(self) -> NDArray[np.float64]:
        """Return the variance between pages of the misses of a page, at the size of each cell."""
        misses = np.zeros(self.pages, np.int64)
        found = np.empty(len(self.cells))
        for cell in range(len(self.cells), 0, -1):
            misses += self._misses[:, cell]
            found[cell - 1] = misses.var()
        return found

    def _scale_error(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bound the error that comes from the scale of distances."""
        off = np.minimum(NORMAL * np.sqrt((1 - self.rate) / (self.rate * frames)), 1.0)
        here = whole.major_faults(frames)
        less, more = whole.major_faults(frames * (1 - off)), whole.major_faults(frames * (1 + off))
        apart: NDArray[np.float64] = np.maximum(less - here, here - more) / whole.accesses
        return apart
