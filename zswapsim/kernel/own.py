"""Make devices, swap and groups for as long as a `with` block lasts; the guard makes and removes them."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.kernel.guard import Keeper
from zswapsim.kernel.zram import DEV

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

    Raises ZswapsimError, in one line, if the kernel refuses a request or can't remove an object.
    """

    def __init__(self) -> None:
        self.keeper = Keeper()
        """The objects that the guard has made: if it is killed, this program undoes them."""

    def __enter__(self) -> Self:
        self.guard = subprocess.Popen(
            [sys.executable, "-m", "zswapsim.kernel.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        last, _ = self.guard.communicate()
        if not last.strip().split("\n")[-1].startswith(("done", "left ")):  # the guard itself was killed
            last = "left " + "; ".join(left) if (left := self.keeper.undo()) else "done"
        if kind is None and last.split() != ["done"]:
            raise ZswapsimError(f"not everything could be removed: {last.removeprefix('left ').strip()}")

    def device(self) -> Device:
        """Add a zram device."""
        number, file = self._ask("device").split(maxsplit=1)
        self.keeper.keep_device(int(number))
        if Path(file).parent != DEV:
            self.keeper.keep_folder(Path(file).parent)
        return Device(int(number), Path(file))

    def swap_on(self, device: Device, size: int) -> None:
        """Use a device that is set up with `size` bytes as swap."""
        self._ask("swap", str(device.file), str(size))
        self.keeper.keep_swap(device.file)

    def swap_off(self, device: Device) -> None:
        """Stop using a device as swap."""
        self._undo_one(f"swap on {device.file}")

    def group(self) -> Path:
        """Make a memory-limited group."""
        path = Path(self._ask("group", f"zswapsim-{os.getpid()}-{next(numbers)}"))
        self.keeper.keep_group(path)
        return path

    def remove_group(self, group: Path) -> None:
        """Remove a group and kill its processes."""
        self._undo_one(str(group))

    def _undo_one(self, name: str) -> None:
        self._ask("undo_one", name)
        del self.keeper.undone[name]

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
