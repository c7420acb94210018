"""Define a trace: events of (page, op), optionally with a time and a process, in chunks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim.traces.whole import WholeFile

CHUNK_EVENTS = 1 << 20
READ_EVENTS = 1 << 18  # events of a smaller chunk, which stays in the cache, if small chunks cost nothing
READ, WRITE = 0, 1

Progress = Callable[[int, int], None]
"""Called once a chunk with (events done, events in all), the latter 0 if it is not known."""


class Chunk(NamedTuple):
    """Consecutive events. All arrays have one length, at most :data:`CHUNK_EVENTS` if this package makes them."""

    page: NDArray[np.uint64]
    """Any 64-bit page numbers."""
    op: NDArray[np.uint8]
    """0 for a read, 1 for a write."""
    time_ns: NDArray[np.uint64] | None = None
    process: NDArray[np.uint32] | None = None


class Trace(ABC):
    """A sequence of events that can be read from its beginning any number of times, without being held in memory."""

    name: str
    """The trace's origin: the path, or the generator's specification."""

    events: int | None = None
    """The number of events, if that is known without reading the trace; else None."""

    @property
    def file(self) -> str | Path | None:
        """Return the file that it is read from; None if there is none."""
        return getattr(self, "path", None)

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield every event, from the first; each call starts anew.

        Raises InputError if the source can't be read, is malformed (the message names the place) or has no event.
        """

    def accesses(self) -> Iterator[Chunk]:
        """Yield every event, perhaps without its time if that is faster: a replay needs none."""
        return self.chunks()

    def whole(self, most_events: int) -> WholeFile | None:
        """Begin to read and number all of it at once. Return None if that can't be done or takes too much memory."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def refuse_empty(name: str, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield `chunks` without empty ones. Raises InputError if nothing is left."""
    empty = True
    for chunk in chunks:
        if len(chunk.page):
            empty = False
            yield chunk
    if empty:
        raise InputError(f"{name}: the trace is empty: expected at least one event")


class ArrayTrace(Trace):
    """A trace held in numpy arrays.

    `page` has unsigned integers, and `op` 0 or 1 for each; all events are reads if `op` is None. Raises InputError on
    other shapes, types or ops, and on no event at all.
    """

    def __init__(
        self,
        page: NDArray[np.uint64],
        op: NDArray[np.uint8] | None = None,
        time_ns: NDArray[np.uint64] | None = None,
        process: NDArray[np.uint32] | None = None,
        name: str = "array",
    ) -> None:
        page = _column(name, "page", page, np.uint64)
        ops = np.zeros(len(page), np.uint8) if op is None else op
        self.name = name
        self._all = Chunk(
            page,
            _column(name, "op", ops, np.uint8, len(page)),
            None if time_ns is None else _column(name, "time_ns", time_ns, np.uint64, len(page)),
            None if process is None else _column(name, "process", process, np.uint32, len(page)),
        )
        self.events = len(page)
        if not self.events:
            raise InputError(f"{name}: the trace is empty: expected at least one event")
        if self._all.op.max() > WRITE:
            raise InputError(f"{name}: op {self._all.op.max()}: expected 0 (read) or 1 (write)")

    def chunks(self) -> Iterator[Chunk]:
        """Yield parts of the arrays."""
        for start in range(0, len(self._all.page), CHUNK_EVENTS):
            yield Chunk(*(None if part is None else part[start : start + CHUNK_EVENTS] for part in self._all))  # type: ignore[arg-type]


def _column(
    name: str, what: str, values: object, dtype: type[np.unsignedinteger[Any]], length: int | None = None
) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:  # of a buffer that was released
        raise InputError(f"{name}: {what}: {error}") from None
    length = array.size if length is None else length
    if array.shape != (length,) or array.dtype.kind not in "iub" or (array.dtype.kind == "i" and (array < 0).any()):
        raise InputError(f"{name}: {what}: expected {length} unsigned integers, got {array.dtype}{list(array.shape)}")
    if length and int(array.max()) > np.iinfo(dtype).max:
        raise InputError(f"{name}: {what} {array.max()}: expected at most {np.iinfo(dtype).max}")
    return np.ascontiguousarray(array, dtype)
