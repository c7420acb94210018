"""Count faults and swap-outs at any DRAM size: in one pass if the reclaimer allows that, else with a replay each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.reclaimers.names import parse_reclaim
from zswapsim.study.curve.exact import exact_curve
from zswapsim.study.curve.trace_walk import Progress
from zswapsim.study.run.result import completed
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.traces import DenseTrace


class Traffic(NamedTuple):
    """Count the pages that move in and out of a DRAM of so many frames over the whole trace."""

    frames: int
    major_faults: int
    swap_outs: int
    out: int
    """Maximum number of pages outside DRAM at one time."""


class TrafficSource(ABC):
    """Provide the traffic of a workload at any DRAM size."""

    name: str
    """The source in a few words."""
    limits: Sequence[str] = ()
    """The limits of the source, a sentence each."""
    one_pass: bool
    """True if any number of sizes costs no more than one."""
    least: int = 1
    """Nothing is known of a DRAM with fewer frames."""

    @abstractmethod
    def at(self, frames: int) -> Traffic:
        """Return the traffic with a DRAM of `frames` frames, or an upper bound of it."""

    def at_least(self, frames: int) -> float | None:
        """Return a lower bound of the major faults a second; None if :meth:`at` is exact."""
        return None


class Replays(TrafficSource):
    """Replay the trace at counts depth once for each size, with the reclaimer and the batch of `settings`."""

    name, one_pass = "a replay for each size", False

    def __init__(self, trace: DenseTrace, settings: Settings) -> None:
        self.trace = trace
        self.settings = msgspec.structs.replace(settings, depth="counts", window=trace.events)
        self.known: dict[int, Traffic] = {}

    def at(self, frames: int) -> Traffic:
        """Return the counts of a replay, or those of an earlier one of the same size."""
        if frames not in self.known:
            asked = msgspec.structs.replace(self.settings, dram=frames * PAGE_SIZE, node=PAGE_SIZE)
            counters = completed(run(self.trace, None, asked)).counters
            out = counters["pages"] - counters["resident_pages"]
            self.known[frames] = Traffic(frames, counters["major_faults"], counters["reclaimed_pages"], out)
        return self.known[frames]


class OnePass(TrafficSource):
    """Compute the curve of exact LRU with a batch of 1 for every size, in one pass over `trace`.

    The pass is made on creation. Raises KeyboardInterrupt if Ctrl-C ended it.
    """

    name, one_pass = "LRU stack distances, from one pass over the trace", True

    def __init__(self, trace: DenseTrace, progress: Progress | None = None) -> None:
        found = exact_curve(trace, progress=progress)
        if found.interrupted:
            raise KeyboardInterrupt
        self.curve = found.whole

    def at(self, frames: int) -> Traffic:
        """Look the size up on the curve."""
        major_faults, swap_outs = self.curve.at(frames)
        return Traffic(frames, major_faults, swap_outs, self.curve.pages - min(frames, self.curve.pages))


def open_traffic_source(trace: DenseTrace, settings: Settings, progress: Progress | None = None) -> TrafficSource:
    """Return one pass if reclaimer and batch allow that, else replays."""
    if parse_reclaim(settings.reclaim)[0] == "lru" and settings.batch == 1:
        return OnePass(trace, progress)
    return Replays(trace, settings)
