"""The recommendation of a plan in plain words: what to do, why, and what would change it."""

import re
import textwrap

from zswapsim.report.plan_changes import changes
from zswapsim.report.units import duration, fine, format_size, three_digits
from zswapsim.study.objectives import KINDS, Limit, Objectives, parse_objectives
from zswapsim.study.point import Point
from zswapsim.study.provision import Plan
from zswapsim.study.sizes import PAGE_SIZE

WIDTH = 100
UNEVEN = 2.0
"""Times the mean rate of faults."""
UNIT = re.compile(r"(\d) (?=[KMGT]iB|B|%|ns|µs|ms|s\b)")


def recommendation(plan: Plan, width: int | None = None) -> str:
    """One paragraph, of at most `width` characters a line."""
    asked = parse_objectives(plan.objectives)
    sentences = [*_what(plan, asked), *_why(plan, asked), *changes(plan, asked)]
    whole = UNIT.sub("\\1\N{NO-BREAK SPACE}", " ".join(sentences))
    return textwrap.fill(whole, min(width or WIDTH, WIDTH), break_on_hyphens=False).replace("\N{NO-BREAK SPACE}", " ")


def _what(plan: Plan, asked: Objectives) -> list[str]:
    """What to provision, and how the run kept each objective, or did not."""
    point = plan.recommended.found
    if point.dram_frames == plan.pages:
        return [_keep_all(plan, asked)]
    share = 100 * point.dram_frames / plan.pages
    node = (
        f" and the swap backend a private node of {memory(point.node_frames)}, with {point.compressor}."
        if point.node_frames
        else "; no page that is out needs a frame of the node."
    )
    give = f"ive the workload {memory(point.dram_frames)} of DRAM ({share:.0f} % of its footprint){node}"
    how = "Run so, it" if plan.confirmed else "By estimate, it"
    ran = (
        f"{how} saves {point.saved:.1f} % of memory, slows the workload by {per_cent(point.slowdown)} and takes "
        f"{per_cent(point.compress_cpu + point.decompress_cpu)} of a core to compress and decompress"
    )
    kept = ", ".join(_verdict(limit, point, short=True) for limit in asked.limits)
    begin = "G" if plan.kept else f"{_nothing_keeps(asked)} The nearest: g"
    return [f"{begin}{give}", f"{ran}{': ' if kept else ''}{kept}.", *_busiest(plan), *_unconfirmed(plan)]


def _busiest(plan: Plan) -> list[str]:
    """That faults come unevenly."""
    times = plan.recommended.busiest
    if times is None or times < UNEVEN:
        return []
    return [f"In the busiest hundredth of the trace it faults {three_digits(times)} times as often as on average."]


def _keep_all(plan: Plan, asked: Objectives) -> str:
    whole = f"eep all {memory(plan.pages)} in DRAM"
    if not plan.kept:
        return f"{_nothing_keeps(asked)} The nearest: k{whole}, where nothing is saved."
    better = "costs less" if asked.cheapest else "saves memory"
    return f"K{whole}: no point {f'keeps {_all(asked)} and ' if asked.limits else ''}{better}."


def _nothing_keeps(asked: Objectives) -> str:
    return f"No point was found that keeps {_all(asked)}."


def _unconfirmed(plan: Plan) -> list[str]:
    return [] if plan.confirmed else ["No run has confirmed that, as there is no trace to run it on."]


def _why(plan: Plan, asked: Objectives) -> list[str]:
    """The reason, and what the other compressors would come to."""
    if not plan.kept:
        return [_alone(plan, limit) for limit in asked.limits] if len(asked.limits) > 1 else []
    if plan.recommended.found.dram_frames == plan.pages:
        return _missed(plan, asked)
    goal = "costs least" if asked.cheapest else "slows the workload least" if asked.least_waiting else "saves most"
    reason = f"Of all points{f' that keep {_all(asked)}' if asked.limits else ''} it {goal}"
    rivals = [_rival(rival, asked) for rival in plan.rivals if rival.dram_frames < plan.pages]
    others = f"; by estimate {' and '.join(rivals)}" if rivals else ""
    return [f"{reason}{others}.", *_missed(plan, asked), *_unlimited(plan, asked), *_dear(plan)]


def _dear(plan: Plan) -> list[str]:
    """That memory is saved, but no money."""
    point = plan.recommended.found
    if point.money is None or point.money_saved is None or point.money_saved >= 0:
        return []
    whole = point.money + point.money_saved
    return [f"It saves no money: it costs {point.money:,.4g}, and DRAM for all pages {whole:,.4g}."]


def _missed(plan: Plan, asked: Objectives) -> list[str]:
    """That the first choice of the estimates did not keep what it promised."""
    if not plan.tries or plan.tries[0] == plan.recommended:
        return []
    first = plan.tries[0].found
    missed = [_verdict(limit, first) for limit in asked.limits if not limit.holds(first)]
    missed = missed or [f"{_verdict(limit, first)}, too close to count on" for limit in _barely(asked, first)]
    if not missed and first.saved <= 0:
        missed = ["it saved nothing"]
    choice = f"{first.compressor} with {memory(first.dram_frames)} of DRAM"
    return [f"By its estimate {choice} was the better point, but run so {', '.join(missed)}."] if missed else []


def _barely(asked: Objectives, point: Point) -> list[Limit]:
    """Limits that another run of `point` may miss."""
    return [limit for limit, safe in zip(asked.limits, asked.safer().limits, strict=True) if not safe.holds(point)]


def _unlimited(plan: Plan, asked: Objectives) -> list[str]:
    """That waiting had no limit, and where it begins to cost much."""
    if asked.least_waiting or any(limit.name in {"slowdown", "promotion"} for limit in asked.limits):
        return []
    knee = plan.knees.get(plan.recommended.estimate.compressor)
    if knee is None or knee == plan.recommended.estimate:
        return ["Nothing was asked of the slowdown."]
    price = f"{knee.saved:.1f} % is saved at a slowdown of {per_cent(knee.slowdown)}"
    at = f"{memory(knee.dram_frames)} of DRAM, where {price}"
    return [f"Nothing was asked of the slowdown; the point of diminishing return is {at}."]


def _verdict(limit: Limit, point: Point, *, short: bool = False) -> str:
    """Whether `point` keeps a limit; where `short`, without a figure that the sentence has already."""
    word = "kept" if limit.holds(point) else "missed"
    if short and limit.name in {"slowdown", "save"}:
        return f"{limit.text} is {word}"
    return f"{limit.text} is {word} with {_value(limit, limit.value(point))}"


def _alone(plan: Plan, limit: Limit) -> str:
    """What a limit would come to if it were the only one."""
    point = plan.alone[limit.text]
    at = f"with {point.compressor} and {memory(point.dram_frames)} of DRAM"
    if not limit.holds(point):
        slow = f", at a slowdown of {per_cent(point.slowdown)}"
        return f"Even alone {limit.text} is out of reach: {_value(limit, limit.value(point))} at best, {at}{slow}."
    if point.dram_frames == plan.pages:
        return f"Alone {limit.text} is kept with all pages in DRAM, and not with less."
    price = f"{point.saved:.1f} % is saved at a slowdown of {per_cent(point.slowdown)}"
    return f"Alone {limit.text} can be kept {at}, where {price} (estimated)."


def _rival(point: Point, asked: Objectives) -> str:
    gain = (
        f"costs {point.money:,.4g}"
        if asked.cheapest
        else f"slows by {per_cent(point.slowdown)}"
        if asked.least_waiting
        else f"saves {point.saved:.1f} %"
    )
    return f"{point.compressor} {gain} with {memory(point.dram_frames)} of DRAM"


def _value(limit: Limit, value: float) -> str:
    if KINDS[limit.name].field == "fault_p99_ns":
        return duration(value) if value else "no fault"
    return f"{three_digits(value)} %/min" if limit.name == "promotion" else per_cent(value)


def _all(asked: Objectives) -> str:
    return " and ".join(limit.text for limit in asked.limits)


def memory(frames: int) -> str:
    """So many frames as a size."""
    return format_size(frames * PAGE_SIZE)


def per_cent(value: float) -> str:
    """With three digits, small figures too."""
    return "less than 0.0001 %" if 0 < value < 0.00005 else f"{fine(value)} %"
