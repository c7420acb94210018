"""What was seen of a process's memory over an interval, from whatever source."""

from __future__ import annotations

from itertools import pairwise

import msgspec

NO_WORKING_SET = "the working set is not known"


class Referenced(msgspec.Struct, frozen=True):
    """How much was referenced at least once within so many seconds: a point of the working-set curve.

    P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968.
    """

    seconds: float
    bytes: int


class Reused(msgspec.Struct, frozen=True):
    """Bytes a second that were referenced after they had been idle for so many seconds or longer.

    Of the cold-age and promotion histograms of Lagar-Cavilla et al., "Software-Defined Far Memory in Warehouse-Scale
    Computers", ASPLOS 2019: what would be brought back, were everything out that is idle for so long.
    """

    seconds: float
    bytes_a_second: float


class Activity(msgspec.Struct, kw_only=True):
    """A process's memory over an interval. What the source can't tell is None, and `limits` says so.

    `resident_bytes` and `swapped_bytes` are anonymous memory, as the interval ended: what a swap backend gets to see.
    """

    name: str
    """``pid:PID``, or the file that it was read from."""
    source: str
    """What it rests on, in a few words."""
    limits: list[str]
    """What that source can't tell or gets wrong, a sentence each."""
    seconds: float
    """How long was looked."""
    resident_bytes: int
    swapped_bytes: int
    minor_faults: int | None
    major_faults: int | None
    cpu_seconds: float | None
    """Processor time of all threads within the interval."""
    curve: list[Referenced]
    """Ascending in both; empty where the source sees no references."""
    write_share: float | None
    """Share of the working set that was written within the interval, 0 to 1."""
    reused: list[Reused] = []
    """At the same times as `curve`, where the source sees what comes back; else the curve's slope has to do."""

    @property
    def working_set_bytes(self) -> int | None:
        """What was referenced within the whole interval."""
        return self.curve[-1].bytes if self.curve else None

    @property
    def referenced_share(self) -> float | None:
        """The working set's share of resident memory."""
        if not self.curve or not self.resident_bytes:
            return None
        return min(1.0, self.curve[-1].bytes / self.resident_bytes)

    def reuse_bytes_a_second(self, idle_seconds: float) -> float | None:
        """Bytes a second that are referenced after having been idle for `idle_seconds` or longer.

        The slope of the working-set curve there; with DRAM for just what is referenced within `idle_seconds`, these
        are the pages that are missed. P. J. Denning and S. C. Schwartz, "Properties of the working-set model", CACM
        15(3), 1972. None beyond the interval, and where there is no curve.
        """
        points = [Referenced(0.0, 0), *self.curve]
        for before, after in pairwise(points):
            if before.seconds <= idle_seconds < after.seconds:
                return (after.bytes - before.bytes) / (after.seconds - before.seconds)
        return None
