"""Faults and swap-outs at any DRAM size: from one pass where the rule allows that, else from a replay each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

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

    @abstractmethod
    def at(self, frames: int) -> Traffic:
        """Traffic at a DRAM of `frames` frames."""


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
