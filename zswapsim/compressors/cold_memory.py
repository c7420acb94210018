"""Measure how much longer a codec takes if memory is not in the caches.

Pages are measured one by one, with buffers that stay in the caches. In a run, the memory that a load reads and writes
was last accessed long ago, and so was the memory that a store writes.
"""

import time

import numpy as np

from zswapsim._core.base.page import PAGE_SIZE

MOST_PAGES = 1 << 14
"""The maximum size of the memory that is copied in, 64 MiB: more than most caches, or a core's share of them."""
COPIES = 2048
ROUNDS = 3


def cold_ns_per_byte(pages: int) -> float:
    """Return how many nanoseconds longer a byte takes in a footprint of `pages` pages than in the cache.

    This is the difference between copies of pages at random places and copies of one page, each the minimum of three
    rounds.
    """
    memory = memoryview(bytearray(min(max(pages, 2), MOST_PAGES) * PAGE_SIZE))
    for start in range(0, len(memory), PAGE_SIZE):
        memory[start] = 1
    random = np.random.Generator(np.random.PCG64(0))
    apart = (random.integers(0, len(memory) // PAGE_SIZE, (COPIES, 2)) * PAGE_SIZE).tolist()
    beside = [[0, PAGE_SIZE]] * COPIES
    cold, warm = (min(_time_copies(memory, each) for _ in range(ROUNDS)) for each in (apart, beside))
    return max(0.0, cold - warm) / (COPIES * 2 * PAGE_SIZE)


def _time_copies(memory: memoryview, pairs: list[list[int]]) -> int:
    """Return the nanoseconds to copy the page at the second offset of each pair to the first."""
    began = time.perf_counter_ns()
    for to, source in pairs:
        memory[to : to + PAGE_SIZE] = memory[source : source + PAGE_SIZE]
    return time.perf_counter_ns() - began
