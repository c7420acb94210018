"""Measure the error of a plan's estimates against runs: the figures of docs/plan.md.

    python bench/plan_error.py [FILE.pages]

Estimates are compared with runs at bytes depth of the same points: every trace, compressor and DRAM size below, over
the pages of FILE, else over the recipe `mix`. Times are compared if there are 1,000 major faults or more. End other
programs first, or the figures are those of disturbed runs.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from zswapsim.study.plan.access_rate import measure_access_rate
from zswapsim.study.plan.page_costs import measure_costs, open_codecs
from zswapsim.study.plan.plan import open_timed_trace
from zswapsim.study.plan.plan_point import (
    UNDISTURBED_SHARE,
    PlanPoint,
    Workload,
    make_plan_point,
    processor_share,
    sums_of,
)
from zswapsim.study.plan.search import Search
from zswapsim.study.plan.traffic import open_traffic_source
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.cost import PRESETS
from zswapsim.study.settings.sizes import PAGE_SIZE
from zswapsim.traces import Contents, read_contents

TRACES = (
    "bundled:json",
    "bundled:sort",
    "gen:zipf,pages=3000,events=3e5,writes=0.3",
    "gen:zipf,pages=50000,events=1e6,writes=0.3",
    "gen:uniform,pages=10000,events=2e5",
    "gen:phases,pages=20000,events=1e6",
)
COMPRESSORS = ("lzo-rle", "lz4", "zstd")
SHARES = (60, 30)


class Pair(NamedTuple):
    """One point."""

    estimate: PlanPoint
    run: PlanPoint
    out: int
    calm: bool


def pairs(trace: str, contents: Contents) -> Iterator[Pair]:
    """Yield the estimate and the run of every size and compressor."""
    settings = Settings(node="150%")
    dense = open_timed_trace(trace)
    dense.scan()
    workload = Workload(dense.pages, dense.events, measure_access_rate(dense))
    costs = measure_costs(open_codecs(COMPRESSORS), contents, dense.pages, settings)
    search = Search(open_traffic_source(dense, settings), costs, workload, settings.batch, [])
    for share in SHARES:
        frames = dense.pages * share // 100
        for name in costs:
            asked = msgspec.structs.replace(settings, dram=frames * PAGE_SIZE, compressor=name)
            result = run(dense, contents, asked)
            found = make_plan_point(name, sums_of(result, PRESETS[settings.cost]), workload)
            calm = processor_share(result) >= UNDISTURBED_SHARE
            yield Pair(search.point(name, frames), found, search.source.at(frames).out, calm)


def row(title: str, found: list[Pair]) -> str:
    """Return mean and root mean square of the relative errors, in per cent; of savings the difference."""
    timed_pairs = [pair for pair in found if pair.run.major_faults >= 1000]
    cells = [
        error([100 * (pair.estimate.node_frames / pair.run.node_frames - 1) for pair in found]),
        error([pair.estimate.saved - pair.run.saved for pair in found]),
    ]
    for field in ("slowdown", "fault_mean_ns", "fault_p99_ns"):
        pair_values = [(getattr(pair.estimate, field), getattr(pair.run, field)) for pair in timed_pairs]
        cells.append(error([100 * (estimate / run - 1) for estimate, run in pair_values]))
    return f"{title:<42}{len(found):>6}" + "".join(f"{cell:>15}" for cell in cells)


def error(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{np.mean(values):+.1f} ({np.sqrt(np.mean(np.square(values))):.1f})"


def main() -> None:
    contents = read_contents(sys.argv[1] if len(sys.argv) > 1 else "recipe:mix")
    print(f"estimate against run over {contents.name}: mean error (root mean square), %; saved: points")
    print(f"{'trace':<42}{'points':>6}" + "".join(f"{t:>15}" for t in ("node", "saved", "slowdown", "fault", "p99")))
    whole: list[Pair] = []
    for trace in TRACES:
        found = list(pairs(trace, contents))
        whole += found
        print(row(trace, found), flush=True)
    print(row("pools of 1,000 pages and more", [pair for pair in whole if pair.out >= 1000]))
    print(row("smaller pools", [pair for pair in whole if pair.out < 1000]))
    print(f"{sum(not pair.calm for pair in whole)} of {len(whole)} runs were disturbed by other work")


if __name__ == "__main__":
    main()
