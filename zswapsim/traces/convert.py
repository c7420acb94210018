"""Convert a trace from one form to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zswapsim.traces.dense import PageNumbers
from zswapsim.traces.forms import form_by_suffix, read_trace, write_trace
from zswapsim.traces.trace import Chunk, Progress, Trace

SECOND_NS = np.uint64(10**9)


class Converted(NamedTuple):
    """The counts of a converted trace, and what the new form could not hold."""

    events: int
    pages: int
    """Distinct pages; if the trace names processes, pages of each process."""
    writes: int
    lost: tuple[str, ...]


class Counted(Trace):
    """Yield the events of `trace`, and count them on the first pass."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.name, self.events = trace, trace.name, trace.events
        self.seen = self.writes = 0
        self.numbers = PageNumbers()
        self.finer = self.owned = False
        self.counted = False

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks of the trace."""
        for chunk in self.trace.chunks():
            if not self.counted:
                self.seen += len(chunk.page)
                self.writes += int(np.count_nonzero(chunk.op))
                self.numbers.map(self.name, chunk)
                self.finer |= chunk.time_ns is not None and bool((chunk.time_ns % SECOND_NS).any())
                self.owned |= chunk.process is not None
            yield chunk
        self.counted = True


def convert_trace(source: str | Path, target: str | Path, progress: Progress | None = None) -> Converted:
    """Write the trace `source` (as read_trace takes it) into the file `target`, in the form of its suffix.

    Raises InputError if both are one file, and what reading and writing raise. No half-written file is left.
    """
    trace = Counted(read_trace(source))
    events = write_trace(trace, target, progress)
    return Converted(events, len(trace.numbers), trace.writes, _lost(trace, str(target)))


def _lost(trace: Counted, target: str) -> tuple[str, ...]:
    if not (form_by_suffix(target) or "").startswith("oracleGeneral"):
        return ()
    lost = [("writes, which became reads", trace.writes > 0), ("processes", trace.owned)]
    return tuple(what for what, there in [*lost, ("parts of a second", trace.finer)] if there)
