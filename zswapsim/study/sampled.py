"""A sample of a trace's pages with all their accesses: curves from it, and how far off they can be."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim._core.curve.sample import count_misses, limit_for, sample_accesses
from zswapsim._core.trace.dense import DenseMap
from zswapsim.study.curve import CurveSet, check_window, exact_curve
from zswapsim.study.onepass import Piece, Progress, Windows, curve_of, walk
from zswapsim.study.stackcurve import Sizes, StackCurve
from zswapsim.traces import DenseTrace

LEAST_PAGES = 8192
LEAST_ACCESSES = 1 << 17
"""Where pages are sampled at a rate, the sample has as many pages, and is expected to have as many accesses, or all.

The authors of SHARDS find that 1 MB of samples, some thousands of pages, is off by less than 0.01 on average.
"""
CONFIDENCE = 0.95
NORMAL = 1.96
"""Standard deviations within which a normal variable is with that confidence."""
CELLS = 48
"""Sizes at which the variation between pages is known."""


class Sample:
    """`wanted` of the pages of a scanned trace, chosen by number; pages get numbers of their own, from 0 on.

    Takes memory for the sample alone: 16 bytes a page or less. Raises InputError.
    """

    def __init__(self, trace: DenseTrace, wanted: int, shift: int = 0) -> None:
        self.pages, self.rate = wanted, wanted / trace.pages
        self.shift, self.limit = shift, limit_for(trace.pages, shift, wanted)
        self._numbers = DenseMap()
        self._pages, self._ops = np.empty(0, np.uint64), np.empty(0, np.uint8)

    def of(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> Piece:
        """Sampled accesses: numbers of pages, and ops; valid until the next call."""
        count = len(pages)
        if len(self._pages) < count:
            self._pages, self._ops = np.empty(count, np.uint64), np.empty(count, np.uint8)
        chosen, chosen_ops = self._pages[:count], self._ops[:count]
        found = sample_accesses(pages, ops, self.shift, self.limit, chosen, chosen_ops)
        numbers = np.empty(found, np.uint32)
        self._numbers.map(chosen[:found], numbers)
        return numbers, chosen_ops[:found]


def sample_size(trace: DenseTrace, rate: float | None, sampled_pages: int | None) -> int:
    """Pages to sample: `sampled_pages`, or a share of `rate` and never so few that a curve says nothing.

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
    """What one pass over a sample found."""

    found: CurveSet
    method: str
    errors: ErrorBound | None
    """None where the sample is the whole."""

    def bounds(self, frames: Sizes) -> list[float]:
        """Of each size, what :class:`ErrorBound` says."""
        if self.errors is None:
            return [0.0] * len(frames)
        return [float(each) for each in self.errors.of(self.found.whole, np.asarray(frames, np.float64))]


def sampled_curve(
    trace: DenseTrace,
    *,
    rate: float | None = None,
    sampled_pages: int | None = None,
    window: int = 0,
    shift: int = 0,
    progress: Progress | None = None,
) -> Sampled:
    """The curve of exact LRU, estimated from a sample of the pages, by SHARDS (source: `_core/curve/sample.pyx`).

    `rate` or `sampled_pages` as for :func:`sample_size`. Accesses to sampled pages count 1 / rate each, and so do
    distances between them. That the sample has more or less than its share of the accesses is taken as a matter of
    accesses that hit (the paper's SHARDS-adj). `shift`, below 2**32, chooses other pages. Takes some 250 bytes a
    sampled page.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    wanted = sample_size(trace, rate, sampled_pages)
    if wanted == trace.pages:
        return Sampled(exact_curve(trace, window=window, progress=progress), "shards:rate=1", None)
    sample = Sample(trace, wanted, shift)
    stack = StackDistances(sample.pages)
    errors = ErrorBound(sample)
    timeline = Windows(trace, stack, sample.rate)

    def take(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        numbers, sampled_ops = sample.of(pages, ops)
        distances = np.empty(len(numbers), np.uint32)
        stack.feed(numbers, sampled_ops, distances)
        errors.feed(numbers, distances)

    done, interrupted = walk(trace, take, window=window, ended=timeline.note, progress=progress)
    whole = curve_of(trace, stack, done, sample.rate)
    return Sampled(CurveSet(whole, timeline.curves, {}, {}, interrupted), f"shards:rate={sample.rate:.4g}", errors)


class ErrorBound:
    """How far a curve from a sample may be off, at each size, with a confidence of 95 %; as a share of all accesses.

    Which pages were drawn: at a size of c frames a page has at most accesses / c misses, since c other pages come
    between two of them. So the mean of the misses a page is off by no more than an empirical Bernstein bound allows
    (Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, theorem 4). How large
    a distance is: d pages have d * rate sampled ones, give or take the root of that. So the curve is also taken at
    sizes that are so much smaller and larger. The two are added.
    """

    def __init__(self, sample: Sample) -> None:
        self.pages, self.rate = sample.pages, sample.rate
        self.cells: NDArray[np.int64] = np.unique(np.geomspace(1, max(self.pages, 2), CELLS).astype(np.int64))
        """Sampled sizes."""
        self._cell_of = np.searchsorted(self.cells, np.arange(self.pages + 1)).astype(np.uint32)
        self._misses = np.zeros((self.pages, len(self.cells) + 1), np.uint32)
        """Of each page: accesses that miss in the sizes of the first so many cells, and in no other."""

    def feed(self, numbers: NDArray[np.uint32], distances: NDArray[np.uint32]) -> None:
        """Sampled accesses and their distances."""
        count_misses(numbers, distances, self._cell_of, self._misses)

    def of(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """The bound at each size; 1 where nothing was looked at yet."""
        if not whole.accesses:
            return np.ones(len(frames))
        return np.minimum(self._drawn(whole, frames) + self._scaled(whole, frames), 1.0)

    def _drawn(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """For the pages that happened to be drawn. `ln(4 / ...)`: two-sided."""
        log = math.log(4 / (1 - CONFIDENCE))
        known = self._variances()
        # Of the two cells around a size, the one of more variation.
        cell = np.clip(np.searchsorted(self.cells, frames * self.rate), 1, len(self.cells) - 1)
        variance = np.maximum(known[cell], known[cell - 1])
        mean_off: NDArray[np.float64] = np.sqrt(2 * variance * log / self.pages)
        mean_off += 7 * (whole.accesses / frames) * log / (3 * max(self.pages - 1, 1))
        return mean_off * (whole.pages / whole.accesses)

    def _variances(self) -> NDArray[np.float64]:
        """Of the misses of a page, between pages, at the size of each cell."""
        misses = np.zeros(self.pages, np.int64)
        found = np.empty(len(self.cells))
        for cell in range(len(self.cells), 0, -1):
            misses += self._misses[:, cell]
            found[cell - 1] = misses.var()
        return found

    def _scaled(self, whole: StackCurve, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """For the scale of distances."""
        off = np.minimum(NORMAL * np.sqrt((1 - self.rate) / (self.rate * frames)), 1.0)
        here = whole.major_faults(frames)
        less, more = whole.major_faults(frames * (1 - off)), whole.major_faults(frames * (1 + off))
        apart: NDArray[np.float64] = np.maximum(less - here, here - more) / whole.accesses
        return apart
