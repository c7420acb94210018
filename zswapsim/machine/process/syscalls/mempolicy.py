"""These calls set and read policies, other than mbind (mm/mempolicy.c of Linux 6.18)."""

import errno
from dataclasses import replace
from enum import IntFlag

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.mempolicy import INTERLEAVING, Mode, Policy, check_nodes, sanitize_mode
from zswapsim.machine.nodemask import NO_NODES, Nodemask
from zswapsim.machine.process.fault import touch
from zswapsim.machine.process.interleave import next_node
from zswapsim.machine.process.policies import grant_private_nodes, new_policy
from zswapsim.machine.process.task import Task

ZERO_PAGE_NODE = 0
"""The zero page lies in the kernel's image, on the first node."""


class GetFlag(IntFlag):
    """get_mempolicy takes these flags."""

    NODE = 1
    ADDR = 2
    MEMS_ALLOWED = 4


def set_mempolicy(task: Task, mode: int, nodes: Nodemask = NO_NODES, mode_flags: int = 0) -> None:
    """Set the task's policy (do_set_mempolicy). Raises SyscallError (EINVAL)."""
    kind, given = sanitize_mode(mode, mode_flags)
    check_nodes(nodes)
    task.set_mempolicy(new_policy(task, kind, given, nodes, for_task=True))
    grant_private_nodes(task, task.mempolicy)


def set_mempolicy_home_node(task: Task, address: int, length: int, home: int, flags: int = 0) -> None:
    """Set the node from whose list the policies of a range allocate.

    Mappings without a policy are passed over. Raises SyscallError: EINVAL, ENOENT if the range has no policy,
    EOPNOTSUPP for a policy that takes no home; the policies before it keep their new home.
    """
    first, last = task.mm.span(address, length)
    if flags or home not in task.memory.interface.home_nodes(task.memory.topology):
        raise einval(f"home node {home}")
    if first == last:
        return
    found = False
    for vma in list(task.mm.overlapping(first, last)):
        if vma.policy is None:
            continue
        if vma.policy.mode not in (Mode.BIND, Mode.PREFERRED_MANY):
            raise SyscallError(errno.EOPNOTSUPP, f"mode {vma.policy.mode.name} takes no home node")
        policy = replace(vma.policy, home=home)
        for part in task.mm.split(max(vma.first, first), min(vma.last, last)):
            part.policy = policy
        found = True
    if not found:
        raise SyscallError(errno.ENOENT, "no policy in the range")


def get_mempolicy(task: Task, address: int = 0, flags: int = 0) -> tuple[int, Nodemask]:
    """Return a mode with its flags, and a mask: the policy of the task, or with ADDR of the mapping at the address.

    A mapping without a policy has the default one, whatever the task's is. With MEMS_ALLOWED the mask is the cpuset's;
    with NODE the first value is the node of the page at the address, else of the next page that the task's policy
    interleaves. Raises SyscallError: EINVAL, EFAULT (do_get_mempolicy).
    """
    if flags & ~int(GetFlag.NODE | GetFlag.ADDR | GetFlag.MEMS_ALLOWED):
        raise einval(f"flags {flags:#x}")
    by_address = bool(flags & GetFlag.ADDR)
    if flags & GetFlag.MEMS_ALLOWED:
        if flags & GetFlag.NODE or by_address:
            raise einval("MPOL_F_MEMS_ALLOWED takes no other flag")
        return Mode.DEFAULT, task.mems
    if address and not by_address:
        raise einval("an address needs MPOL_F_ADDR")
    policy = _policy_at(task, address) if by_address else task.mempolicy
    nodes = NO_NODES if policy is None else policy.reported_nodes
    if flags & GetFlag.NODE:
        return (_node_at(task, address) if by_address else _next_node(task, policy)), nodes
    return (Mode.DEFAULT if policy is None else policy.mode | policy.flags), nodes


def _policy_at(task: Task, address: int) -> Policy | None:
    """Return the policy of the mapping at an address. Raises SyscallError (EFAULT)."""
    vma = task.mm.vma_of(address // PAGE_SIZE)
    if vma is None:
        raise SyscallError(errno.EFAULT, f"{address:#x}")
    return vma.policy


def _node_at(task: Task, address: int) -> int:
    """Return the node of the page at an address, and read the page in (lookup_node). Raises SyscallError (EFAULT)."""
    vma = task.mm.vma_of(address // PAGE_SIZE)
    if vma is not None and vma.is_device:
        raise SyscallError(errno.EFAULT, f"{address:#x} is mapped by a driver")
    touch(task, address, write=False)
    page = task.mm.page_at(address // PAGE_SIZE)
    return ZERO_PAGE_NODE if page is None else page.node.id


def _next_node(task: Task, policy: Policy | None) -> int:
    """Return the node of the next page that the policy interleaves. Raises SyscallError (EINVAL)."""
    if policy is None or policy.mode not in INTERLEAVING:
        raise einval("MPOL_F_NODE needs an interleaving policy")
    return next_node(task, policy)
