"""mbind(2) sets the policy of a range and may move the pages that are there already (mm/mempolicy.c of Linux 6.18)."""

import errno
from typing import NamedTuple

from zswapsim.machine.allocator.walk import Allocation, OutOfMemory
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.mempolicy import Policy, check_nodes, sanitize_mode
from zswapsim.machine.nodemask import NO_NODES, Nodemask
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.migrate import MoveFlag, check_move_flags, is_shared, migrate_isolated
from zswapsim.machine.process.policies import grant_private_nodes, new_policy
from zswapsim.machine.process.policy_alloc import alloc_by_policy
from zswapsim.machine.process.task import Task

MOVES = MoveFlag.MOVE | MoveFlag.MOVE_ALL


class Span(NamedTuple):
    """Name the pages from `first` up to but not including `last`."""

    first: int
    last: int


def mbind(
    task: Task,
    address: int,
    length: int,
    mode: int,
    nodes: Nodemask = NO_NODES,
    mode_flags: int = 0,
    flags: int = 0,
) -> None:
    """Set the policy of a range; with MoveFlag.MOVE, also move the pages that are there already (do_mbind).

    Raises SyscallError: EINVAL, EPERM, EFAULT for a hole in the range, EIO if MoveFlag.STRICT finds a page that is
    not on a node of the caller's mask.
    """
    kind, given = sanitize_mode(mode, mode_flags)
    check_nodes(nodes)
    check_move_flags(task, flags, MoveFlag.STRICT | MOVES)
    span = Span(*task.mm.span(address, length))
    if span.first == span.last:
        return
    policy = new_policy(task, kind, given, nodes, for_task=False)
    wanted = MoveFlag(flags) if policy is not None else MoveFlag(flags) & MOVES
    queue: dict[Page, int] = {}
    try:
        failed = _queue_pages(task, span, nodes, wanted, queue, holes=policy is None)
    except SyscallError:
        for page in queue:
            task.memory.pages.putback(page)
        raise
    for vma in task.mm.split(*span):
        vma.policy = policy
    grant_private_nodes(task, policy)
    failed |= _migrate(task, queue, task.mempolicy if policy is None else policy)
    if failed and wanted & MoveFlag.STRICT:
        raise SyscallError(errno.EIO, "a page could not be moved")


def _queue_pages(
    task: Task, span: Span, nodes: Nodemask, wanted: MoveFlag, queue: dict[Page, int], *, holes: bool
) -> bool:
    """Isolate and queue the pages that are not on these nodes, each with its index (queue_pages_range).

    Return True if one cannot be moved. Raises SyscallError: EFAULT for a hole, unless `holes` are allowed and something
    is mapped; EIO for the first such page if pages are not to be moved but MoveFlag.STRICT forbids them.
    """
    vmas = list(task.mm.overlapping(*span))
    if not vmas:
        raise SyscallError(errno.EFAULT, "nothing is mapped in the range")
    failed, end = False, span.first
    for place, vma in enumerate(vmas):
        ends_early = vma.last < span.last and (vma is vmas[-1] or vma.last < vmas[place + 1].first)
        if not holes and (end < vma.first or ends_early):
            raise SyscallError(errno.EFAULT, "nothing is mapped in a part of the range")
        end = vma.last
        for number in range(max(vma.first, span.first), min(vma.last, span.last)) if wanted else ():
            page = task.mm.page_at(number)
            if page is None or page.node.id in nodes:
                continue
            if wanted == MoveFlag.STRICT:
                raise SyscallError(errno.EIO, "a page is not on the nodes of the policy")
            failed |= not _queue_page(task, page, queue, vma.interleave_index(number), wanted)
    return failed


def _queue_page(task: Task, page: Page, queue: dict[Page, int], index: int, wanted: MoveFlag) -> bool:
    """Isolate a page to move it; return False if that fails. A shared page stays, which is no failure."""
    if is_shared(page) and not wanted & MoveFlag.MOVE_ALL:
        return True
    memory = task.memory
    if not memory.interface.may_leave(memory.topology, page.node) or not memory.pages.isolate(page):
        return False
    queue[page] = index
    return True


def _migrate(task: Task, queue: dict[Page, int], policy: Policy | None) -> bool:
    """Move the queued pages to where the policy places them; return True if one stays."""

    def allocate(page: Page) -> Allocation:
        return alloc_by_policy(task, policy, queue[page], page.allocation.owner)

    try:
        return migrate_isolated(task, queue, allocate) > 0
    except OutOfMemory:
        return True
