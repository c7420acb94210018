"""From what estimates recommend to what a run has shown."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from zswapsim.study.cost import PRESETS
from zswapsim.study.objectives import Limit, Objectives
from zswapsim.study.point import CALM, Point, make_point, processor_share, sums_of
from zswapsim.study.profile import Profile
from zswapsim.study.result import Result, completed
from zswapsim.study.run import run
from zswapsim.study.search import Search
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE, format_size
from zswapsim.traces import Contents, DenseTrace

MOST_TRIES = 6
TURNS = 3
LONG_NS = 10**9
"""In the core: what disturbs a run has averaged out."""
MOST_MEMORY = 0.75
"""Share of free memory that a run may take."""
FAR = 1.1
"""Times a limit; another turn would not come below it."""
MARGIN = 0.02
"""Beyond what the last run missed by: the next try is to keep its limits by so much more."""
Progress = Callable[[int, int], None]


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A point as it was estimated, and as a run of it at bytes depth came out."""

    estimate: Point
    run: Point | None
    """None where there is nothing to run it on."""
    verified_pages: int
    """Pages that came back in the run, each compared with what was stored."""
    processor_share: float
    """Share of the run in which it had a processor (:func:`~zswapsim.study.point.processor_share`)."""
    busiest: float | None
    """Major faults in the hundredth of the run's accesses that has most of them, times the mean; None without any."""

    @property
    def found(self) -> Point:
        """The run, else the estimate."""
        return self.run or self.estimate


class Bench(NamedTuple):
    """What points are run on."""

    trace: DenseTrace
    contents: Contents
    settings: Settings
    progress: Progress | None = None
    profile: Profile | None = None
    """Of the contents, for runs at sizes depth."""
    without_bytes: str = ""
    """Why runs are at sizes depth; empty where they are at bytes depth (:func:`without_bytes`)."""

    @property
    def depth(self) -> str:
        """``bytes`` or ``sizes``."""
        return "sizes" if self.without_bytes else "bytes"


def without_bytes(contents: Contents, pages: int) -> str:
    """Why a footprint of `pages` pages can't be run at bytes depth here; empty where it can."""
    if not contents.holds_bytes:
        return "a profile holds no bytes"
    import psutil  # slow to import

    if pages * PAGE_SIZE > MOST_MEMORY * psutil.virtual_memory().available:
        return f"{format_size(pages * PAGE_SIZE)} of pages do not fit this machine's free memory"
    return ""


def settle(search: Search, objectives: Objectives, bench: Bench | None) -> tuple[list[Try], Try, bool]:
    """Runs of what the estimates recommend, the one that is best, and whether it keeps the objectives.

    Where a run misses what its estimate kept, the estimates are held to limits that are tighter by as much, and the
    next point is run; :data:`MOST_TRIES` at most. Limits with codec times in them are to be kept with something to
    spare. The best is the one that keeps the objectives, else the nearest; DRAM for all pages where a run has shown
    that nothing is saved. Without a bench there are no runs, and the estimate stands.
    """
    if bench is None:
        only = Try(estimate=search.best(objectives), run=None, verified_pages=0, processor_share=1.0, busiest=None)
        return [], only, objectives.kept(only.estimate)
    tries: list[Try] = []
    safe = objectives.safer()
    asked = safe
    while len(tries) < MOST_TRIES:
        point = search.best(asked)
        if any(point == each.estimate for each in tries):
            break
        tries.append(_least(point, safe, search, bench))
        if safe.kept(tries[-1].found) or not safe.kept(point):
            break
        asked = tighter(asked, tries[-1])
    best = next((each for each in tries if safe.kept(each.found)), None) or min(
        tries, key=lambda each: (not objectives.kept(each.found), objectives.reached(each.found))
    )
    if best.found.dram_frames < search.workload.pages and best.found.saved <= 0 and not objectives.cheapest:
        best = _least(search.point(best.estimate.compressor, search.workload.pages), objectives, search, bench)
        tries.append(best)
    return tries, best, objectives.kept(best.found)


def tighter(objectives: Objectives, tried: Try) -> Objectives:
    """Limits for the next estimate, moved by as much as the run of `tried` was worse than its estimate."""

    def moved(limit: Limit) -> Limit:
        if limit.holds(tried.found):
            return limit
        estimate, found = limit.value(tried.estimate), limit.value(tried.found)
        if limit.wants_less_memory:
            return limit._replace(bound=(limit.bound + max(0.0, estimate - found)) * (1 + MARGIN))
        return limit._replace(bound=limit.bound * min(1.0, estimate / found) * (1 - MARGIN))

    return objectives._replace(limits=tuple(moved(limit) for limit in objectives.limits))


def _least(point: Point, objectives: Objectives, search: Search, bench: Bench) -> Try:
    """The turn that comes nearest to the objectives: what else the machine does only adds to codec times.

    Of turns that were all disturbed, the middle one counts.
    """
    tries: list[Try] = []
    for result in _turns(point, search, bench):
        found = make_point(point.compressor, sums_of(result, PRESETS[bench.settings.cost]), search.workload)
        tries.append(
            Try(
                estimate=point,
                run=found,
                verified_pages=result.verified_pages,
                processor_share=processor_share(result),
                busiest=busiest(result),
            )
        )
        if _conclusive(objectives, tries[-1], result):
            break
    calm = [each for each in tries if each.processor_share >= CALM]
    ranked = sorted(calm or tries, key=lambda each: (objectives.reached(each.found), each.found.slowdown))
    return ranked[0 if calm else len(ranked) // 2]


def busiest(result: Result) -> float | None:
    """How many times the mean rate of major faults the window of the timeline has that has the highest."""
    total, accesses = result.counters["major_faults"], result.counters["accesses"]
    if not total:
        return None
    most, done, before = 0.0, 0, 0
    for row in result.timeline:
        most = max(most, (row["major_faults"] - before) / (row["accesses"] - done))
        done, before = row["accesses"], row["major_faults"]
    return most * accesses / total


def _conclusive(objectives: Objectives, turn: Try, result: Result) -> bool:
    """Whether another turn would say the same.

    So it is where codec times are not the run's own, where a limit is missed that none of them is in, where all are
    kept by a calm or a long run, and where a long one misses by far.
    """
    missed = [limit for limit in objectives.limits if not limit.holds(turn.found)]
    if result.settings["depth"] != "bytes" or not all(limit.measured for limit in missed):
        return True
    long = result.times_ns["feed"] >= LONG_NS
    return long and objectives.reached(turn.found) > FAR if missed else long or turn.processor_share >= CALM


def _turns(point: Point, search: Search, bench: Bench) -> Iterator[Result]:
    """Runs of a point; the node is never full, so that the most that the pool takes is the node that it needs."""
    node = search.workload.pages + search.costs[point.compressor].pool.spare_frames
    turn = 0
    while turn < TURNS:
        asked = msgspec.structs.replace(
            bench.settings,
            dram=point.dram_frames * PAGE_SIZE,
            node=node * PAGE_SIZE,
            compressor=point.compressor,
            backend="private-node",
            depth=bench.depth,
        )
        known = bench.profile if bench.without_bytes else None
        result = completed(run(bench.trace, bench.contents, asked, measured=known, progress=bench.progress))
        if result.counters["pool_limit_hit"]:
            node *= 2
            continue
        turn += 1
        yield result
