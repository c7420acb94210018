"""An engine that is fed, and how much of that time it had a processor."""

import time

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.replay import Replay


class Feeding:
    """Feeds `engine` in this thread, and adds up the wall time and the processor time of that, in nanoseconds.

    They differ by what other work on the machine took: a codec's time is taken by a clock that goes on meanwhile.
    """

    def __init__(self, engine: Replay) -> None:
        self.engine = engine
        self.wall_ns = self.processor_ns = 0

    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> int:
        """Accesses that the engine took; fewer than given where it can't go on."""
        processor, wall = time.thread_time_ns(), time.perf_counter_ns()
        fed = self.engine.feed(pages, ops)
        self.wall_ns += time.perf_counter_ns() - wall
        self.processor_ns += time.thread_time_ns() - processor
        return fed

    def times(self) -> dict[str, int]:
        """As a Result has them."""
        return {"feed": self.wall_ns, "feed_processor": self.processor_ns}
