"""Kill every long command at many moments, and look at what it leaves: ``python tests/storm.py`` (``make storm``).

Each kill has a moment, one or two signals, and a target (the process alone, or its group as Ctrl-C has it), all drawn
from the seed. Afterwards the exit code is that of the first signal, stderr holds no traceback, no process of the
command lives, and neither TMPDIR nor the output's folder holds anything but an output that is whole. What SIGKILL
leaves must be gone after the next start. A command that is repeated, or a profile that is resumed, ends as if nothing
had happened.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TRACE = "gen:zipf,pages=2000,events=200000,alpha=0.9,writes=0.3,seed=1"
CONTENTS = "recipe:mix,pages=600"
SETTINGS = ("--contents", CONTENTS, "--dram", "40%", "--compressor", "zstd:level=3")
TWO_ROWS = ("--dram", "60%", "--depth", "bytes")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
COMMANDS = {
    "run": ["run", TRACE, *SETTINGS, "--json", "OUT.json"],
    "compare": ["compare", TRACE, *SETTINGS, *TWO_ROWS, "--processes", 2, "--json", "OUT.json"],
    "profile": ["profile", "recipe:mix,pages=2500", "-o", "OUT.parquet", "--compressor", "zstd:level=9"],
    "curve": ["curve", TRACE, "--reclaim", "mglru", "--json", "OUT.json"],
    "plan": ["plan", TRACE, "--contents", CONTENTS, "--compressor", "lz4", "--dram", "40%", "--json", "OUT.json"],
    "convert": ["convert", TRACE, "OUT.parquet"],
    "capture": ["capture", "PID", "-o", "OUT.pages"],
    "train-dict": ["compressors", "--pages", CONTENTS, "--train-dict", "OUT.dict"],
    "demo": ["demo", "--trace", "gen:uniform,pages=100,events=20000", "--json", "OUT.json"],
    "cram": ["cram", "--physical", "4MiB", "--json", "OUT.json"],
    "audit": ["audit", "--json", "OUT.json"],
}
TIMED = {"times_ns", "modelled_ns", "fault_latency_ns", "timeline"}
PATIENCE_S = 10.0
EARLY = "before the command had taken the signals over"


class Kill(NamedTuple):
    """Hold when to send which signals to whom: `moments` are shares of the command's usual time."""

    moments: tuple[float, ...]
    signals: tuple[signal.Signals, ...]
    whole_group: bool

    @classmethod
    def drawn(cls, seed: str) -> "Kill":
        chance = random.Random(seed)
        count = chance.choice((1, 2))
        first = chance.uniform(0, 1.05)
        moments = (first, first + chance.choice((0.0, chance.uniform(0, 0.02), chance.uniform(0, 0.2))))[:count]
        return cls(moments, tuple(chance.choices(SIGNALS, k=count)), chance.random() < 0.5)

    def codes(self) -> set[int]:
        """Return the exit codes that tell of a signal; the program may have been done before.

        Of two that wait at the same time, Python takes the one with the lower number first.
        """
        ours = {signal.SIGINT: {130}, signal.SIGTERM: {143, -15}, signal.SIGHUP: {129, -1}, signal.SIGKILL: {-9}}
        return {0}.union(*(ours[sent] for sent in self.signals))


class Place:
    """Hold the folders of one command line: its working folder, where its output appears, and its TMPDIR."""

    def __init__(self, root: Path, words: list[object], pid: int) -> None:
        self.work, self.temporary = root / "work", root / "temporary"
        for folder in (self.work, self.temporary):
            folder.mkdir(parents=True)
        self.words = [str(pid) if word == "PID" else str(word) for word in words]
        self.output = next(word for word in self.words if word.startswith("OUT."))

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "zswapsim", *self.words, "--quiet"],
            cwd=self.work,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def left(self) -> list[str]:
        """Return what is there besides a whole output; for a profile, its journal is meant to stay."""
        meant = {self.output, f"{self.output}.part"}
        return sorted({entry.name for entry in (*self.work.iterdir(), *self.temporary.iterdir())} - meant)


def living(session: int) -> list[int]:
    """Return the processes of a session, without those that wait to be reaped."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def handles_signals(pid: int) -> bool:
    """Tell if the command has taken SIGTERM over; before that, Python itself answers Ctrl-C."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    ignored = next((line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")), "0")
    return bool((int(caught, 16) | int(ignored, 16)) >> (signal.SIGTERM - 1) & 1)


def strike(place: Place, kill: Kill, usual: float) -> Iterator[str]:
    """Start the command, kill it, and yield what is wrong with what it leaves, but for files."""
    process = place.start()
    began, early = time.monotonic(), False
    for number, (moment, sent) in enumerate(zip(kill.moments, kill.signals, strict=True)):
        time.sleep(max(0.0, began + moment * usual - time.monotonic()))
        early |= number == 0 and not handles_signals(process.pid)
        try:
            (os.killpg if kill.whole_group else os.kill)(process.pid, sent)
        except ProcessLookupError:
            break
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        yield "it hangs"
        return
    code = process.returncode
    if early and (code in {-int(each) for each in kill.signals} or "KeyboardInterrupt" in err):
        yield EARLY
        return
    if code not in kill.codes():
        yield f"exit code {code}"
    if "Traceback" in err or any(not line.startswith("zswapsim: ") for line in err.splitlines()):
        yield f"stderr: {err[-600:]!r}"
    if out.strip() and "interrupted" not in out:
        yield f"stdout: {out[-200:]!r}"
    deadline = time.monotonic() + PATIENCE_S
    while (alive := living(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if alive:
        yield f"processes live: {alive}"
        os.killpg(process.pid, signal.SIGKILL)


def plain(path: Path) -> object:
    """Return what must be the same in every run: bytes, or a document without times."""
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_bytes()))
    if path.name == "OUT.parquet" and path.stat().st_size:
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        return {name: _lengths(table.column(name).to_pylist()) for name in table.column_names}
    return path.stat().st_size if path.suffix == ".pages" else path.read_bytes()


def _lengths(values: list) -> list:
    return [value["size"] if isinstance(value, dict) else value for value in values]


def _without_times(value: object) -> object:
    if isinstance(value, list):
        return [_without_times(each) for each in value]
    if isinstance(value, dict):
        if "points" in value:  # of a plan: its figures hold measured times
            return sorted(value)
        return {key: _without_times(each) for key, each in value.items() if key not in TIMED}
    return value


class Storm:
    """Kill one command many times."""

    def __init__(self, name: str, root: Path, seed: int, pid: int) -> None:
        self.name, self.root, self.seed, self.pid = name, root, seed, pid
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        place = self.place("usual")
        self.complete(place)
        began = time.monotonic()
        self.complete(self.place("again"))
        self.usual = time.monotonic() - began
        self.reference = plain(place.work / place.output)

    def place(self, name: str) -> Place:
        return Place(self.root / self.name / name, COMMANDS[self.name], self.pid)

    def complete(self, place: Place) -> str:
        """Run the command to its end, and return what is wrong with that."""
        process = place.start()
        _, err = process.communicate(timeout=300)
        return "" if process.returncode == 0 else f"the next start: exit {process.returncode}: {err[-300:]!r}"

    def kill(self, number: int) -> None:
        kill = Kill.drawn(f"{self.seed}:{self.name}:{number}")
        place = self.place(str(number))
        found = list(strike(place, kill, self.usual))
        if found == [EARLY]:
            found = []
            self.counts[EARLY] += 1
        killed = signal.SIGKILL in kill.signals
        if place.left() and not killed:
            found.append(f"left: {place.left()}")
        if place.left() and killed:
            self.counts["left by SIGKILL, until the next start"] += 1
        if killed or number % 8 == 0 or self.name == "profile":
            found += self.repeated(place)
        self.counts["kills"] += 1
        self.wrong += [f"{self.name} {number} {kill}: {each}" for each in found]
        shutil.rmtree(place.work.parent)

    def repeated(self, place: Place) -> list[str]:
        """Start the command once more, and return what is wrong then."""
        self.counts["repeated or resumed"] += 1
        failed = self.complete(place)
        if failed:
            return [failed]
        found = [] if plain(place.work / place.output) == self.reference else ["another result after the next start"]
        there = place.left() + [name for name in os.listdir(place.work) if name.endswith(".part")]
        return found + ([f"left after the next start: {there}"] if there else [])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the storms, print their figures, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="kills of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(COMMANDS)}; all by default")
    asked = parser.parse_args()
    for number in SIGNALS[:3]:  # a background job, or one under nohup, would pass on that it ignores them
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    failed = 0
    program = [sys.executable, "-c", "import sys; kept = bytes(range(256)) * 8192; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as captured:
        captured.stdout.readline()
        for name in asked.commands or COMMANDS:
            with tempfile.TemporaryDirectory(prefix="storm-") as root:
                storm = Storm(name, Path(root), asked.seed, captured.pid)
                for number in range(asked.kills):
                    storm.kill(number)
            counted = ", ".join(f"{count} {what}" for what, count in storm.counts.items())
            say(f"{name}: {storm.usual:.2f} s; {counted}; {len(storm.wrong)} unclean")
            for line in storm.wrong:
                say(f"  {line}")
            failed += len(storm.wrong)
        captured.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
