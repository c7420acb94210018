"""The process that makes devices, swap and groups, and takes them away when whoever asked for them is gone.

It is a program of its own (``python -m zswapsim.kernel.guard``) in a session of its own, so that no signal from a
terminal reaches it. Requests come in on its standard input, a line each; when that ends, because the program at the
other end is done or was killed, everything is undone in reverse order. Standard library only.

=====================  =====================================================================
request                answer, after ``ok``
=====================  =====================================================================
``device``             number and file of a zram device, hot-added
``swap FILE SIZE``     nothing; the device is used as swap, before all others
``group NAME``         folder of a memory-limited group
``undo_one NAME``      nothing; a group by its folder, or ``swap on FILE``, is undone now
=====================  =====================================================================

What fails is answered with ``error`` and one line. What can't be undone is told in the last answer, ``left``.
"""

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from zswapsim.kernel import groups, swap, zram

Undo = Callable[[], None]


class Keeper:
    """What was made, and how it is undone: last made, first undone."""

    def __init__(self) -> None:
        self.undone: dict[str, Undo] = {}

    def device(self) -> str:
        """Add a device and find or make its file."""
        number = zram.hot_add()
        self.keep_device(number)
        file = zram.find_node(number)
        if file is None:
            into = Path(tempfile.mkdtemp(prefix="zswapsim-"))
            self.keep_folder(into)
            file = zram.make_node(number, into)
        return f"{number} {file}"

    def swap(self, file: str, size: str) -> str:
        """Use the device as swap."""
        path = Path(file)
        swap.switch_on(path, int(size))
        self.keep_swap(path)
        return ""

    def group(self, name: str) -> str:
        """Make a group."""
        path = groups.create(name)
        self.keep_group(path)
        return str(path)

    def keep_device(self, number: int) -> None:
        """Have a device removed in the end."""
        self.undone[f"/sys/block/zram{number}"] = lambda: zram.hot_remove(number)

    def keep_folder(self, into: Path) -> None:
        """Have a folder of device files removed in the end."""
        self.undone[str(into)] = lambda: _clear(into)

    def keep_swap(self, path: Path) -> None:
        """Have it no longer used as swap in the end."""
        self.undone[f"swap on {path}"] = lambda: swap.switch_off(path)

    def keep_group(self, path: Path) -> None:
        """Have a group removed in the end, and everybody in it killed."""
        self.undone[str(path)] = lambda: groups.remove(path)

    def undo_one(self, name: str) -> str:
        """Undo what has this name; undoing the rest will not try it again, unless this fails."""
        self.undone[name]()
        del self.undone[name]
        return ""

    def undo(self) -> list[str]:
        """Undo all of it, whatever fails on the way; what is left and why."""
        left = []
        for name, step in reversed(self.undone.items()):
            try:
                step()
            except OSError as error:
                left.append(f"{name}: {error.strerror or error}")
        self.undone.clear()
        return left


def _clear(into: Path) -> None:
    for entry in into.iterdir():
        entry.unlink()
    into.rmdir()


def answer(keeper: Keeper, line: str) -> str:
    """Do what a line asks for and say what came of it."""
    verb, *arguments = json.loads(line)
    try:
        return f"ok {getattr(keeper, verb)(*arguments)}"
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"error {where}{error.strerror or error}"


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer until there is nobody who asks, then undo everything."""
    keeper = Keeper()
    try:
        for line in requests:
            print(answer(keeper, line), file=answers, flush=True)
    finally:
        left = keeper.undo()
        with contextlib.suppress(OSError):  # nobody may be there to hear it
            print("left " + "; ".join(left) if left else "done", file=answers, flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    serve(sys.stdin, sys.stdout)
