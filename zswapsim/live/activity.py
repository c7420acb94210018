"""Hold the observations of a process's memory over an interval, from any source."""

from __future__ import annotations

from itertools import pairwise

import msgspec


class Referenced(msgspec.Struct, frozen=True):
    """A point of the working-set curve: the memory referenced at least once within so many seconds.

    P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968.
    """

    seconds: float
    bytes: int


class Reused(msgspec.Struct, frozen=True):
    """Bytes a second that were referenced after they had been idle for so many seconds or longer.

    They correspond to the cold-age and promotion histograms of Lagar-Cavilla et al., "Software-Defined Far Memory in
    Warehouse-Scale Computers", ASPLOS 2019: the refaults if all memory were swapped out once it is idle for so long.
    """

    seconds: float
    bytes_a_second: float


class Activity(msgspec.Struct, kw_only=True):
    """A process's memory over an interval. A field that the source can't observe is None, and `limits` says so.

    `resident_bytes` and `swapped_bytes` are anonymous memory at the end of the interval: the memory that a swap backend
    handles.
    """

    name: str
    """``pid:PID``, or the file that it was read from."""
    source: str
    """The source of the observations, in a few words."""
    limits: list[str]
    """The source's limits: facts that it can't observe or gets wrong, a sentence each."""
    seconds: float
    """The length of the interval."""
    resident_bytes: int
    swapped_bytes: int
    minor_faults: int | None
    major_faults: int | None
    cpu_seconds: float | None
    """Processor time of all threads within the interval."""
    curve: list[Referenced]
    """Ascending in both fields; empty if the source sees no references."""
    write_share: float | None
    """Share of the working set that was written within the interval, 0 to 1."""
    reused: list[Reused] = []
    """At the same times as `curve`, if the source sees refaults; else they follow from the curve's slope."""

    @property
    def working_set_bytes(self) -> int | None:
        """Return the bytes that were referenced within the whole interval."""
        return self.curve[-1].bytes if self.curve else None

    @property
    def referenced_share(self) -> float | None:
        """Return the working set's share of resident memory."""
        if not self.curve or not self.resident_bytes:
            return None
        return min(1.0, self.curve[-1].bytes / self.resident_bytes)

    def reuse_bytes_a_second(self, idle_seconds: float) -> float | None:
        """Return the bytes a second that are referenced after having been idle for `idle_seconds` or longer.

        This is the slope of the working-set curve there: with DRAM for just the pages referenced within `idle_seconds`,
        these are the misses. P. J. Denning and S. C. Schwartz, "Properties of the working-set model", CACM 15(3), 1972.
        Return None beyond the interval, and if there is no curve.
        """
        points = [Referenced(0.0, 0), *self.curve]
        for before, after in pairwise(points):
            if before.seconds <= idle_seconds < after.seconds:
                return (after.bytes - before.bytes) / (after.seconds - before.seconds)
        return None
