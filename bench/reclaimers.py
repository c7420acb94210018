"""Count the major faults of every reclaimer on the bundled traces: the table of docs/reclaim.md.

    python bench/reclaimers.py [TRACE ...]

Prints a row for each trace and DRAM size, in Markdown.
"""

import sys

from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.study.compare.compare import combinations, compare

TRACES = ("bundled:json", "bundled:sort")
SHARES = ("10%", "25%", "50%", "75%")


def main(traces: list[str]) -> None:
    print(f"| trace | DRAM | {' | '.join(RECLAIMERS)} |")
    print(f"| --- | --- |{' ---: |' * len(RECLAIMERS)}")
    for trace in traces:
        results = compare(trace, None, combinations(dram=list(SHARES), reclaim=list(RECLAIMERS), depth="counts"))
        for row, share in enumerate(SHARES):
            here = results[row * len(RECLAIMERS) : (row + 1) * len(RECLAIMERS)]
            faults = " | ".join(f"{each.counters['major_faults']:,}" for each in here)
            print(f"| {trace} | {share} | {faults} |")


if __name__ == "__main__":
    main(sys.argv[1:] or list(TRACES))
