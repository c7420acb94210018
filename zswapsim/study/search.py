"""The best of all points by their estimates: sizes on a grid, and between them by bisection."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from zswapsim.study.estimate import PageCosts, estimate
from zswapsim.study.objectives import Limit, Objectives
from zswapsim.study.point import Point, Workload, make_point
from zswapsim.study.traffic import Source

LEAST_SHARE = 0.05
"""Of the footprint: less DRAM than that is not looked at."""
MOST_WAITING = 64
"""Times what was asked for: more is not looked at."""
BETWEEN = 16
"""Sizes tried between two that keep one half of what was asked each."""


class Search:
    """Estimates over DRAM sizes and compressors, each made once.

    Parameters: `source`, faults at any size; `costs` by compressor; `workload`; `batch`, pages evicted at a time;
    `grid`, sizes that are always looked at, in frames.
    """

    def __init__(
        self, source: Source, costs: Mapping[str, PageCosts], workload: Workload, batch: int, grid: Sequence[int]
    ) -> None:
        self.source, self.costs, self.workload, self.batch = source, costs, workload, batch
        self.least = max(least_frames(workload.pages, batch), source.least)
        self.grid = [frames for frames in grid if frames >= self.least]
        self._known: dict[tuple[str, int], Point] = {}

    def point(self, compressor: str, frames: int) -> Point:
        """The estimate at a DRAM of `frames` frames."""
        key = compressor, frames
        if key not in self._known:
            sums = estimate(self.costs[compressor], self.source.at(frames), self.batch)
            self._known[key] = make_point(compressor, sums, self.workload)
        return self._known[key]

    def best(self, objectives: Objectives, compressor: str | None = None) -> Point:
        """The best point that keeps `objectives`, of one compressor or all; where none does, the nearest."""
        names = list(self.costs) if compressor is None else [compressor]
        points = [point for name in names for point in self._candidates(name, objectives)]
        kept = [point for point in points if objectives.kept(point)]
        if kept:
            return min(kept, key=objectives.rank)
        return min(points, key=lambda point: (objectives.reached(point), objectives.rank(point)))

    def _candidates(self, compressor: str, objectives: Objectives) -> list[Point]:
        """The grid, the least DRAM that keeps the limits on waiting, the most that keeps those on saving."""
        most = self.workload.pages
        waiting = [limit for limit in objectives.limits if not limit.wants_less_memory]
        saving = [limit for limit in objectives.limits if limit.wants_less_memory]

        def kept(limits: Sequence[Limit]) -> Callable[[int], bool]:
            return lambda frames: all(limit.holds(self.point(compressor, frames)) for limit in limits)

        low = least_that(kept(waiting), self.least, most)
        high = most - least_that(lambda back: kept(saving)(most - back), 0, most - self.least)
        frames = {*self.grid, low, high}
        if high < low:
            frames |= {high + (low - high) * step // BETWEEN for step in range(BETWEEN)}
        return [self.point(compressor, each) for each in sorted(frames)]


class Turn(NamedTuple):
    """Where more waiting makes another compressor the better."""

    times: int
    """The waiting that was asked for."""
    point: Point


def turn(search: Search, objectives: Objectives, compressor: str) -> Turn | None:
    """The least power of two, to 64, with which the best estimate is of another compressor than `compressor`."""
    times, asked = 1, objectives
    while times < MOST_WAITING:
        times, looser = 2 * times, asked.looser()
        if looser == asked:
            return None
        asked, point = looser, search.best(looser)
        if point.compressor != compressor:
            return Turn(times, point)
    return None


def least_frames(pages: int, batch: int) -> int:
    """The smallest DRAM that a plan looks at."""
    return min(max(batch, round(LEAST_SHARE * pages), 1), pages)


def least_that(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least number from `low` to `high` that holds, by bisection; `high` where none below it does."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def knee(points: Sequence[Point]) -> Point | None:
    """The point of diminishing return of one compressor's points.

    Up to it a per cent of memory costs less slowdown than it does on average over all points, behind it more: the point
    farthest from the straight line between the ends (Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011). None
    where nothing is saved or nothing is paid.
    """
    saving = [point for point in points if point.saved > 0]
    end = max(saving, key=lambda point: point.saved, default=None)
    if end is None or end.slowdown <= 0:
        return None
    before = [point for point in saving if point.slowdown <= end.slowdown]
    return max(before, key=lambda point: point.saved / end.saved - point.slowdown / end.slowdown)


def pareto(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in both saved memory and slowdown, from least to most saved."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (-point.saved, point.slowdown)):
        if not front or point.slowdown < front[-1].slowdown:
            front.append(point)
    return front[::-1]
