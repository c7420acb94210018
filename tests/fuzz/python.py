"""Run the Python fuzz targets for long: ``python -m tests.fuzz.python --seconds 600 [--target csv] [--seed 1]``.

Each target runs in a process of its own, one after the other, for its share of the time; its inputs follow from the
seed. Printed are executions, how many were read and refused, and the lines of the package that they reached. An input
that breaks the rule, takes more memory or time than is allowed, or ends the process, is kept in a file that is named,
and the exit code is 1.
"""

import argparse
import importlib.metadata
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from tests.fuzz import parsers, readers
from tests.fuzz.targets import READ, REFUSED, Input, Target
from zswapsim import __file__ as package

TARGETS = {target.name: target for target in (*readers.TARGETS, *parsers.TARGETS)}
MEMORY_BYTES = 320 << 20
"""The most that a target may need beyond what its samples need: a page of Parquet or a snapshot at its limit."""
PATIENCE_SECONDS = 60
COVERED = 150
"""Executions whose lines are noted; that is slow."""
SMALL = (
    ("csvform", "BLOCK_BYTES", 1 << 15),
    ("lines", "BLOCK_BYTES", 1 << 10),
    ("oracle", "READ_EVENTS", 1 << 7),
    ("perf", "READ_EVENTS", 1 << 4),
    ("npy", "PIECE_BYTES", 1 << 13),
    ("damo", "CHUNK_EVENTS", 1 << 12),
    ("jsonpieces", "BLOCK_BYTES", 1 << 8),
)
FAST_FOLDER = Path("/dev/shm")


class TooLong(Exception):
    """An input takes too much time."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.python")
    parser.add_argument("--seconds", type=float, default=60, help="time in all, or for each target with --target")
    parser.add_argument("--executions", type=int, default=0, help="stop each target after so many")
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args(arguments)
    names = asked.target or list(TARGETS)
    share = asked.seconds / len(names)
    print(f"{'target':<20}{'executions':>12}{'read':>11}{'refused':>11}{'a second':>10}{'lines':>7}", flush=True)
    good = [run_apart(TARGETS[name], share, asked) for name in names]
    return int(not all(good))


def run_apart(target: Target, seconds: float, asked: argparse.Namespace) -> bool:
    """Run a target in a child, and return True if it found nothing. The child's last input is in a file."""
    where = str(FAST_FOLDER) if FAST_FOLDER.is_dir() else None
    with TemporaryDirectory(prefix="fuzz-", dir=where) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child does not use
            child = os.fork()
        if not child:
            code = 1
            try:
                code = run_here(target, seconds, asked, Path(folder))
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return True
        if os.WIFSIGNALED(status):
            print(f"{target.name}: signal {os.WTERMSIG(status)} ended the process", flush=True)
        keep(target, Path(folder, "input").read_bytes(), asked.findings)
        return False


def keep(target: Target, data: bytes, folder: Path) -> None:
    """Keep an input, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.name}-{abs(hash(data)):x}"
    path.write_bytes(data)
    print(f"{target.name}: {len(data)} bytes are in {path}", flush=True)


def run_here(target: Target, seconds: float, asked: argparse.Namespace, folder: Path) -> int:
    """Run a target until its time is over, and print a line. Return 1 if it found something."""
    random, counts = Random(f"{asked.seed}/{target.name}"), {READ: 0, REFUSED: 0}
    begun = time.monotonic()
    small_blocks()
    known_plugins()
    signal.signal(signal.SIGALRM, give_up)
    lines: set[tuple[str, int]] = set()
    for number in range(len(target.samples)):
        given = Input(target.samples[number], number, only_damaged=False)
        one(target, given, folder, counts)
    most = memory() + MEMORY_BYTES
    done = 0
    while time.monotonic() - begun < seconds and not 0 < asked.executions <= done:
        try:
            given = target.draw(random)
            with_lines(lines, target, given, folder, counts) if done < COVERED else one(target, given, folder, counts)
            if memory() > most:
                raise MemoryError(f"{memory() - most >> 20} MiB more than allowed")
        except BaseException as error:  # whatever it is, it is a finding
            print(f"{target.name}: execution {done}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            return 1
        done += 1
    rate = done / max(time.monotonic() - begun, 1e-9)
    read, refused = counts[READ], counts[REFUSED]
    print(f"{target.name:<20}{done:>12,}{read:>11,}{refused:>11,}{rate:>10.0f}{len(lines):>7}", flush=True)
    return 0


def small_blocks(change: Callable[[Any, str, int], None] = setattr) -> None:
    """Read files in small blocks: most of the time would go into buffers, and few inputs would span two."""
    for module, name, value in SMALL:
        change(import_module(f"zswapsim.traces.{module}"), name, value)


def known_plugins() -> None:
    """Look for plug-ins once: every unknown name would look through all packages."""
    importlib.metadata.entry_points = cache(importlib.metadata.entry_points)  # type: ignore[assignment]


def one(target: Target, given: Input, folder: Path, counts: dict[str, int]) -> None:
    """Execute a target once."""
    (folder / "input").write_bytes(given.data)
    signal.alarm(PATIENCE_SECONDS)
    counts[target.judge(given, folder)] += 1
    signal.alarm(0)


def with_lines(lines: set[tuple[str, int]], *given: Any) -> None:
    """Execute a target once, and note the lines of the package that it reaches."""
    ours = str(Path(package).parent)

    def local(frame: FrameType, event: str, _value: object) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    sys.settrace(lambda frame, *_: local if frame.f_code.co_filename.startswith(ours) else None)
    try:
        one(*given)
    finally:
        sys.settrace(None)


def memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def give_up(_number: int, _frame: object) -> None:
    raise TooLong(f"more than {PATIENCE_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
