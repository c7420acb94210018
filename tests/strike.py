"""Interrupt commands in this process at exact moments: ``python tests/strike.py COUNT [COMMAND ...]``.

A moment is the n-th call or return of a function, or the n-th operation that Python audits (every file that is opened
or removed, every import, every child). One signal is sent there, and a second one a few operations later, while the
command ends. So the same moments come in every run. What is wrong is printed, a line each.
"""

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storm import COMMANDS, CONTENTS

from zswapsim.cli import main

SMALL = "gen:zipf,pages=200,events=4000,alpha=0.9,writes=0.3,seed=1"
SMALLER = {"OUT.json": "OUT.json", "recipe:mix,pages=2500": "recipe:mix,pages=300", CONTENTS: "recipe:mix,pages=100"}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
ENDED: Counter[int] = Counter()
PAIRS = [(first, second) for first in CODES for second in CODES]


def taken_over() -> bool:
    """Tell if the command has taken the signals over; in a process of its own, nothing is made before that."""
    return signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


class Audit:
    """Send signals at the n-th audited operations; a hook stays for good, so there is one."""

    def __init__(self) -> None:
        self.on, self.count = False, 0
        self.moments: dict[int, int] = {}
        sys.addaudithook(self.happens)

    def happens(self, _event: str, _arguments: object) -> None:
        if self.on and taken_over():
            self.count += 1
            if self.count in self.moments:
                signal.raise_signal(self.moments.pop(self.count))

    @contextmanager
    def striking(self, moments: dict[int, int]) -> Iterator[None]:
        self.count, self.moments, self.on = 0, moments, True
        try:
            yield
        finally:
            self.on = False


class Calls:
    """Send one signal at the n-th call or return; the second one comes `later` audited operations after it."""

    def __init__(self, audit: Audit, moment: int, signals: tuple[int, int], later: int) -> None:
        self.audit, self.moment, self.signals, self.later, self.count = audit, moment, signals, later, 0

    def __call__(self, _frame: object, _event: str, _argument: object) -> None:
        self.count += taken_over()
        if self.count == self.moment:
            self.moment = -1
            self.audit.moments = {self.audit.count + self.later: self.signals[1]}
            signal.raise_signal(self.signals[0])


def words_of(name: str, pid: int) -> list[str]:
    """Return the words of a command with small inputs."""
    words = [str(word) for word in COMMANDS[name]]
    small = [SMALL if word.startswith("gen:zipf") else SMALLER.get(word, word) for word in words]
    return [*(str(pid) if word == "PID" else word for word in small), "--quiet"]


@contextmanager
def caught(folder: Path) -> Iterator[Callable[[], str]]:
    """Catch what is written to stderr, by anybody; yield a function that returns it."""
    path = folder / "stderr"
    kept = os.dup(2)
    with path.open("w") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield path.read_text
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def children() -> list[str]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += (task / "children").read_text().split()
    return found


def once(words: list[str], run: Callable[[], int], allowed: set[int]) -> Iterator[str]:
    """Run a command in folders of its own, and yield what is wrong afterwards."""
    with tempfile.TemporaryDirectory(prefix="strike-") as root:
        work, temporary = Path(root, "work"), Path(root, "temporary")
        work.mkdir()
        temporary.mkdir()
        os.chdir(work)
        tempfile.tempdir = str(temporary)
        opened = len(os.listdir("/proc/self/fd"))
        with caught(Path(root)) as said:
            code = run()
            lines = said().splitlines()
        tempfile.tempdir = None
        os.chdir("/")
        meant = {word for word in words if word.startswith("OUT.")}
        left = {entry.name for entry in (*work.iterdir(), *temporary.iterdir())} - meant
        left -= {f"{name}.part" for name in meant}
        ENDED[code] += 1
        if code not in allowed:
            yield f"exit code {code}"
        if any(not line.startswith("zswapsim: ") for line in lines):
            yield f"stderr: {lines[-6:]}"
        if left:
            yield f"left: {sorted(left)}"
        if children():
            yield f"children: {children()}"
        if len(os.listdir("/proc/self/fd")) != opened:
            yield f"descriptors: {len(os.listdir('/proc/self/fd'))} instead of {opened}"


def strike(name: str, audit: Audit, count: int, pid: int) -> Iterator[str]:
    """Strike one command at `count` moments of each kind."""
    words = words_of(name, pid)

    def quietly() -> int:
        with audit.striking({}):
            return main(words)

    calls = Calls(audit, -1, (0, 0), 0)

    def counted() -> int:
        sys.setprofile(calls)
        try:
            return quietly()
        finally:
            sys.setprofile(None)

    yield from once(words, quietly, {0})  # modules are imported
    yield from once(words, counted, {0})
    operations, events = audit.count, calls.count
    for number in range(count):
        first, second = PAIRS[number % len(PAIRS)]
        moment = 1 + (operations - 1) * number // count
        later = moment + 1 + number % 5

        def audited(at: dict[int, int]) -> int:
            with audit.striking(at):
                return main(words)

        at = {moment: first, later: second}
        for wrong in once(words, lambda at=at: audited(at), {0, CODES[first]}):
            yield f"{name}: operation {moment} of {operations}, {first.name}, {second.name}: {wrong}"
        moment = 1 + (events - 1) * (2 * number + 1) // (2 * count)

        def called(profile: Calls) -> int:
            with audit.striking({}):
                sys.setprofile(profile)
                try:
                    return main(words)
                finally:
                    sys.setprofile(None)

        profile = Calls(audit, moment, (first, second), 1 + number % 5)
        for wrong in once(words, lambda profile=profile: called(profile), {0, CODES[first]}):
            yield f"{name}: call {moment} of {events}, {first.name}, {second.name}: {wrong}"


if __name__ == "__main__":
    auditing, all_wrong = Audit(), 0
    for each in sys.argv[2:] or [command for command in COMMANDS if command != "capture"]:
        ENDED.clear()
        wrongs = list(strike(each, auditing, int(sys.argv[1]), os.getppid()))
        codes = ", ".join(f"{count} ended with {code}" for code, count in sorted(ENDED.items()))
        sys.stdout.write("\n".join([f"{each}: {codes}; {len(wrongs)} unclean", *wrongs, ""]))
        sys.stdout.flush()
        all_wrong += len(wrongs)
    sys.exit(1 if all_wrong else 0)
