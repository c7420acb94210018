"""Bound the faults of a running process by DRAM size, from observations alone, without its accesses."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.live import Activity
from zswapsim.study.plan.access_rate import OBSERVED, WINDOW_NS, AccessRate
from zswapsim.study.plan.traffic import Traffic, TrafficSource

SECOND_NS = 1e9


class FaultBounds(NamedTuple):
    """Hold the bounds of the major faults a second with a DRAM of `frames` frames or more, up to the next bounds."""

    frames: int
    low: float
    high: float


class ObservedTraffic(TrafficSource):
    """Bound the traffic of a process over the interval in which it was observed.

    If DRAM holds just the pages that were referenced within some time, the misses are the pages that are referenced
    again after a longer time (Denning and Schwartz 1972). If the observation counted these, the count is used. If not,
    the miss rate is the slope of the working-set curve, which is known at a few points only. The curve bends down, so
    the mean slope before a point is an upper bound, and the mean slope after the next point a lower bound. Estimates
    use the upper bound. Each page that is swapped in makes reclaim swap another one out.
    """

    one_pass = True

    def __init__(self, activity: Activity) -> None:
        self.name = _describe(activity)
        self.seconds = activity.seconds
        self.pages = max(1, -(-(activity.resident_bytes + activity.swapped_bytes) // PAGE_SIZE))
        self.bounds = _fault_bounds(activity, self.pages)
        self.least = self.bounds[0].frames
        self.limits = [*activity.limits, *_limits(activity, self.least, self.pages)]

    def at(self, frames: int) -> Traffic:
        """Return an upper bound of the traffic with a DRAM of `frames` frames."""
        faults = math.ceil(self._bounds_at(frames).high * self.seconds)
        return Traffic(frames, faults, faults, max(0, self.pages - frames))

    def at_least(self, frames: int) -> float:
        """Return a lower bound of the major faults a second."""
        return self._bounds_at(frames).low

    def _bounds_at(self, frames: int) -> FaultBounds:
        place = bisect_right(self.bounds, frames, key=lambda each: each.frames)
        return self.bounds[max(0, place - 1)]


def observed_access_rate(activity: Activity, pages: int) -> AccessRate:
    """Return the rate for the observed interval; accesses are not known.

    `pages` is taken as the working set if that is not known.
    """
    seconds = min(activity.seconds, WINDOW_NS / 1e9)
    within = [point.bytes for point in activity.curve if point.seconds <= seconds * 1.001]
    known = max(within, default=0) // PAGE_SIZE
    return AccessRate(
        access_ns=None,
        base_ns=activity.seconds * SECOND_NS,
        source=OBSERVED,
        working_set=float(min(known, pages) or pages),
        working_set_seconds=seconds if known else 0.0,
    )


def _describe(activity: Activity) -> str:
    ran = "" if activity.cpu_seconds is None else f", in which it ran for {activity.cpu_seconds:.2f} s"
    faults = (
        ""
        if activity.major_faults is None
        else f" and took {activity.minor_faults:,} minor and {activity.major_faults:,} major faults"
    )
    return f"{activity.source}, over {activity.seconds:.3g} s{ran}{faults}"


def _limits(activity: Activity, least: int, pages: int) -> list[str]:
    """Return the limits that follow from the kind of observation."""
    share = f"{100 * least / pages:.3g} % of its memory"
    below = f"with DRAM for less than {share} nothing is known of the faults" if least > 1 else ""
    found = ["faults are the most that they may come to", below, "the next interval may be another"]
    if activity.cpu_seconds is not None and 0 < activity.cpu_seconds < 0.8 * activity.seconds:
        times = activity.seconds / activity.cpu_seconds
        found.append(f"slowdown is by the interval; by the time in which it ran it is {times:.1f} times as much")
    if activity.swapped_bytes:
        found.append("pages in swap are taken to be like those that are not")
    return [each for each in found if each]


def _fault_bounds(activity: Activity, pages: int) -> list[FaultBounds]:
    """Return bounds that ascend in frames and do not ascend in faults, from the smallest DRAM that has any."""
    if activity.curve:
        found = _by_reuse(activity) if activity.reused else _by_slope(activity)
    else:
        found = _by_counters(activity)
    known = [each for each in found if each.frames < pages]
    most = 0.0
    bounds = [FaultBounds(pages, 0.0, 0.0)]
    for each in reversed(known):
        most = max(most, each.high)
        if each.frames < bounds[0].frames:
            bounds.insert(0, FaultBounds(max(1, each.frames), min(each.low, most), most))
    return bounds


def _by_reuse(activity: Activity) -> list[FaultBounds]:
    frames = [-(-point.bytes // PAGE_SIZE) for point in activity.curve]
    rates = [each.bytes_a_second / PAGE_SIZE for each in activity.reused]
    return [FaultBounds(at, low, high) for at, high, low in zip(frames, rates, [*rates[1:], 0.0], strict=True)]


def _by_slope(activity: Activity) -> list[FaultBounds]:
    seconds = [0.0, *(point.seconds for point in activity.curve)]
    frames = [0.0, *(point.bytes / PAGE_SIZE for point in activity.curve)]
    slopes = [(frames[at] - frames[at - 1]) / max(seconds[at] - seconds[at - 1], 1e-9) for at in range(1, len(seconds))]
    next_slopes = [*slopes[2:], 0.0, 0.0]
    return [
        FaultBounds(math.ceil(at), low, high) for at, low, high in zip(frames[1:], next_slopes, slopes, strict=False)
    ]


def _by_counters(activity: Activity) -> list[FaultBounds]:
    """Return the bounds for the resident size, the only one with counted faults; none if nothing is in swap."""
    if not activity.swapped_bytes or activity.major_faults is None:
        return []
    return [FaultBounds(-(-activity.resident_bytes // PAGE_SIZE), 0.0, activity.major_faults / activity.seconds)]
