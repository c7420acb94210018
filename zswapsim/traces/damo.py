"""Read DAMON's records as `damo` writes them: how often regions of memory were found accessed, by snapshot.

Documentation/mm/damon/design.rst: DAMON checks one page of each region every sampling interval. After an aggregation
interval the region's `nr_accesses` is the number of checks that found it accessed, and its `age` the number of
intervals for which that has been so. All pages of a region are taken to be alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim.traces.covered import Covered
from zswapsim.traces.damojson import json_snapshots
from zswapsim.traces.damosnapshot import MOST_TARGETS, Snapshot
from zswapsim.traces.damotext import text_snapshots
from zswapsim.traces.inflate import HEADS as ZLIB_HEADS
from zswapsim.traces.streams import open_source, read_fully
from zswapsim.traces.trace import CHUNK_EVENTS, READ, Chunk, Trace, refuse_empty

PAGE_SHIFT = 12
PAGE_BITS = 64 - PAGE_SHIFT
MOST_PAGES = 1 << 26
"""A trace of a record accesses at most so many pages: 256 GiB."""
FREE_ACCESSES, ACCESSES_A_REGION = 1 << 28, 1 << 22
"""And it has at most FREE_ACCESSES, and ACCESSES_A_REGION for each region in the record."""


def read_snapshots(path: str | Path, compressed: bool = False) -> Iterator[Snapshot]:
    """Yield every whole snapshot of a record: json_compressed, json, perf_script, or `damo report access --raw_form`.

    Snapshots come in the order of the file, which is that of time for each target. Raises InputError on any other form;
    the message names the line, or the place in the JSON. The file is read in pieces.
    """
    head = bytearray(2)
    with open_source(path, compressed) as source:
        read_fully(source, memoryview(head))
    of_json = head.startswith((b"[", *ZLIB_HEADS))
    found = json_snapshots(path, compressed) if of_json else text_snapshots(path, compressed)
    targets: set[int] = set()
    for snapshot in found:
        targets.add(snapshot.target)
        if len(targets) > MOST_TARGETS:
            raise InputError(f"{path}: expected a record of at most {MOST_TARGETS} targets")
        yield snapshot
    if not targets:
        raise InputError(f"{path}: expected a record of DAMON with at least one whole snapshot, got none")


class DamoTrace(Trace):
    """A record of DAMON as accesses: every page of a region that was found accessed is read once a snapshot.

    That is the coarsest sequence that the record allows. Within an aggregation interval neither order nor number of
    accesses is known, so pages go by address, spread evenly over the interval; writes are not known. Each target is a
    process, numbered from 0. A record whose regions come to more than the limits above is refused: a few lines can name
    all addresses that there are.
    """

    def __init__(self, path: str | Path, compressed: bool = False) -> None:
        self.name, self.path, self.compressed = str(path), path, compressed

    def chunks(self) -> Iterator[Chunk]:
        """Yield every access.

        Raises InputError as :func:`read_snapshots` does, and if no region was accessed at all.
        """
        return refuse_empty(self.name, self._chunks())

    def _chunks(self) -> Iterator[Chunk]:
        targets: dict[int, int] = {}
        budget = _Budget(self.name)
        for snapshot in read_snapshots(self.path, self.compressed):
            target = targets.setdefault(snapshot.target, len(targets))
            accessed = snapshot.accesses > 0
            budget.take(target, snapshot)
            spans = Spans(snapshot.start[accessed], snapshot.end[accessed])
            for first in range(0, spans.pages, CHUNK_EVENTS):
                page = spans.part(first, min(first + CHUNK_EVENTS, spans.pages))
                step = max(0, snapshot.end_ns - snapshot.start_ns) / spans.pages
                times = snapshot.start_ns + (np.arange(first, first + len(page)) * step).astype(np.uint64)
                yield Chunk(page, np.full(len(page), READ, np.uint8), times, np.full(len(page), target, np.uint32))


class _Budget:
    """Count what the snapshots of a record come to, and refuse those that come to more than the limits."""

    def __init__(self, name: str) -> None:
        self.name, self.covered = name, Covered()
        self.accesses, self.most = 0, FREE_ACCESSES

    def take(self, target: int, snapshot: Snapshot) -> None:
        """Count a snapshot of target number `target`, below MOST_TARGETS. Raises InputError."""
        accessed = snapshot.accesses > 0
        first, last = (each[accessed] >> np.uint64(PAGE_SHIFT) for each in (snapshot.start, snapshot.end))
        pages = last - np.minimum(first, last)
        if len(pages) and int(pages.max()) > MOST_PAGES:
            raise self._refused(snapshot, f"regions of at most {MOST_PAGES} pages", f"one of {pages.max()}")
        self.most += ACCESSES_A_REGION * len(snapshot.start)
        self.accesses += int(pages.sum())
        if self.accesses > self.most:
            raise self._refused(snapshot, f"at most {self.most} accesses", f"{self.accesses} or more")
        apart = np.uint64(target << PAGE_BITS)
        self.covered.add(np.minimum(first, last) + apart, last + apart)
        if self.covered.exceeds(MOST_PAGES):
            raise self._refused(snapshot, f"at most {MOST_PAGES} accessed pages", "more")

    def _refused(self, snapshot: Snapshot, expected: str, got: str) -> InputError:
        where = f"target {snapshot.target}, at {snapshot.end_ns} ns"
        return InputError(f"{self.name}: {where}: expected {expected}, got {got}: too much for a trace")


class Spans:
    """The pages of ascending address ranges `start` up to `end`; no list of them is held."""

    def __init__(self, start: NDArray[np.uint64], end: NDArray[np.uint64]) -> None:
        self.first = start >> np.uint64(PAGE_SHIFT)
        counts = np.maximum(end >> np.uint64(PAGE_SHIFT), self.first) - self.first
        self.before = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts.astype(np.int64))])
        self.pages = int(self.before[-1])

    def part(self, begin: int, end: int) -> NDArray[np.uint64]:
        """Return uint64[end - begin]: the page numbers at those places."""
        places = np.arange(begin, end)
        span = np.searchsorted(self.before, places, side="right") - 1
        page: NDArray[np.uint64] = self.first[span] + (places - self.before[span]).astype(np.uint64)
        return page
