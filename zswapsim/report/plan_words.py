"""Write the recommendation of a plan in words: the point to provision, the reason, and what would change it."""

import re
import textwrap

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.plan_changes import changes
from zswapsim.report.units import duration, fine, format_size, three_digits
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.objectives import KINDS, Limit, Objectives, parse_objectives
from zswapsim.study.plan.plan_point import PlanPoint

WIDTH = 100
UNEVEN = 2.0
"""Faults are called uneven if the busiest hundredth has this many times the mean rate."""
UNIT = re.compile(r"(\d) (?=[KMGT]iB|B|%|ns|µs|ms|s\b)")


def recommendation(plan: Plan, width: int | None = None) -> str:
    """Return one paragraph, in lines of at most `width` characters."""
    asked = parse_objectives(plan.objectives)
    sentences = [*_point(plan, asked), *_why(plan, asked), *changes(plan, asked)]
    whole = UNIT.sub("\\1\N{NO-BREAK SPACE}", " ".join(sentences))
    return textwrap.fill(whole, min(width or WIDTH, WIDTH), break_on_hyphens=False).replace("\N{NO-BREAK SPACE}", " ")


def _point(plan: Plan, asked: Objectives) -> list[str]:
    """Say what to provision, and which objectives the run kept."""
    if plan.recommended.found.dram_frames == plan.pages:
        return [_keep_all(plan, asked)]
    return [*_give(plan, asked), _figures(plan, asked), *_busiest(plan), *_unconfirmed(plan)]


def _give(plan: Plan, asked: Objectives) -> list[str]:
    """Say how much DRAM and node the recommended or nearest point has."""
    point = plan.recommended.found
    dram = f"{memory(point.dram_frames)} of DRAM ({100 * point.dram_frames / plan.pages:.0f} % of its footprint)"
    node = f"a private node of {memory(point.node_frames)}, with {point.compressor}"
    if plan.kept and point.node_frames:
        return [f"Give the workload {dram} and the swap backend {node}."]
    if plan.kept:
        return [f"Give the workload {dram}; no page that is swapped out needs a frame of the node."]
    if point.node_frames:
        return [_none_keeps(asked), f"The nearest gives the workload {dram} and the swap backend {node}."]
    return [
        _none_keeps(asked),
        f"The nearest gives the workload {dram}; no page that is swapped out needs a frame of the node.",
    ]


def _figures(plan: Plan, asked: Objectives) -> str:
    """Say what the point saves and costs, and which limits it keeps."""
    point = plan.recommended.found
    saved, slowdown = f"{point.saved:.1f} % of memory", per_cent(point.slowdown)
    core = f"{per_cent(point.compress_cpu + point.decompress_cpu)} of a core to compress and decompress"
    if plan.confirmed:
        clauses = [f"In its run it saved {saved}, slowed the workload by {slowdown} and took {core}"]
    else:
        clauses = [f"By estimate, it saves {saved}, slows the workload by {slowdown} and takes {core}"]
    verdicts = [_verdict(limit, point, short=True) for limit in asked.limits]
    return f"{'; '.join([*clauses, *verdicts])}."


def _busiest(plan: Plan) -> list[str]:
    """Say how unevenly faults come, if they do."""
    times = plan.recommended.busiest
    if times is None or times < UNEVEN:
        return []
    return [f"In the busiest hundredth of the trace it faults {three_digits(times)} times as often as on average."]


def _keep_all(plan: Plan, asked: Objectives) -> str:
    """Say that all pages should stay in DRAM."""
    whole = memory(plan.pages)
    if not plan.kept:
        return f"{_none_keeps(asked)} The nearest keeps all {whole} in DRAM, which saves nothing."
    better = "costs less" if asked.cheapest else "saves memory"
    if asked.limits:
        return f"Keep all {whole} in DRAM: no point keeps {_all(asked)} and {better}."
    return f"Keep all {whole} in DRAM: no point {better}."


def _none_keeps(asked: Objectives) -> str:
    return f"No point was found that keeps {_all(asked)}."


def _unconfirmed(plan: Plan) -> list[str]:
    return [] if plan.confirmed else ["No run has confirmed that, as there is no trace to run it on."]


def _why(plan: Plan, asked: Objectives) -> list[str]:
    """Give the reason for the point, and say what the other compressors come to."""
    if not plan.kept:
        return [_alone(plan, limit) for limit in asked.limits] if len(asked.limits) > 1 else []
    if plan.recommended.found.dram_frames == plan.pages:
        return _missed(plan, asked)
    return [_reason(plan, asked), *_missed(plan, asked), *_unlimited(plan, asked), *_dear(plan)]


def _reason(plan: Plan, asked: Objectives) -> str:
    """Say in which figure the point is the best, and what each other compressor has there."""
    points = f"all points that keep {_all(asked)}" if asked.limits else "all points"
    if asked.cheapest:
        reason = f"Of {points}, it costs least"
    elif asked.least_waiting:
        reason = f"Of {points}, it slows the workload least"
    else:
        reason = f"Of {points}, it saves most"
    rivals = [_rival(rival, asked) for rival in plan.rivals if rival.dram_frames < plan.pages]
    return f"{reason}; by estimate, {' and '.join(rivals)}." if rivals else f"{reason}."


def _dear(plan: Plan) -> list[str]:
    """Say so if memory is saved, but no money."""
    point = plan.recommended.found
    if point.money is None or point.money_saved is None or point.money_saved >= 0:
        return []
    whole = point.money + point.money_saved
    return [f"It saves no money: it costs {point.money:,.4g}, and DRAM for all pages {whole:,.4g}."]


def _missed(plan: Plan, asked: Objectives) -> list[str]:
    """Say so if the run of the first choice did not keep what its estimate promised."""
    if not plan.tries or plan.tries[0] == plan.recommended:
        return []
    first = plan.tries[0].found
    missed = [_verdict(limit, first) for limit in asked.limits if not limit.holds(first)]
    missed = missed or [f"{_verdict(limit, first)}, too close to count on" for limit in _barely(asked, first)]
    if not missed and first.saved <= 0:
        missed = ["it saved nothing"]
    choice = f"{first.compressor} with {memory(first.dram_frames)} of DRAM"
    return [f"By its estimate {choice} was the better point, but in its run {', '.join(missed)}."] if missed else []


def _barely(asked: Objectives, point: PlanPoint) -> list[Limit]:
    """Return the limits that another run of `point` may miss."""
    return [limit for limit, safe in zip(asked.limits, asked.safer().limits, strict=True) if not safe.holds(point)]


def _unlimited(plan: Plan, asked: Objectives) -> list[str]:
    """Say so if no objective limits waiting, and name the point of diminishing return."""
    if asked.least_waiting or any(limit.name in {"slowdown", "promotion"} for limit in asked.limits):
        return []
    knee = plan.knees.get(plan.recommended.estimate.compressor)
    if knee is None or knee == plan.recommended.estimate:
        return ["No objective limits the slowdown."]
    price = f"{knee.saved:.1f} % is saved at a slowdown of {per_cent(knee.slowdown)}"
    at = f"{memory(knee.dram_frames)} of DRAM, where {price}"
    return [f"No objective limits the slowdown; the point of diminishing return is {at}."]


def _verdict(limit: Limit, point: PlanPoint, *, short: bool = False) -> str:
    """Say if `point` keeps a limit; if `short`, leave out a figure that the sentence has already."""
    word = "kept" if limit.holds(point) else "missed"
    if short and limit.name in {"slowdown", "save"}:
        return f"{limit.text} is {word}"
    return f"{limit.text} is {word} with {_value(limit, limit.value(point))}"


def _alone(plan: Plan, limit: Limit) -> str:
    """Say which point would keep a limit if it were the only one."""
    point = plan.alone[limit.text]
    choice = f"{point.compressor} and {memory(point.dram_frames)} of DRAM"
    slowdown = per_cent(point.slowdown)
    if not limit.holds(point):
        best = _value(limit, limit.value(point))
        return f"Even alone {limit.text} is out of reach: {best} at best, with {choice}, at a slowdown of {slowdown}."
    if point.dram_frames == plan.pages:
        return f"Alone {limit.text} is kept with all pages in DRAM, and not with less."
    return (
        f"Alone {limit.text} can be kept with {choice}, which saves {point.saved:.1f} % at a slowdown of {slowdown} "
        "(estimated)."
    )


def _rival(point: PlanPoint, asked: Objectives) -> str:
    """Say what another compressor's best point has in the figure that decides."""
    choice = f"{point.compressor} with {memory(point.dram_frames)} of DRAM"
    if asked.cheapest:
        return f"{choice} costs {point.money:,.4g}"
    if asked.least_waiting:
        return f"{choice} slows the workload by {per_cent(point.slowdown)}"
    return f"{choice} saves {point.saved:.1f} %"


def _value(limit: Limit, value: float) -> str:
    if KINDS[limit.name].field == "fault_p99_ns":
        return duration(value) if value else "no fault"
    return f"{three_digits(value)} %/min" if limit.name == "promotion" else per_cent(value)


def _all(asked: Objectives) -> str:
    return " and ".join(limit.text for limit in asked.limits)


def memory(frames: int) -> str:
    """Return the size of a number of frames."""
    return format_size(frames * PAGE_SIZE)


def per_cent(value: float) -> str:
    """Return a percentage with three digits, small figures too."""
    return "less than 0.0001 %" if 0 < value < 0.00005 else f"{fine(value)} %"
