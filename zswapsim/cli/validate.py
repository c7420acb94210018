"""`zswapsim validate`: the model beside the running kernel's zram and reclaim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zswapsim.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.study.validate import Validated
    from zswapsim.study.validate_swap import SwapValidated
    from zswapsim.traces import Contents, DenseTrace

RECIPE_PAGES = 2048
DEFAULT_RECIPES = ("mix", "text", "pointers", "floats", "integers", "sparse", "half", "noise")
RECORDED = "bundled:json"
PROCESSES = 16  # of the recorded trace, in turns: a single one is over in a tenth of a second
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


def command(
    pages: Annotated[
        list[str] | None,
        typer.Option(metavar="PAGES", help="FILE.pages, recipe:NAME or pid:PID. Repeatable; recipes and a program."),
    ] = None,
    codec: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One of the kernel's codecs. Repeatable; all by default.")
    ] = None,
    swap: Annotated[bool, typer.Option("--swap", help="Compare reclaim: the device as swap for a limited group.")] = (
        False
    ),
    trace: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACE", help="With --swap: replay this. Repeatable; zipf, uniform and a recorded one."),
    ] = None,
    dram: Annotated[
        list[str] | None,
        typer.Option(metavar="SIZE", help=f"With --swap: memory. Repeatable; {', '.join(DEFAULT_SIZES)} by default."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Ask the running kernel: as root, on a zram device of its own, which is removed again whatever happens.

    Writes pages with every codec that the kernel has and prints its mm_stat beside the model's, and write and read time
    a page beside ours. With --swap, replays traces on real memory in a memory-limited group, with that device as swap,
    and prints what the kernel did beside what the reclaimers do. Nothing else of the machine is touched.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output

    check_output(json)
    if not swap and (trace or dram):
        raise InputError(f"{'--trace' if trace else '--dram'}: expected --swap as well")
    if swap and len(pages or []) > 1:
        raise InputError("--pages: expected one set of pages with --swap")
    if swap and len(codec or []) > 1:
        raise InputError("--codec: expected one codec with --swap")
    rows: list[Any]
    if swap:
        rows = compare_swap(trace or [], list(dram or DEFAULT_SIZES), pages, codec, json, quiet)
    else:
        rows = compare_pages(pages or [], codec or [], json, quiet)
    if json is not None:
        import msgspec

        from zswapsim.cli.output import write_json

        write_json(json, msgspec.json.format(msgspec.json.encode(rows), indent=2))


def compare_pages(pages: list[str], codecs: list[str], json: str | None, quiet: bool) -> list[Validated]:
    """Write the pages on either side and print what came of it."""
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.kernel import zram
    from zswapsim.kernel.own import Own
    from zswapsim.report.validate import pages_text
    from zswapsim.study.validate import validate_pages

    sources = [(name, read_images(name)) for name in pages] or None  # what is wrong with them is told to anybody
    refuse(zram.missing(), WOULD_WRITE)
    with progress_bar("writing and reading", "pages", quiet) as progress, Own() as own:
        rows = list(validate_pages(own, sources or default_pages(), codecs, progress))
    if text_wanted(json, quiet):
        print(pages_text(rows, *terminal()))
    return rows


def compare_swap(
    traces: list[str],
    sizes: list[str],
    pages: list[str] | None,
    codecs: list[str] | None,
    json: str | None,
    quiet: bool,
) -> list[SwapValidated]:
    """Replay on either side and print what came of it."""
    from zswapsim.cli.errors import complain
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.kernel import groups, zram
    from zswapsim.kernel.own import Own
    from zswapsim.report.units import format_size
    from zswapsim.report.validate import swap_text
    from zswapsim.study.validate_swap import frames_of, reclaimers, validate_swap

    replayed = read_traces(traces)
    for each in replayed:
        frames_of(sizes, each)  # what is wrong with them is told to anybody, and before anything is made
    contents = swap_contents(pages)
    refuse(zram.missing() or groups.missing(), WOULD_SWAP)
    beside = reclaimers(LRU_GEN.read_text() if LRU_GEN.exists() else None)

    def killed(name: str, size: int) -> None:
        complain(f"{name} in {format_size(size)}: the kernel killed the replaying process: left out")

    with progress_bar("replaying", "replays", quiet) as progress, Own() as own:
        codec = codecs[0] if codecs else None
        rows = list(validate_swap(own, replayed, sizes, beside, contents, codec, killed=killed, progress=progress))
    if text_wanted(json, quiet):
        print(swap_text(rows, *terminal()))
    return rows


def refuse(missing: str | None, would: str) -> None:
    """Say what stands in the way, and what would have been done without it."""
    from zswapsim._core.base.errors import ZswapsimError

    if missing is not None:
        raise ZswapsimError(f"validate: {missing}; it {would}")


def read_images(source: str) -> NDArray[np.uint8]:
    """The pages that an option names, as they are. Raises InputError."""
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
    """Recipes, and the pages of a live program: Python with documents, a database and text."""
    from zswapsim.cli.demo import pages_of_program
    from zswapsim.traces.recipes import recipe_pages

    recipes = [(f"recipe:{name}", recipe_pages(name, RECIPE_PAGES)) for name in DEFAULT_RECIPES]
    return [*recipes, ("the demo's program", pages_of_program(0))]


def read_traces(names: list[str]) -> list[DenseTrace]:
    """The traces that are asked for, else zipf, uniform and a recorded one."""
    from zswapsim.cli.demo_workers import Workers
    from zswapsim.traces import DenseTrace, read_trace

    if names:
        return [DenseTrace(read_trace(name)) for name in names]
    return [
        *(DenseTrace(read_trace(name)) for name in DEFAULT_TRACES),
        DenseTrace(Workers(read_trace(RECORDED), PROCESSES)),
    ]


def swap_contents(pages: list[str] | None) -> Contents:
    """What the replayed pages hold: what is asked for, else the mix without zero pages, which never reach zram."""
    from zswapsim.traces import Contents
    from zswapsim.traces.recipes import recipe_pages

    if pages:
        return Contents(read_images(pages[0]), pages[0])
    mix = recipe_pages("mix", RECIPE_PAGES)
    return Contents(mix[mix.any(axis=1)], "recipe:mix without zero pages")
