"""move_pages(2) moves single pages of a process, or reports where they are."""

import errno
from collections.abc import Sequence

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.nodes import Node
from zswapsim.machine.process.migrate import MoveFlag, check_move_flags, may_be_target, migrate_to
from zswapsim.machine.process.task import Task


def move_pages(
    task: Task, addresses: Sequence[int], nodes: Sequence[int] | None = None, flags: int = MoveFlag.MOVE
) -> list[int]:
    """Move pages; if `nodes` is None, only report where they are. Returns a node or a negative errno for each.

    Raises SyscallError: EINVAL, EPERM (MOVE_ALL without CAP_SYS_NICE), ENODEV for a node that cannot be a target,
    EACCES for one that the cpuset does not allow.
    """
    check_move_flags(task, flags, MoveFlag.MOVE | MoveFlag.MOVE_ALL)
    if nodes is None:
        return [task.mm.node_at(address) for address in addresses]
    if len(nodes) != len(addresses):
        raise einval("expected a node for each page")
    status = []
    for address, number in zip(addresses, nodes, strict=True):
        target = _target(task, number)
        status.append(_move_page(task, address, target, shared=bool(flags & MoveFlag.MOVE_ALL)))
    return status


def _target(task: Task, number: int) -> Node:
    """Return a node that the task may move pages to. Raises SyscallError."""
    if not may_be_target(task, number):
        raise SyscallError(errno.ENODEV, f"node {number}")
    memory = task.memory
    node = memory.topology.node(number)
    unbound = memory.topology.isolates(node) and memory.filter.cpuset_allows(frozenset(), node)
    if number not in task.mems and not unbound:
        raise SyscallError(errno.EACCES, f"node {number}: not in cpuset.mems")
    return node


def _move_page(task: Task, address: int, target: Node, *, shared: bool) -> int:
    """Move the page at an address. Returns its node or a negative errno.

    With `shared`, a page that others map as well is moved too.
    """
    found = task.mm.node_at(address)
    page = task.mm.page_at(address // PAGE_SIZE)
    if found < 0 or page is None:
        return found
    if page.node is target:
        return target.id
    if not task.memory.interface.may_move(task.memory.topology, page.node):
        return -errno.ENOENT
    if len(page.mapped) > 1 and not shared:
        return -errno.EACCES
    if page.pinned:
        return -errno.EBUSY
    return target.id if migrate_to(task, page, target) else -errno.ENOMEM
