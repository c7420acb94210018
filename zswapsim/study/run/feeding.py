"""Feed a trace to an engine in pieces, with a row of the timeline at the end of every window."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.engine.replay import Replay
from zswapsim.study.run.zram_upkeep import ZramUpkeep
from zswapsim.traces import DenseTrace

PIECE_NS = 20 * 10**6
LEAST_PIECE, FIRST_PIECE, MOST_PIECE = 1 << 6, 1 << 12, 1 << 16
MOST_PIECE_OF_BYTES = 1 << 13  # accesses that need a slow codec may come after ones that all hit
MOST_ROWS = 1 << 17
TIMELINE_COLUMNS = (
    "accesses",
    "minor_faults",
    "major_faults",
    "zswpin",
    "zswpout",
    "zswpwb",
    "pswpin",
    "pswpout",
    "resident_pages",
    "stored_pages",
    "compr_data_size",
    "pool_total_size",
    "device_pages",
)


class Feeder:
    """Feed `engine` in this thread, and add up wall time and processor time of that, in nanoseconds.

    The two differ by the time in which other programs had the processor. Codec times are taken by a clock that runs on
    in that time.
    """

    def __init__(self, engine: Replay, depth: str) -> None:
        self.engine = engine
        self.piece = FIRST_PIECE
        """Accesses to feed at once: some milliseconds' worth, since Ctrl-C is only noticed between two pieces."""
        self.most = MOST_PIECE_OF_BYTES if depth == "bytes" else MOST_PIECE
        self.wall_ns = self.processor_ns = 0

    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> int:
        """Return how many accesses the engine took: fewer than given if it cannot go on."""
        processor, wall = time.thread_time_ns(), time.perf_counter_ns()
        fed = self.engine.feed(pages, ops)
        took = time.perf_counter_ns() - wall
        if took > PIECE_NS:
            self.piece = max(self.piece // 2, LEAST_PIECE)
        elif took < PIECE_NS // 4 and fed == self.piece:
            self.piece = min(self.piece * 2, self.most)
        self.wall_ns += took
        self.processor_ns += time.thread_time_ns() - processor
        return fed

    def times(self) -> dict[str, int]:
        """Return both times under their names in a Result."""
        return {"feed": self.wall_ns, "feed_processor": self.processor_ns}


def window_of(asked: int, events: int) -> int:
    """Return the accesses of a row of the timeline. Raises InputError if that would be too many rows."""
    if asked and events > MOST_ROWS * asked:
        raise InputError(f"--window {asked}: expected at most {MOST_ROWS} rows of the timeline in {events} accesses")
    return asked or -(-events // 100)


class Timeline:
    """Hold the totals of `engine` at the end of every `window` accesses and at the end of the run, a row each."""

    def __init__(self, engine: Replay, window: int) -> None:
        self.engine = engine
        self.window = window
        self.rows: list[dict[str, int]] = []

    def until_next(self, done: int) -> int:
        """Return the number of accesses from `done` to the end of its window."""
        return self.window - done % self.window

    def add_row(self, done: int, *, final: bool = False) -> None:
        """Add a row if `done` accesses end a window or the run, unless the last row is of the same place."""
        if (final or done % self.window == 0) and not (self.rows and self.rows[-1]["accesses"] == done):
            counters = self.engine.counters_now()
            self.rows.append({name: counters[name] for name in TIMELINE_COLUMNS})


def feed_trace(
    feeder: Feeder,
    trace: DenseTrace,
    timeline: Timeline,
    upkeep: ZramUpkeep,
    progress: Callable[[int, int], None] | None,
) -> bool:
    """Feed all accesses, and return False if the engine could not go on.

    Raises KeyboardInterrupt on Ctrl-C. In every case the timeline has its last row.
    """
    done = 0
    try:
        for pages, ops in trace.chunks():
            first = 0
            while first < len(pages):
                end = min(first + min(feeder.piece, timeline.until_next(done), upkeep.until_next(done)), len(pages))
                fed = feeder.feed(pages[first:end], ops[first:end])
                done += fed
                if fed < end - first:
                    timeline.add_row(done, final=True)
                    return False
                upkeep.do_due(done)
                timeline.add_row(done)
                first = end
                if progress is not None:
                    progress(done, trace.events)
    except KeyboardInterrupt:
        timeline.add_row(done, final=True)
        raise
    timeline.add_row(done, final=True)
    return True
