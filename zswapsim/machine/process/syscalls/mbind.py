"""mbind(2) sets the policy of a range and may move the pages that are there already (mm/mempolicy.c of Linux 6.18)."""

import errno

from zswapsim.machine.allocator.walk import OutOfMemory
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.mempolicy import Policy
from zswapsim.machine.nodemask import NO_NODES, Nodemask
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.migrate import MoveFlag, check_move_flags
from zswapsim.machine.process.policies import grant_private_nodes, new_policy
from zswapsim.machine.process.policy_alloc import alloc_by_policy
from zswapsim.machine.process.task import Task
from zswapsim.machine.process.vma import Vma

MOVES = MoveFlag.MOVE | MoveFlag.MOVE_ALL


def mbind(
    task: Task,
    address: int,
    length: int,
    mode: int,
    nodes: Nodemask = NO_NODES,
    mode_flags: int = 0,
    flags: int = 0,
) -> None:
    """Set the policy of a range; with MoveFlag.MOVE, also move the pages that are there already.

    Raises SyscallError: EINVAL, EPERM, EFAULT for a hole in the range, EIO if MoveFlag.STRICT finds a page that is
    not on a node of the policy.
    """
    check_move_flags(task, flags, MoveFlag.STRICT | MOVES)
    first, last = task.mm.span(address, length)
    policy = new_policy(task, mode, mode_flags, nodes, for_task=False)
    strict, moves = bool(flags & MoveFlag.STRICT) and policy is not None, MoveFlag(flags) & MOVES
    if first == last:
        return
    if not task.mm.covers(first, last):
        raise SyscallError(errno.EFAULT, "nothing is mapped in a part of the range")
    misplaced = [
        page for vma in task.mm.overlapping(first, last) for page in _misplaced(task, vma, policy, first, last)
    ]
    if misplaced and strict and not moves:
        raise SyscallError(errno.EIO, "a page is not on the nodes of the policy")
    for vma in task.mm.split(first, last):
        vma.policy = policy
    grant_private_nodes(task, policy)
    if moves and policy is not None:
        stuck = [page for page in misplaced if not _move_page(task, page, policy, moves)]
        if stuck and strict:
            raise SyscallError(errno.EIO, "a page could not be moved")


def _misplaced(task: Task, vma: Vma, policy: Policy | None, first: int, last: int) -> list[Page]:
    """Return the present pages of a mapping, in the range, that are not on the nodes of the policy."""
    if policy is None or not policy.nodes:
        return []
    found = (task.mm.page_at(number) for number in range(max(vma.first, first), min(vma.last, last)))
    return [page for page in found if page is not None and page.node.id not in policy.nodes]


def _move_page(task: Task, page: Page, policy: Policy, flags: MoveFlag) -> bool:
    """Move a page to a node of the policy. A page that others map as well is moved only with MOVE_ALL."""
    if page.pinned or (len(page.mapped) > 1 and not flags & MoveFlag.MOVE_ALL):
        return False
    if not task.memory.interface.may_leave(task.memory.topology, page.node):
        return False
    try:
        allocation = alloc_by_policy(task, policy, 0, page.allocation.owner)
    except OutOfMemory:
        return False
    task.memory.pages.move(page, allocation)
    return True
