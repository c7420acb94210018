"""What memory that is not in the caches costs a codec: pages are measured one by one, with buffers that stay warm.

In a run, what a load reads and writes has not been touched for long, nor has what a store writes.
"""

import time

import numpy as np

from zswapsim.study.sizes import PAGE_SIZE

MOST_PAGES = 1 << 14
"""Of memory walked over, 64 MiB: more than most caches, or a core's share of them."""
COPIES = 2048
TURNS = 3


def cold_ns_per_byte(pages: int) -> float:
    """How much longer a byte takes in a footprint of `pages` pages than in the cache, nanoseconds.

    The difference between copies of pages all over such a memory and of one page beside another; the least of three
    turns of each.
    """
    memory = memoryview(bytearray(min(max(pages, 2), MOST_PAGES) * PAGE_SIZE))
    for start in range(0, len(memory), PAGE_SIZE):
        memory[start] = 1
    random = np.random.Generator(np.random.PCG64(0))
    apart = (random.integers(0, len(memory) // PAGE_SIZE, (COPIES, 2)) * PAGE_SIZE).tolist()
    beside = [[0, PAGE_SIZE]] * COPIES
    cold, warm = (min(_copies(memory, each) for _ in range(TURNS)) for each in (apart, beside))
    return max(0.0, cold - warm) / (COPIES * 2 * PAGE_SIZE)


def _copies(memory: memoryview, pairs: list[list[int]]) -> int:
    """Nanoseconds of copying the page at the second offset of each pair to the first."""
    began = time.perf_counter_ns()
    for to, source in pairs:
        memory[to : to + PAGE_SIZE] = memory[source : source + PAGE_SIZE]
    return time.perf_counter_ns() - began
