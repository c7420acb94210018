"""Print the two tables of docs/folios.md about large folios, in Markdown.

    python bench/folios.py [FILE.pages ...]

The first table has runs over the bundled traces with recipe:text, at sizes depth. The second has the gain from
compressing several pages as one: on recipes, on pages of this process, and on the given files of pages.
"""

import os
import sys

import numpy as np
from numpy.typing import NDArray

from zswapsim import get_compressor
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.run.result import Result
from zswapsim.traces import capture_pages
from zswapsim.traces.contents import read_pages
from zswapsim.traces.recipes import recipe_pages

TRACES = ("bundled:json", "bundled:sort")
SIZES = ("16KiB", "64KiB", "128KiB")
WAYS = (("page", "page"), ("whole", "page"), ("whole", "whole"))
RECIPES = ("text", "pointers", "integers", "mix")
CODECS = ("lz4", "zstd", "deflate")
HEAD = ("trace", "comes back", "compressed", "folio", "minor faults", "major faults", "pages in", "pool peak KiB",
        "fault mean µs", "stall ms")  # fmt: skip
MOST_PAGES = 4096


def row(trace: str, swapin: str, compress: str, size: str, result: Result) -> str:
    counters = result.counters
    cells = (
        f"{counters['minor_faults']:,}",
        f"{counters['major_faults']:,}",
        f"{counters['zswpin'] + counters['pswpin'] + counters['swpin_zero']:,}",
        f"{counters['peak_pool_total_size'] >> 10:,}",
        f"{result.fault_latency_ns['mean'] / 1000:.1f}",
        f"{result.modelled_ns['total'] / 1e6:.1f}",
    )
    return f"| {' | '.join((trace.removeprefix('bundled:'), swapin, compress, size, *cells))} |"


def runs() -> None:
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * 4}{' ---: |' * 6}")
    for trace in TRACES:
        small = combinations(dram="75%", node="100%", depth="sizes")
        print(row(trace, "page", "page", "4KiB", compare(trace, "recipe:text", small)[0]))
        for swapin, compress in WAYS:
            asked = combinations(
                folio=list(SIZES), folio_swapin=swapin, folio_compress=compress, dram="75%", node="100%", depth="sizes",

            )  # fmt: skip
            for size, result in zip(SIZES, compare(trace, "recipe:text", asked), strict=True):
                print(row(trace, swapin, compress, size, result))


def ratio(spec: str, images: NDArray[np.uint8], order: int) -> float:
    """Return bytes of pages by compressed bytes, with 1 << `order` pages compressed as one."""
    codec, size = get_compressor(spec), 1 << order
    whole = len(images) // size * size
    if order == 0:
        return whole * 4096 / sum(len(codec.compress(page) or bytes(4096)) for page in images)
    folio = FolioCodec(codec, order)
    return whole * 4096 / sum(folio.length(images[i : i + size].tobytes()) for i in range(0, whole, size))


def gains(name: str, images: NDArray[np.uint8]) -> None:
    for spec in CODECS:
        print(f"| {name} | {spec} | {' | '.join(f'{ratio(spec, images, order):.2f}' for order in (0, 2, 4, 5))} |")


def main(files: list[str]) -> None:
    runs()
    print("\n| contents | codec | 4 KiB | 16 KiB | 64 KiB | 128 KiB |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for name in RECIPES:
        gains(f"recipe:{name}", recipe_pages(name, 256))
    gains("this process", np.concatenate(list(capture_pages(os.getpid())))[:MOST_PAGES])
    for file in files:
        gains(file, read_pages(file)[:MOST_PAGES])


if __name__ == "__main__":
    main(sys.argv[1:])
