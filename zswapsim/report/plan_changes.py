"""Say what would make another point of a plan the better one, a sentence for each."""

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.units import duration, fine, format_size
from zswapsim.study.plan.access_rate import FROM_TRACE
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.objectives import Objectives
from zswapsim.study.plan.plan_point import PlanPoint
from zswapsim.study.plan.search import LEAST_SHARE


def changes(plan: Plan, asked: Objectives) -> list[str]:
    """Return the sentences that apply to a plan."""
    return [*_pace(plan, asked), *_first(plan), *_waiting(plan), *_least(plan), *_pages(plan), *_prices(plan)]


def _pace(plan: Plan, asked: Objectives) -> list[str]:
    """Say down to which time of an access the limits that depend on it hold, or from which one they would."""
    run, pace = plan.recommended.found, plan.pace
    timed = [limit for limit in asked.limits if limit.name in {"slowdown", "promotion"} and limit.value(run) > 0]
    if not timed or pace.access_ns is None:
        return []
    limit = max(timed, key=lambda each: each.reached(run))
    least, assumed = duration(pace.access_ns * limit.reached(run)), duration(pace.access_ns)
    if limit.holds(run):
        sentence = f"{limit.text} holds if an access takes {least} or more; the plan assumes {assumed}"
    else:
        sentence = f"{limit.text} would hold if an access took {least} or more; the plan assumes {assumed}"
    return [f"{sentence}." if pace.source == FROM_TRACE else f"{sentence}, which the trace does not state."]


def _first(plan: Plan) -> list[str]:
    """If all pages stay in DRAM, say from which slowdown on memory would be saved."""
    if plan.recommended.found.dram_frames < plan.pages or plan.unseen:
        return []
    saving = [point for point in plan.points if point.saved > 0]
    if not saving:
        return ["No size saves memory with these compressors; pages that compress better might, or more pages."]
    first = min(saving, key=lambda point: point.slowdown)
    at = f"{first.compressor} and {_memory(first.dram_frames)} of DRAM"
    slowdown = f"{fine(first.slowdown)} %"
    return [f"Memory is saved only from a slowdown of {slowdown} on: {first.saved:.1f} % with {at} (estimated)."]


def _waiting(plan: Plan) -> list[str]:
    """Say what more waiting would save, and from where on another compressor is the better one."""
    found = []
    if plan.looser is not None and plan.looser.dram_frames != plan.recommended.found.dram_frames:
        found.append(f"With twice the waiting allowed, {_saves(plan.looser)}.")
    if plan.turn is not None and plan.turn.times > 2:
        found.append(f"With {plan.turn.times} times the waiting allowed, {_saves(plan.turn.point)}.")
    return found


def _saves(point: PlanPoint) -> str:
    return f"{point.compressor} and {_memory(point.dram_frames)} of DRAM would save {point.saved:.1f} % (estimated)"


def _least(plan: Plan) -> list[str]:
    """Say so if the point has the least DRAM that was examined."""
    point = plan.recommended.found
    if plan.unseen:
        return ["With less DRAM the faults are not known: that takes a source that sees which pages are referenced."]
    if point.dram_frames < plan.pages and point.dram_frames <= plan.least:
        return [f"Less DRAM than {100 * LEAST_SHARE:.0f} % of the footprint was not examined."]
    return []


def _pages(plan: Plan) -> list[str]:
    """Say how much more of the node pages need that compress worse."""
    node = plan.recommended.found.node_frames
    return [f"Pages that compress worse by a tenth need {_memory(-(-node // 10))} more of the node."] if node else []


def _prices(plan: Plan) -> list[str]:
    """Say from which price of the node on nothing is gained."""
    point = plan.recommended.found
    if plan.prices is None or not point.node_frames:
        return []
    even = plan.prices.dram * (plan.pages - point.dram_frames) / point.node_frames
    if point.money_saved is not None and point.money_saved < 0:
        return [f"Below {fine(even)} for a GiB of the node it costs less than DRAM alone."]
    return [f"From {fine(even)} for a GiB of the node on it costs no less than DRAM alone."]


def _memory(frames: int) -> str:
    return format_size(frames * PAGE_SIZE)
