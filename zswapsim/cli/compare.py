"""Replay one trace with every combination of settings.

TRACE is replayed once for each combination, and the best of each column is
marked. A repeatable option may be given several times: --compressor lz4
--compressor zstd:level=3 --dram 30% --dram 50% makes four rows. Each content is
compressed once for each compressor, and with --profile not at all.
"""

import argparse

from zswapsim.cli.options import (
    CHOICES,
    MOST_THREADS,
    add_contents,
    add_output,
    add_settings,
    add_trace,
    asked_settings,
    profiled,
    whole_number,
)
from zswapsim.cli.streams import say

FASTEST = ("backend", "compressor")
"""Settings that vary fastest from row to row, so that their rows are next to each other."""
DEPTH = "sizes"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim compare`."""
    parser.usage = "%(prog)s TRACE [options]"
    add_trace(parser)
    add_contents(parser)
    add_output(parser)
    text = "Processes to run in; 0 means one for each CPU. [default: 0]"
    parser.add_argument("--processes", metavar="N", type=whole_number, default=0, help=text)
    add_settings(parser, DEPTH, several=True)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim compare`."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output, results_json, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.comparison import comparison_text
    from zswapsim.study.compare.compare import combinations, compare

    if not 0 <= args.processes <= MOST_THREADS:
        raise InputError(f"--processes {args.processes}: expected 0 or more, and at most {MOST_THREADS}")
    given = asked_settings(args, DEPTH)
    order = [name for name in CHOICES if name not in FASTEST]
    asked = combinations(**{name: given[name] for name in (*order, *FASTEST) if name in given})
    check_output(args.json)
    contents, profile = profiled(args.contents, args.profile, given["depth"])
    with progress_bar("comparing", quiet=args.quiet) as progress:
        results = compare(
            args.trace, contents, asked, processes=args.processes or None, progress=progress, profile=profile
        )
    if args.json is not None:
        write_json(args.json, results_json(results))
    if text_wanted(args.json, args.quiet):
        say(comparison_text(results, *terminal()))
