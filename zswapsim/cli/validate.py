"""Compare the model with the running kernel: zram's mm_stat, times and reclaim.

As root, a zram device is added for the comparison, and removed again whatever
happens. Pages are written to it with every codec that the kernel has; its
mm_stat is printed beside the model's, and the times to write and read a page
beside ours. With --swap, traces are replayed in real memory in a memory-limited
group that has the device as swap, and the kernel's swap-ins are printed beside
those of the reclaimers; only one --swap at a time can run. What a killed run
left is removed. Nothing else on the machine is touched.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zswapsim.cli.options import add_output
from zswapsim.cli.streams import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.kernel.own import Own
    from zswapsim.study.validate.page_store import Validated
    from zswapsim.study.validate.reclaim import SwapValidated
    from zswapsim.traces import Contents, DenseTrace

RECIPE_PAGES = 2048
DEFAULT_RECIPES = ("mix", "text", "pointers", "floats", "integers", "sparse", "half", "noise")
RECORDED = "bundled:json"
PROCESSES = 16
"""Processes that replay the recorded trace in turns: a single one would end within a tenth of a second."""
DEFAULT_TRACES = (
    "gen:zipf,pages=16384,events=2e6,alpha=0.9,writes=0.2",
    "gen:uniform,pages=16384,events=1e6,writes=0.2",
)
DEFAULT_SIZES = ("25%", "40%", "50%")
LRU_GEN = Path("/sys/kernel/mm/lru_gen/enabled")
WOULD_WRITE = "would add a zram device, write the pages with each of its codecs and compare mm_stat and times"
WOULD_SWAP = (
    "would add a zram device as swap, replay the traces in a memory-limited group and compare swap-ins, swap-outs, pool"
    " frames and times"
)


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim validate`."""
    parser.usage = "%(prog)s [options]"
    text = "FILE.pages, recipe:NAME or pid:PID. Repeatable. [default: recipes, and a program's pages]"
    parser.add_argument("--pages", metavar="PAGES", action="append", help=text)
    text = "One of the kernel's codecs. Repeatable. [default: all]"
    parser.add_argument("--codec", metavar="NAME", action="append", help=text)
    text = "Compare reclaim, with the device as swap for a memory-limited group."
    parser.add_argument("--swap", action="store_true", help=text)
    text = "With --swap: a trace to replay. Repeatable. [default: zipf, uniform and a recorded one]"
    parser.add_argument("--trace", metavar="TRACE", action="append", help=text)
    sizes = ", ".join(DEFAULT_SIZES).replace("%", "%%")
    text = f"With --swap: memory of the group. Repeatable. [default: {sizes}]"
    parser.add_argument("--dram", metavar="SIZE", action="append", help=text)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim validate`."""
    from zswapsim.cli.output import check_output

    check_output(args.json)
    check_options(args)
    rows: list[Any]
    if args.swap:
        sizes = list(args.dram or DEFAULT_SIZES)
        rows = compare_swap(args.trace or [], sizes, args.pages, args.codec, args.json, args.quiet)
    else:
        rows = compare_pages(args.pages or [], args.codec or [], args.json, args.quiet)
    if args.json is not None:
        from zswapsim.cli.output import write_json
        from zswapsim.json_text import json_document

        write_json(args.json, json_document(rows))


def check_options(args: argparse.Namespace) -> None:
    """Refuse options that do not go together. Raises InputError."""
    from zswapsim._core.base.errors import InputError

    if not args.swap and (args.trace or args.dram):
        raise InputError(f"{'--trace' if args.trace else '--dram'}: expected --swap as well")
    if args.swap and len(args.pages or []) > 1:
        raise InputError("--pages: expected one set of pages with --swap")
    if args.swap and len(args.codec or []) > 1:
        raise InputError("--codec: expected one codec with --swap")


def compare_pages(pages: list[str], codecs: list[str], json: str | None, quiet: bool) -> list[Validated]:
    """Write the pages to the kernel's zram and to the model, print the comparison and return its rows."""
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.kernel import zram
    from zswapsim.kernel.own import Own
    from zswapsim.report.validate import pages_text
    from zswapsim.study.validate.page_store import validate_pages

    # Read before the check for root, so that any user sees an error in them.
    sources = [(name, read_images(name)) for name in pages] or None
    refuse(zram.missing(), WOULD_WRITE)
    with progress_bar("writing and reading", "pages", quiet) as progress, Own() as own:
        tell_cleared(own)
        rows = list(validate_pages(own, sources or default_pages(), codecs, progress))
    if text_wanted(json, quiet):
        say(pages_text(rows, *terminal()))
    return rows


def compare_swap(
    traces: list[str],
    sizes: list[str],
    pages: list[str] | None,
    codecs: list[str] | None,
    json: str | None,
    quiet: bool,
) -> list[SwapValidated]:
    """Replay on the kernel and on the model, print the comparison and return its rows."""
    from zswapsim.cli.errors import complain
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.files.found import exists
    from zswapsim.files.system import read_text
    from zswapsim.kernel import groups, zram
    from zswapsim.kernel.own import Own
    from zswapsim.report.units import format_size
    from zswapsim.report.validate import swap_text
    from zswapsim.study.validate.reclaim import Incidents, frames_of, reclaimers_to_compare, validate_swap

    replayed = read_traces(traces)
    # Checked before the check for root, so that any user sees an error in them, and before a device is added.
    for each in replayed:
        frames_of(sizes, each)
    contents = swap_contents(pages)
    refuse(zram.missing() or groups.missing(), WOULD_SWAP)
    beside = reclaimers_to_compare(read_text(LRU_GEN) if exists(LRU_GEN) else None)

    foreign: list[str] = []

    def killed(name: str, size: int) -> None:
        complain(f"{name} in {format_size(size)}: the kernel killed the replaying process: left out")

    with progress_bar("replaying", "replays", quiet) as progress, Own(swap=True) as own:
        tell_cleared(own)
        codec = codecs[0] if codecs else None
        incidents = Incidents(killed, foreign.append)
        rows = list(
            validate_swap(own, replayed, sizes, beside, contents, codec, incidents=incidents, progress=progress)
        )
    if foreign:
        complain(f"the kernel's figures may be wrong: {foreign[0]}")
    if text_wanted(json, quiet):
        say(swap_text(rows, *terminal()))
    return rows


def tell_cleared(own: Own) -> None:
    """Tell what dead runs left: what was removed, and how to remove the rest."""
    from zswapsim.cli.errors import complain

    if own.cleared.removed:
        complain(f"removed what a killed run left: {', '.join(own.cleared.removed)}")
    for line in own.cleared.left:
        complain(f"a killed run left something: {line}")


def refuse(missing: str | None, would: str) -> None:
    """Raise ZswapsimError if something is missing; its text says so, and what the command would have done."""
    from zswapsim._core.base.errors import ZswapsimError

    if missing is not None:
        raise ZswapsimError(f"validate: {missing}; it {would}")


def read_images(source: str) -> NDArray[np.uint8]:
    """Return the pages that an option names, as they are. Raises InputError."""
    import numpy as np

    from zswapsim._core.base.errors import InputError
    from zswapsim.traces import capture_pages, read_contents
    from zswapsim.traces.contents import read_pages

    if source.startswith("pid:"):
        return np.concatenate(list(capture_pages(source.removeprefix("pid:"))))
    if not source.startswith("recipe:") and source != "none":
        return read_pages(source)
    contents = read_contents(source)
    if contents is None:
        raise InputError(f"--pages {source}: expected FILE.pages, recipe:NAME or pid:PID")
    return contents.images


def default_pages() -> list[tuple[str, NDArray[np.uint8]]]:
    """Return recipes, and the pages of a live program: Python with documents, a database and text."""
    from zswapsim.cli.demo import pages_of_program
    from zswapsim.traces.recipes import recipe_pages

    recipes = [(f"recipe:{name}", recipe_pages(name, RECIPE_PAGES)) for name in DEFAULT_RECIPES]
    return [*recipes, ("the demo's program", pages_of_program(0))]


def read_traces(names: list[str]) -> list[DenseTrace]:
    """Return the traces that are asked for, or zipf, uniform and a recorded one."""
    from zswapsim.cli.demo_workers import Workers
    from zswapsim.traces import DenseTrace, read_trace

    if names:
        return [DenseTrace(read_trace(name)) for name in names]
    return [
        *(DenseTrace(read_trace(name)) for name in DEFAULT_TRACES),
        DenseTrace(Workers(read_trace(RECORDED), PROCESSES)),
    ]


def swap_contents(pages: list[str] | None) -> Contents:
    """Return the contents asked for, or the mix without zero pages, which never reach zram."""
    from zswapsim.traces import Contents
    from zswapsim.traces.recipes import recipe_pages

    if pages:
        return Contents(read_images(pages[0]), pages[0])
    mix = recipe_pages("mix", RECIPE_PAGES)
    return Contents(mix[mix.any(axis=1)], "recipe:mix without zero pages")
