"""move_pages, migrate_pages and mbind share these steps of migration (mm/migrate.c)."""

import errno
from enum import IntFlag

from zswapsim.machine.allocator.walk import OutOfMemory
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


def migrate_to(task: Task, page: Page, target: Node) -> bool:
    """Migrate a page to exactly this node (alloc_migration_target).

    Returns False if the page is pinned or the node has no frame.
    """
    if page.pinned:
        return False
    gfp = GFP_HIGHUSER_MOVABLE | GFP.THISNODE
    if task.memory.topology.isolates(target):
        gfp |= task.memory.rule.opens
    try:
        task.memory.migrate_page(page, target, gfp)
    except OutOfMemory:
        return False
    return True
