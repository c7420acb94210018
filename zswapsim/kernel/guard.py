"""Make devices, swap and groups, and remove them when the program that asked for them is gone.

The guard is a process of its own (``python -m zswapsim.kernel.guard``) in a session of its own, so that no signal from
a terminal reaches it. It reads requests from its standard input, a line each. When that ends, because the program at
the other end has finished or was killed, it undoes everything in reverse order. Standard library only.

=====================  =====================================================================
request                answer, after ``ok``
=====================  =====================================================================
``device``             number and file of a zram device, hot-added
``swap FILE SIZE``     nothing; the device is used as swap, before all others
``group NAME``         folder of a memory-limited group
``undo_one NAME``      nothing; a group by its folder, or ``swap on FILE``, is undone now
=====================  =====================================================================

A failed request is answered with ``error`` and one line. The last answer, ``left``, names what can't be undone.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from zswapsim.files.leftovers import remove_tree
from zswapsim.files.operation import reason
from zswapsim.files.temporary import HeldFolder
from zswapsim.kernel import groups, swap, zram

Undo = Callable[[], None]


class Keeper:
    """Hold the objects that were made and how to undo them, the last one first."""

    def __init__(self) -> None:
        self.undone: dict[str, Undo] = {}

    def device(self) -> str:
        """Add a device and find or make its file."""
        number = zram.hot_add()
        self.keep_device(number)
        file = zram.find_node(number)
        if file is None:
            self.held = HeldFolder()
            self.keep_folder(self.held.path)
            file = zram.make_node(number, self.held.path)
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
        """Remember to remove a device in the end."""
        self.undone[f"/sys/block/zram{number}"] = lambda: zram.hot_remove(number)

    def keep_folder(self, into: Path) -> None:
        """Remember to remove a folder of device files in the end."""
        self.undone[str(into)] = lambda: remove_tree(into)

    def keep_swap(self, path: Path) -> None:
        """Remember to stop using the device as swap in the end."""
        self.undone[f"swap on {path}"] = lambda: swap.switch_off(path)

    def keep_group(self, path: Path) -> None:
        """Remember to remove a group in the end, and to kill its processes."""
        self.undone[str(path)] = lambda: groups.remove(path)

    def undo_one(self, name: str) -> str:
        """Undo the object of this name. It is not tried again in the end, unless this fails."""
        self.undone[name]()
        del self.undone[name]
        return ""

    def undo(self) -> list[str]:
        """Undo everything, even if some of it fails. Return what is left and why."""
        left = []
        for name, step in reversed(self.undone.items()):
            try:
                step()
            except OSError as error:
                left.append(f"{name}: {reason(error)}")
        self.undone.clear()
        return left


def answer(keeper: Keeper, line: str) -> str:
    """Do what a line asks for, and return the answer."""
    verb, *arguments = json.loads(line)
    try:
        return f"ok {getattr(keeper, verb)(*arguments)}"
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"error {where}{reason(error)}"


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer until the requests end, then undo everything."""
    keeper = Keeper()
    try:
        for line in requests:
            print(answer(keeper, line), file=answers, flush=True)
    finally:
        left = keeper.undo()
        with contextlib.suppress(OSError):  # the reader may be gone
            print("left " + "; ".join(left) if left else "done", file=answers, flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    serve(sys.stdin, sys.stdout)
