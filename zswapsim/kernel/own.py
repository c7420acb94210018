"""Make devices, swap and groups for as long as a `with` block lasts; the guard makes and removes them."""

import itertools
import json
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.leftovers import remove_dead_folders
from zswapsim.files.temporary import temporary_root
from zswapsim.kernel.leftovers import Cleared, clear_leftovers, clear_record
from zswapsim.kernel.record import Record
from zswapsim.kernel.sole import lock_swap
from zswapsim.signals import held
from zswapsim.starting import start_process

ROOT = Path(__file__).parents[2]
numbers = itertools.count()


def environment() -> dict[str, str]:
    """Return the environment of a child that is to find this very package."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


class Device(NamedTuple):
    """A zram device that this program made."""

    number: int
    file: Path


class Own:
    """The kernel objects of this program. They are removed when the block ends, or if the program is killed.

    What dead runs left is removed first; `cleared` says what. `swap` is needed by :meth:`swap_on`, and only one program
    at a time may have it. Raises ZswapsimError, in one line, if another has it, if the kernel refuses a request or
    can't remove an object, and OSError.
    """

    def __init__(self, *, swap: bool = False) -> None:
        self.swap = swap
        self.cleared = Cleared([], [])

    def __enter__(self) -> Self:
        with held(), ExitStack() as undo:  # if one of these steps fails
            locks = [undo.enter_context(lock_swap())] if self.swap else []
            self.cleared = clear_leftovers()
            self.record = Record.new()
            undo.callback(self._close_record)
            self.guard: subprocess.Popen[str] = start_process(
                [sys.executable, "-m", "zswapsim.kernel.guard", self.record.name, str(self.record.file.fileno())],
                "the guard",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
                text=True,
                start_new_session=True,
                # The guard holds the locks too, for as long as it has something to remove.
                pass_fds=[file.fileno() for file in (self.record.file, *locks)],
            )
            self._closing = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with held(), self._closing:
            said = self._undo()
        if kind is None and said != "done":
            raise ZswapsimError(f"not everything could be removed: {said.removeprefix('left ')}")

    def _undo(self) -> str:
        """Wait until the guard has undone everything, and return its last answer."""
        last, _ = self.guard.communicate()
        said = str(last).strip().split("\n")[-1]
        if said.startswith(("done", "left ")):
            return said
        clear_record(self.record, left := Cleared([], []), sure=True)  # the guard itself was killed
        remove_dead_folders(temporary_root())
        return "left " + "; ".join(left.left) if left.left else "done"

    def _close_record(self) -> None:
        with suppress(OSError):  # the run folder may be gone
            self.record.close()

    def device(self) -> Device:
        """Add a zram device."""
        number, file = self._ask("device").split(maxsplit=1)
        return Device(int(number), Path(file))

    def swap_on(self, device: Device, size: int) -> None:
        """Use a device that is set up with `size` bytes as swap."""
        assert self.swap, "only a program that holds the lock may swap"
        self._ask("swap", str(device.file), str(size))

    def swap_off(self, device: Device) -> None:
        """Stop using a device as swap."""
        self._ask("undo_one", f"swap on {device.file}")

    def group(self) -> Path:
        """Make a memory-limited group."""
        return Path(self._ask("group", f"zswapsim-{self.record.token}-{next(numbers)}"))

    def remove_group(self, group: Path) -> None:
        """Remove a group and kill its processes."""
        self._ask("undo_one", str(group))

    def _ask(self, *request: str) -> str:
        assert self.guard.stdin is not None
        assert self.guard.stdout is not None
        try:
            self.guard.stdin.write(json.dumps(request) + "\n")
            self.guard.stdin.flush()
            word, _, said = self.guard.stdout.readline().rstrip("\n").partition(" ")
        except BrokenPipeError:
            word, said = "", ""
        if word != "ok":
            raise ZswapsimError(f"{request[0]}: {said or 'the guard has ended'}")
        return said
