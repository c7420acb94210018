"""Memory-limited groups, version 1 or 2 of cgroups, whichever has the memory controller. Standard library only."""

import contextlib
import os
import signal
from pathlib import Path
from typing import NamedTuple

from zswapsim.hostpage import PAGE_BYTES
from zswapsim.kernel.removal import until_gone

MOUNTS = Path("/proc/self/mounts")


class Hierarchy(NamedTuple):
    """Where groups are made, and which version's files they have."""

    root: Path
    version: int

    @property
    def limit_file(self) -> str:
        """Takes the limit in bytes."""
        return "memory.limit_in_bytes" if self.version == 1 else "memory.max"


def find(mounts: str | None = None) -> Hierarchy | None:
    """The mounted hierarchy that has the memory controller; None where there is none."""
    text = MOUNTS.read_text() if mounts is None else mounts
    for line in text.splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            return Hierarchy(Path(point), 1)
        if kind == "cgroup2" and _lists_memory(Path(point) / "cgroup.controllers"):
            return Hierarchy(Path(point), 2)
    return None


def _lists_memory(file: Path) -> bool:
    try:
        return "memory" in file.read_text().split()
    except OSError:
        return False


def missing() -> str | None:
    """What stands in the way of a group of our own; None where nothing does."""
    found = find()
    if found is None:
        return "no cgroup hierarchy with the memory controller is mounted"
    if found.version == 2 and not _lists_memory(found.root / "cgroup.subtree_control"):
        return f"the memory controller is not on for groups of {found.root} (cgroup.subtree_control)"
    if not os.access(found.root, os.W_OK):
        return f"{found.root} cannot be written to (a container without privileges?)"
    return None


def create(name: str) -> Path:
    """Make a group of this name directly under the root. Raises OSError; the group must be new."""
    found = find()
    if found is None:
        raise FileNotFoundError(2, missing())
    path = found.root / name
    path.mkdir()
    return path


def set_limit(group: Path, size: int) -> None:
    """Limit the memory of a group that nobody is in. Raises OSError."""
    (group / _files(group).limit_file).write_text(str(size))


def _files(group: Path) -> Hierarchy:
    return Hierarchy(group, 1 if (group / "memory.limit_in_bytes").exists() else 2)


def kills(group: Path) -> int:
    """How often the kernel killed somebody in the group, so far."""
    name = "memory.oom_control" if _files(group).version == 1 else "memory.events"
    fields = dict(line.split() for line in (group / name).read_text().splitlines())
    return int(fields.get("oom_kill", 0))


def swapped(group: Path) -> tuple[int, int]:
    """Pages that the group has swapped out so far, the zero map's included, and those that are out now.

    Version 1 counts them with all pages that are no longer the group's, of which there are no others while nobody in it
    frees memory; where version 2 has no count of them, all that it reclaimed were such. Raises OSError.
    """
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    if _files(group).version == 1:
        return int(stat["pgpgout"]), int(stat["swap"]) // PAGE_BYTES
    out = int((group / "memory.swap.current").read_text()) // PAGE_BYTES
    if "pswpout" not in stat:
        return int(stat["pgsteal"]), out
    return int(stat["pswpout"]) + int(stat.get("swpout_zero", 0)), out


def remove(group: Path) -> None:
    """Kill whoever is in the group and remove it. Raises OSError where somebody stays."""

    def step() -> None:
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        group.rmdir()

    until_gone(step, group)  # who is killed leaves a moment later
