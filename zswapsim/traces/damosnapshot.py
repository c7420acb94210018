"""Hold what DAMON found of one target in one aggregation interval, within stated limits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
AGE = 3
LONGEST_NS = 2**62
END_OF_TIME_NS = 2**63
MOST_REGIONS = 1 << 17
"""A snapshot has at most so many regions; DAMON makes 1,000 unless it is told otherwise."""
MOST_TARGETS = 1 << 12
"""A record has at most so many targets."""
MOST_WAITING = 1 << 18
"""At most so many regions wait for something that stands further below, as the length of a target's first snapshot."""

Row = tuple[int, int, int, int]
"""The start and end address, accesses, and age in aggregation intervals (-1: not known)."""


class Snapshot(NamedTuple):
    """The regions of one target in one aggregation interval; arrays have an element a region, by address."""

    target: int
    start_ns: int
    """The end of the snapshot before; if a record has only one snapshot, its own end."""
    end_ns: int
    start: NDArray[np.uint64]
    """uint64[n]: start address, in bytes."""
    end: NDArray[np.uint64]
    """uint64[n]: the address after the last one."""
    accesses: NDArray[np.int64]
    """The sampling intervals in which the region was found accessed."""
    age_ns: NDArray[np.int64]
    """The time for which that has been so; -1 if the record does not say."""


def make_snapshot(target: int, start_ns: int, end_ns: int, rows: list[Row]) -> Snapshot:
    """Make a snapshot of regions, from rows in any order."""
    rows = sorted(rows)
    lasted = max(0, end_ns - start_ns)
    ages = [UNKNOWN if row[AGE] < 0 else min(row[AGE] * lasted, LONGEST_NS) for row in rows]
    start, end = (np.array([row[at] for row in rows], np.uint64) for at in (0, 1))
    return Snapshot(
        target, start_ns, end_ns, start, end, np.array([row[2] for row in rows], np.int64), np.array(ages, np.int64)
    )
