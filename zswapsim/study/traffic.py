"""Faults and swap-outs at any DRAM size: from one pass where the rule allows that, else from a replay each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from zswapsim.study.curve import exact_curve
from zswapsim.study.onepass import Progress
from zswapsim.study.policies import parse_reclaim
from zswapsim.study.result import completed
from zswapsim.study.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE
from zswapsim.traces import DenseTrace


class Traffic(NamedTuple):
    """What crosses the edge of a DRAM of so many frames; in pages, over the whole trace."""

    frames: int
    major_faults: int
    swap_outs: int
    out: int
    """Pages outside DRAM at most at one time."""


class Source(ABC):
    """Where traffic is known from."""

    name: str
    """What it rests on, in a few words."""
    limits: Sequence[str] = ()
    """What it can't tell or gets wrong, a sentence each."""
    one_pass: bool
    """Whether any number of sizes costs no more than one."""
    least: int = 1
    """Frames below which nothing is known."""

    @abstractmethod
    def at(self, frames: int) -> Traffic:
        """Traffic at a DRAM of `frames` frames, the most that it may be."""

    def at_least(self, frames: int) -> float | None:
        """Major faults a second that it is at least; None where :meth:`at` is exact."""
        return None


class Replays(Source):
    """A replay at counts depth for each size, remembered. `settings`: reclaimer and batch."""

    name, one_pass = "a replay for each size", False

    def __init__(self, trace: DenseTrace, settings: Settings) -> None:
        self.trace = trace
        self.settings = msgspec.structs.replace(settings, depth="counts", window=trace.events)
        self.known: dict[int, Traffic] = {}

    def at(self, frames: int) -> Traffic:
        """One replay, unless the size was asked before."""
        if frames not in self.known:
            asked = msgspec.structs.replace(self.settings, dram=frames * PAGE_SIZE, node=PAGE_SIZE)
            counters = completed(run(self.trace, None, asked)).counters
            out = counters["pages"] - counters["resident_pages"]
            self.known[frames] = Traffic(frames, counters["major_faults"], counters["reclaimed_pages"], out)
        return self.known[frames]


class OnePass(Source):
    """The curve of exact LRU with a batch of 1: every size from one pass over `trace`, made at once.

    Raises KeyboardInterrupt where Ctrl-C ended it.
    """

    name, one_pass = "LRU stack distances, from one pass over the trace", True

    def __init__(self, trace: DenseTrace, progress: Progress | None = None) -> None:
        found = exact_curve(trace, progress=progress)
        if found.interrupted:
            raise KeyboardInterrupt
        self.curve = found.whole

    def at(self, frames: int) -> Traffic:
        """Looked up."""
        major_faults, swap_outs = self.curve.at(frames)
        return Traffic(frames, major_faults, swap_outs, self.curve.pages - min(frames, self.curve.pages))


def open_source(trace: DenseTrace, settings: Settings, progress: Progress | None = None) -> Source:
    """One pass where reclaimer and batch allow that, else replays."""
    if parse_reclaim(settings.reclaim)[0] == "lru" and settings.batch == 1:
        return OnePass(trace, progress)
    return Replays(trace, settings)
