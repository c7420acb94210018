"""Faults by DRAM size from what was observed of a running process: bounds, for want of its accesses."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

from zswapsim.live import Activity
from zswapsim.study.pace import OBSERVED, WINDOW_NS, Pace
from zswapsim.study.sizes import PAGE_SIZE
from zswapsim.study.traffic import Source, Traffic

SECOND_NS = 1e9


class Step(NamedTuple):
    """From so many frames on, major faults a second lie between these."""

    frames: int
    low: float
    high: float


class Observed(Source):
    """Traffic of a process that was observed, over the interval in which it was.

    With DRAM for just what was referenced within some time, the pages missed are those that come back after it
    (Denning and Schwartz 1972). Where the source counted these, that is what is taken. Else it is the slope of the
    working-set curve, known between two looks only: the mean of the stretch before is the most, as the curve bends
    down, and the mean of the stretch behind the next the least. Estimates take the most. A page that is brought back
    pushes one out.
    """

    one_pass = True

    def __init__(self, activity: Activity) -> None:
        self.name = _what(activity)
        self.seconds = activity.seconds
        self.pages = max(1, -(-(activity.resident_bytes + activity.swapped_bytes) // PAGE_SIZE))
        self.steps = _steps(activity, self.pages)
        self.least = self.steps[0].frames
        self.limits = [*activity.limits, *_limits(activity, self.least, self.pages)]

    def at(self, frames: int) -> Traffic:
        """The most that it may come to."""
        faults = math.ceil(self._step(frames).high * self.seconds)
        return Traffic(frames, faults, faults, max(0, self.pages - frames))

    def at_least(self, frames: int) -> float:
        """Major faults a second that it comes to at least."""
        return self._step(frames).low

    def _step(self, frames: int) -> Step:
        place = bisect_right(self.steps, frames, key=lambda step: step.frames)
        return self.steps[max(0, place - 1)]


def observed_pace(activity: Activity, pages: int) -> Pace:
    """Rates by the interval; of accesses nothing is known. `pages` count as the working set where that is not known."""
    seconds = min(activity.seconds, WINDOW_NS / 1e9)
    within = [point.bytes for point in activity.curve if point.seconds <= seconds * 1.001]
    known = max(within, default=0) // PAGE_SIZE
    return Pace(
        access_ns=None,
        base_ns=activity.seconds * SECOND_NS,
        source=OBSERVED,
        working_set=float(min(known, pages) or pages),
        working_set_seconds=seconds if known else 0.0,
    )


def _what(activity: Activity) -> str:
    ran = "" if activity.cpu_seconds is None else f", in which it ran for {activity.cpu_seconds:.2f} s"
    faults = (
        ""
        if activity.major_faults is None
        else f" and took {activity.minor_faults:,} minor and {activity.major_faults:,} major faults"
    )
    return f"{activity.source}, over {activity.seconds:.3g} s{ran}{faults}"


def _limits(activity: Activity, least: int, pages: int) -> list[str]:
    """What follows from how it was observed."""
    share = f"{100 * least / pages:.3g} % of its memory"
    below = f"with DRAM for less than {share} nothing is known of the faults" if least > 1 else ""
    found = ["faults are the most that they may come to", below, "the next interval may be another"]
    if activity.cpu_seconds is not None and 0 < activity.cpu_seconds < 0.8 * activity.seconds:
        times = activity.seconds / activity.cpu_seconds
        found.append(f"slowdown is by the interval; by the time in which it ran it is {times:.1f} times as much")
    if activity.swapped_bytes:
        found.append("pages in swap are taken to be like those that are not")
    return [each for each in found if each]


def _steps(activity: Activity, pages: int) -> list[Step]:
    """Ascending in frames, from the least of which something is known; not ascending in faults."""
    if activity.curve:
        found = _by_reuse(activity) if activity.reused else _by_slope(activity)
    else:
        found = _by_counters(activity)
    known = [step for step in found if step.frames < pages]
    most = 0.0
    steps = [Step(pages, 0.0, 0.0)]
    for step in reversed(known):
        most = max(most, step.high)
        if step.frames < steps[0].frames:
            steps.insert(0, Step(max(1, step.frames), min(step.low, most), most))
    return steps


def _by_reuse(activity: Activity) -> list[Step]:
    frames = [-(-point.bytes // PAGE_SIZE) for point in activity.curve]
    rates = [each.bytes_a_second / PAGE_SIZE for each in activity.reused]
    return [Step(at, low, high) for at, high, low in zip(frames, rates, [*rates[1:], 0.0], strict=True)]


def _by_slope(activity: Activity) -> list[Step]:
    seconds = [0.0, *(point.seconds for point in activity.curve)]
    frames = [0.0, *(point.bytes / PAGE_SIZE for point in activity.curve)]
    slopes = [(frames[at] - frames[at - 1]) / max(seconds[at] - seconds[at - 1], 1e-9) for at in range(1, len(seconds))]
    behind = [*slopes[2:], 0.0, 0.0]
    return [Step(math.ceil(at), low, high) for at, low, high in zip(frames[1:], behind, slopes, strict=False)]


def _by_counters(activity: Activity) -> list[Step]:
    """What is resident now is the one size of which the faults are counted, if there is anything in swap at all."""
    if not activity.swapped_bytes or activity.major_faults is None:
        return []
    return [Step(-(-activity.resident_bytes // PAGE_SIZE), 0.0, activity.major_faults / activity.seconds)]
