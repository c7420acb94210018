"""What would make another point of a plan the better one, in plain words."""

from zswapsim.report.units import duration, fine, format_size
from zswapsim.study.objectives import Objectives
from zswapsim.study.pace import FROM_TRACE
from zswapsim.study.point import Point
from zswapsim.study.provision import Plan
from zswapsim.study.search import LEAST_SHARE
from zswapsim.study.sizes import PAGE_SIZE


def changes(plan: Plan, asked: Objectives) -> list[str]:
    """A sentence, or none."""
    found = [*_pace(plan, asked), *_first(plan), *_waiting(plan), *_least(plan), *_pages(plan), *_prices(plan)]
    return [f"What would change it: {'; '.join(found)}."] if found else []


def _pace(plan: Plan, asked: Objectives) -> list[str]:
    """Up to which pace the limits that depend on it hold, or from which on they would."""
    run, pace = plan.recommended.found, plan.pace
    timed = [limit for limit in asked.limits if limit.name in {"slowdown", "promotion"} and limit.value(run) > 0]
    if not timed or pace.access_ns is None:
        return []
    limit = max(timed, key=lambda each: each.reached(run))
    at = duration(pace.access_ns * limit.reached(run))
    unsure = "" if pace.source == FROM_TRACE else ", and the trace does not say what one takes"
    if limit.holds(run):
        return [f"{limit.text} holds down to {at} an access ({duration(pace.access_ns)} is taken{unsure})"]
    return [f"{limit.text} would hold from {at} an access on ({duration(pace.access_ns)} is taken{unsure})"]


def _first(plan: Plan) -> list[str]:
    """Where all pages stay in DRAM: from which slowdown on memory is saved."""
    if plan.recommended.found.dram_frames < plan.pages or plan.unseen:
        return []
    saving = [point for point in plan.points if point.saved > 0]
    if not saving:
        return ["pages that compress better, or more of them: no size saves memory with these compressors"]
    first = min(saving, key=lambda point: point.slowdown)
    at = f"{first.compressor} and {_memory(first.dram_frames)} of DRAM"
    slowdown = f"{fine(first.slowdown)} %"
    return [f"memory is saved from a slowdown of {slowdown} on: {first.saved:.1f} % with {at} (estimated)"]


def _waiting(plan: Plan) -> list[str]:
    """What more waiting would buy, and from where on another compressor is the better."""
    found = []
    if plan.looser is not None and plan.looser.dram_frames != plan.recommended.found.dram_frames:
        found.append(f"with twice the waiting allowed, {_saves(plan.looser)}")
    if plan.turn is not None and plan.turn.times > 2:
        found.append(f"with {plan.turn.times} times the waiting, {_saves(plan.turn.point)}")
    return found


def _saves(point: Point) -> str:
    return f"{point.compressor} and {_memory(point.dram_frames)} of DRAM would save {point.saved:.1f} % (estimated)"


def _least(plan: Plan) -> list[str]:
    """That the point is at the end of what was looked at."""
    point = plan.recommended.found
    if plan.unseen:
        return ["a source that sees which pages are referenced, since with less DRAM the faults are not known"]
    if point.dram_frames < plan.pages and point.dram_frames <= plan.least:
        return [f"less DRAM than {100 * LEAST_SHARE:.0f} % of the footprint, which is not looked at"]
    return []


def _pages(plan: Plan) -> list[str]:
    node = plan.recommended.found.node_frames
    return [f"pages that compress worse by a tenth need {_memory(-(-node // 10))} more of the node"] if node else []


def _prices(plan: Plan) -> list[str]:
    """From which price of the node on nothing is gained."""
    point = plan.recommended.found
    if plan.prices is None or not point.node_frames:
        return []
    even = plan.prices.dram * (plan.pages - point.dram_frames) / point.node_frames
    if point.money_saved is not None and point.money_saved < 0:
        return [f"below {fine(even)} for a GiB of the node it costs less than DRAM alone"]
    return [f"from {fine(even)} for a GiB of the node on it costs no less than DRAM alone"]


def _memory(frames: int) -> str:
    return format_size(frames * PAGE_SIZE)
