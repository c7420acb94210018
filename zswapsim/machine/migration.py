"""Moving pages from node to node: move_pages(2), migrate_pages(2), and what mbind's flags do (mm/migrate.c)."""

import errno
from collections.abc import Sequence
from enum import IntFlag

from zswapsim.machine.addresses import AddressSpace
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE
from zswapsim.machine.interface import numbers
from zswapsim.machine.mempolicy import Nodemask, refuse, remap
from zswapsim.machine.nodes import PAGE_SIZE, Node, NodeState
from zswapsim.machine.pages import File, Page
from zswapsim.machine.walk import OutOfMemory


class MoveFlag(IntFlag):
    """Flags of mbind and move_pages."""

    STRICT = 1
    MOVE = 2
    MOVE_ALL = 4


class Migration(AddressSpace):
    """An address space whose pages can be moved."""

    def move_pages(
        self, addresses: Sequence[int], nodes: Sequence[int] | None = None, flags: int = MoveFlag.MOVE
    ) -> list[int]:
        """Move pages, or with `nodes` None ask where they are. Returns a node or a negative errno for each.

        Raises SyscallError: EINVAL, EPERM (MOVE_ALL without CAP_SYS_NICE), ENODEV for a target that can't be one,
        EACCES for one that the cpuset does not allow.
        """
        self.check_move_flags(flags, MoveFlag.MOVE | MoveFlag.MOVE_ALL)
        if nodes is None:
            return [self.where(address) for address in addresses]
        if len(nodes) != len(addresses):
            raise refuse("expected a node for each page")
        status = []
        for address, number in zip(addresses, nodes, strict=True):
            target = self.move_target(number)
            status.append(self.move_one(address, target, shared=bool(flags & MoveFlag.MOVE_ALL)))
        return status

    def check_move_flags(self, flags: int, allowed: MoveFlag) -> None:
        """Raises SyscallError for unknown flags, and for MOVE_ALL without the right to it."""
        if flags & ~int(allowed):
            raise refuse(f"flags {flags:#x}")
        if flags & MoveFlag.MOVE_ALL and not self.privileged:
            raise refuse("MPOL_MF_MOVE_ALL needs CAP_SYS_NICE", errno.EPERM)

    def where(self, address: int) -> int:
        """The node of the page at an address, -EFAULT where nothing is mapped, -ENOENT where no page is present."""
        number = address // PAGE_SIZE
        vma = self.vma_of(number)
        if vma is None or (vma.file is not None and not isinstance(vma.file, File)):
            return -errno.EFAULT
        page = self.page_at(number)
        return -errno.ENOENT if page is None else page.node.id

    def move_target(self, number: int) -> Node:
        """A node that a user may move pages to. Raises SyscallError."""
        machine = self.machine
        known = 0 <= number < len(machine.nodes)
        if not known or not machine.interface.may_move(machine, machine.node(number)):
            raise refuse(f"node {number}", errno.ENODEV)
        node = machine.node(number)
        if node.id not in self.mems and not (machine.rule.isolates(node) and machine.cpuset_allows(frozenset(), node)):
            raise refuse(f"node {number}: not in cpuset.mems", errno.EACCES)
        return node

    def move_one(self, address: int, target: Node, *, shared: bool) -> int:
        """Move the page at an address. Returns its node, or a negative errno."""
        found = self.where(address)
        page = self.page_at(address // PAGE_SIZE)
        if found < 0 or page is None:
            return found
        if page.node is target:
            return target.id
        if not self.machine.interface.may_move(self.machine, page.node):
            return -errno.ENOENT
        if len(page.mapped) > 1 and not shared:
            return -errno.EACCES
        if page.pinned:
            return -errno.EBUSY
        return target.id if self.migrate(page, target) else -errno.ENOMEM

    def migrate(self, page: Page, target: Node) -> bool:
        """Move a page to exactly this node (alloc_migration_target). False for a pinned page, or where no frame is."""
        if page.pinned:
            return False
        gfp = GFP_HIGHUSER_MOVABLE | GFP.THISNODE
        if self.machine.rule.isolates(target):
            gfp |= self.machine.rule.opens
        try:
            page.migrate(self.machine, target, gfp)
        except OutOfMemory:
            return False
        return True

    def migrate_pages(self, old: Nodemask, new: Nodemask) -> int:
        """Move all pages of this process from nodes to nodes: from the n-th of `old` to the n-th of `new`.

        Returns how many could not be moved. Raises SyscallError: EPERM for targets out of the cpuset without
        CAP_SYS_NICE, EINVAL where none is left of them.
        """
        machine = self.machine
        machine.interface.check_migration(machine, old, new)
        private = numbers(machine.state(NodeState.MEMORY_PRIVATE))
        allowed = self.mems | (frozenset() if machine.interface.partitions_private_nodes else private)
        if not new <= allowed and not self.privileged:
            raise refuse("targets out of the cpuset", errno.EPERM)
        targets = frozenset(number for number in new & allowed if self._may_be_target(number))
        if not targets:
            raise refuse("no target that has memory")
        return sum(not self._moved(page, remap(frozenset({page.node.id}), old, targets)) for page in self._own(old))

    def _may_be_target(self, number: int) -> bool:
        known = number < len(self.machine.nodes)
        return known and self.machine.interface.may_move(self.machine, self.machine.node(number))

    def _own(self, old: Nodemask) -> list[Page]:
        """Present pages on these nodes that this process alone maps."""
        present = [entry for entry in self.pages.values() if isinstance(entry, Page)]
        return [page for page in present if page.node.id in old and len(page.mapped) == 1]

    def _moved(self, page: Page, target: Nodemask) -> bool:
        node = self.machine.node(min(target))
        return page.node is node or self.migrate(page, node)
