"""Replay one trace with one set of settings.

TRACE is replayed with page faults, reclaim, compression into the node and
writeback. Pages are really compressed, stored, loaded and compared, unless
--depth says otherwise; with --contents none, only faults are counted. Ctrl-C
ends the run and prints what was counted so far.
"""

import argparse

from zswapsim.cli.options import (
    add_contents,
    add_output,
    add_settings,
    add_trace,
    asked_settings,
    profiled,
)
from zswapsim.cli.streams import say

FORMS = ("mm_stat", "zswap", "vmstat")
DEPTH = "bytes"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim run`."""
    parser.usage = "%(prog)s TRACE [options]"
    add_trace(parser)
    add_contents(parser)
    add_output(parser)
    text = f"Print the counters as the kernel does: {', '.join(FORMS)}."
    parser.add_argument("--as", dest="form", metavar="FORM", help=text)
    add_settings(parser, DEPTH)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim run`."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.kernelforms import kernel_form
    from zswapsim.report.text import result_text
    from zswapsim.study.run.result import INTERRUPTED
    from zswapsim.study.run.run import run as replay
    from zswapsim.study.settings import Settings

    asked = Settings(**asked_settings(args, DEPTH))
    if args.form is not None and args.form not in FORMS:
        raise InputError(f"--as {args.form}: expected one of {', '.join(FORMS)}")
    check_output(args.json)
    contents, profile = profiled(args.contents, args.profile, asked.depth)
    with progress_bar("replaying", quiet=args.quiet) as progress:
        result = replay(args.trace, contents, asked, measured=profile, progress=progress)
    if args.json is not None:
        write_json(args.json, result.to_json())
    if text_wanted(args.json, args.quiet):
        say(result_text(result) if args.form is None else kernel_form(result, args.form))
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
