"""Make devices, swap and groups, and remove them when the program that asked for them is gone.

The guard is a process of its own (``python -m zswapsim.kernel.guard RECORD DESCRIPTOR``) in a session of its own, so
that no signal from a terminal reaches it. It reads requests from its standard input, a line each. When that ends,
because the program at the other end has finished or was killed, it undoes everything in reverse order. It records an
object before it makes it, so that the next run finds it if the guard is killed too (:mod:`zswapsim.kernel.record`).
Standard library only.

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
from typing import IO, Any

from zswapsim.files.operation import reason
from zswapsim.files.system import make_folder
from zswapsim.files.temporary import HeldFolder
from zswapsim.kernel import groups, swap, zram
from zswapsim.kernel.record import Record

Undo = Callable[[], None]
ADDING = "a zram device that is being added"


class Keeper:
    """Hold the objects that were made and how to undo them, the last one first."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.undone: dict[str, Undo] = {}

    def device(self) -> str:
        """Add a device and find or make its file."""
        number = self._add_device()
        file = zram.find_node(number)
        if file is None:
            held = HeldFolder()  # the next run removes it, if this one cannot
            self.undone[str(held.path)] = held.remove
            file = zram.make_node(number, held.path)
        return f"{number} {file}"

    def _add_device(self) -> int:
        """Add a device; its number is known only then."""
        self.record.make(ADDING, kind="adding", before=zram.numbers())
        try:
            number = zram.hot_add()
        except OSError:
            self.record.gone(ADDING)
            raise
        name = f"/sys/block/zram{number}"
        self.undone[name] = lambda: zram.hot_remove(number)
        self.record.replace(ADDING, name, kind="device", number=number, diskseq=zram.diskseq(number))
        return number

    def swap(self, file: str, size: str) -> str:
        """Use the device as swap."""
        path, uuid = Path(file), os.urandom(16).hex()
        facts = {"kind": "swap", "file": file, "uuid": uuid, "diskseq": swap.diskseq(path)}
        self._make(
            f"swap on {path}",
            lambda: swap.switch_on(path, int(size), uuid),
            lambda: swap.switch_off(path),
            **facts,
        )
        return ""

    def group(self, name: str) -> str:
        """Make a group."""
        path = groups.place(name)
        self._make(str(path), lambda: make_folder(path), lambda: groups.remove(path), kind="group")
        return str(path)

    def _make(self, name: str, step: Undo, undo: Undo, **facts: Any) -> None:
        """Record an object, make it, and remember how to undo it. Raises OSError if it was not made."""
        self.record.make(name, **facts)
        try:
            step()
        except OSError:
            self.record.gone(name)
            raise
        self.undone[name] = undo

    def undo_one(self, name: str) -> str:
        """Undo the object of this name. It is not tried again in the end, unless this fails."""
        self.undone[name]()
        self.record.gone(name)
        del self.undone[name]
        return ""

    def undo(self) -> list[str]:
        """Undo everything, even if some of it fails. Return what is left and why; the record keeps that."""
        left = []
        for name, step in reversed(self.undone.items()):
            try:
                step()
            except OSError as error:
                left.append(f"{name}: {reason(error)}")
            else:
                self.record.gone(name)
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


def serve(requests: IO[str], answers: IO[str], keeper: Keeper) -> None:
    """Answer until the requests end, then undo everything."""
    try:
        for line in requests:
            print(answer(keeper, line), file=answers, flush=True)
    finally:
        left = keeper.undo()
        with contextlib.suppress(OSError):  # the run folder may be gone
            keeper.record.close()
        with contextlib.suppress(OSError):  # the reader may be gone
            print("left " + "; ".join(left) if left else "done", file=answers, flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    serve(sys.stdin, sys.stdout, Keeper(Record.inherited(sys.argv[1], int(sys.argv[2]))))
