"""move_pages(2) moves single pages of a process, or reports where they are (mm/migrate.c of Linux 6.18)."""

import errno
from collections.abc import Sequence
from contextlib import suppress

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.nodes import Node
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.migrate import MoveFlag, check_move_flags, is_shared, may_be_target, migrate_to_node
from zswapsim.machine.process.page_table import ZeroPage
from zswapsim.machine.process.task import Task


def move_pages(
    task: Task, addresses: Sequence[int], nodes: Sequence[int] | None = None, flags: int = MoveFlag.MOVE
) -> list[int]:
    """Move pages; if `nodes` is None, only report where they are. Returns a node or a negative errno for each.

    A pinned page is reported as -EBUSY; the kernel returns how many pages it did not move, and reports nothing about
    them. Raises SyscallError: EINVAL, EPERM (MOVE_ALL without CAP_SYS_NICE); ENODEV for a node that cannot be a target,
    EACCES for one that the cpuset does not allow, ENOMEM for one without a free frame, when the pages before it have
    been moved.
    """
    check_move_flags(task, flags, MoveFlag.MOVE | MoveFlag.MOVE_ALL)
    if nodes is None:
        return [task.mm.node_at(address) for address in addresses]
    if len(nodes) != len(addresses):
        raise einval("expected a node for each page")
    return _Move(task, shared=bool(flags & MoveFlag.MOVE_ALL)).run(addresses, nodes)


class _Move:
    """Move pages in batches: those in a row that go to the same node, until one is found that does not move."""

    def __init__(self, task: Task, *, shared: bool) -> None:
        self.task = task
        self.shared = shared
        self.status: list[int] = []
        self.queue: dict[Page, int] = {}
        """These pages are isolated, each with its place in `status`."""
        self.target: Node | None = None

    def run(self, addresses: Sequence[int], nodes: Sequence[int]) -> list[int]:
        """Move each page to its node (do_pages_move). Raises SyscallError."""
        for address, number in zip(addresses, nodes, strict=True):
            try:
                target = _target(self.task, number)
            except SyscallError:
                self._flush_anyway()
                raise
            if target is not self.target:
                self._flush()
            self.target = target
            if (status := self._add(address, target)) is not None:
                self.status.append(status)
                self._flush()
        self._flush()
        return self.status

    def _add(self, address: int, target: Node) -> int | None:
        """Queue the page at an address; return its node or a negative errno if it is not to be moved.

        The checks come in the order of add_folio_for_migration.
        """
        mm = self.task.mm
        vma, entry = mm.vma_of(address // PAGE_SIZE), mm.page_table.entry(address // PAGE_SIZE)
        if vma is None or vma.is_device or isinstance(entry, ZeroPage):
            return -errno.EFAULT
        if not isinstance(entry, Page):
            return -errno.ENOENT
        if entry.node is target:
            return target.id
        if refused := self._refusal(entry):
            return -refused
        self.queue[entry] = len(self.status)
        self.status.append(target.id)
        return None

    def _refusal(self, page: Page) -> int:
        """Isolate a page; return 0, or the errno for which it stays."""
        memory = self.task.memory
        if not memory.interface.may_move(memory.topology, page.node):
            return errno.ENOENT
        if is_shared(page) and not self.shared:
            return errno.EACCES
        return 0 if memory.pages.isolate(page) else errno.EBUSY

    def _flush(self) -> None:
        """Move the queued pages (move_pages_and_store_status). Raises SyscallError (ENOMEM)."""
        queue, self.queue = self.queue, {}
        for page, place in queue.items():
            if page.pinned:
                self.status[place] = -errno.EBUSY
        if queue and self.target is not None:
            migrate_to_node(self.task, queue, self.target)

    def _flush_anyway(self) -> None:
        """Move the queued pages when another error is to be raised already."""
        with suppress(SyscallError):
            self._flush()


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
