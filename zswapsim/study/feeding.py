"""An engine that is fed, and how much of that time it had a processor."""

import time

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.engine.folios import FolioReplay
from zswapsim._core.engine.replay import Replay

PIECE_NS = 20 * 10**6
LEAST_PIECE, FIRST_PIECE, MOST_PIECE = 1 << 6, 1 << 12, 1 << 16
MOST_PIECE_OF_BYTES = 1 << 13  # a slow codec may follow upon accesses that all hit


class Feeding:
    """Feeds `engine` in this thread, and adds up the wall time and the processor time of that, in nanoseconds.

    They differ by what other work on the machine took: a codec's time is taken by a clock that goes on meanwhile.
    """

    def __init__(self, engine: Replay | FolioReplay, depth: str) -> None:
        self.engine = engine
        self.piece = FIRST_PIECE
        """Accesses to feed at once: as many as take some milliseconds, since Ctrl-C is heard between two feeds."""
        self.most = MOST_PIECE_OF_BYTES if depth == "bytes" else MOST_PIECE
        self.wall_ns = self.processor_ns = 0

    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> int:
        """Accesses that the engine took; fewer than given where it can't go on."""
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
        """As a Result has them."""
        return {"feed": self.wall_ns, "feed_processor": self.processor_ns}
