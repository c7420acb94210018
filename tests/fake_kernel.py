"""Stand in for the kernel's zram devices, swap and groups, and let a run be killed at any step."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zswapsim.files import shared
from zswapsim.kernel import groups, record, swap, zram
from zswapsim.kernel.guard import Keeper
from zswapsim.kernel.record import Record


class Killed(BaseException):
    """SIGKILL: nothing that follows is done."""


class FakeKernel:
    """Hold devices, swap spaces and groups. A step is a call that changes one of them, or a line of a record."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.steps = 0
        self.killed_at: int | None = None
        self.sequence = itertools.count(100)
        self.swaps: dict[str, str] = {}
        self.busy: set[int] = set()
        for folder in ("block", "dev", "groups"):
            (root / folder).mkdir()
        (root / "boot").write_text("this-boot\n")
        patch.setattr(shared, "RUN", root / "run")
        patch.setattr(record, "BOOT_ID", root / "boot")
        patch.setattr(zram, "BLOCK", root / "block")
        patch.setattr(zram, "find_node", lambda number: root / "dev" / f"zram{number}")
        patch.setattr(groups, "find", lambda: groups.Hierarchy(root / "groups", 2))
        patch.setattr(zram, "hot_add", self._step(self.add))
        patch.setattr(zram, "hot_remove", self._step(self.remove))
        patch.setattr(swap, "diskseq", lambda path: zram.diskseq(int(path.name.removeprefix("zram"))))
        patch.setattr(swap, "read_uuid", lambda path: path.read_text() or None)
        patch.setattr(swap, "switch_on", self._step(self.switch_on))
        patch.setattr(swap, "switch_off", self._step(self.switch_off))
        patch.setattr(Record, "_append", self._step(Record._append))
        self.add()  # another user's

    def _step(self, call: Callable) -> Callable:
        """Return `call` as a step, before or after which the run may be killed."""

        def step(*arguments: object) -> object:
            self._die()
            answer = call(*arguments)
            self._die()
            return answer

        return step

    def _die(self) -> None:
        self.steps += 1
        if self.steps == self.killed_at:
            raise Killed

    def add(self) -> int:
        number = next(number for number in itertools.count() if not zram.folder(number).exists())
        zram.folder(number).mkdir()
        (zram.folder(number) / "diskseq").write_text(f"{next(self.sequence)}\n")
        (zram.folder(number) / "disksize").write_text("0\n")
        (self.root / "dev" / f"zram{number}").touch()
        return number

    def remove(self, number: int) -> None:
        if number in self.busy or str(self.file(number)) in self.swaps:
            raise OSError(16, os.strerror(16))
        self.forget(number)

    def forget(self, number: int) -> None:
        for entry in zram.folder(number).iterdir():
            entry.unlink()
        zram.folder(number).rmdir()
        self.file(number).unlink()

    def switch_on(self, path: Path, _size: int, uuid: str) -> None:
        path.write_text(uuid)
        self.swaps[str(path)] = uuid

    def switch_off(self, path: Path) -> None:
        if self.swaps.pop(str(path), None) is None:
            raise OSError(22, os.strerror(22))

    def file(self, number: int) -> Path:
        return self.root / "dev" / f"zram{number}"

    def objects(self) -> set[str]:
        """Return the names of all devices, swap spaces and groups."""
        made = {f"group {group.name}" for group in (self.root / "groups").iterdir()}
        return {
            *made,
            *(f"zram{number}" for number in zram.numbers()),
            *(f"swap on {Path(file).name}" for file in self.swaps),
        }

    def records(self) -> list[str]:
        return sorted(path.name for path in shared.RUN.glob("*.record"))

    def run(self, killed_at: int | None = None) -> Record:
        """Make a device, swap on it and a group, as a run does; a killed run undoes nothing. Return its record."""
        self.killed_at, self.steps = killed_at, 0
        made = Record.new()
        try:
            keeper = Keeper(made)
            _, file = keeper.device().split()
            keeper.swap(file, "4096")
            keeper.group(f"zswapsim-{made.token}-0")
        except Killed:
            pass
        self.killed_at = None
        return made


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    return FakeKernel(tmp_path, monkeypatch)
