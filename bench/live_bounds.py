"""Compare bounds of faults from the observation of a process with the faults of its real accesses.

    python bench/live_bounds.py [SECONDS]

A program reads its pages by Zipf's law, 2000 times a second, from a known seed. It is observed by clearing its accessed
bits (your own process: no right is needed). Then the same accesses are replayed by exact LRU, warmed up, at several
sizes of DRAM, less the memory that the interpreter uses. Prints major faults a second: lower bound, true number, upper
bound.
"""

import subprocess
import sys

import numpy as np

from zswapsim import Settings, run
from zswapsim.live import observe
from zswapsim.study.plan.observed_traffic import ObservedTraffic
from zswapsim.traces import ArrayTrace

PAGES, RATE, BURST, SEED = 4000, 2000, 100, 7
SIZES = (600, 1000, 1500, 2000, 2500, 3000, 3500)
PROGRAM = f"""
import mmap, sys, time
import numpy as np
sys.path.insert(0, {str(__file__).rpartition("/")[0]!r})
from live_bounds import BURST, PAGES, RATE, accesses
memory = mmap.mmap(-1, PAGES * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
bytes = np.frombuffer(memory, np.uint8)[::4096]
bytes[:] = 1
draw = accesses(float(sys.argv[1]))
print("ready", flush=True)
at = time.monotonic()
while True:
    bytes[draw(BURST)] = 2
    at += BURST / RATE
    time.sleep(max(0, at - time.monotonic()))
"""


def accesses(alpha: float):
    """Return the program's draws: the k-th page with a weight of k to the power of minus `alpha`."""
    weights = np.cumsum(1.0 / np.arange(1, PAGES + 1) ** alpha)
    random = np.random.default_rng(SEED)
    return lambda count: np.searchsorted(weights / weights[-1], random.random(count))


def major_faults(pages: np.ndarray, frames: int) -> int:
    """Return the major faults of exact LRU."""
    settings = Settings(dram=frames * 4096, depth="counts")
    return run(ArrayTrace(pages.astype(np.uint64)), None, settings).counters["major_faults"]


def compare(alpha: float, seconds: float) -> None:
    """One table."""
    command = [sys.executable, "-c", PROGRAM, str(alpha)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        program.stdout.readline()
        seen = observe(program.pid, seconds, method="clear-refs")
        program.kill()
    source, count = ObservedTraffic(seen), int(seconds * RATE)
    drawn = accesses(alpha)(4 * count)
    others = max(0, seen.working_set_bytes // 4096 - len(np.unique(drawn[-count:])))
    print(f"alpha {alpha}, {PAGES} pages, {seconds:g} s\n{'frames':>8}{'at least':>10}{'truth':>10}{'at most':>10}")
    for frames in SIZES:
        if frames < source.least:
            continue
        own = frames - others
        truth = (major_faults(drawn, own) - major_faults(drawn[: 3 * count], own)) / seconds
        most = source.at(frames).major_faults / seen.seconds
        print(f"{frames:8}{source.at_least(frames):10.1f}{truth:10.1f}{most:10.1f}")


if __name__ == "__main__":
    for each in (0.5, 1.0):
        compare(each, float(sys.argv[1]) if len(sys.argv) > 1 else 16.0)
