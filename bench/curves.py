"""Compare curves from a sample with exact ones, and miniature simulations with real replays: a table for the docs.

python bench/curves.py [TRACE ...]
"""

import sys
from collections.abc import Sequence

import numpy as np

from zswapsim import Settings, read_trace, run
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.study.curve.exact import exact_curve
from zswapsim.study.curve.miniature import miniature_curves
from zswapsim.study.curve.sampled import sampled_curve
from zswapsim.traces import DenseTrace

TRACES = (
    "gen:zipf,pages=1e6,events=2e7,alpha=0.9,writes=0.2,seed=1",
    "gen:phases,pages=1e6,events=1e7,writes=0.2,seed=1",
)
RATES = (0.01, 0.1)
FROM = (0.001, 0.01, 0.05, 0.1)
SHARES = tuple(range(10, 100, 10))


def sampled_rows(trace: DenseTrace) -> None:
    """Return the largest error of the curve from a sample, from a share of the footprint on, and the bound there."""
    sizes = np.unique(np.geomspace(1, trace.pages, 400).astype(np.int64))
    at = [int(np.searchsorted(sizes, trace.pages * share)) for share in FROM]
    exact = exact_curve(trace).whole.major_faults(sizes)
    row("largest error (bound there)", [f"from {share:.1%} on" for share in FROM])
    row("---", ["---:"] * len(FROM))
    for rate in RATES:
        found = sampled_curve(trace, rate=rate)
        off = np.abs(found.found.whole.major_faults(sizes) - exact) / trace.events
        bounds = found.bounds(sizes)
        row(f"`{found.method}`", [f"{off[place:].max():.4f} ({bounds[place]:.3f})" for place in at])


def mini_rows(trace: DenseTrace) -> None:
    """Return the largest and the mean error of the miss ratio against real replays, by reclaimer and rate."""
    sizes = [trace.pages * share // 100 for share in SHARES]
    row("largest error (mean)", [f"rate {rate}" for rate in RATES])
    row("---", ["---:"] * len(RATES))
    for name in RECLAIMERS:
        real = [replayed(trace, name, frames) for frames in sizes]
        found = (miniature_curves(trace, name, sizes, rate=rate)[0].major_faults for rate in RATES)
        off = [np.abs(np.subtract(faults, real)) / trace.events for faults in found]
        row(f"`{name}`", [f"{each.max():.4f} ({each.mean():.4f})" for each in off])


def row(name: str, cells: Sequence[str]) -> None:
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def replayed(trace: DenseTrace, reclaim: str, frames: int) -> int:
    """Return the major faults of a real replay."""
    asked = Settings(dram=frames * 4096, depth="counts", reclaim=reclaim, window=trace.events)
    return run(trace, None, asked).counters["major_faults"]


def main(traces: Sequence[str]) -> None:
    for name in traces or TRACES:
        trace = DenseTrace(read_trace(name))
        trace.scan()
        print(f"\n{trace.name}: {trace.events:,} accesses to {trace.pages:,} pages\n")
        sampled_rows(trace)
        print()
        mini_rows(trace)


if __name__ == "__main__":
    main(sys.argv[1:])
