"""/sys/devices/system/node has files with node masks, and a directory for each node."""

import errno

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodemask import spell_nodes
from zswapsim.machine.nodes import Node, node_numbers

ROOT = "/sys/devices/system/node/"


def listing(machine: Machine) -> list[str]:
    """Return every path that can be read."""
    files = [f"{ROOT}node{node.id}/{name}" for node in _shown(machine) for name in ("distance", "meminfo")]
    return [*(ROOT + name for name in machine.interface.masks(machine.memory.topology)), *files]


def read(machine: Machine, path: str) -> str:
    """Return the text of a file. Raises SyscallError (ENOENT)."""
    name = path.removeprefix(ROOT)
    masks = machine.interface.masks(machine.memory.topology)
    if name in masks:
        return spell_nodes(node_numbers(masks[name])) + "\n"
    for node in _shown(machine):
        if name == f"node{node.id}/meminfo":
            return _meminfo(machine, node)
        if name == f"node{node.id}/distance":
            return " ".join(str(machine.distance(node, other)) for other in _shown(machine)) + "\n"
    raise SyscallError(errno.ENOENT, path)


def _shown(machine: Machine) -> list[Node]:
    """Return the nodes that have a directory, by number."""
    return sorted(machine.interface.shown(machine.memory.topology), key=lambda node: node.id)


def _meminfo(machine: Machine, node: Node) -> str:
    """Return the lines of a node's meminfo for which this model has values."""
    lruvec = machine.lruvec(node)
    anonymous = sum(page.file is None for page in lruvec)
    values = {
        "MemTotal": node.frames,
        "MemFree": node.free_frames,
        "MemUsed": node.frames - node.free_frames,
        "FilePages": len(lruvec) - anonymous,
        "AnonPages": anonymous,
    }
    return "".join(
        f"Node {node.id} {name + ':':<15} {PAGE_SIZE // 1024 * pages:>8} kB\n" for name, pages in values.items()
    )
