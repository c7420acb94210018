"""`zswapsim plan`: how to provision a workload so that an objective is kept."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from zswapsim.cli.options import DEFAULT_CONTENTS, JsonOption, QuietOption
from zswapsim.study.cost import PRESETS
from zswapsim.study.policies import RECLAIMERS

if TYPE_CHECKING:
    from zswapsim.study.provision import Plan


def command(  # noqa: PLR0913, PLR0917 - each is an option
    trace: Annotated[
        str, typer.Argument(metavar="TRACE|pid:PID", help="A trace: FILE, gen:NAME,…, bundled:NAME; or a process.")
    ],
    contents: Annotated[
        str | None,
        typer.Option(
            metavar="PAGES", help="FILE.pages, recipe:NAME or pid:PID. [default: recipe:mix; of a process its own]"
        ),
    ] = None,
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
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="How long to observe the process. [default: 10]")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How: auto, idle-pages, clear-refs (clears its accessed bits), counters. [default: auto]",
        ),
    ] = None,
    damon: Annotated[
        str | None, typer.Option(metavar="FILE", help="Instead of observing: a record of the process by damo.")
    ] = None,
    perf: Annotated[
        str | None, typer.Option(metavar="FILE", help="Instead of observing: its page faults, by perf script.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.parquet",
            help="A profile of the contents (zswapsim profile): nothing is measured; without --contents, points are "
            "run at sizes depth.",
        ),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw saved memory against slowdown: FILE.svg or FILE.png."),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """How to provision a workload: which DRAM, which node, which compressor keep the objectives.

    Of a TRACE, every size is estimated from faults by DRAM size and measured pages; what is recommended is then run at
    bytes depth, and both are printed. Of a process, faults are estimated by how long its pages are idle, and nothing
    is run; --perf gives a trace of its page faults. Where nothing keeps the objectives, that is said, and the nearest
    is shown.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.picture import check_picture
    from zswapsim.study.objectives import DEFAULT
    from zswapsim.study.plan import COMPRESSORS, plan
    from zswapsim.study.process import PREFIX, plan_process
    from zswapsim.study.profile import read_profile
    from zswapsim.study.settings import Settings

    if (price_dram is None) != (price_node is None):
        raise InputError("--price-dram, --price-node: expected both or neither")
    prices = None if price_dram is None or price_node is None else (price_dram, price_node)
    for path in (json, picture):
        check_output(path)
    if picture is not None:
        check_picture(picture)
    settings = Settings(cost=cost, reclaim=reclaim, reclaim_batch=reclaim_batch, chain_size=chain_size, seed=seed)
    known = None if profile is None else read_profile(profile)
    asked: dict[str, Any] = {
        "compressors": compressor or (COMPRESSORS if known is None else known.specs),
        "dram": dram or (),
        "prices": prices,
        "settings": settings,
    }
    of_process = {"seconds": seconds, "method": method, "damon": damon, "perf": perf}
    given: dict[str, Any] = {name: value for name, value in of_process.items() if value is not None}
    with progress_bar("planning", quiet=quiet) as progress:
        if trace.startswith(PREFIX):
            if access_ns is not None:
                raise InputError("--access-ns: expected a trace: the time of a process is known")
            if known is not None:
                raise InputError(f"--profile {profile}: expected a trace: the pages of a process are captured")
            pid = trace.removeprefix(PREFIX)
            made = plan_process(pid, objective or DEFAULT, contents=contents, progress=progress, **asked, **given)
        elif given:
            raise InputError(f"--{next(iter(given))}: expected a process, {PREFIX}PID")
        else:
            held = DEFAULT_CONTENTS if contents is None and known is None else contents
            asked |= {"access_ns": access_ns, "profile": known}
            made = plan(trace, held, objective or DEFAULT, progress=progress, **asked)
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
