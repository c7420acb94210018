"""From faults by DRAM size and the costs of pages to a Plan, whatever both were learnt from."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.study.confirm import Bench, Try, settle
from zswapsim.study.estimate import PageCosts
from zswapsim.study.objectives import COST, Objectives, parse_objectives
from zswapsim.study.pace import Pace
from zswapsim.study.point import Point, Prices, Workload
from zswapsim.study.search import Search, Turn, knee, least_frames, pareto, turn
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE, parse_size
from zswapsim.study.traffic import Source
from zswapsim.study.unseen import Unseen, find_unseen

ROWS = tuple(range(100, 0, -10))
"""Per cent of the footprint: the sizes of the table, unless others are asked for."""
FINE, COARSE = 40, 20
"""Sizes on the curves of the picture: where any number costs one pass, and where each costs a replay."""


class Plan(msgspec.Struct, kw_only=True):
    """What was found; see docs/plan.md for every figure."""

    trace: str
    contents: str
    source: str
    """What faults by DRAM size are known from."""
    limits: list[str]
    """What that source can't tell or gets wrong, a sentence each."""
    cost: str
    reclaim: str
    pages: int
    """Footprint."""
    accesses: int | None
    """None where they are not known."""
    pace: Pace
    prices: Prices | None
    objectives: list[str]
    depth: str | None
    """Of the runs: ``bytes``, or ``sizes``; None where there were none."""
    without_bytes: str
    """Why runs are at sizes depth; else empty."""
    kept: bool
    """Whether the recommended point keeps all objectives; else it is the nearest one that was found. As run, where it
    was run."""
    recommended: Try
    """The point, as estimated and as run."""
    tries: list[Try]
    """All points that were run, in their order; the recommended one is among them."""
    least: int
    """Frames of DRAM; fewer were not looked at."""
    rows: list[int]
    """DRAM sizes of the table, in frames, from large to small."""
    points: list[Point]
    """Estimates at every size that was looked at on purpose, by compressor, from large to small."""
    knees: dict[str, Point]
    """By compressor, the point of diminishing return."""
    front: list[Point]
    """Estimates that no other beats in both memory and slowdown."""
    rivals: list[Point]
    """The best estimate of each other compressor that keeps the objectives."""
    alone: dict[str, Point]
    """Where not all objectives are kept: the best estimate for each limit by itself, which may miss it too."""
    looser: Point | None
    """The best estimate with twice the waiting that was asked for; None where nothing was."""
    turn: Turn | None
    """With how many times the waiting another compressor is the better; None where nothing was asked of it, or up to
    64 times none is."""
    at_least: dict[int, float] = {}
    """By frames of DRAM, major faults a second that there are at least, where points have the most that may be."""
    unseen: list[Unseen] = []
    """Sizes of the table of which the source does not know the faults."""

    @property
    def confirmed(self) -> bool:
        """Whether the recommended point was run."""
        return self.recommended.run is not None

    def to_json(self) -> bytes:
        """One JSON object, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def plan_from(
    source: Source,
    costs: Mapping[str, PageCosts],
    workload: Workload,
    objectives: Sequence[str],
    *,
    names: tuple[str, str],
    settings: Settings,
    dram: Sequence[str | int] = (),
    bench: Bench | None = None,
) -> Plan:
    """The plan for a workload of which `source` tells the faults, and `costs`, by compressor, what pages cost.

    `names`: of the trace and of the contents. `settings`: its cost, reclaim and batch are those behind `source` and
    `costs`. `dram`: sizes of the table. `bench`: where the recommended point is run; without one it stays an estimate,
    and the plan says so.

    Raises InputError for objectives or sizes that are none, and what :func:`zswapsim.run` raises.
    """
    asked = parse_objectives(objectives)
    check_priced(asked, workload.prices)
    wanted = row_frames(dram, workload.pages, settings.batch)
    rows = [frames for frames in wanted if frames >= source.least] or [workload.pages]
    search = Search(source, costs, workload, settings.batch, [*rows, *_fine(workload.pages, source.one_pass)])
    tries, best, kept = settle(search, asked, bench)
    about = _about(source, names, workload, settings)
    unseen = find_unseen([frames for frames in wanted if frames < source.least], costs, workload.pages, settings.batch)
    about |= {"unseen": unseen, "objectives": list(objectives)}
    about |= {"depth": bench and bench.depth, "without_bytes": bench.without_bytes if bench else ""}
    return _plan(search, asked, best, rows=rows, kept=kept, tries=tries, **about)


def _at_least(source: Source, sizes: set[int]) -> dict[int, float]:
    found = {frames: source.at_least(frames) for frames in sorted(sizes)}
    return {frames: rate for frames, rate in found.items() if rate is not None}


def check_priced(asked: Objectives, prices: Prices | None) -> None:
    """Raises InputError where what costs least is asked for, and nothing has a price."""
    if asked.cheapest and prices is None:
        raise InputError(f"--objective {COST}: needs prices: expected --price-dram and --price-node, a GiB")


def row_frames(dram: Sequence[str | int], pages: int, batch: int) -> list[int]:
    """Sizes of the table in frames, from large to small. Raises InputError."""
    asked = [parse_size(size, "--dram", pages * PAGE_SIZE) // PAGE_SIZE for size in dram]
    frames = asked or [pages * share // 100 for share in ROWS]
    least = least_frames(pages, batch)
    return sorted({min(max(each, least), pages) for each in frames}, reverse=True)


def _fine(pages: int, one_pass: bool) -> list[int]:
    steps = FINE if one_pass else COARSE
    return [pages * step // steps for step in range(steps, 0, -1)]


def _about(source: Source, names: tuple[str, str], workload: Workload, settings: Settings) -> dict[str, Any]:
    return {
        "trace": names[0],
        "contents": names[1],
        "source": source.name,
        "limits": list(source.limits),
        "cost": settings.cost,
        "reclaim": settings.reclaim,
        "pages": workload.pages,
        "accesses": workload.accesses,
        "pace": workload.pace,
        "prices": workload.prices,
    }


def _plan(search: Search, asked: Objectives, best: Try, *, kept: bool, **about: Any) -> Plan:
    """What the estimates say beside the point that is recommended."""
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
        turn=turn(search, asked, best.estimate.compressor),
        **about,
    )
