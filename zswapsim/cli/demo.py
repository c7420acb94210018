"""Capture a real program's pages and replay a recorded trace over them.

A Python program is started and its memory captured; the trace is then replayed
over its pages with several compressors. DRAM holds half of the footprint.
Reclaimed pages are compressed into the frames of a private node, and every
page that is loaded again is compared with the one that was stored.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from zswapsim.cli.options import add_output, whole_number
from zswapsim.cli.streams import say
from zswapsim.signals import held, released
from zswapsim.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.study.settings import Settings
    from zswapsim.traces import Contents

CHILD = Path(__file__).with_name("demo_child.py")
DOCUMENTS = 26_000
"""Documents of the program: it then has about as many pages as the trace in all processes."""
WORKERS = 6
"""Processes of the workload: the pool of a single one would consist mostly of half-filled zspages."""
COMPRESSORS = ("lzo", "lz4", "zstd", "deflate")


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim demo`."""
    parser.usage = "%(prog)s [options]"
    text = "The trace to replay. [default: %(default)s]"
    parser.add_argument("--trace", metavar="TRACE", default="bundled:json", help=text)
    text = "DRAM for the workload's pages. [default: %(default)s]"
    parser.add_argument("--dram", metavar="SIZE", default="50%", help=text)
    text = "Size of the private node. [default: %(default)s]"
    parser.add_argument("--node", metavar="SIZE", default="20%", help=text)
    text = "Seed of the program's data. [default: %(default)s]"
    parser.add_argument("--seed", metavar="N", type=whole_number, default=0, help=text)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim demo`."""
    from zswapsim.cli.demo_workers import Workers
    from zswapsim.cli.output import check_output, results_json, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.advice import advice
    from zswapsim.report.comparison import comparison_text
    from zswapsim.study.compare.compare import compare
    from zswapsim.traces import DenseTrace, read_trace

    check_output(args.json)
    asked = settings_of(args.dram, args.node)
    spoken = text_wanted(args.json, args.quiet)
    replayed = DenseTrace(Workers(read_trace(args.trace), WORKERS))
    with progress_bar("reading", quiet=args.quiet) as progress:
        replayed.scan(progress)
    contents = capture(args.seed, replayed.pages, spoken)
    if spoken:
        say(f"replay:  {printable(replayed.name)}\n")
    with progress_bar("replaying", quiet=args.quiet) as progress:
        results = compare(replayed, contents, asked, processes=1, progress=progress)
    if args.json is not None:
        write_json(args.json, results_json(results))
    if spoken:
        loads = sum(result.verified_pages for result in results)
        say(f"{comparison_text(results, *terminal())}\n\n{loads:,} pages came back, each as it was stored.")
        say(advice(results))


def settings_of(dram: str, node: str) -> "list[Settings]":
    """Return the settings of every run: a private node with each available compressor, and plain swap."""
    from zswapsim.compressors import available
    from zswapsim.study.compare.compare import combinations

    usable = {info.name for info in available() if not info.missing}
    found = [name for name in COMPRESSORS if name in usable]
    pooled = combinations(dram=dram, node=node, backend="private-node", compressor=found)
    return [*pooled, *combinations(dram=dram, node=node, backend="disk")]


def capture(seed: int, footprint: int, spoken: bool) -> "Contents":
    """Return one page of the demo's program for each page of the footprint; the program has ended by then."""
    from zswapsim.traces import Contents

    started = time.monotonic()
    pages = pages_of_program(seed)
    picked = pages[_spread(len(pages), footprint)]
    if spoken:
        say("program: Python with JSON documents, an in-memory sqlite database and text")
        say(
            f"capture: {len(pages):,} anonymous pages of it in {time.monotonic() - started:.1f} s; "
            f"{len(picked):,} of them, evenly spread, are replayed"
        )
    return Contents(picked, "the demo's program")


def pages_of_program(seed: int) -> "NDArray[np.uint8]":
    """Return all anonymous pages of the demo's program, which has ended by then."""
    with program(seed) as child:
        return _pages_of(child.pid)


def _spread(there: int, wanted: int) -> "list[int]":
    """Return `wanted` indices below `there`, evenly spread so that every part is sampled; all if there are fewer."""
    return [place * there // wanted for place in range(wanted)] if wanted < there else list(range(there))


def _pages_of(pid: int) -> "NDArray[np.uint8]":
    """Read all pages of our child `pid`. If that is not allowed, the machine is to blame, not the user."""
    import numpy as np

    from zswapsim._core.base.errors import InputError, ZswapsimError
    from zswapsim.traces import capture_pages

    try:
        return np.concatenate(list(capture_pages(pid)))
    except InputError as error:
        raise ZswapsimError(f"demo: this machine does not let a program read its child's memory: {error}") from error


@contextmanager
def program(seed: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the demo's program and yield it once its memory is filled; end it on leaving.

    If we are killed, the program ends by itself, as its standard input is closed.
    """
    from zswapsim.starting import start_process

    with held():
        child = start_process(
            [sys.executable, str(CHILD), str(seed), str(DOCUMENTS)],
            "the demo's program",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            process_group=0,  # Ctrl-C must not reach the child: we end it
        )
        try:
            with released():
                _await_ready(child)
                yield child
        finally:
            child.kill()
            child.communicate()


def _await_ready(child: subprocess.Popen[bytes]) -> None:
    """Wait for the line by which the child reports that its memory is filled."""
    from zswapsim._core.base.errors import ZswapsimError

    if child.stdout is None or not child.stdout.readline().startswith(b"READY"):
        raise ZswapsimError(f"demo: the program {CHILD.name} did not start (exit {child.wait()})")
