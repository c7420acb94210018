"""Build the demo's workload: several processes that take turns, each making the accesses of one trace."""

from collections.abc import Iterator

import numpy as np

from zswapsim.traces import Chunk, Trace

TURN_EVENTS = 1 << 14  # a few milliseconds of a running program


class Workers(Trace):
    """Repeat `trace` in each of `workers` processes, in turns of 16 Ki accesses; they share no page."""

    def __init__(self, trace: Trace, workers: int) -> None:
        self.trace, self.workers = trace, workers
        self.name = f"{trace.name} in {workers} processes"
        self.events = None if trace.events is None else workers * trace.events

    def chunks(self) -> Iterator[Chunk]:
        """Yield every turn of every process, from the first."""
        for chunk in self.trace.chunks():
            for start in range(0, len(chunk.page), TURN_EVENTS):
                turn = slice(start, start + TURN_EVENTS)
                page, op = chunk.page[turn], chunk.op[turn]
                numbers = np.repeat(np.arange(self.workers, dtype=np.uint32), len(page))
                yield Chunk(np.tile(page, self.workers), np.tile(op, self.workers), None, numbers)
