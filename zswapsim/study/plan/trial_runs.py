"""Run the points that estimates recommend, until a run has shown that one keeps the objectives."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.plan.objectives import Limit, Objectives
from zswapsim.study.plan.plan_point import UNDISTURBED_SHARE, PlanPoint, make_plan_point, processor_share, sums_of
from zswapsim.study.plan.search import Search
from zswapsim.study.profile import Profile
from zswapsim.study.run.result import Result, completed
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.cost import PRESETS
from zswapsim.study.settings.sizes import format_size
from zswapsim.traces import Contents, DenseTrace

MOST_TRIALS = 6
RUNS_PER_TRIAL = 3
LONG_NS = 10**9
"""Time in the core after which disturbances of a run have averaged out."""
MOST_MEMORY = 0.75
"""Share of free memory that a run may take."""
FAR = 1.1
"""If a run is above a limit by this factor, another run does not come below it."""
MARGIN = 0.02
"""The next trial has limits that are tighter by so much more than the last run missed them."""
Progress = Callable[[int, int], None]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a point as it was estimated, and as a run of it came out."""

    estimate: PlanPoint
    run: PlanPoint | None
    """None if there is no trace to run it on."""
    verified_pages: int
    """Pages that were loaded in the run, each compared with what was stored."""
    processor_share: float
    """Share of the run in which it had a processor (:func:`~zswapsim.study.plan.plan_point.processor_share`)."""
    busiest: float | None
    """Fault rate of the window with most major faults, as a multiple of the mean; None without any."""

    @property
    def found(self) -> PlanPoint:
        """Return the run, or else the estimate."""
        return self.run or self.estimate


class TrialSetup(NamedTuple):
    """Hold the trace, the contents and the settings with which points are run."""

    trace: DenseTrace
    contents: Contents
    settings: Settings
    progress: Progress | None = None
    profile: Profile | None = None
    """A profile of the contents, for runs at sizes depth."""
    without_bytes: str = ""
    """The reason why runs are at sizes depth; empty if they are at bytes depth (:func:`why_without_bytes`)."""

    @property
    def depth(self) -> str:
        """Return the depth of runs, ``bytes`` or ``sizes``."""
        return "sizes" if self.without_bytes else "bytes"


def why_without_bytes(contents: Contents, pages: int) -> str:
    """Return the reason why `pages` pages cannot be run at bytes depth here; empty if they can."""
    if not contents.holds_bytes:
        return "a profile holds no bytes"
    import psutil  # slow to import

    if pages * PAGE_SIZE > MOST_MEMORY * psutil.virtual_memory().available:
        return f"{format_size(pages * PAGE_SIZE)} of pages do not fit this machine's free memory"
    return ""


def run_trials(search: Search, objectives: Objectives, setup: TrialSetup | None) -> tuple[list[Trial], Trial, bool]:
    """Run the points that estimates recommend; return all trials, the best one, and True if it keeps the objectives.

    If a run misses a limit that its estimate kept, the next point is chosen with a limit that is tighter by as much;
    there are at most :data:`MOST_TRIALS`. Limits on codec times must be kept with a margin. The best trial is the one
    that keeps the objectives, or else the nearest. It has DRAM for all pages if a run has shown that nothing is saved.
    Without a setup there are no runs, and the best estimate is returned.
    """
    if setup is None:
        only = Trial(estimate=search.best(objectives), run=None, verified_pages=0, processor_share=1.0, busiest=None)
        return [], only, objectives.kept(only.estimate)
    trials: list[Trial] = []
    safe = objectives.safer()
    asked = safe
    while len(trials) < MOST_TRIALS:
        point = search.best(asked)
        if any(point == each.estimate for each in trials):
            break
        trials.append(_run_trial(point, safe, search, setup))
        if safe.kept(trials[-1].found) or not safe.kept(point):
            break
        asked = tighter(asked, trials[-1])
    best = next((each for each in trials if safe.kept(each.found)), None) or min(
        trials, key=lambda each: (not objectives.kept(each.found), objectives.reached(each.found))
    )
    if best.found.dram_frames < search.workload.pages and best.found.saved <= 0 and not objectives.cheapest:
        best = _run_trial(search.point(best.estimate.compressor, search.workload.pages), objectives, search, setup)
        trials.append(best)
    return trials, best, objectives.kept(best.found)


def tighter(objectives: Objectives, tried: Trial) -> Objectives:
    """Return limits for the next estimate, tighter by as much as the run of `tried` was worse than its estimate."""

    def moved(limit: Limit) -> Limit:
        if limit.holds(tried.found):
            return limit
        estimate, found = limit.value(tried.estimate), limit.value(tried.found)
        if limit.wants_less_memory:
            return limit._replace(bound=(limit.bound + max(0.0, estimate - found)) * (1 + MARGIN))
        return limit._replace(bound=limit.bound * min(1.0, estimate / found) * (1 - MARGIN))

    return objectives._replace(limits=tuple(moved(limit) for limit in objectives.limits))


def _run_trial(point: PlanPoint, objectives: Objectives, search: Search, setup: TrialSetup) -> Trial:
    """Run a point, repeatedly if needed, and return the run that comes nearest to the objectives.

    The nearest run is the best measurement, since other programs on the machine can only lengthen codec times. If all
    runs were disturbed, the middle one is returned.
    """
    trials: list[Trial] = []
    for result in _repeated_runs(point, search, setup):
        found = make_plan_point(point.compressor, sums_of(result, PRESETS[setup.settings.cost]), search.workload)
        trials.append(
            Trial(
                estimate=point,
                run=found,
                verified_pages=result.verified_pages,
                processor_share=processor_share(result),
                busiest=busiest_window(result),
            )
        )
        if _is_conclusive(objectives, trials[-1], result):
            break
    undisturbed = [each for each in trials if each.processor_share >= UNDISTURBED_SHARE]
    ranked = sorted(undisturbed or trials, key=lambda each: (objectives.reached(each.found), each.found.slowdown))
    return ranked[0 if undisturbed else len(ranked) // 2]


def busiest_window(result: Result) -> float | None:
    """Return the highest rate of major faults in a window of the timeline, as a multiple of the mean rate."""
    total, accesses = result.counters["major_faults"], result.counters["accesses"]
    if not total:
        return None
    most, done, before = 0.0, 0, 0
    for row in result.timeline:
        most = max(most, (row["major_faults"] - before) / (row["accesses"] - done))
        done, before = row["accesses"], row["major_faults"]
    return most * accesses / total


def _is_conclusive(objectives: Objectives, trial: Trial, result: Result) -> bool:
    """Tell if another run would show the same.

    It would if codec times are not measured in the run, if the run misses a limit without codec times, if an
    undisturbed or long run keeps all limits, or if a long run misses one by far.
    """
    missed = [limit for limit in objectives.limits if not limit.holds(trial.found)]
    if result.settings["depth"] != "bytes" or not all(limit.measured for limit in missed):
        return True
    long = result.times_ns["feed"] >= LONG_NS
    if missed:
        return long and objectives.reached(trial.found) > FAR
    return long or trial.processor_share >= UNDISTURBED_SHARE


def _repeated_runs(point: PlanPoint, search: Search, setup: TrialSetup) -> Iterator[Result]:
    """Yield runs of a point with a node that is never full, so that the pool's peak is the node that it needs."""
    node = search.workload.pages + search.costs[point.compressor].pool.spare_frames
    runs = 0
    while runs < RUNS_PER_TRIAL:
        asked = msgspec.structs.replace(
            setup.settings,
            dram=point.dram_frames * PAGE_SIZE,
            node=node * PAGE_SIZE,
            compressor=point.compressor,
            backend="private-node",
            depth=setup.depth,
        )
        known = setup.profile if setup.without_bytes else None
        result = completed(run(setup.trace, setup.contents, asked, measured=known, progress=setup.progress))
        if result.counters["pool_limit_hit"]:
            node *= 2
            continue
        runs += 1
        yield result
