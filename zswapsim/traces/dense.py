"""Turn the page numbers of a trace into dense ones, which the replay reads."""

from __future__ import annotations

import stat
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.arguments import callback, instance, whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.dense import DenseMap
from zswapsim.files.found import state_of
from zswapsim.traces.ahead import ahead
from zswapsim.traces.folios import Folios, find_folios
from zswapsim.traces.trace import READ_EVENTS, WRITE, Chunk, Progress, Trace
from zswapsim.traces.whole import KEEP_EVENTS

MOST_ORDER = 31
FREE_EVENTS, EVENTS_A_BYTE = 1 << 24, 64
"""Of a file at most FREE_EVENTS are held in memory, and EVENTS_A_BYTE for each of its bytes."""
POLL_SECONDS = 0.05  # seconds between two progress reports of a file that is read at once
DenseChunk = tuple[NDArray[np.uint32], NDArray[np.uint8]]


class DenseTrace:
    """`trace` with pages 0, 1, 2 … in order of first appearance. If it names processes, each has pages of its own.

    A trace of up to `keep_events` events (5 bytes each) is held in memory after the first pass; a longer one is read
    again by every call of :meth:`chunks`. So is one whose file is much smaller than its events: a few kilobytes of zstd
    can be any number of them.
    """

    def __init__(self, trace: Trace, keep_events: int = KEEP_EVENTS) -> None:
        instance(trace, Trace, "trace")
        self.trace, self.name = trace, trace.name
        self.keep_events = whole(keep_events, "keep_events", 0, 1 << 62)
        self.pages = 0
        """Distinct pages; known after :meth:`scan`."""
        self.events = 0
        """Events; known after :meth:`scan`."""
        self.writes = 0
        """Events that are writes; known after :meth:`scan`."""
        self.read_ns = 0
        """Wall time spent waiting for the trace, in nanoseconds, over all passes."""
        self._numbers = PageNumbers()
        self._kept: list[DenseChunk] | None = None
        self._most = keep_events

    def scan(self, progress: Progress | None = None) -> None:
        """Read the trace once and count its events and pages. Further calls do nothing.

        Raises InputError as the trace does; a KeyboardInterrupt says how many events had been read.
        """
        callback(progress, "progress")
        if self.events:
            return
        self._numbers, self.events, self.writes, self._kept = PageNumbers(), 0, 0, []
        self._most = min(self.keep_events, most_kept(self.trace.file))
        try:
            if not self._scan_whole(progress):
                self._scan(progress)
        except BaseException as error:
            read, self.events = self.events, 0
            if isinstance(error, KeyboardInterrupt):
                so_far = f"{read:,} accesses to {len(self._numbers):,} pages"
                raise KeyboardInterrupt(f"{self.name}: had read {so_far}, and replayed none") from None
            raise
        if not self.events:
            raise InputError(f"{self.name}: the trace is empty: expected at least one event")
        self.pages = len(self._numbers)

    def _scan_whole(self, progress: Progress | None) -> bool:
        """Make the first pass at once if the trace can be read so. Return False, with nothing done, if it can't."""
        whole = self.trace.whole(self.keep_events)
        if whole is None:
            return False
        self._numbers, start = PageNumbers(whole.pages), time.perf_counter_ns()
        try:
            while not whole.wait(POLL_SECONDS):
                if progress:
                    progress(whole.done, whole.events)
        finally:
            whole.stop()
            self.events = whole.done
        self.read_ns += time.perf_counter_ns() - start
        if not whole.good:
            self._numbers, self.events = PageNumbers(), 0
            return False
        self.writes, self._kept = 0, _pieces(np.asarray(whole.file.take()))
        return True

    def _scan(self, progress: Progress | None) -> None:
        for pages, ops in self._read():
            self.events += len(pages)
            self.writes += int(np.count_nonzero(ops.view(np.bool_)))
            if self.events > self._most:
                self._kept = None
            if self._kept is not None:
                self._kept.append((pages, ops))
            if progress:
                progress(self.events, self.trace.events or 0)

    def chunks(self) -> Iterator[DenseChunk]:
        """Yield (pages: uint32[n], ops: uint8[n], 0 read, 1 write), read only to the caller.

        Scans first if that was not done.

        Raises InputError if a file that is read again has changed.
        """
        self.scan()
        return iter(self._kept) if self._kept is not None else self._read_again()

    def originals(self) -> NDArray[np.uint64]:
        """Return uint64[pages]: the trace's own number of each page. Raises InputError if the trace names processes."""
        return self._numbers.originals()

    def addresses(self) -> NDArray[np.uint64]:
        """Return uint64[pages]: the trace's own number of each page, in its process if the trace names processes."""
        return self._numbers.addresses()

    def processes(self) -> NDArray[np.uint32] | None:
        """Return uint32[pages]: the process of each page, after :meth:`scan`; None if the trace names no processes."""
        return self._numbers.processes()

    def folios(self, order: int) -> Folios:
        """Group the pages of each process into aligned folios of 1 << order pages, after :meth:`scan`.

        Raises InputError.
        """
        return find_folios(self.addresses(), self.processes(), whole(order, "order", 0, MOST_ORDER), self.name)

    def _read_again(self) -> Iterator[DenseChunk]:
        events = 0
        for pages, ops in self._read():
            events += len(pages)
            if len(self._numbers) != self.pages or events > self.events:
                break
            yield pages, ops
        if len(self._numbers) != self.pages or events != self.events:
            raise InputError(f"{self.name}: expected {self.events} events as in the first pass: it changed meanwhile")

    def _read(self) -> Iterator[DenseChunk]:
        """Decode in one thread, number pages in another, and let the caller work beside both."""
        dense = ahead(self._mapped(self._numbers))
        while True:
            start = time.perf_counter_ns()
            chunk = next(dense, None)
            self.read_ns += time.perf_counter_ns() - start
            if chunk is None:
                return
            yield chunk

    def _mapped(self, numbers: PageNumbers) -> Generator[DenseChunk, None, None]:
        for chunk in ahead(iterated(self.trace)):
            dense = numbers.map(self.name, chunk), _ops(self.name, chunk)
            if len(dense[0]):
                yield dense


def most_kept(path: str | Path | None) -> int:
    """Return how many events of a file may be held in memory. What is no regular file may be read only once."""
    try:
        state = None if path is None else state_of(path)
    except (OSError, ValueError):  # opening it tells why
        state = None
    if state is None or not stat.S_ISREG(state.st_mode):
        return KEEP_EVENTS
    return FREE_EVENTS + EVENTS_A_BYTE * state.st_size


def iterated(trace: Trace) -> Generator[Chunk, None, None]:
    """Return the trace's accesses as a generator, whatever kind of iterator a third party's trace has."""
    yield from trace.accesses()


def _pieces(numbers: NDArray[np.uint32]) -> list[DenseChunk]:
    """Return the accesses in chunks; all are reads."""
    reads = np.zeros(READ_EVENTS, np.uint8)
    pieces = [numbers[start : start + READ_EVENTS] for start in range(0, len(numbers), READ_EVENTS)]
    return [(piece, reads[: len(piece)]) for piece in pieces]


def _ops(name: str, chunk: Chunk) -> NDArray[np.uint8]:
    """Return the chunk's ops. Raises InputError if a third party's trace breaks the contract."""
    ops = np.ascontiguousarray(chunk.op)
    if ops.dtype != np.uint8 or ops.shape != chunk.page.shape or (len(ops) and ops.max() > WRITE):
        raise InputError(f"{name}: expected a uint8 op of 0 or 1 for each of {len(chunk.page)} events")
    return ops


class PageNumbers:
    """Give dense numbers to pages, or to (process, page) pairs.

    Pairs get them in two steps without loss: pages get a number whatever their process, and (process, that number),
    which fits 64 bits, goes through the common map.
    """

    def __init__(self, common: DenseMap | None = None) -> None:
        self.common = DenseMap() if common is None else common
        self.of_any = DenseMap()
        """The pages of all processes, if they are named."""
        self.paired: bool | None = None

    def __len__(self) -> int:
        return len(self.common)

    def map(self, name: str, chunk: Chunk) -> NDArray[np.uint32]:
        """Return uint32[n]: the number of each event's page. Raises InputError if only some chunks name processes."""
        paired = chunk.process is not None
        if self.paired is None:
            self.paired = paired
        if self.paired != paired:
            raise InputError(f"{name}: expected a process in every chunk or in none")
        keys = chunk.page if chunk.process is None else self._pairs(name, chunk.page, chunk.process)
        dense = np.empty(len(keys), np.uint32)
        self.common.map(np.ascontiguousarray(keys), dense)
        return dense

    def originals(self) -> NDArray[np.uint64]:
        """Return uint64[len]: the original page of each number. Raises InputError if processes were named."""
        if self.paired:
            raise InputError("a trace that names processes has no single number for a page")
        return self.common.originals()

    def addresses(self) -> NDArray[np.uint64]:
        """Return uint64[len]: the original page of each number; if processes were named, the page of its process."""
        keys = self.common.originals()
        if not self.paired:
            return keys
        return self.of_any.originals()[keys.astype(np.uint32)]

    def processes(self) -> NDArray[np.uint32] | None:
        """Return uint32[len]: the process of each number; None if none were named."""
        return (self.common.originals() >> np.uint64(32)).astype(np.uint32) if self.paired else None

    def _pairs(self, name: str, page: NDArray[np.uint64], process: NDArray[np.uint32]) -> NDArray[np.uint64]:
        if process.dtype != np.uint32 or process.shape != page.shape:
            raise InputError(f"{name}: expected a uint32 process for each of {len(page)} events")
        number = np.empty(len(page), np.uint32)
        self.of_any.map(np.ascontiguousarray(page), number)
        return process.astype(np.uint64) << np.uint64(32) | number
