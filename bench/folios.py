"""Large folios on the bundled traces: the table of docs/folios.md.

    python bench/folios.py [TRACE ...]

Prints a row for each trace, backend and folio size, in Markdown. Contents are recipe:mix, at sizes depth.
"""

import sys

from zswapsim.report.figures import ratio
from zswapsim.study.compare import combinations, compare
from zswapsim.study.result import COMPLETED, Result

TRACES = ("bundled:json", "bundled:sort")
SIZES = ("4KiB", "16KiB", "64KiB", "128KiB")
WAYS = (("private-node", "page"), ("private-node", "whole"))
HEAD = ("trace", "backend", "comes back", "folio", "minor faults", "major faults", "pages in", "ratio", "fault mean µs",
        "stall ms")  # fmt: skip


def row(trace: str, backend: str, how: str, size: str, result: Result) -> str:
    counters = result.counters
    if result.outcome != COMPLETED:
        return f"| {trace} | {backend} | {how} | {size} | {result.outcome} | | | | | |"
    back = counters["zswpin"] + counters["pswpin"] + counters["swpin_zero"]
    cells = (
        f"{counters['minor_faults']:,}",
        f"{counters['major_faults']:,}",
        f"{back:,}",
        f"{ratio(result) or 0:.2f}",
        f"{result.fault_latency_ns['mean'] / 1000:.1f}",
        f"{result.modelled_ns['total'] / 1e6:.1f}",
    )
    return f"| {' | '.join((trace, backend, how, size, *cells))} |"


def main(traces: list[str]) -> None:
    print(f"| {' | '.join(HEAD)} |")
    print(f"|{' --- |' * 4}{' ---: |' * 6}")
    for trace in traces:
        for backend, how in WAYS:
            asked = combinations(
                backend=backend, folio=list(SIZES), folio_swapin=how, dram="75%", node="50%", depth="sizes"
            )
            for size, result in zip(SIZES, compare(trace, "recipe:mix", asked), strict=True):
                shown = ("whole" if backend == "zram" else "page") if how == "auto" else how
                print(row(trace, backend, shown, size, result))


if __name__ == "__main__":
    main(sys.argv[1:] or list(TRACES))
