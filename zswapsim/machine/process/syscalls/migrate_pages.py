"""migrate_pages(2) moves all pages of a process from some nodes to others (mm/mempolicy.c of Linux 6.18)."""

import errno

from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.mempolicy import check_nodes
from zswapsim.machine.nodemask import NO_NODES, Nodemask, remap
from zswapsim.machine.nodes import NodeState
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.migrate import is_shared, may_be_target, migrate_to_node
from zswapsim.machine.process.task import Task


def migrate_pages(task: Task, old: Nodemask, new: Nodemask) -> int:
    """Move the pages on the n-th node of `old` to the n-th node of `new`; return how many could not be moved.

    Pages that others map as well are moved with CAP_SYS_NICE only, else they stay and do not count. Raises
    SyscallError: EPERM for targets outside the cpuset without CAP_SYS_NICE, EINVAL if no target is left, ENOMEM if a
    target has no free frame (kernel_migrate_pages).
    """
    check_nodes(old)
    check_nodes(new)
    topology, interface = task.memory.topology, task.memory.interface
    interface.check_migration(topology, old, new)
    unbound = NO_NODES if interface.partitions_private_nodes else topology.state_mask(NodeState.MEMORY_PRIVATE)
    allowed = frozenset(number for number in task.mems | unbound if may_be_target(task, number))
    if not new <= allowed and not task.privileged:
        raise SyscallError(errno.EPERM, "targets outside the cpuset")
    targets = new & allowed
    if not targets:
        raise einval("no target has memory")
    left, failed = set(old), 0
    while pair := _next_pair(left, old, targets):
        left.discard(pair[0])
        failed += _migrate_node(task, *pair)
    return failed


def _next_pair(left: set[int], old: Nodemask, new: Nodemask) -> tuple[int, int] | None:
    """Return the next node to empty and where its pages go, or None (do_migrate_pages).

    A node that no page will leave any more is the better target. If the masks are not equally large, nodes in both keep
    their pages.
    """
    found = None
    for source in sorted(left):
        if len(old) != len(new) and source in new:
            continue
        target = min(remap(frozenset({source}), old, new))
        if source != target:
            found = source, target
            if target not in left:
                break
    return found


def _migrate_node(task: Task, source: int, target: int) -> int:
    """Move the pages of one node to another; return how many stay (migrate_to_node)."""
    memory = task.memory
    if not may_be_target(task, source):  # the user cannot move pages off it either
        return 0
    here = [
        page
        for page in task.mm.page_table.in_order()
        if page.node.id == source and (task.privileged or not is_shared(page))
    ]
    queue: list[Page] = [page for page in here if memory.pages.isolate(page)]
    return migrate_to_node(task, queue, memory.topology.node(target))
