"""migrate_pages(2) moves all pages of a process from some nodes to others."""

import errno

from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.nodemask import NO_NODES, Nodemask, remap
from zswapsim.machine.nodes import NodeState
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.migrate import may_be_target, migrate_to
from zswapsim.machine.process.task import Task


def migrate_pages(task: Task, old: Nodemask, new: Nodemask) -> int:
    """Move the pages on the n-th node of `old` to the n-th node of `new`; return how many could not be moved.

    Raises SyscallError: EPERM for targets outside the cpuset without CAP_SYS_NICE, EINVAL if no target is left.
    """
    topology, interface = task.memory.topology, task.memory.interface
    interface.check_migration(topology, old, new)
    unbound = NO_NODES if interface.partitions_private_nodes else topology.state_mask(NodeState.MEMORY_PRIVATE)
    allowed = task.mems | unbound
    if not new <= allowed and not task.privileged:
        raise SyscallError(errno.EPERM, "targets outside the cpuset")
    targets = frozenset(number for number in new & allowed if may_be_target(task, number))
    if not targets:
        raise einval("no target has memory")
    pages = [page for page in task.mm.page_table.present() if page.node.id in old and len(page.mapped) == 1]
    return sum(not _migrate(task, page, remap(frozenset({page.node.id}), old, targets)) for page in pages)


def _migrate(task: Task, page: Page, target: Nodemask) -> bool:
    node = task.memory.topology.node(min(target))
    return page.node is node or migrate_to(task, page, node)
