"""`zswapsim demo`: a real program's pages, a recorded trace, a private node, several compressors, one answer."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zswapsim.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.study.settings import Settings
    from zswapsim.traces import Contents

CHILD = Path(__file__).with_name("demo_child.py")
DOCUMENTS = 26_000  # about as many pages as the trace has in all processes
WORKERS = 6  # a pool of a few hundred pages would be mostly half-filled zspages
COMPRESSORS = ("lzo", "lz4", "zstd", "deflate")


def command(
    trace: Annotated[str, typer.Option(metavar="TRACE", help="The trace that is replayed.")] = "bundled:json",
    dram: Annotated[str, typer.Option(metavar="SIZE", help="DRAM for the workload's pages.")] = "50%",
    node: Annotated[str, typer.Option(metavar="SIZE", help="The private node.")] = "20%",
    seed: Annotated[int, typer.Option(metavar="N", help="Of the program's data.")] = 0,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Start a real program, capture its pages, and replay a recorded trace over them with several compressors.

    DRAM holds half of the footprint; what is evicted is compressed into the frames of a private node, and every page
    that comes back is compared with what was stored.
    """
    from zswapsim.cli.demo_workers import Workers
    from zswapsim.cli.output import check_output, results_json, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.advice import advice
    from zswapsim.report.comparison import comparison_text
    from zswapsim.study.compare import compare
    from zswapsim.traces import DenseTrace, read_trace

    check_output(json)
    asked = settings_of(dram, node)
    spoken = text_wanted(json, quiet)
    replayed = DenseTrace(Workers(read_trace(trace), WORKERS))
    with progress_bar("reading", quiet=quiet) as progress:
        replayed.scan(progress)
    contents = capture(seed, replayed.pages, spoken)
    if spoken:
        print(f"replay:  {replayed.name}\n")
    with progress_bar("replaying", quiet=quiet) as progress:
        results = compare(replayed, contents, asked, processes=1, progress=progress)
    if json is not None:
        write_json(json, results_json(results))
    if spoken:
        loads = sum(result.verified_pages for result in results)
        print(f"{comparison_text(results, *terminal())}\n\n{loads:,} pages came back, each as it was stored.")
        print(advice(results))


def settings_of(dram: str, node: str) -> "list[Settings]":
    """Every compressor of the demo that this machine has, over a private node; and plain swap beside them."""
    from zswapsim.compressors import available
    from zswapsim.study.compare import combinations

    usable = {info.name for info in available() if not info.missing}
    found = [name for name in COMPRESSORS if name in usable]
    pooled = combinations(dram=dram, node=node, backend="private-node", compressor=found)
    return [*pooled, *combinations(dram=dram, node=node, backend="disk")]


def capture(seed: int, footprint: int, spoken: bool) -> "Contents":
    """Pages of the demo's program, one for each page of the footprint; the program is gone when this returns."""
    from zswapsim.traces import Contents

    started = time.monotonic()
    pages = pages_of_program(seed)
    picked = pages[_spread(len(pages), footprint)]
    if spoken:
        print("program: Python with JSON documents, an in-memory sqlite database and text")
        print(
            f"capture: {len(pages):,} anonymous pages of it in {time.monotonic() - started:.1f} s; "
            f"{len(picked):,} of them, evenly spread, are replayed"
        )
    return Contents(picked, "the demo's program")


def pages_of_program(seed: int) -> "NDArray[np.uint8]":
    """All anonymous pages of the demo's program; it is gone when this returns."""
    with program(seed) as child:
        return _pages_of(child.pid)


def _spread(there: int, wanted: int) -> "list[int]":
    """`wanted` places among `there`, evenly spread, so that every part of the program is in; all where it has fewer."""
    return [place * there // wanted for place in range(wanted)] if wanted < there else list(range(there))


def _pages_of(pid: int) -> "NDArray[np.uint8]":
    """All that `pid` holds. That our own child can't be read is the machine's doing, not the user's."""
    import numpy as np

    from zswapsim._core.base.errors import InputError, ZswapsimError
    from zswapsim.traces import capture_pages

    try:
        return np.concatenate(list(capture_pages(pid)))
    except InputError as error:
        raise ZswapsimError(f"demo: this machine does not let a program read its child's memory: {error}") from error


@contextmanager
def program(seed: int) -> Iterator[subprocess.Popen[bytes]]:
    """The demo's program, ready and waiting; ended when the block is left, and by itself should we be killed."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(seed), str(DOCUMENTS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        process_group=0,  # Ctrl-C is for us; we end it
    )
    try:
        _await_ready(child)
        yield child
    finally:
        child.kill()
        child.communicate()


def _await_ready(child: subprocess.Popen[bytes]) -> None:
    """Wait for the line with which the child says that its memory is filled."""
    from zswapsim._core.base.errors import ZswapsimError

    if child.stdout is None or not child.stdout.readline().startswith(b"READY"):
        raise ZswapsimError(f"demo: the program {CHILD.name} did not start (exit {child.wait()})")
