"""Make memory-limited groups of cgroups version 1 or 2, whichever has the memory controller. Standard library only."""

import contextlib
import os
import signal
from pathlib import Path
from typing import NamedTuple

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.found import exists
from zswapsim.files.system import may_write, read_text, remove_folder, write_text
from zswapsim.kernel.removal import until_gone

MOUNTS = Path("/proc/self/mounts")


class Hierarchy(NamedTuple):
    """The folder in which groups are made, and the version of their files."""

    root: Path
    version: int

    @property
    def limit_file(self) -> str:
        """Return the name of the file that sets the limit in bytes."""
        return "memory.limit_in_bytes" if self.version == 1 else "memory.max"


def find(mounts: str | None = None) -> Hierarchy | None:
    """Return the mounted hierarchy that has the memory controller, or None if there is none."""
    text = read_text(MOUNTS) if mounts is None else mounts
    for line in text.splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            return Hierarchy(Path(point), 1)
        if kind == "cgroup2" and _lists_memory(Path(point) / "cgroup.controllers"):
            return Hierarchy(Path(point), 2)
    return None


def _lists_memory(file: Path) -> bool:
    try:
        return "memory" in read_text(file).split()
    except OSError:
        return False


def missing() -> str | None:
    """Return why a group can't be made, or None if it can."""
    found = find()
    if found is None:
        return "no cgroup hierarchy with the memory controller is mounted"
    if found.version == 2 and not _lists_memory(found.root / "cgroup.subtree_control"):
        return f"the memory controller is not enabled for groups of {found.root} (cgroup.subtree_control)"
    if not may_write(found.root):
        return f"{found.root} cannot be written to (a container without privileges?)"
    return None


def place(name: str) -> Path:
    """Return where a group of this name is made: directly under the root. Raises OSError if there is no place."""
    found = find()
    if found is None:
        raise FileNotFoundError(2, missing())
    return found.root / name


def set_limit(group: Path, size: int) -> None:
    """Limit the memory of a group without processes. Raises OSError."""
    write_text(group / _files(group).limit_file, str(size))


def _files(group: Path) -> Hierarchy:
    return Hierarchy(group, 1 if exists(group / "memory.limit_in_bytes") else 2)


def kills(group: Path) -> int:
    """Return how many processes of the group the kernel has killed so far."""
    name = "memory.oom_control" if _files(group).version == 1 else "memory.events"
    fields = dict(line.split() for line in read_text(group / name).splitlines())
    return int(fields.get("oom_kill", 0))


def swapped(group: Path) -> tuple[int, int]:
    """Return the pages that the group has swapped out so far, with the zero map's, and those that are swapped out now.

    Version 1 counts them with all pages uncharged from the group; there are no others while no process of it frees
    memory. If version 2 has no count of swapped pages, all pages that it reclaimed were swapped out. Raises OSError.
    """
    stat = dict(line.split() for line in read_text(group / "memory.stat").splitlines())
    if _files(group).version == 1:
        return int(stat["pgpgout"]), int(stat["swap"]) // PAGE_SIZE
    out = int(read_text(group / "memory.swap.current")) // PAGE_SIZE
    if "pswpout" not in stat:
        return int(stat["pgsteal"]), out
    return int(stat["pswpout"]) + int(stat.get("swpout_zero", 0)), out


def remove(group: Path) -> None:
    """Kill the processes in the group and remove it. Raises OSError if one remains."""

    def step() -> None:
        for pid in read_text(group / "cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        remove_folder(group)

    until_gone(step, group)  # a killed process exits the group a moment later


def remove_empty(group: Path) -> None:
    """Remove a group as soon as its last process has ended. Raises OSError if one remains."""
    until_gone(lambda: remove_folder(group), group)
