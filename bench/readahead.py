"""Count what swap readahead does on the bundled traces: the table of docs/reclaim.md.

    python bench/readahead.py [TRACE ...]

Linux's two lists reclaim a quarter of the footprint, at counts depth. Prints a row for each trace, backend and kind of
readahead, in Markdown: stall is all modelled waiting, device the device's time in the background.
"""

import sys

from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.settings import READAHEADS

TRACES = ("bundled:json", "bundled:sort")
BACKENDS = ("disk", "zswap")


def main(traces: list[str]) -> None:
    print("| trace | backend | readahead | major faults | read ahead | hits | unused | stall ms | device ms |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for trace in traces:
        asked = combinations(
            backend=list(BACKENDS), readahead=list(READAHEADS), dram="25%", depth="counts", reclaim="two-list"
        )
        for result in compare(trace, None, asked):
            counters, spent = result.counters, result.modelled_ns
            counted = [counters[name] for name in ("major_faults", "swap_ra", "swap_ra_hit", "swap_ra_unused")]
            times = [spent["total"] / 1e6, spent.get("readahead", 0) / 1e6]
            figures = " | ".join([*(f"{each:,}" for each in counted), *(f"{each:,.0f}" for each in times)])
            print(f"| {trace} | {result.settings['backend']} | {result.settings['readahead']} | {figures} |")


if __name__ == "__main__":
    main(sys.argv[1:] or list(TRACES))
