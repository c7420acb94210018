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
    from zswapsim.study.settings import Settings
    from zswapsim.traces import Contents

CHILD = Path(__file__).with_name("demo_child.py")
DOCUMENTS = 24_000  # about 60 MiB of child
COMPRESSORS = ("lzo", "lz4", "zstd", "deflate")
ENOUGH = 3


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
    from zswapsim.cli.output import check_output, results_json, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.advice import advice
    from zswapsim.report.comparison import comparison_text
    from zswapsim.study.compare import compare

    check_output(json)
    asked = settings_of(dram, node)
    spoken = text_wanted(json, quiet)
    contents = capture(seed, spoken)
    if spoken:
        print(f"replay: {trace}, {dram} of its footprint in DRAM, {node} in the private node, every page compared\n")
    with progress_bar("replaying", quiet=quiet) as progress:
        results = compare(trace, contents, asked, progress=progress)
    if json is not None:
        write_json(json, results_json(results))
    if spoken:
        print(f"{comparison_text(results, *terminal())}\n\n{advice(results)}")


def settings_of(dram: str, node: str) -> "list[Settings]":
    """Every compressor of the demo that this machine has, over a private node; and plain swap beside them."""
    from zswapsim._core.errors import InputError
    from zswapsim.compressors import get_compressor
    from zswapsim.study.compare import combinations

    found = []
    for name in COMPRESSORS:
        try:
            get_compressor(name)
        except InputError:
            continue
        found.append(name)
    pooled = combinations(dram=dram, node=node, backend="private-node", compressor=found)
    return [*pooled, *combinations(dram=dram, node=node, backend="disk")]


def capture(seed: int, spoken: bool) -> "Contents":
    """The pages of the demo's program; it is gone when this returns."""
    started = time.monotonic()
    with program(seed) as child:
        contents = _pages_of(child.pid)
    if spoken:
        seconds = time.monotonic() - started
        print("program: Python with JSON documents, an in-memory sqlite database and text")
        print(f"capture: {len(contents.images):,} anonymous pages of it, started and read in {seconds:.1f} s")
    return contents


def _pages_of(pid: int) -> "Contents":
    """What `pid` holds. That our own child can't be read is the machine's doing, not the user's."""
    from zswapsim._core.errors import InputError, ZswapsimError
    from zswapsim.traces import read_contents

    try:
        return read_contents(f"pid:{pid}")
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
    )
    try:
        _await_ready(child)
        yield child
    finally:
        child.kill()
        child.communicate()


def _await_ready(child: subprocess.Popen[bytes]) -> None:
    """Wait for the line with which the child says that its memory is filled."""
    from zswapsim._core.errors import ZswapsimError

    if child.stdout is None or not child.stdout.readline().startswith(b"READY"):
        raise ZswapsimError(f"demo: the program {CHILD.name} did not start (exit {child.wait()})")
