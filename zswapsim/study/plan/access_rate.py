"""Measure how fast a workload accesses its pages and how many of them it uses, to turn counts into rates.

A trace may give the time of each access; most do not. Then an access takes as long as the caller says, or else as long
as one to local DRAM that misses the caches, which is what it costs on the modelled machine if the page is resident.

The working set is that of Lagar-Cavilla et al., "Software-Defined Far Memory in Warehouse-Scale Computers" (ASPLOS
2019): the pages that were accessed within the last 120 s, which is the minimum age of a cold page there. A page that is
swapped in is a promotion; they keep promotions below 0.2 % of the working set a minute.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from zswapsim._core.base import arguments
from zswapsim._core.base.errors import InputError
from zswapsim.study.settings.cost import DRAM_LATENCY_NS
from zswapsim.traces import Chunk, DenseTrace, Trace

WINDOW_NS = 120 * 10**9
PROMOTION_LINE = 0.2
"""Per cent of the working set a minute."""
FROM_TRACE, ASKED, DEFAULT, OBSERVED = "trace", "asked", "default", "observed"


class AccessRate(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the rate at which a workload accesses pages if all of them are resident."""

    access_ns: float | None
    """Mean time from one access to the next; None if accesses were not counted."""
    base_ns: float
    """Time of the whole trace, or of the interval in which a process was observed."""
    source: str
    """``trace`` (its time_ns), ``asked``, ``default``, or ``observed`` for a process instead of a trace."""
    working_set: float
    """Pages accessed within `working_set_seconds`, mean over the trace."""
    working_set_seconds: float = WINDOW_NS / 1e9
    """120, or the length of the trace or interval if that is shorter."""


class TimedTrace(Trace):
    """Pass a trace on, and note its first and last time and the accesses at which each 120 s begin."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.name, self.events = trace, trace.name, trace.events
        self.first = self.last = -1
        """Nanoseconds; -1 if the trace has no times."""
        self.starts: list[int] = []
        """Accesses at which each window of 120 s but the first begins."""

    @property
    def file(self) -> str | Path | None:
        """Return the trace's own file."""
        return self.trace.file

    def chunks(self) -> Iterator[Chunk]:
        """Yield the trace's own chunks."""
        done, window = 0, 0
        self.first, self.starts = -1, []
        for chunk in self.trace.chunks():
            if chunk.time_ns is not None and len(chunk.time_ns):
                window = self._note_times(chunk.time_ns, done, window)
            done += len(chunk.page)
            yield chunk

    def _note_times(self, times: np.ndarray, done: int, window: int) -> int:
        """Note the times of a chunk, and return the window at its end.

        Times may step back, as clocks of several processors do; the window does not.
        """
        if self.first < 0:
            self.first = self.last = int(times[0])
        self.last = max(self.last, int(times.max()))
        past = np.maximum(times, np.uint64(self.first)) - np.uint64(self.first)
        windows = np.maximum.accumulate(np.append(np.int64(window), (past // np.uint64(WINDOW_NS)).astype(np.int64)))
        self.starts += [done + int(place) for place in np.flatnonzero(np.diff(windows))]
        return int(windows[-1])


def measure_access_rate(trace: DenseTrace, access_ns: float | None = None) -> AccessRate:
    """Return the access rate of a trace that has been scanned. Raises InputError unless `access_ns` is above 0."""
    if access_ns is not None and arguments.number(access_ns, "--access-ns", 0, 1e15) == 0:
        raise InputError(f"--access-ns {access_ns}: expected nanoseconds, above 0")
    timed = trace.trace if isinstance(trace.trace, TimedTrace) else None
    starts: Sequence[int]
    if access_ns is None and timed is not None and timed.last > timed.first:
        base, source, starts = float(timed.last - timed.first), FROM_TRACE, timed.starts
    else:
        each = DRAM_LATENCY_NS if access_ns is None else float(access_ns)
        base, source = each * trace.events, DEFAULT if access_ns is None else ASKED
        window = max(1, int(WINDOW_NS / each))
        starts = range(window, trace.events, window)
    return AccessRate(
        access_ns=base / trace.events,
        base_ns=base,
        source=source,
        working_set=working_set(trace, starts),
        working_set_seconds=min(base, WINDOW_NS) / 1e9,
    )


def working_set(trace: DenseTrace, starts: Sequence[int]) -> float:
    """Return the mean number of distinct pages in the windows that begin at 0 and at `starts`.

    The last window is left out if there are several, since it may be shorter.
    """
    if not starts:
        return float(trace.pages)
    seen = np.full(trace.pages, -1, np.int64)
    found = np.zeros(len(starts) + 1, np.int64)
    done = 0
    for pages, _ in trace.chunks():
        window = bisect_right(starts, done)
        cuts = [*(start - done for start in starts[window : bisect_left(starts, done + len(pages))]), len(pages)]
        first = 0
        for number, end in enumerate(cuts, window):
            part = pages[first:end]
            fresh = np.unique(part[seen[part] != number])
            seen[fresh] = number
            found[number] += len(fresh)
            first = end
        done += len(pages)
    return float(found[:-1].mean())
