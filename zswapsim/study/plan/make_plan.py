"""Make a Plan from faults by DRAM size and the costs of pages, from whatever source they come."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.json_text import json_document
from zswapsim.study.plan.access_rate import AccessRate
from zswapsim.study.plan.estimate import Unseen, find_unseen
from zswapsim.study.plan.objectives import COST, Objectives, parse_objectives
from zswapsim.study.plan.page_costs import PageCosts
from zswapsim.study.plan.plan_point import PlanPoint, Prices, Workload
from zswapsim.study.plan.search import Crossover, Search, find_crossover, knee, least_frames, pareto
from zswapsim.study.plan.traffic import TrafficSource
from zswapsim.study.plan.trial_runs import Trial, TrialSetup, run_trials
from zswapsim.study.settings import Settings
from zswapsim.study.settings.sizes import parse_size

ROWS = tuple(range(100, 0, -10))
"""Default sizes of the table, in per cent of the footprint."""
FINE, COARSE = 40, 20
"""Number of sizes on the curves of the picture: if all cost one pass, and if each costs a replay."""


class Plan(msgspec.Struct, kw_only=True):
    """Hold the recommended point and all that was found beside it; docs/plan.md explains every figure."""

    trace: str
    contents: str
    source: str
    """The source of the faults by DRAM size."""
    limits: list[str]
    """The limits of that source, a sentence each."""
    cost: str
    reclaim: str
    pages: int
    """Footprint."""
    accesses: int | None
    """None if they are not known."""
    pace: AccessRate
    prices: Prices | None
    objectives: list[str]
    depth: str | None
    """Depth of the runs, ``bytes`` or ``sizes``; None if there were no runs."""
    without_bytes: str
    """The reason why runs are at sizes depth; otherwise empty."""
    kept: bool
    """True if the recommended point keeps all objectives, in its run if it was run. Otherwise it is the nearest one
    that was found."""
    recommended: Trial
    """The recommended point, as estimated and as run."""
    tries: list[Trial]
    """All points that were run, in their order; the recommended one is among them."""
    least: int
    """The smallest DRAM that was considered, in frames."""
    rows: list[int]
    """DRAM sizes of the table, in frames, from large to small."""
    points: list[PlanPoint]
    """Estimates for the table and the curves, by compressor, from large to small."""
    knees: dict[str, PlanPoint]
    """The point of diminishing return of each compressor."""
    front: list[PlanPoint]
    """Estimates for which no other one has both less memory and less slowdown."""
    rivals: list[PlanPoint]
    """The best estimate of each other compressor that keeps the objectives."""
    alone: dict[str, PlanPoint]
    """If not all objectives are kept, the best estimate for each limit by itself, which may miss it too."""
    looser: PlanPoint | None
    """The best estimate with twice the waiting allowed; None if the waiting has no limit."""
    turn: Crossover | None
    """The waiting with which another compressor is better; None if the waiting has no limit, or if no other compressor
    is better with up to 64 times the waiting."""
    at_least: dict[int, float] = {}
    """Lower bounds of the major faults a second, by frames of DRAM, if points have upper bounds."""
    unseen: list[Unseen] = []
    """Sizes of the table whose faults the source does not know."""

    @property
    def confirmed(self) -> bool:
        """Tell if the recommended point was run."""
        return self.recommended.run is not None

    def to_json(self) -> bytes:
        """Return one JSON object, indented."""
        return json_document(self)


def make_plan(
    source: TrafficSource,
    costs: Mapping[str, PageCosts],
    workload: Workload,
    objectives: Sequence[str],
    *,
    names: tuple[str, str],
    settings: Settings,
    dram: Sequence[str | int] = (),
    trials: TrialSetup | None = None,
) -> Plan:
    """Return the plan for a workload with the faults of `source` and the page costs of each compressor.

    `names` are those of the trace and of the contents. `settings` must have the cost, reclaimer and batch with which
    `source` and `costs` were made. `dram` lists the sizes of the table. `trials` says how the recommended point is run;
    without it the point stays an estimate, and the plan says so.

    Raises InputError for objectives or sizes that are not understood, and what :func:`zswapsim.run` raises.
    """
    asked = parse_objectives(objectives)
    check_prices_given(asked, workload.prices)
    wanted = row_frames(dram, workload.pages, settings.batch)
    rows = [frames for frames in wanted if frames >= source.least] or [workload.pages]
    search = Search(source, costs, workload, settings.batch, [*rows, *_fine(workload.pages, source.one_pass)])
    tries, best, kept = run_trials(search, asked, trials)
    about = _describe(source, names, workload, settings)
    unseen = find_unseen([frames for frames in wanted if frames < source.least], costs, workload.pages, settings.batch)
    about |= {"unseen": unseen, "objectives": list(objectives)}
    about |= {"depth": trials and trials.depth, "without_bytes": trials.without_bytes if trials else ""}
    return _plan(search, asked, best, rows=rows, kept=kept, tries=tries, **about)


def _at_least(source: TrafficSource, sizes: set[int]) -> dict[int, float]:
    found = {frames: source.at_least(frames) for frames in sorted(sizes)}
    return {frames: rate for frames, rate in found.items() if rate is not None}


def check_prices_given(asked: Objectives, prices: Prices | None) -> None:
    """Raise InputError if the cheapest point is asked for without prices."""
    if asked.cheapest and prices is None:
        raise InputError(f"--objective {COST}: needs prices: expected --price-dram and --price-node, a GiB")


def row_frames(dram: Sequence[str | int], pages: int, batch: int) -> list[int]:
    """Return the sizes of the table in frames, from large to small. Raises InputError."""
    asked = [parse_size(size, "--dram", pages * PAGE_SIZE) // PAGE_SIZE for size in dram]
    frames = asked or [pages * share // 100 for share in ROWS]
    least = least_frames(pages, batch)
    return sorted({min(max(each, least), pages) for each in frames}, reverse=True)


def _fine(pages: int, one_pass: bool) -> list[int]:
    steps = FINE if one_pass else COARSE
    return [pages * step // steps for step in range(steps, 0, -1)]


def _describe(source: TrafficSource, names: tuple[str, str], workload: Workload, settings: Settings) -> dict[str, Any]:
    return {
        "trace": names[0],
        "contents": names[1],
        "source": source.name,
        "limits": list(source.limits),
        "cost": settings.cost,
        "reclaim": settings.reclaim,
        "pages": workload.pages,
        "accesses": workload.accesses,
        "pace": workload.rate,
        "prices": workload.prices,
    }


def _plan(search: Search, asked: Objectives, best: Trial, *, kept: bool, **about: Any) -> Plan:
    """Return the plan with all estimates beside the recommended point."""
    grid = sorted({*search.grid}, reverse=True)
    by_compressor = {name: [search.point(name, frames) for frames in grid] for name in search.costs}
    points = [point for each in by_compressor.values() for point in each]
    knees = {name: found for name, each in by_compressor.items() if (found := knee(each)) is not None}
    safe = asked.safer()
    rivals = [search.best(safe, name) for name in search.costs if name != best.estimate.compressor]
    return Plan(
        recommended=best,
        least=search.least,
        points=points,
        knees=knees,
        front=pareto(points),
        rivals=[rival for rival in rivals if asked.kept(rival)],
        alone={} if kept else {each.text: search.best(Objectives((each,), False)) for each in asked.limits},
        kept=kept,
        at_least=_at_least(search.source, {*grid, best.estimate.dram_frames}),
        looser=search.best(asked.looser()) if asked.looser() != asked else None,
        turn=find_crossover(search, asked, best.estimate.compressor),
        **about,
    )
