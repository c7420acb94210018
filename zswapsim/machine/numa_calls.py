"""The calls that set and read memory policies (mm/mempolicy.c of Linux 6.18)."""

import errno
from dataclasses import replace
from enum import IntFlag

from zswapsim.machine.addresses import Vma
from zswapsim.machine.mempolicy import Mode, ModeFlag, Nodemask, Policy, check_mode, interleaved, make_policy, refuse
from zswapsim.machine.migration import Migration, MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE
from zswapsim.machine.pages import Page
from zswapsim.machine.walk import OutOfMemory

NO_NODES: Nodemask = frozenset()


class GetFlag(IntFlag):
    """Flags of get_mempolicy."""

    NODE = 1
    ADDR = 2
    MEMS_ALLOWED = 4


class NumaCalls(Migration):
    """An address space with policies. Every call raises SyscallError with the kernel's errno."""

    def mbind(
        self, address: int, length: int, mode: int, nodes: Nodemask = NO_NODES, mode_flags: int = 0, flags: int = 0
    ) -> None:
        """Set the policy of a range; with MoveFlag.MOVE, also move the pages that are there already.

        EFAULT for a hole in the range, EIO where MoveFlag.STRICT finds a page that is not where the policy wants it.
        """
        self.check_move_flags(flags, MoveFlag.STRICT | MoveFlag.MOVE | MoveFlag.MOVE_ALL)
        first, last = self.span(address, length)
        policy = self.new_policy(mode, mode_flags, nodes, task=False)
        given = MoveFlag(flags) & ~(MoveFlag.STRICT if policy is None else MoveFlag(0))
        if first == last:
            return
        if not self.covered(first, last):
            raise refuse("nothing is mapped in a part of the range", errno.EFAULT)
        strays = [page for vma in self.overlapping(first, last) for page in self.strays(vma, policy, first, last)]
        if strays and given & MoveFlag.STRICT and not given & ~MoveFlag.STRICT:
            raise refuse("a page is not on the nodes of the policy", errno.EIO)
        for vma in self.split(first, last):
            vma.policy = policy
        self.admit(policy)
        if given & ~MoveFlag.STRICT and policy is not None:
            stuck = [page for page in strays if not self.conform(page, policy, given)]
            if stuck and given & MoveFlag.STRICT:
                raise refuse("a page could not be moved", errno.EIO)

    def new_policy(self, mode: int, mode_flags: int, nodes: Nodemask, *, task: bool) -> Policy | None:
        """A policy of this process, checked."""
        kind, given = check_mode(mode, mode_flags, nodes)
        if kind in (Mode.DEFAULT, Mode.LOCAL):
            return make_policy(kind, given, NO_NODES, NO_NODES, self.mems)
        allowed = self.machine.interface.policy_nodes(self, nodes, kind, given, task=task)
        return make_policy(kind, given, nodes, allowed, self.mems)

    def strays(self, vma: Vma, policy: Policy | None, first: int, last: int) -> list[Page]:
        """Present pages of a mapping, in the range, that are not on the nodes of the policy."""
        if policy is None or not policy.nodes:
            return []
        numbered = ((number, self.page_at(number)) for number in range(max(vma.first, first), min(vma.last, last)))
        return [page for _, page in numbered if page is not None and page.node.id not in policy.nodes]

    def conform(self, page: Page, policy: Policy, flags: MoveFlag) -> bool:
        """Move a page to a node of the policy. One that others map as well is moved with MOVE_ALL only."""
        if page.pinned or (len(page.mapped) > 1 and not flags & MoveFlag.MOVE_ALL):
            return False
        if not self.machine.interface.may_leave(self.machine, page.node):
            return False
        try:
            frames = self.allocate_by(policy, 0, page.allocation.owner)
        except OutOfMemory:
            return False
        page.move(self.machine, frames)
        return True

    def admit(self, policy: Policy | None) -> None:
        """A policy that private nodes were let into is a grant of them to this process."""
        for number in policy.nodes if policy is not None else ():
            if self.machine.rule.isolates(self.machine.node(number)):
                self.machine.node(number).granted.add(self.owner)

    def set_mempolicy(self, mode: int, nodes: Nodemask = NO_NODES, mode_flags: int = 0) -> None:
        """Set the task's policy."""
        self.policy = self.new_policy(mode, mode_flags, nodes, task=True)
        self.admit(self.policy)

    def set_mempolicy_home_node(self, address: int, length: int, home: int, flags: int = 0) -> None:
        """Set the node from whose list a range's policies allocate. EOPNOTSUPP for policies that have no home."""
        first, last = self.span(address, length)
        if flags or home not in self.machine.interface.home_nodes(self.machine):
            raise refuse(f"home node {home}")
        if first == last:
            return
        found = False
        for vma in self.split(first, last):
            if vma.policy is None:
                continue
            if vma.policy.mode not in (Mode.BIND, Mode.PREFERRED_MANY):
                raise refuse(f"mode {vma.policy.mode.name} has no home", errno.EOPNOTSUPP)
            vma.policy = replace(vma.policy, home=home)
            found = True
        if not found:
            raise refuse("no policy in the range", errno.ENOENT)

    def get_mempolicy(self, address: int = 0, flags: int = 0) -> tuple[int, Nodemask]:
        """A mode with its flags, and nodes: the task's; those at an address; the cpuset's; or, first, a page's node."""
        if flags & ~int(GetFlag.NODE | GetFlag.ADDR | GetFlag.MEMS_ALLOWED):
            raise refuse(f"flags {flags:#x}")
        if flags & GetFlag.MEMS_ALLOWED:
            if flags & (GetFlag.NODE | GetFlag.ADDR):
                raise refuse("MPOL_F_MEMS_ALLOWED goes alone")
            return Mode.DEFAULT, self.mems
        if not flags & GetFlag.ADDR and address:
            raise refuse("an address without MPOL_F_ADDR")
        policy = self.policy
        if flags & GetFlag.ADDR:
            vma = self.vma_of(address // PAGE_SIZE)
            if vma is None:
                raise refuse(f"{address:#x}", errno.EFAULT)
            policy = vma.policy or self.policy
        if flags & GetFlag.NODE:
            return self.next_node(policy, address, by_address=bool(flags & GetFlag.ADDR)), NO_NODES
        return (Mode.DEFAULT, NO_NODES) if policy is None else (policy.mode | policy.flags, told_nodes(policy))

    def next_node(self, policy: Policy | None, address: int, *, by_address: bool) -> int:
        """The node of the page at an address, which is read in; or that of the next page interleaved."""
        if by_address:
            self.touch(address, write=False)
            found = self.where(address)
            # A read of untouched anonymous memory finds the zero page, which lies with the kernel on the first node.
            return max(found, 0)
        if policy is None or policy.mode not in (Mode.INTERLEAVE, Mode.WEIGHTED_INTERLEAVE):
            raise refuse("MPOL_F_NODE needs an interleaving policy")
        return interleaved(policy, 0, self.machine.weights)

    def rebind(self) -> None:
        """The cpuset allows other nodes now."""
        if self.policy is not None:
            self.policy = self.machine.interface.rebind(self, self.policy)
        for vma in self.vmas:
            if vma.policy is not None:
                vma.policy = self.machine.interface.rebind(self, vma.policy)


def told_nodes(policy: Policy) -> Nodemask:
    """The mask that get_mempolicy reports: the caller's own where it is kept, else the one in force."""
    return policy.asked if policy.flags & (ModeFlag.STATIC_NODES | ModeFlag.RELATIVE_NODES) else policy.nodes
