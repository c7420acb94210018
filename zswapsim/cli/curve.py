"""`zswapsim curve`: faults and swap-outs over the size of DRAM, from one pass over a trace."""

from typing import Annotated

import typer

from zswapsim.cli.options import JsonOption, QuietOption, TraceArgument
from zswapsim.study.policies import RECLAIMERS


def command(  # noqa: PLR0913, PLR0917 - each is an option
    trace: TraceArgument,
    reclaim: Annotated[
        str, typer.Option(metavar="NAME", help=f"Which pages are evicted: {', '.join(RECLAIMERS)}.")
    ] = "lru",
    rate: Annotated[
        float | None, typer.Option(metavar="R", help="Look at a share R of the pages. [default: at all of them]")
    ] = None,
    sampled_pages: Annotated[int | None, typer.Option(metavar="N", help="Look at N pages.")] = None,
    window: Annotated[int, typer.Option(metavar="N", help="A curve for every N accesses too.")] = 0,
    by_process: Annotated[bool, typer.Option("--by-process", help="Curves for every process too; lru.")] = False,
    points: Annotated[int, typer.Option(metavar="N", help="Sizes of DRAM, up to the footprint.")] = 20,
    picture: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the miss ratio over DRAM: FILE.svg or FILE.png.")
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Faults and swap-outs of TRACE at every size of DRAM, in one pass.

    With lru they come from stack distances, any number of sizes for the price of one; with another reclaimer every
    size has a replay, and all share the pass. --rate and --sampled-pages look at some pages only, and say how far off
    the curve may be. Ctrl-C ends the pass with the curve so far.
    """
    from zswapsim.cli.output import check_output, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.curve import curves_text
    from zswapsim.report.curve_picture import draw_curves
    from zswapsim.report.picture import check_picture
    from zswapsim.study.curves import curves

    for path in (json, picture):
        check_output(path)
    if picture is not None:
        check_picture(picture)
    with progress_bar("measuring", quiet=quiet) as progress:
        found = curves(
            trace,
            reclaim,
            points=points,
            rate=rate,
            sampled_pages=sampled_pages,
            window=window,
            by_process=by_process,
            progress=progress,
        )
    if picture is not None:
        draw_curves(found, picture)
    if json is not None:
        write_json(json, found.to_json())
    if text_wanted(json, quiet):
        print(curves_text(found, *terminal()))
    if found.interrupted:
        raise KeyboardInterrupt
