"""Rewrite a trace in another form.

The form is named by the suffix of OUT: .parquet, .csv, .csv.zst, .npy, and
libCacheSim's oracleGeneral as .bin or .oracleGeneral (also .zst). OUT appears
whole or not at all.
"""

import argparse
import sys

from zswapsim.cli.errors import complain
from zswapsim.cli.options import add_quiet
from zswapsim.cli.streams import check_stdout, say
from zswapsim.text import printable

STDOUT = "-"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim convert`."""
    parser.usage = "%(prog)s IN OUT [options]"
    text = "A trace file, bundled:json, bundled:sort, or gen:zipf,pages=1e5,..."
    parser.add_argument("source", metavar="IN", help=text)
    text = "The file to write; its suffix names its form. With -, print CSV on stdout."
    parser.add_argument("target", metavar="OUT", help=text)
    add_quiet(parser, "Print no summary and no progress bar.")


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim convert`."""
    from zswapsim.cli.progress import progress_bar
    from zswapsim.traces.convert import convert_trace

    if args.target == STDOUT:
        _print_csv(args.source)
        return
    with progress_bar("converting", unit="events", quiet=args.quiet) as progress:
        converted = convert_trace(args.source, args.target, progress)
    for field in converted.lost:
        complain(f"{args.target}: this form has no place for {field}")
    if not args.quiet:
        writes = 100 * converted.writes / converted.events
        name = printable(args.target)
        say(f"{name}: {converted.events} events, {converted.pages} distinct pages, {writes:.1f} % writes")


def _print_csv(source: str) -> None:
    from zswapsim.traces.csvform import write_csv
    from zswapsim.traces.forms import read_trace

    check_stdout()
    write_csv(read_trace(source), sys.stdout.buffer)
    sys.stdout.buffer.flush()
