"""Let every file operation of every command fail, one at a time: ``python tests/file_sweep.py [--all] [COMMAND...]``.

After each failure there is exactly one line on stderr and exit code 1 or 2, or the operation may fail without effect,
and the result is the usual one. No output is half-written, no temporary file, descriptor or child is left, and the same
call then succeeds. With --all every operation fails in every way, otherwise each in one way.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from cli_helpers import called
from file_faults import KINDS, MEMORY, Fault, failing

TRACE = "gen:zipf,pages=60,events=400,alpha=0.9,writes=0.3,seed=1"
TRIES, PAUSE_S = 200, 0.01
MOST_SLOW = 20
JOURNAL_BYTES = 100  # of a journal without a part


class Case(NamedTuple):
    """A command, or a call, and the files that it writes."""

    name: str
    arguments: str
    outputs: tuple[str, ...] = ()
    code: int = 0
    """The usual exit code."""


ONE = ("o",)
PAGES = "run t.csv --contents x.pages --json o"
CASES = [
    Case("run", f"{PAGES} --dram 30% --node 5%", ONE),
    Case("run, zstd", "run t.csv.zst --contents none -q --json o", ONE),
    Case("run, oracleGeneral", "run t.bin --contents none --json o", ONE),
    Case("run, Parquet", "run t.parquet --contents none --json o", ONE),
    Case("run, npy", "run t.npy --contents none --json o", ONE),
    Case("run, dictionary", f"{PAGES} --compressor zstd:dict=d", ONE),
    Case("run, profile", "run t.csv --profile p --compressor lz4 --json o", ONE),
    Case("compare", "compare t.csv --contents x.pages --processes 1 --dram 30% --dram 60% --json o", ONE),
    Case("curve", "curve t.csv --json o", ONE),
    Case("plan", "plan t.csv --contents x.pages --compressor lz4 --json o", ONE),
    Case("audit", "audit --isolation private-flag --json o", ONE),
    Case("audit, picture", "audit --isolation private-flag --picture o.svg", ("o.svg",)),
    Case("cram", "cram --headroom 5 --delay 1ms --inflow 1GB --after 1 --control tokens --physical 4MiB --json o", ONE),
    Case("capture", "capture PID -o o.pages --limit 64KiB", ("o.pages",)),
    Case("convert to Parquet", "convert t.csv o.parquet", ("o.parquet",)),
    Case("convert to CSV.zst", "convert t.bin o.csv.zst", ("o.csv.zst",)),
    Case("convert to npy", "convert t.parquet o.npy", ("o.npy",)),
    Case("convert to oracleGeneral", "convert t.csv o.bin", ("o.bin",)),
    Case("convert to stdout", "convert t.npy -"),
    Case("profile", "profile x.pages -o o --compressor lz4 --json o.json", ("o", "o.json")),
    Case("profile, fresh", "profile x.pages -o o --compressor lz4 --fresh", ONE),
    Case("compressors", "compressors --json o", ONE),
    Case("compressors, pages", "compressors --pages x.pages --compressor lz4 --json o", ONE),
    Case("compressors, train", "compressors --pages x.pages --train-dict o --dict-size 4096", ONE),
    Case("validate", "validate --pages x.pages --json o", code=1),
]
SLOW_CASES = [
    Case("compare, workers", "compare t.csv --contents x.pages --processes 2 --dram 30% --dram 60% --json o", ONE),
    Case("demo", "demo --trace t.csv --json o", ONE),
]
"""Cases that take seconds; only some of their operations fail."""


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """Make the inputs in `folder`, which is the working folder of the block; temporary files are in it too."""
    from zswapsim import make_profile, read_contents, read_trace, write_trace
    from zswapsim.cli import demo
    from zswapsim.compressors import train_dictionary
    from zswapsim.kernel import zram
    from zswapsim.traces.contents import write_pages

    before = os.getcwd(), tempfile.tempdir, zram.CONTROL, demo.DOCUMENTS
    demo.DOCUMENTS = 10
    zram.CONTROL = Path("/nowhere")  # no device of this machine is touched
    os.chdir(folder)
    for name in ("t.csv", "t.csv.zst", "t.bin", "t.parquet", "t.npy"):
        write_trace(read_trace(TRACE), name)
    contents = read_contents("recipe:mix,pages=64")
    write_pages("x.pages", contents.images)
    Path("d").write_bytes(train_dictionary(contents.images, 4096))
    make_profile(read_contents("x.pages"), ["lz4"], "p", threads=1)
    Path("tmp").mkdir()
    tempfile.tempdir = str(folder / "tmp")
    try:
        yield
    finally:
        os.chdir(before[0])
        tempfile.tempdir, zram.CONTROL, demo.DOCUMENTS = before[1:]


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def ended(arguments: list[str]) -> Ended:
    """Run a command in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = called(*arguments)
    return Ended(code, out.buffer.getvalue().decode(), err.getvalue())


class Sweep:
    """Run one case again and again, with another operation failing each time."""

    def __init__(self, case: Case, pid: int) -> None:
        self.case = case
        self.arguments = [str(pid) if argument == "PID" else argument for argument in case.arguments.split()]
        self.before = listing()
        count = Fault()
        self.usual = self.run(count)
        assert self.usual.code == case.code, self.usual
        self.points = count.count
        """The number of operations."""
        self.clean()
        self.descriptors = descriptors()

    def run(self, fault: Callable[[str, str], int | None] | None = None) -> Ended:
        """Run the command, perhaps with a fault, from nothing kept."""
        from zswapsim.files.operation import watched
        from zswapsim.study.profile.make import cpu_name

        cpu_name.cache_clear()
        with watched(fault) if fault else contextlib.nullcontext():
            return ended(self.arguments)

    def check(self, at: int, kind: str, *, again: bool = True) -> str:
        """Let operation `at` fail, and with `again` the same call then not. Return what is wrong, or nothing."""
        with failing(at, kind) as fault:
            done = self.run()
        wrong = [f"{fault}: {done}: {each}" for each in self.wrong(done, fault)]
        self.clean()
        if again:
            wrong += self.wrong_again(fault)
        return "\n".join(wrong)

    def wrong_again(self, fault: Fault) -> Iterator[str]:
        """Run the command without a fault, and yield what is wrong after that."""
        done = self.run()
        self.clean()
        if done.code != self.usual.code:
            yield f"{fault}: the same call then ended so: {done}"
        if listing() - self.before:
            yield f"{fault}: left for good: {listing() - self.before}"

    def wrong(self, done: Ended, fault: Fault) -> Iterator[str]:
        """Yield everything that is wrong after a failure."""
        lines = [line for line in done.err.splitlines() if line not in self.usual.err.splitlines()]
        if done.code == self.usual.code and not lines:
            pass
        elif done.code not in (1, 2) or len(lines) != 1 or not lines[0].startswith("zswapsim: "):
            yield "expected exit 1 or 2 and one line"
        elif "internal error" in done.err or "None" in done.err or "standard output" in done.err:
            yield "the line blames the wrong thing"
        elif fault.kind == MEMORY and "memory" not in done.err:
            yield "the line does not say that memory is lacking"
        yield from self.left(fault)

    def left(self, fault: Fault) -> Iterator[str]:
        """Yield what a failed command left behind."""
        removing = fault.happened and fault.seen[fault.at - 1][0] in ("unlink", "rmdir", "list")
        for name in sorted(listing() - self.before):
            if name in self.case.outputs:
                if not whole(Path(name)):
                    yield f"{name} is not whole"
            elif name.endswith(".part") and Path(name).stat().st_size > JOURNAL_BYTES:
                continue  # what was measured is kept for the next call, which goes on from there
            elif not (removing and (".zswapsim-" in name or "tmp/zswapsim-" in name)):
                yield f"{name} was left"
        if not settled(lambda: descriptors() <= self.descriptors):
            yield f"descriptors: {descriptors() - self.descriptors}"
        if not settled(lambda: not children()):
            yield f"children: {children()}"

    def clean(self) -> None:
        """Remove the outputs."""
        for name in self.case.outputs:
            Path(name).unlink(missing_ok=True)


def listing() -> set[str]:
    """Return every file of the working folder and below."""
    return {str(path) for path in Path().rglob("*")}


def whole(path: Path) -> bool:
    """Return True if a file can be read to its end."""
    from zswapsim import read_profile, read_trace

    if path.suffix in (".parquet", ".zst", ".npy", ".bin"):
        return sum(len(chunk.page) for chunk in read_trace(path).chunks()) == 400
    data = path.read_bytes()
    if data.startswith((b"{", b"[")):
        return json.loads(data) is not None
    if data.startswith(b"PAR1"):
        return len(read_profile(path).columns) == 1
    return bool(data) if path.suffix != ".pages" else len(data) % 4096 == 0


def descriptors() -> set[str]:
    """Return what this process has open."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return {each for each in found if not each.partition(" ")[2].startswith("/proc/")}


def children() -> list[str]:
    """Return the programs that this one has started, except the one that is captured."""
    ours = ("sleep", "resource_tracker")  # what is captured, and what multiprocessing keeps until this process ends
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(" ".join(child.cmdline()))
    return [line for line in found if not any(name in line for name in ours)]


def settled(good: Callable[[], bool]) -> bool:
    """Wait until something is so, as threads that read ahead need a moment to end."""
    if good():
        return True
    gc.collect()
    return any(good() or time.sleep(PAUSE_S) for _ in range(TRIES))


def sweep(case: Case, pid: int, every: bool = True) -> tuple[int, list[str]]:
    """Let every operation of a case fail, in one way or `every`. Return their number, and what was wrong."""
    most = MOST_SLOW if case in SLOW_CASES else 1 << 30
    swept = Sweep(case, pid)
    wrong = []
    for at in range(1, swept.points + 1, -(-swept.points // most)):
        for kind in KINDS if every else [KINDS[at % len(KINDS)]]:
            said = swept.check(at, kind)
            if said:
                wrong.append(said)
    return swept.points, wrong


@contextmanager
def program() -> Iterator[int]:
    """Start a program whose pages are captured, and yield its number."""
    with subprocess.Popen(["sleep", "100000"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def main(arguments: list[str]) -> int:
    """Sweep all cases, or those whose names begin with one of the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("commands", nargs="*")
    asked = parser.parse_args(arguments)
    bad = total = 0
    with tempfile.TemporaryDirectory() as folder, program() as pid, prepared(Path(folder)):
        for case in CASES + SLOW_CASES:
            if asked.commands and not case.name.startswith(tuple(asked.commands)):
                continue
            points, wrong = sweep(case, pid, asked.all)
            total, bad = total + points, bad + len(wrong)
            print(f"{case.name:28} {points:5} points, {len(wrong)} unclean", *wrong, sep="\n    ", flush=True)  # noqa: T201
    print(f"{'all':28} {total:5} points, {bad} unclean")  # noqa: T201
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
