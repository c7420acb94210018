"""The files of /sys/devices/system/node: node masks, and a folder for each node."""

import errno
from typing import TYPE_CHECKING

from zswapsim.machine.errors import SyscallError
from zswapsim.machine.interface import numbers
from zswapsim.machine.mempolicy import spell_nodes
from zswapsim.machine.nodes import PAGE_SIZE, Node

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine

ROOT = "/sys/devices/system/node/"


def listing(machine: "Machine") -> list[str]:
    """Every path that can be read."""
    folders = [f"{ROOT}node{node.id}/{name}" for node in sorted_shown(machine) for name in ("distance", "meminfo")]
    return [*(ROOT + name for name in machine.interface.masks(machine)), *folders]


def read(machine: "Machine", path: str) -> str:
    """What a file holds. Raises SyscallError (ENOENT)."""
    name = path.removeprefix(ROOT)
    masks = machine.interface.masks(machine)
    if name in masks:
        return spell_nodes(numbers(masks[name])) + "\n"
    for node in sorted_shown(machine):
        if name == f"node{node.id}/meminfo":
            return meminfo(node)
        if name == f"node{node.id}/distance":
            return " ".join(str(machine.distance(node, other)) for other in sorted_shown(machine)) + "\n"
    raise SyscallError(errno.ENOENT, path)


def sorted_shown(machine: "Machine") -> list[Node]:
    """The nodes that have a folder."""
    return sorted(machine.interface.shown(machine), key=lambda node: node.id)


def meminfo(node: Node) -> str:
    """The lines of a node's meminfo that this model has figures for."""
    anonymous = sum(page.file is None for page in node.lru)
    figures = {
        "MemTotal": node.frames,
        "MemFree": node.free_frames,
        "MemUsed": node.frames - node.free_frames,
        "FilePages": len(node.lru) - anonymous,
        "AnonPages": anonymous,
    }
    return "".join(
        f"Node {node.id} {name + ':':<15} {PAGE_SIZE // 1024 * held:>8} kB\n" for name, held in figures.items()
    )
