"""Make a trace's accesses to real anonymous memory, in a process in a memory-limited group.

``python -m zswapsim.kernel.replayer PAGES OPS IMAGES COUNT EVERY`` first reads the trace (uint32 pages, uint8 ops) and
the images, prints ``ready``, and joins the group that it reads from its standard input. The trace is not charged to the
group: memory is charged to the group in which it was first touched. So the group holds the replayed pages, their page
tables, and little else. After each EVERY accesses the process reads the group's statistics, which flushes them. It
prints the answer as a line of JSON, then waits for the end of its input, with all its pages mapped.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.trace.touch import TouchedMemory
from zswapsim.files.arrays import read_array
from zswapsim.files.opening import open_descriptor
from zswapsim.files.system import write_text

PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h
STAT_BYTES = 1 << 14  # memory.stat has fewer


def main(pages_file: str, ops_file: str, images_file: str, count: str, every: str) -> None:
    """Prepare, join the group, replay, and print the answer."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    pages, ops = read_array(pages_file, np.uint32), read_array(ops_file, np.uint8)
    images = read_array(images_file, np.uint8).reshape(-1, PAGE_SIZE)
    memory = TouchedMemory(int(count), images)
    tell("ready")
    group = sys.stdin.readline().strip()
    if not group:
        return
    statistics = open_descriptor(Path(group, "memory.stat"), os.O_RDONLY)
    before = resource.getrusage(resource.RUSAGE_SELF)
    write_text(Path(group, "cgroup.procs"), str(os.getpid()))
    start = time.perf_counter()
    replay(memory, pages, ops, int(every), statistics)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    tell(json.dumps({"major_faults": after.ru_majflt - before.ru_majflt, "seconds": seconds}))
    sys.stdin.read()


def replay(
    memory: TouchedMemory, pages: NDArray[np.uint32], ops: NDArray[np.uint8], every: int, statistics: int
) -> None:
    """Make the accesses, and read the statistics after each `every` of them: by the trace, not by the clock."""
    into = [bytearray(STAT_BYTES)]
    for start in range(0, len(pages), every):
        memory.touch(pages[start : start + every], ops[start : start + every])
        os.preadv(statistics, into, 0)  # files: between timed accesses, from a file that is open


def tell(line: str) -> None:
    """Print a line to the process that started this one."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
