"""Count faults and swap-outs at every size of DRAM, in one pass over a trace.

With lru, the counts of any number of sizes come from the stack distances of
one pass. With another reclaimer, each size is a replay of its own, and all of
them share the pass. --rate and --sampled-pages follow only some of the pages
and print a bound of the error. Ctrl-C ends the pass and prints the curve so
far.
"""

import argparse

from zswapsim.cli.options import RECLAIM_HELP, add_output, add_trace, number, whole_number
from zswapsim.cli.streams import say


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim curve`."""
    parser.usage = "%(prog)s TRACE [options]"
    add_trace(parser)
    parser.add_argument("--reclaim", metavar="NAME", default="lru", help=f"{RECLAIM_HELP} [default: %(default)s]")
    text = "Follow a share R of the pages. [default: all pages]"
    parser.add_argument("--rate", metavar="R", type=number, help=text)
    parser.add_argument("--sampled-pages", metavar="N", type=whole_number, help="Follow N pages.")
    text = "Print a curve for every N accesses too; 0 means none. [default: %(default)s]"
    parser.add_argument("--window", metavar="N", type=whole_number, default=0, help=text)
    parser.add_argument("--by-process", action="store_true", help="Print curves for every process too; lru only.")
    text = "Sizes of DRAM, up to the footprint. [default: %(default)s]"
    parser.add_argument("--points", metavar="N", type=whole_number, default=20, help=text)
    text = "Draw the miss ratio over DRAM: FILE.svg or FILE.png."
    parser.add_argument("--picture", metavar="FILE", help=text)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim curve`."""
    from zswapsim.cli.output import check_output, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.curve import curves_text
    from zswapsim.report.curve_picture import draw_curves
    from zswapsim.report.picture import check_picture
    from zswapsim.study.curve.curves import curves

    for path in (args.json, args.picture):
        check_output(path)
    if args.picture is not None:
        check_picture(args.picture)
    with progress_bar("measuring", quiet=args.quiet) as progress:
        found = curves(
            args.trace,
            args.reclaim,
            points=args.points,
            rate=args.rate,
            sampled_pages=args.sampled_pages,
            window=args.window,
            by_process=args.by_process,
            progress=progress,
        )
    if args.picture is not None:
        draw_curves(found, args.picture)
    if args.json is not None:
        write_json(args.json, found.to_json())
    if text_wanted(args.json, args.quiet):
        say(curves_text(found, *terminal()))
    if found.interrupted:
        raise KeyboardInterrupt
