"""Replay runs that are drawn from seeds in the core and in the reference, side by side.

    python tests/simulate.py SEED [--count N] [--jobs J] [--backend NAME] [--shrink]
    python tests/simulate.py --scopes LENGTH [--jobs J]

A seed gives a backend, settings, a reclaimer, folios or readahead, groups, a trace, contents and a plan of faults. Core
and reference are compared after every step. Each seed that fails is printed with all that was drawn for it. A scope is
every sequence of LENGTH operations on three pages and two frames with one backend.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.simulation.draw import BACKENDS, draw_case
from tests.simulation.runs import simulate
from tests.simulation.scopes import SCOPES, UPKEEP, WITH_UPKEEP, explore
from tests.simulation.shrink import failure, shrunk
from tests.simulation.whole import simulate_whole

MOST_FAILURES = 5
PARTS = 8
WHOLE_EVERY = 4
"""Every so many seeds a whole run is made as well, by zswapsim.run."""
ENDS = ("out of memory", "CorruptPageError", "PluginError", "DeviceError")
COUNTED = (
    "accesses", "major_faults", "zswpout", "zswpwb", "pages_compacted", "recompressed_pages", "demoted_pages",
    "reject_compress_fail", "reject_reclaim_fail", "decompress_fail", "mthp_swpout_fallback", "lost_pages",
    "swap_ra_hit",
)  # fmt: skip


def run_seed(seed: int, *, backend: str | None = None, shrink: bool = False) -> tuple[Counter[str], str]:
    """Return what the runs of a seed reached, and what went wrong in one, if anything."""
    case = draw_case(seed, backend)
    reached: Counter[str] = Counter()
    try:
        reached.update(simulate(case))
        if backend is None and seed % WHOLE_EVERY == 0:
            reached.update(simulate_whole(seed))
    except Exception as error:
        found = failure(case)
        case = shrunk(case) if shrink and found else case
        return reached, f"seed {seed}: {found or repr(error)}\n{case.text()}\n"
    return reached, ""


def run_scope(task: tuple[str, int], *, length: int) -> tuple[Counter[str], str]:
    """Return how many sequences of one part of a scope were made, and what went wrong in one, if anything."""
    name, part = task
    case = SCOPES.get(name) or WITH_UPKEEP[name]
    # With four more operations there are as many sequences of two operations less.
    more, length = ((), length) if name in SCOPES else (UPKEEP, max(length - 2, 1))
    try:
        return Counter({f"{name}, {length} operations": explore(case, length, more, (part, PARTS))}), ""
    except Exception as error:
        return Counter(), f"scope {name}: {error}\n"


def in_processes(work: Callable[[Any], Any], tasks: Iterable[Any], jobs: int, chunk: int) -> Iterator[Any]:
    """Yield what `work` returns for each task, in order."""
    if jobs == 1:
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, tasks, chunksize=chunk)


def reach(results: Iterator[tuple[Counter[str], str]]) -> tuple[Counter[str], int]:
    """Add up what was reached, and print and count what went wrong, up to a few failures."""
    reached: Counter[str] = Counter()
    failures = 0
    for found, wrong in results:
        reached.update(found)
        if wrong:
            failures += 1
            print(wrong, flush=True)
        if failures == MOST_FAILURES:
            break
    return reached, failures


def shown(results: Iterator[tuple[Counter[str], str]]) -> Iterator[tuple[Counter[str], str]]:
    """Print how many sequences a scope has as soon as all its parts are done."""
    whole: Counter[str] = Counter()
    for number, (found, wrong) in enumerate(results, 1):
        whole += found
        if number % PARTS == 0:
            print("\n".join(f"{name}: {count:,} sequences" for name, count in whole.items()), flush=True)
            whole.clear()
        yield found, wrong


def seeds_text(reached: Counter[str], seeds: int) -> str:
    """Return how much the runs of seeds did, in a few lines."""
    runs = ", ".join(f"{name[4:]} {count}" for name, count in sorted(reached.items()) if name.startswith("run "))
    steps = ", ".join(f"{name[5:]} {count}" for name, count in sorted(reached.items()) if name.startswith("step "))
    ends = ", ".join(f"{name} {reached[name]}" for name in ENDS if reached[name])
    counted = ", ".join(f"{name} {reached[name]:,}" for name in COUNTED)
    return f"{seeds} seeds\nbackends: {runs}\nsteps: {steps}\nended by: {ends}\ncounted: {counted}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Replay runs that are drawn from seeds, beside their reference.")
    parser.add_argument("seed", type=int, nargs="?", default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="the number of seeds")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="the number of processes")
    parser.add_argument("--backend", choices=BACKENDS, help="this backend alone")
    parser.add_argument("--shrink", action="store_true", help="shorten each run that fails")
    parser.add_argument("--scopes", type=int, metavar="LENGTH", help="every sequence of so many operations instead")
    asked = parser.parse_args(arguments)
    if asked.scopes:
        tasks = [(name, part) for name in (*SCOPES, *WITH_UPKEEP) for part in range(PARTS)]
        results = in_processes(partial(run_scope, length=asked.scopes), tasks, asked.jobs, 1)
        reached, failures = reach(shown(results))
        print(f"{sum(reached.values()):,} sequences in {len(reached)} scopes")
    else:
        work = partial(run_seed, backend=asked.backend, shrink=asked.shrink)
        seeds = range(asked.seed, asked.seed + asked.count)
        reached, failures = reach(in_processes(work, seeds, asked.jobs, 20))
        print(seeds_text(reached, asked.count))
    print(f"{failures} failed" if failures else "core and reference agree")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
