"""Measure a minor fault on this machine: the figure of `minor_fault_ns` in the cost model.

    python bench/fault_cost.py

Touches fresh anonymous pages, one byte each, in a mapping without huge pages, and subtracts the time of the same loop
over present pages. Prints the minimum and the median of the rounds, in nanoseconds a fault.
"""

import mmap
import statistics
import time

import numpy as np

PAGES = 1 << 16
ROUNDS = 15


def touch(memory: np.ndarray) -> float:
    """Return the nanoseconds a page of writing one byte of each."""
    began = time.perf_counter_ns()
    memory[:: mmap.PAGESIZE] = 1
    return (time.perf_counter_ns() - began) / PAGES


def fault() -> float:
    """Return by how many nanoseconds a first touch takes longer than a second one."""
    with mmap.mmap(-1, PAGES * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as mapped:
        mapped.madvise(mmap.MADV_NOHUGEPAGE)
        memory = np.frombuffer(mapped, np.uint8)
        first, second = touch(memory), touch(memory)
        del memory
    return first - second


if __name__ == "__main__":
    costs = sorted(fault() for _ in range(ROUNDS))
    middle = statistics.median(costs)
    print(f"minor fault: least {costs[0]:.0f} ns, median {middle:.0f} ns, {PAGES} pages, {ROUNDS} rounds")
