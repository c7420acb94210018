"""Read and write libCacheSim's oracleGeneral: 24 bytes a request, plain or in zstd.

A record is uint32 time (seconds), uint64 object, uint32 size, int64 next_access_vtime, little-endian without padding.
next_access_vtime is the 1-based position of the next request for the same object, -1 if there is none. The form has no
writes: every request reads. (libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.dense import DenseMap, next_access
from zswapsim._core.trace.oracle import decode
from zswapsim.files.temporary import unnamed_buffered
from zswapsim.traces.streams import file_bytes, open_source, read_fully
from zswapsim.traces.trace import CHUNK_EVENTS, READ_EVENTS, Chunk, Progress, Trace, refuse_empty
from zswapsim.traces.whole import WholeFile, open_whole

RECORD = np.dtype([("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")])
SIZE = 4096  # the size of a written object, which is a page
NEVER = -1  # a reader takes 2**63 - 1 for the same
SECOND_NS = 10**9


class OracleTrace(Trace):
    """An oracleGeneral file. The object is the page, whatever its size; each request is a read, at a whole second."""

    def __init__(self, path: str | Path, compressed: bool = False) -> None:
        self.name, self.path, self.compressed = str(path), path, compressed
        self.events = None if compressed else file_bytes(path) // RECORD.itemsize or None

    def chunks(self) -> Iterator[Chunk]:
        """Yield every record."""
        return refuse_empty(self.name, self._chunks(timed=True))

    def accesses(self) -> Iterator[Chunk]:
        """Yield every record, without its time."""
        return refuse_empty(self.name, self._chunks(timed=False))

    def whole(self, most_events: int) -> WholeFile | None:
        """Begin to read all of a plain file at once."""
        return None if self.compressed else open_whole(self.name, most_events)

    def _chunks(self, timed: bool) -> Iterator[Chunk]:
        buffer = memoryview(bytearray(READ_EVENTS * RECORD.itemsize))
        reads = np.zeros(READ_EVENTS, np.uint8)
        reads.flags.writeable = False
        events = 0
        with open_source(self.path, self.compressed) as source:
            while count := read_fully(source, buffer):
                pages = self._pages(buffer[:count], events)
                events += len(pages)
                yield Chunk(pages, reads[: len(pages)], _time_ns(buffer[:count]) if timed else None)

    def _pages(self, records: memoryview, first: int) -> NDArray[np.uint64]:
        """Return the pages of records, the first of which is record `first` of the file."""
        count, rest = divmod(len(records), RECORD.itemsize)
        if rest:
            raise InputError(
                f"{self.name}: byte offset {(first + count) * RECORD.itemsize}: expected a record of"
                f" {RECORD.itemsize} bytes, got {rest}"
            )
        pages = np.empty(count, np.uint64)
        good = decode(records, first, pages)
        if good < count:
            after = np.frombuffer(records, RECORD)["next"][good]
            raise InputError(
                f"{self.name}: byte offset {(first + good) * RECORD.itemsize}: expected a record whose"
                f" next_access_vtime is -1 or above its own position {first + good}, got {after}"
            )
        return pages


def _time_ns(records: memoryview) -> NDArray[np.uint64]:
    return np.frombuffer(records, RECORD)["time"].astype(np.uint64) * np.uint64(SECOND_NS)


def write_oracle(trace: Trace, file: IO[bytes], progress: Progress | None = None) -> int:
    """Write `trace` as oracleGeneral and return how many events it has. Writes become reads, processes are left out.

    Times are cut to seconds, 0 if the trace has none. The trace is read twice, because a record depends on a later one;
    12 bytes an event lie in unlinked temporary files meanwhile.
    """
    with unnamed_buffered() as numbers, unnamed_buffered() as following:
        events, pages = _number_pages(trace, numbers, progress)
        _follow(numbers, following, events, pages)
        following.seek(0)
        done = 0
        for chunk in trace.chunks():
            records = np.zeros(len(chunk.page), RECORD)
            records["object"], records["size"] = chunk.page, SIZE
            if chunk.time_ns is not None:
                seconds = chunk.time_ns // np.uint64(SECOND_NS)
                records["time"] = np.minimum(seconds, np.uint64(2**32 - 1))
            after = np.frombuffer(following.read(8 * len(records)), np.int64)
            if len(after) != len(records):
                break
            records["next"] = after
            file.write(records.tobytes())
            done += len(records)
            if progress:
                progress(events + done, 2 * events)
    if done != events:
        raise InputError(f"{trace.name}: expected {events} events as in the first pass: it changed meanwhile")
    return events


def _number_pages(trace: Trace, numbers: IO[bytes], progress: Progress | None) -> tuple[int, int]:
    """Write each event's dense page number (uint32) into `numbers`. Return (events, distinct pages)."""
    pages, events = DenseMap(), 0
    for chunk in trace.chunks():
        dense = np.empty(len(chunk.page), np.uint32)
        pages.map(np.ascontiguousarray(chunk.page), dense)
        numbers.write(dense.tobytes())
        events += len(dense)
        if progress:
            progress(events, 2 * (trace.events or 0))
    return events, len(pages)


def _follow(numbers: IO[bytes], following: IO[bytes], events: int, pages: int) -> None:
    """Write each event's next access (int64) into `following`, from the last event to the first."""
    after = np.full(pages, NEVER, np.int64)
    following.truncate(8 * events)
    for first in reversed(range(0, events, CHUNK_EVENTS)):
        numbers.seek(4 * first)
        dense = np.frombuffer(numbers.read(4 * min(CHUNK_EVENTS, events - first)), np.uint32)
        out = np.empty(len(dense), np.int64)
        next_access(dense, first, after, out)
        following.seek(8 * first)
        following.write(out.tobytes())
