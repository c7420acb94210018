"""Find the DRAM size, node size and compressor that keep an objective.

For a TRACE, every size is estimated from the faults by DRAM size and from
measured pages. The recommended point is then run at bytes depth, and the
estimate and the run are both printed. For a process, faults are estimated from
how long its pages are idle, and nothing is run; --perf gives a trace of its
page faults. If no point keeps the objectives, the plan says so and shows the
nearest one.
"""

import argparse
from typing import TYPE_CHECKING, Any

from zswapsim.cli.options import (
    CHAIN_HELP,
    DEFAULT_CONTENTS,
    RECLAIM_HELP,
    SEED_HELP,
    add_output,
    number,
    whole_number,
)
from zswapsim.cli.streams import say
from zswapsim.study.settings.cost import PRESETS

if TYPE_CHECKING:
    from zswapsim.study.plan.make_plan import Plan
    from zswapsim.study.profile import Profile

OF_PROCESS = ("seconds", "method", "damon", "perf")
"""Options that a process takes and a trace does not."""


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim plan`."""
    parser.usage = "%(prog)s TRACE|pid:PID [options]"
    text = "A trace (FILE, gen:NAME,... or bundled:NAME), or a process."
    parser.add_argument("trace", metavar="TRACE|pid:PID", help=text)
    text = "slowdown<5%%, p99<20us, promotion<0.2%%/min, save>30%% or cost. Repeatable. [default: slowdown<5%%]"
    parser.add_argument("--objective", metavar="TEXT", action="append", help=text)
    text = "A compressor to choose from. Repeatable. [default: lzo-rle, lz4, zstd]"
    parser.add_argument("--compressor", metavar="SPEC", action="append", help=text)
    text = "A row of the tables. Repeatable. [default: 10%% to 100%%]"
    parser.add_argument("--dram", metavar="SIZE", action="append", help=text)
    text = "Draw saved memory against slowdown: FILE.svg or FILE.png."
    parser.add_argument("--picture", metavar="FILE", help=text)
    add_output(parser)
    _prepare_pages(parser.add_argument_group("Pages"))
    _prepare_machine(parser.add_argument_group("Machine"))
    _prepare_process(parser.add_argument_group("Process (with pid:PID only)"))


def _prepare_pages(pages: Any) -> None:
    """Declare the options that say what the pages hold."""
    text = f"FILE.pages, recipe:NAME or pid:PID. [default: {DEFAULT_CONTENTS}; for a process, its own pages]"
    pages.add_argument("--contents", metavar="PAGES", help=text)
    text = "A profile (zswapsim profile) of the contents; without --contents, points are run at sizes depth."
    pages.add_argument("--profile", metavar="FILE.parquet", help=text)
    pages.add_argument("--seed", metavar="N", type=whole_number, default=0, help=f"{SEED_HELP} [default: %(default)s]")


def _prepare_machine(machine: Any) -> None:
    """Declare the options of the modelled machine."""
    text = "Time of an access that finds its page. [default: from the trace's times, else 90, which is local DRAM]"
    machine.add_argument("--access-ns", metavar="NS", type=number, help=text)
    machine.add_argument("--price-dram", metavar="MONEY", type=number, help="Price of a GiB of DRAM.")
    machine.add_argument("--price-node", metavar="MONEY", type=number, help="Price of a GiB of the node.")
    text = f"Modelled machine: {', '.join(PRESETS)}. [default: %(default)s]"
    machine.add_argument("--cost", metavar="PRESET", default="cxl-nvme", help=text)
    machine.add_argument("--reclaim", metavar="NAME", default="lru", help=f"{RECLAIM_HELP} [default: %(default)s]")
    text = "Pages reclaimed at once; 0 means as in run. [default: %(default)s]"
    machine.add_argument("--reclaim-batch", metavar="N", type=whole_number, default=0, help=text)
    text = f"{CHAIN_HELP} [default: %(default)s]"
    machine.add_argument("--chain-size", metavar="N", type=whole_number, default=8, help=text)


def _prepare_process(process: Any) -> None:
    """Declare the options that a process takes and a trace does not."""
    process.add_argument("--seconds", metavar="N", type=number, help="Time to observe the process. [default: 10]")
    text = "How to observe: auto, idle-pages, clear-refs (clears its accessed bits) or counters. [default: auto]"
    process.add_argument("--method", metavar="NAME", help=text)
    text = "Use this record of the process by damo instead of observing it."
    process.add_argument("--damon", metavar="FILE", help=text)
    text = "Use these page faults of the process, from perf script, instead of observing it."
    process.add_argument("--perf", metavar="FILE", help=text)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim plan`."""
    from zswapsim.cli.output import check_output
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.picture import check_picture
    from zswapsim.study.plan.plan_process import PREFIX
    from zswapsim.study.profile import read_profile

    prices = prices_of(args)
    for path in (args.json, args.picture):
        check_output(path)
    if args.picture is not None:
        check_picture(args.picture)
    profile = None if args.profile is None else read_profile(args.profile)
    asked = asked_of(args, profile) | {"prices": prices}
    with progress_bar("planning", quiet=args.quiet) as progress:
        asked["progress"] = progress
        made = of_process(args, asked) if args.trace.startswith(PREFIX) else of_trace(args, profile, asked)
    show(made, args)


def prices_of(args: argparse.Namespace) -> tuple[float, float] | None:
    """Return the prices of DRAM and node, or None if none are given. Raises InputError."""
    from zswapsim._core.base.errors import InputError

    if (args.price_dram is None) != (args.price_node is None):
        raise InputError("--price-dram, --price-node: expected both or neither")
    return None if args.price_dram is None else (args.price_dram, args.price_node)


def asked_of(args: argparse.Namespace, profile: "Profile | None") -> dict[str, Any]:
    """Return the arguments that the plan of a trace and that of a process share. Raises InputError."""
    from zswapsim.study.plan.plan import COMPRESSORS
    from zswapsim.study.settings import Settings

    fields = ("cost", "reclaim", "reclaim_batch", "chain_size", "seed")
    return {
        "compressors": args.compressor or (COMPRESSORS if profile is None else profile.specs),
        "dram": args.dram or (),
        "settings": Settings(**{field: getattr(args, field) for field in fields}),
    }


def of_process(args: argparse.Namespace, asked: dict[str, Any]) -> "Plan":
    """Plan for a running process. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.study.plan.objectives import DEFAULT
    from zswapsim.study.plan.plan_process import PREFIX, plan_process

    if args.access_ns is not None:
        raise InputError("--access-ns: expected a trace: the time of a process is known")
    if args.profile is not None:
        raise InputError(f"--profile {args.profile}: expected a trace: the pages of a process are captured")
    given = {name: getattr(args, name) for name in OF_PROCESS if getattr(args, name) is not None}
    pid = args.trace.removeprefix(PREFIX)
    return plan_process(pid, args.objective or DEFAULT, contents=args.contents, **asked, **given)


def of_trace(args: argparse.Namespace, profile: "Profile | None", asked: dict[str, Any]) -> "Plan":
    """Plan for a trace. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.study.plan.objectives import DEFAULT
    from zswapsim.study.plan.plan import plan
    from zswapsim.study.plan.plan_process import PREFIX

    for name in OF_PROCESS:
        if getattr(args, name) is not None:
            raise InputError(f"--{name}: expected a process, {PREFIX}PID")
    contents = DEFAULT_CONTENTS if args.contents is None and profile is None else args.contents
    return plan(args.trace, contents, args.objective or DEFAULT, access_ns=args.access_ns, profile=profile, **asked)


def show(made: "Plan", args: argparse.Namespace) -> None:
    """Write a plan in every form that was asked for."""
    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.report.plan import plan_text
    from zswapsim.report.plan_picture import draw_plan

    if args.picture is not None:
        draw_plan(made, args.picture)
    if args.json is not None:
        write_json(args.json, made.to_json())
    if text_wanted(args.json, args.quiet):
        say(plan_text(made, *terminal()))
