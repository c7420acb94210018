"""Search for the best point by estimates: over a grid of sizes, and between them by bisection."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from zswapsim.study.plan.estimate import estimate
from zswapsim.study.plan.objectives import Limit, Objectives
from zswapsim.study.plan.page_costs import PageCosts
from zswapsim.study.plan.plan_point import PlanPoint, Workload, make_plan_point
from zswapsim.study.plan.traffic import TrafficSource

LEAST_SHARE = 0.05
"""The smallest DRAM that is considered, as a share of the footprint."""
MOST_WAITING = 64
"""The largest multiple of the allowed waiting that is considered."""
BETWEEN = 16
"""Number of sizes tried between two of which each keeps one half of the limits."""


class Search:
    """Estimate points over DRAM sizes and compressors, each once, and choose among them.

    `source` has the faults at any size, `costs` the page costs of each compressor. `batch` pages are reclaimed at a
    time. `grid` lists the sizes, in frames, that are always considered.
    """

    def __init__(
        self, source: TrafficSource, costs: Mapping[str, PageCosts], workload: Workload, batch: int, grid: Sequence[int]
    ) -> None:
        self.source, self.costs, self.workload, self.batch = source, costs, workload, batch
        self.least = max(least_frames(workload.pages, batch), source.least)
        self.grid = [frames for frames in grid if frames >= self.least]
        self._known: dict[tuple[str, int], PlanPoint] = {}

    def point(self, compressor: str, frames: int) -> PlanPoint:
        """Return the estimate for a DRAM of `frames` frames."""
        key = compressor, frames
        if key not in self._known:
            sums = estimate(self.costs[compressor], self.source.at(frames), self.batch)
            self._known[key] = make_plan_point(compressor, sums, self.workload)
        return self._known[key]

    def best(self, objectives: Objectives, compressor: str | None = None) -> PlanPoint:
        """Return the best point that keeps `objectives`, of one compressor or all; if none does, the nearest."""
        names = list(self.costs) if compressor is None else [compressor]
        points = [point for name in names for point in self._candidates(name, objectives)]
        kept = [point for point in points if objectives.kept(point)]
        if kept:
            return min(kept, key=objectives.rank)
        return min(points, key=lambda point: (objectives.reached(point), objectives.rank(point)))

    def _candidates(self, compressor: str, objectives: Objectives) -> list[PlanPoint]:
        """Return the grid, the smallest DRAM that keeps the limits on waiting, and the largest that keeps savings."""
        most = self.workload.pages
        waiting = [limit for limit in objectives.limits if not limit.wants_less_memory]
        saving = [limit for limit in objectives.limits if limit.wants_less_memory]

        def kept(limits: Sequence[Limit]) -> Callable[[int], bool]:
            return lambda frames: all(limit.holds(self.point(compressor, frames)) for limit in limits)

        low = bisect_least(kept(waiting), self.least, most)
        high = most - bisect_least(lambda back: kept(saving)(most - back), 0, most - self.least)
        frames = {*self.grid, low, high}
        if high < low:
            frames |= {high + (low - high) * step // BETWEEN for step in range(BETWEEN)}
        return [self.point(compressor, each) for each in sorted(frames)]


class Crossover(NamedTuple):
    """Hold the waiting with which another compressor becomes better."""

    times: int
    """Multiple of the waiting that the objectives allow."""
    point: PlanPoint


def find_crossover(search: Search, objectives: Objectives, compressor: str) -> Crossover | None:
    """Return the smallest power of two, up to 64, with which another compressor than `compressor` is better."""
    times, asked = 1, objectives
    while times < MOST_WAITING:
        times, looser = 2 * times, asked.looser()
        if looser == asked:
            return None
        asked, point = looser, search.best(looser)
        if point.compressor != compressor:
            return Crossover(times, point)
    return None


def least_frames(pages: int, batch: int) -> int:
    """Return the smallest DRAM, in frames, that a plan considers."""
    return min(max(batch, round(LEAST_SHARE * pages), 1), pages)


def bisect_least(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the smallest number from `low` to `high` for which `holds` is true; `high` if it is for none below."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def knee(points: Sequence[PlanPoint]) -> PlanPoint | None:
    """Return the point of diminishing return of one compressor's points; None if nothing is saved or nothing is paid.

    Up to this point a per cent of memory costs less slowdown than on average over all points, and after it more. It is
    the point farthest from the straight line between the ends (Satopää et al., "Finding a 'Kneedle' in a Haystack",
    2011).
    """
    saving = [point for point in points if point.saved > 0]
    end = max(saving, key=lambda point: point.saved, default=None)
    if end is None or end.slowdown <= 0:
        return None
    before = [point for point in saving if point.slowdown <= end.slowdown]
    return max(before, key=lambda point: point.saved / end.saved - point.slowdown / end.slowdown)


def pareto(points: Sequence[PlanPoint]) -> list[PlanPoint]:
    """Return the points for which no other has both more saved memory and less slowdown, from least to most saved."""
    front: list[PlanPoint] = []
    for point in sorted(points, key=lambda point: (-point.saved, point.slowdown)):
        if not front or point.slowdown < front[-1].slowdown:
            front.append(point)
    return front[::-1]
