"""`zswapsim plan`: how to provision a workload so that an objective is kept."""

from typing import TYPE_CHECKING, Annotated

import typer

from zswapsim.cli.options import ContentsOption, JsonOption, QuietOption, TraceArgument
from zswapsim.study.cost import PRESETS
from zswapsim.study.policies import RECLAIMERS

if TYPE_CHECKING:
    from zswapsim.study.provision import Plan


def command(  # noqa: PLR0913, PLR0917 - each is an option
    trace: TraceArgument,
    contents: ContentsOption = "recipe:mix",
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="slowdown<5%, p99<20us, promotion<0.2%/min, save>30% or cost. Repeatable. [default: slowdown<5%]",
        ),
    ] = None,
    compressor: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Codecs to choose from. Repeatable. [default: lzo-rle, lz4, zstd]"),
    ] = None,
    dram: Annotated[
        list[str] | None, typer.Option(metavar="SIZE", help="Rows of the tables. Repeatable. [default: 10% to 100%]")
    ] = None,
    access_ns: Annotated[
        float | None,
        typer.Option(
            metavar="NS",
            help="What an access takes that finds its page. [default: by the trace's times, else 90, local DRAM]",
        ),
    ] = None,
    price_dram: Annotated[float | None, typer.Option(metavar="MONEY", help="A GiB of DRAM.")] = None,
    price_node: Annotated[float | None, typer.Option(metavar="MONEY", help="A GiB of the node.")] = None,
    cost: Annotated[str, typer.Option(metavar="PRESET", help=f"Modelled machine: {', '.join(PRESETS)}.")] = "cxl-nvme",
    reclaim: Annotated[
        str, typer.Option(metavar="NAME", help=f"Which pages are evicted: {', '.join(RECLAIMERS)}.")
    ] = "lru",
    reclaim_batch: Annotated[int, typer.Option(metavar="N", help="Pages evicted at once; 0 as in run.")] = 0,
    chain_size: Annotated[int, typer.Option(metavar="N", help="Most frames in a zspage, 4 to 16.")] = 8,
    seed: Annotated[int, typer.Option(metavar="N", help="Shifts which content a page starts with.")] = 0,
    picture: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw saved memory against slowdown: FILE.svg or FILE.png."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """How to provision TRACE: which DRAM, which node, which compressor keep the objectives.

    Every size is estimated from faults by DRAM size and measured pages; what is recommended is then run at bytes
    depth, and both are printed. Where nothing keeps the objectives, that is said, and the nearest is shown.
    """
    from zswapsim._core.errors import InputError
    from zswapsim.cli.output import check_output
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.picture import check_picture
    from zswapsim.study.objectives import DEFAULT
    from zswapsim.study.plan import COMPRESSORS, plan
    from zswapsim.study.settings import Settings

    if (price_dram is None) != (price_node is None):
        raise InputError("--price-dram, --price-node: expected both or neither")
    prices = None if price_dram is None or price_node is None else (price_dram, price_node)
    for path in (json, picture):
        check_output(path)
    if picture is not None:
        check_picture(picture)
    settings = Settings(cost=cost, reclaim=reclaim, reclaim_batch=reclaim_batch, chain_size=chain_size, seed=seed)
    with progress_bar("planning", quiet=quiet) as progress:
        made = plan(
            trace,
            contents,
            objective or DEFAULT,
            compressors=compressor or COMPRESSORS,
            dram=dram or (),
            access_ns=access_ns,
            prices=prices,
            settings=settings,
            progress=progress,
        )
    show(made, picture, json, quiet=quiet)


def show(made: "Plan", picture: str | None, json: str | None, *, quiet: bool) -> None:
    """Give a plan out in every form that was asked for."""
    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.report.plan import plan_text
    from zswapsim.report.plan_picture import draw_plan

    if picture is not None:
        draw_plan(made, picture)
    if json is not None:
        write_json(json, made.to_json())
    if text_wanted(json, quiet):
        print(plan_text(made, *terminal()))
