"""Compress every distinct page once, for any number of comparisons.

Every distinct content of PAGES is compressed and decompressed once with every
compressor, and the lengths and times are kept in FILE, which appears whole or
not at all. Finished measurements are saved in FILE.part, from which the same
command continues after Ctrl-C or a crash; a new compressor is added to an
existing FILE. The profile holds no page: --profile FILE gives it to run and
compare, with or without the pages.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zswapsim.cli.errors import complain
from zswapsim.cli.options import MOST_THREADS, add_output, whole_number
from zswapsim.cli.streams import say

if TYPE_CHECKING:
    from zswapsim.traces import Contents


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim profile`."""
    parser.usage = "%(prog)s PAGES|PID -o FILE.parquet [options]"
    text = "FILE.pages, recipe:NAME, or the number of a running process."
    parser.add_argument("pages", metavar="PAGES|PID", help=text)
    parser.add_argument("--output", "-o", metavar="FILE.parquet", required=True, help="The profile to write.")
    text = "A compressor to measure. Repeatable. [default: lzo-rle, lz4, zstd]"
    parser.add_argument("--compressor", metavar="SPEC", action="append", help=text)
    text = "Threads; 0 means one for each CPU. [default: %(default)s]"
    parser.add_argument("--threads", metavar="N", type=whole_number, default=0, help=text)
    text = "Replace FILE, and discard FILE.part."
    parser.add_argument("--fresh", action="store_true", help=text)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim profile`."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import STDOUT, check_output, warn_private
    from zswapsim.cli.progress import progress_bar
    from zswapsim.files.privacy import TELLS
    from zswapsim.study.plan.plan import COMPRESSORS
    from zswapsim.study.profile import make_profile

    if not 0 <= args.threads <= MOST_THREADS:
        raise InputError(f"--threads {args.threads}: expected 0 or more, and at most {MOST_THREADS}")
    for path in (args.output, args.json):
        check_output(path)
    with progress_bar("measuring", "contents", args.quiet) as progress, unfinished(args.output):
        made = make_profile(
            named_contents(args.pages),
            args.compressor or COMPRESSORS,
            args.output,
            threads=args.threads or None,
            resume=not args.fresh,
            progress=progress,
        )
    if made.private:
        for path in (args.output, args.json):
            if path not in (None, STDOUT):
                warn_private(path, TELLS)
    show({"profile": args.output} | made.summary(), args.json, args.quiet, private=made.private)


def named_contents(text: str) -> "Contents":
    """Read the contents that `text` names; a number is a process unless a file has that name. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.files.found import exists
    from zswapsim.traces import read_contents

    contents = read_contents(f"pid:{text}" if text.isdecimal() and not exists(text) else text)
    if contents is None:
        raise InputError(f"{text}: expected FILE.pages, recipe:NAME, or the number of a process")
    return contents


@contextmanager
def unfinished(output: str) -> Iterator[None]:
    """On Ctrl-C, report that the finished measurements are kept."""
    from zswapsim.files.found import exists
    from zswapsim.study.profile.journal import SUFFIX

    try:
        yield
    except KeyboardInterrupt:
        if exists(f"{output}{SUFFIX}"):
            complain(f"{output}{SUFFIX} keeps what was measured; the same command goes on from there")
        raise


def show(summary: dict[str, Any], json: str | None, quiet: bool, *, private: bool) -> None:
    """Write a profile's figures in every form that was asked for."""
    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.json_text import json_document
    from zswapsim.report.profile import profile_text

    if json is not None:
        write_json(json, json_document(summary), private=private)
    if text_wanted(json, quiet):
        say(profile_text(summary, *terminal()))
