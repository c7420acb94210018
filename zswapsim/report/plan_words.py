"""The recommendation of a plan in plain words: what to do, why, and what would change it."""

import re
import textwrap

from zswapsim.report.units import duration, format_size, three_digits
from zswapsim.study.objectives import KINDS, Limit, Objectives, parse_objectives
from zswapsim.study.pace import FROM_TRACE
from zswapsim.study.point import Point
from zswapsim.study.provision import Plan
from zswapsim.study.sizes import PAGE_SIZE

WIDTH = 100
UNIT = re.compile(r"(\d) (?=[KMGT]iB|B|%|ns|µs|ms|s\b)")


def recommendation(plan: Plan) -> str:
    """One paragraph."""
    asked = parse_objectives(plan.objectives)
    sentences = [*_what(plan, asked), *_why(plan, asked), *_changes(plan, asked)]
    whole = UNIT.sub("\\1\N{NO-BREAK SPACE}", " ".join(sentences))
    return textwrap.fill(whole, WIDTH, break_on_hyphens=False).replace("\N{NO-BREAK SPACE}", " ")


def _what(plan: Plan, asked: Objectives) -> list[str]:
    """What to provision, and how the run kept each objective, or did not."""
    point = plan.recommended.found
    kept = ", ".join(_kept(limit, point) for limit in asked.limits)
    nearest = "" if plan.kept else f"No point was found that keeps {_all(asked)}. The nearest: "
    if not point.node_frames:
        give = f"{nearest}{'Keep' if plan.kept else 'keep'} all {_memory(plan.pages)} in DRAM; nothing is saved."
    else:
        share = 100 * point.dram_frames / plan.pages
        give = (
            f"{nearest}{'Give' if plan.kept else 'give'} the workload {_memory(point.dram_frames)} of DRAM "
            f"({share:.0f} % of its footprint) and the swap backend a private node of {_memory(point.node_frames)}, "
            f"with {point.compressor}."
        )
    if not point.node_frames:
        return [f"{give} {kept[:1].upper()}{kept[1:]}." if kept else give]
    how = "Run so" if plan.confirmed else "By estimate"
    ran = f"{how}, it saves {point.saved:.1f} % of memory and slows the workload by {_per_cent(point.slowdown)}"
    return [give, f"{ran}{': ' + kept if kept else ''}.", *_unconfirmed(plan)]


def _unconfirmed(plan: Plan) -> list[str]:
    return [] if plan.confirmed else ["No run has confirmed that, as there is no trace to run it on."]


def _why(plan: Plan, asked: Objectives) -> list[str]:
    """The reason, and what the other compressors would come to."""
    if not plan.kept:
        return [_alone(limit, plan.alone[limit.text]) for limit in asked.limits]
    goal = "costs least" if asked.cheapest else "slows the workload least" if asked.least_waiting else "saves most"
    reason = f"Of all points that keep {_all(asked)} it {goal}" if asked.limits else f"Of all points it {goal}"
    rivals = [_rival(rival, asked) for rival in plan.rivals if rival.node_frames]
    others = f"; by estimate {' and '.join(rivals)}" if rivals else "; no other compressor saves anything so"
    unlimited = " Nothing was asked of the slowdown." if not _limits_waiting(asked) else ""
    return [f"{reason}{others}.{unlimited}", *_missed(plan, asked)]


def _missed(plan: Plan, asked: Objectives) -> list[str]:
    """That the first choice of the estimates did not keep what it promised."""
    if not plan.tries:
        return []
    first = plan.tries[0].found
    missed = [_verdict(limit, first) for limit in asked.limits if not limit.holds(first)]
    if not missed:
        return []
    choice = f"{first.compressor} with {_memory(first.dram_frames)} of DRAM"
    return [f"By its estimate {choice} was the better point, but run so {', '.join(missed)}."]


def _changes(plan: Plan, asked: Objectives) -> list[str]:
    """What would make another point the better one."""
    found = [*_pace_matters(plan, asked)]
    if plan.looser is not None and plan.looser.dram_frames != plan.recommended.found.dram_frames:
        looser = plan.looser
        found.append(
            f"with twice the waiting allowed, {looser.compressor} and {_memory(looser.dram_frames)} of DRAM would save "
            f"{looser.saved:.1f} % (estimated)"
        )
    if plan.recommended.found.node_frames:
        tenth = -(-plan.recommended.found.node_frames // 10)
        found.append(f"pages that compress worse by a tenth need {_memory(tenth)} more of the node")
    if plan.unseen:
        found.append("a source that sees which pages are referenced, since with less DRAM the faults are not known")
    return [f"What would change it: {'; '.join(found)}."] if found else []


def _pace_matters(plan: Plan, asked: Objectives) -> list[str]:
    """Up to which pace the limits that depend on it hold, or from which on they would."""
    run, pace = plan.recommended.found, plan.pace
    if pace.access_ns is None:
        return []
    timed = [limit for limit in asked.limits if limit.name in {"slowdown", "promotion"} and limit.value(run) > 0]
    if not timed:
        return []
    limit = max(timed, key=lambda each: each.reached(run))
    at = duration(pace.access_ns * limit.reached(run))
    unsure = "" if pace.source == FROM_TRACE else ", and the trace does not say what one takes"
    if limit.holds(run):
        return [f"{limit.text} holds down to {at} an access ({duration(pace.access_ns)} is taken{unsure})"]
    return [f"{limit.text} would hold from {at} an access on ({duration(pace.access_ns)} is taken{unsure})"]


def _verdict(limit: Limit, point: Point) -> str:
    word = "kept" if limit.holds(point) else "missed"
    return f"{limit.text} is {word} with {_value(limit, limit.value(point))}"


def _kept(limit: Limit, point: Point) -> str:
    """A verdict beside a sentence that has the saving and the slowdown."""
    if limit.name in {"slowdown", "save"}:
        return f"{limit.text} is {'kept' if limit.holds(point) else 'missed'}"
    return _verdict(limit, point)


def _alone(limit: Limit, point: Point) -> str:
    """What a limit would come to if it were the only one."""
    at = f"with {point.compressor} and {_memory(point.dram_frames)} of DRAM"
    price = f"{point.saved:.1f} % is saved at a slowdown of {_per_cent(point.slowdown)}"
    if limit.holds(point):
        return f"{limit.text} alone can be kept {at}, where {price} (estimated)."
    return f"{limit.text} is out of reach even alone: {_value(limit, limit.value(point))} at best, {at}, where {price}."


def _rival(point: Point, asked: Objectives) -> str:
    gain = (
        f"costs {point.money:,.4g}"
        if asked.cheapest
        else f"slows by {_per_cent(point.slowdown)}"
        if asked.least_waiting
        else f"saves {point.saved:.1f} %"
    )
    return f"{point.compressor} {gain} with {_memory(point.dram_frames)} of DRAM"


def _limits_waiting(asked: Objectives) -> bool:
    return any(limit.name in {"slowdown", "promotion"} for limit in asked.limits) or asked.least_waiting


def _value(limit: Limit, value: float) -> str:
    if KINDS[limit.name].field == "fault_p99_ns":
        return duration(value)
    return f"{three_digits(value)} {'%/min' if limit.name == 'promotion' else '%'}"


def _all(asked: Objectives) -> str:
    return " and ".join(limit.text for limit in asked.limits)


def _memory(frames: int) -> str:
    return format_size(frames * PAGE_SIZE)


def _per_cent(value: float) -> str:
    return f"{three_digits(value)} %"
