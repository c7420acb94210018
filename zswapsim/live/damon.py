"""Find how long pages of a running process are idle, and which are used again, from a record of DAMON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.live.activity import Activity, Referenced, Reused
from zswapsim.live.pages import anonymous_pages
from zswapsim.live.procfs import Process
from zswapsim.live.references import NO_WRITES
from zswapsim.traces.damo import read_snapshots
from zswapsim.traces.damosnapshot import Snapshot

LIMITS = [
    "all pages of a region are taken for alike: DAMON looks at one of them a sampling interval",
    "what is used and idle again within an aggregation interval counts as used in all of it",
    "the process's pages are those of now, looked up in the regions of then",
    NO_WRITES,
]
SECOND_NS = 10**9
MOST_REGIONS = 1 << 24
"""A record has at most so many regions in all snapshots together: they are held in memory, 32 bytes each."""


class Found(NamedTuple):
    """A step of a record; each array has an element for every page that the record covers at both ends of the step."""

    seconds: float
    """The time from one snapshot to the next."""
    idle: NDArray[np.float64]
    """Seconds idle at the earlier snapshot; 0 for a page in use."""
    used: NDArray[np.bool_]
    """True if the page was used before the later snapshot."""


def damon_activity(path: str | Path, pid: int | str) -> Activity:
    """Return the activity that the record `path` shows of the anonymous pages that process `pid` has now.

    The record is one of the process's own addresses (``damo record PID``), in a form that
    :func:`zswapsim.traces.damo.read_snapshots` reads.

    Raises InputError if it is no record, has less than two snapshots, or is of other addresses, ZswapsimError if this
    user may not see which pages the process has.
    """
    process = Process(pid)
    pages = anonymous_pages(process).addresses
    if not len(pages):
        raise InputError(f"{process.what}: it has no anonymous pages: expected a program with memory of its own")
    taken = _of_process(path, process, pages)
    seconds = sum(map(_seconds, taken[1:]))
    if len(taken) < 2 or seconds <= 0:
        raise InputError(f"{path}: expected at least two snapshots of {process.what}, with time between them")
    counted = process.count()
    curve, reused = _histograms(taken, pages, seconds)
    return Activity(
        name=process.what.replace(" ", ":"),
        source=f"{len(taken)} snapshots of DAMON in {path}",
        limits=list(LIMITS),
        seconds=seconds,
        resident_bytes=counted.resident_bytes,
        swapped_bytes=counted.swapped_bytes,
        minor_faults=None,
        major_faults=None,
        cpu_seconds=None,
        curve=curve,
        write_share=None,
        reused=reused,
    )


def _of_process(path: str | Path, process: Process, pages: NDArray[np.uint64]) -> list[Snapshot]:
    """Return the snapshots of the target that covers most of `pages`. Raises InputError if none covers half of them."""
    targets: dict[int, list[Snapshot]] = {}
    regions = 0
    for snapshot in read_snapshots(path, str(path).endswith(".zst")):
        regions += len(snapshot.start)
        if regions > MOST_REGIONS:
            raise InputError(f"{path}: expected at most {MOST_REGIONS} regions in all snapshots, got more")
        targets.setdefault(snapshot.target, []).append(snapshot)
    covered = {target: int(np.count_nonzero(_covering(each[-1], pages) >= 0)) for target, each in targets.items()}
    best = max(covered, key=lambda target: covered[target])
    if 2 * covered[best] < len(pages):
        raise InputError(
            f"{path}: its regions hold {covered[best]:,} of the {len(pages):,} anonymous pages of {process.what}:"
            f" expected a record of that process (damo record {process.pid}), taken recently"
        )
    return targets[best]


def _covering(snapshot: Snapshot, pages: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the region of each page, -1 for a page in none."""
    if not len(snapshot.start):
        return np.full(len(pages), -1)
    region = np.searchsorted(snapshot.start, pages, side="right").astype(np.int64) - 1
    inside = (region >= 0) & (pages < snapshot.end[np.maximum(region, 0)])
    return np.where(inside, region, -1)


def _steps(taken: list[Snapshot], pages: NDArray[np.uint64]) -> Iterator[Found]:
    """Yield the step from every snapshot to the next."""
    before: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    for snapshot in taken:
        region = _covering(snapshot, pages)
        idle = _idle_seconds(snapshot)[region] if len(snapshot.start) else np.zeros(len(pages))
        if before is not None:
            both = (before[0] >= 0) & (region >= 0)
            yield Found(_seconds(snapshot), before[1][both], idle[both] == 0)
        before = region, idle


def _seconds(snapshot: Snapshot) -> float:
    return (snapshot.end_ns - snapshot.start_ns) / SECOND_NS


def _idle_seconds(snapshot: Snapshot) -> NDArray[np.float64]:
    """Return how long each region is idle; one that has just become so (age 0) is idle for one aggregation interval."""
    lasted = snapshot.end_ns - snapshot.start_ns
    idle: NDArray[np.float64] = (np.maximum(snapshot.age_ns, 0).astype(np.float64) + lasted) / SECOND_NS
    return np.where(snapshot.accesses > 0, 0.0, idle)


def _histograms(
    taken: list[Snapshot], pages: NDArray[np.uint64], seconds: float
) -> tuple[list[Referenced], list[Reused]]:
    """Return means over all steps: bytes in use within a time, and bytes a second that are used again after it.

    Times are powers of two from the aggregation interval to the longest idle time. The steps are computed twice instead
    of held: they have an element a page.
    """
    interval = min(each for each in map(_seconds, taken[1:]) if each > 0)
    longest = max((float(step.idle.max(initial=0.0)) for step in _steps(taken, pages)), default=0.0)
    times = [interval]
    while 2 * times[-1] < 2 * longest:
        times.append(2 * times[-1])
    within, back = [0.0] * len(times), [0] * len(times)
    for step in _steps(taken, pages):
        for number, at in enumerate(times):
            # An interval's length varies by a timer's slack; half an interval is enough to distinguish whole ones.
            limit = at - interval / 2
            within[number] += float(np.count_nonzero(step.idle < limit)) * step.seconds
            back[number] += int(np.count_nonzero(step.used & (step.idle >= limit)))
    curve = [Referenced(at, round(each / seconds) * PAGE_SIZE) for at, each in zip(times, within, strict=True)]
    return curve, [Reused(at, each * PAGE_SIZE / seconds) for at, each in zip(times, back, strict=True)]
