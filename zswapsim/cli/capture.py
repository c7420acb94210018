"""Read a running process's anonymous pages into a page file.

The pages of process PID that are present (heap, stack, private mappings) are
written to FILE.pages, which appears whole or not at all. The file holds the
process's data as it lay in memory, so only its owner may read it.
"""

import argparse

from zswapsim.cli.errors import complain
from zswapsim.cli.options import add_quiet
from zswapsim.cli.streams import say
from zswapsim.text import printable


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim capture`."""
    parser.usage = "%(prog)s PID -o FILE.pages [options]"
    parser.add_argument("pid", metavar="PID", help="The process; it keeps running while it is read.")
    parser.add_argument("--output", "-o", metavar="FILE.pages", required=True, help="The file to write.")
    text = "Capture at most this much, evenly spread over the process's pages: 64MiB."
    parser.add_argument("--limit", metavar="SIZE", help=text)
    add_quiet(parser, "Print no summary and no progress bar.")


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim capture`."""
    from zswapsim._core.base.page import PAGE_SIZE
    from zswapsim.cli.output import warn_private
    from zswapsim.cli.progress import progress_bar
    from zswapsim.files.privacy import HOLDS
    from zswapsim.files.temporary import OWNER_ONLY
    from zswapsim.study.settings.sizes import parse_size
    from zswapsim.traces.capture import Snapshot
    from zswapsim.traces.contents import write_pages
    from zswapsim.traces.kinds import Tally

    most = None if args.limit is None else parse_size(args.limit, "--limit") // PAGE_SIZE
    snapshot = Snapshot(args.pid, most)
    tally = Tally()
    with progress_bar("capturing", unit="pages", quiet=args.quiet) as progress:
        write_pages(args.output, tally.over(snapshot.blocks(progress)), OWNER_ONLY)
    warn_private(args.output, HOLDS)
    if not snapshot.knows_present:
        text = "this kernel does not show which pages are present, so zero pages were left out"
        complain(f"{args.output}: {text}")
    if not args.quiet:
        say(
            f"{printable(args.output)}: {tally.pages} pages of {snapshot.regions} mappings,"
            f" {100 * tally.zero / tally.pages:.1f} % zero, {100 * tally.same_filled / tally.pages:.1f} % same-filled"
        )
