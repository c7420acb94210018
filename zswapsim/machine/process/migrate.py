"""move_pages, migrate_pages and mbind share these steps of migration (mm/migrate.c)."""

import errno
from collections.abc import Callable, Iterable
from enum import IntFlag

from zswapsim.machine.allocator.walk import Allocation, OutOfMemory
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE
from zswapsim.machine.nodes import Node
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.task import Task


class MoveFlag(IntFlag):
    """mbind and move_pages take these flags."""

    STRICT = 1
    MOVE = 2
    MOVE_ALL = 4


def check_move_flags(task: Task, flags: int, allowed: MoveFlag) -> None:
    """Check the flags of a call. Raises SyscallError: EINVAL, EPERM for MOVE_ALL without CAP_SYS_NICE."""
    if flags & ~int(allowed):
        raise einval(f"flags {flags:#x}")
    if flags & MoveFlag.MOVE_ALL and not task.privileged:
        raise SyscallError(errno.EPERM, "MPOL_MF_MOVE_ALL needs CAP_SYS_NICE")


def may_be_target(task: Task, number: int) -> bool:
    """Return True if users may move pages to the node with this number."""
    topology = task.memory.topology
    return topology.has(number) and task.memory.interface.may_move(topology, topology.node(number))


def is_shared(page: Page) -> bool:
    """Return True if the page is mapped more than once: without MOVE_ALL, such a page is not moved."""
    return len(page.mapped) > 1


def migrate_isolated(task: Task, pages: Iterable[Page], allocate: Callable[[Page], Allocation]) -> int:
    """Move isolated pages to the frames that `allocate` gives; return how many stay, because they are pinned.

    Those that stay are put back. Raises OutOfMemory at the first page for which there is no frame (migrate_pages).
    """
    staying = dict.fromkeys(pages)
    try:
        for page in list(staying):
            if not page.pinned:
                task.memory.pages.move(page, allocate(page))
                del staying[page]
    finally:
        for page in staying:
            task.memory.pages.putback(page)
    return len(staying)


def migrate_to_node(task: Task, pages: Iterable[Page], target: Node) -> int:
    """Move isolated pages to exactly this node (alloc_migration_target); return how many stay.

    Raises SyscallError (ENOMEM) if the node has no frame for one of them.
    """
    memory = task.memory
    gfp = GFP_HIGHUSER_MOVABLE | GFP.THISNODE
    if memory.topology.isolates(target):
        gfp |= memory.rule.opens

    def allocate(page: Page) -> Allocation:
        return memory.allocator.alloc_pages(target, gfp=gfp, owner=page.allocation.owner)

    try:
        return migrate_isolated(task, pages, allocate)
    except OutOfMemory:
        raise SyscallError(errno.ENOMEM, f"node {target.id} has no free frame") from None
