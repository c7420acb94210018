"""What users can see of a private node and do with it: one class for each proposal, the baseline first.

A proposal that says nothing of a surface inherits the baseline's answer: the call behaves as on a machine that does
not have the node. `says` lists what a version does speak of, so that every answer can name what it rests on.
"""

import errno
from dataclasses import replace
from typing import TYPE_CHECKING

from zswapsim._core.base.errors import InputError
from zswapsim.machine import mempolicy
from zswapsim.machine.mempolicy import Mode, ModeFlag, Nodemask, Policy, refuse
from zswapsim.machine.nodes import Cap, Node, NodeState
from zswapsim.machine.sources import BASELINE, JUNE_THREAD, RFC_V4, V5, Source

if TYPE_CHECKING:
    from zswapsim.machine.addresses import AddressSpace
    from zswapsim.machine.machine import Machine


def numbers(nodes: frozenset[Node]) -> Nodemask:
    """The nodes as users number them."""
    return frozenset(node.id for node in nodes)


class Interface:
    """The baseline: no user knows of private nodes. Whatever names one is answered as if there were no such node."""

    name = "none"
    source: Source = BASELINE
    says: frozenset[str] = frozenset()
    partitions_private_nodes = True
    """Whether cpuset.mems keeps tasks off a private node that it does not list."""

    def rests_on(self, surface: str) -> Source:
        """What the answer of a surface rests on."""
        return self.source if surface in self.says else BASELINE

    # -- policies: mbind, set_mempolicy, set_mempolicy_home_node ------------------------------------------------------

    def policy_nodes(
        self, process: "AddressSpace", asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        """The nodes that a policy of this process may use. Raises SyscallError (EINVAL)."""
        return process.mems & numbers(process.machine.state(NodeState.MEMORY))

    def home_nodes(self, machine: "Machine") -> Nodemask:
        """The nodes that may be a policy's home."""
        return numbers(machine.state(NodeState.MEMORY))

    def rebind(self, process: "AddressSpace", policy: Policy) -> Policy:
        """A policy after the cpuset of its process changed."""
        return mempolicy.rebind(policy, process.mems & numbers(process.machine.state(NodeState.MEMORY)))

    # -- migration: move_pages, migrate_pages -------------------------------------------------------------------------

    def may_move(self, machine: "Machine", node: Node) -> bool:
        """Whether users may move pages to this node and from it."""
        return not machine.rule.isolates(node)

    def may_leave(self, machine: "Machine", node: Node) -> bool:
        """Whether mbind may move a page off this node."""
        return self.may_move(machine, node)

    def check_migration(self, machine: "Machine", old: Nodemask, new: Nodemask) -> None:
        """What migrate_pages says of its masks before it looks at rights. Raises SyscallError."""

    # -- cpusets ------------------------------------------------------------------------------------------------------

    def top_mems(self, machine: "Machine") -> Nodemask:
        """What the root cpuset lists."""
        return numbers(machine.state(NodeState.MEMORY))

    def check_mems(self, machine: "Machine", mems: Nodemask) -> None:
        """What may be written to cpuset.mems. Raises SyscallError (EINVAL)."""
        if not mems <= self.top_mems(machine):
            raise refuse(f"cpuset.mems {mempolicy.spell_nodes(mems)}")

    # -- the read side ------------------------------------------------------------------------------------------------

    def masks(self, machine: "Machine") -> dict[str, frozenset[Node]]:
        """The files of /sys/devices/system/node that list nodes, by name."""
        memory = machine.state(NodeState.MEMORY)
        named = {"has_normal_memory": memory, "has_memory": memory, "has_cpu": machine.state(NodeState.CPU)}
        return {"possible": self.shown(machine), "online": self.shown(machine)} | named

    def shown(self, machine: "Machine") -> frozenset[Node]:
        """The nodes that have a folder of their own in sysfs."""
        return machine.state(NodeState.MEMORY)

    def counted_in_numa_maps(self, machine: "Machine", node: Node) -> bool:
        """Whether a process's pages on the node are listed."""
        return not machine.rule.isolates(node)


class _OptIn(Interface):
    """What v4 and v5 have in common: a private node can be named where it opted in, and is refused where not."""

    def policy_nodes(
        self, process: "AddressSpace", asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        machine = process.machine
        if missing := (asked & numbers(machine.state(NodeState.MEMORY_PRIVATE))) - self.opted(machine):
            raise refuse(f"private nodes that did not opt in: {mempolicy.spell_nodes(missing)}")
        return self.allowed(process)

    def opted(self, machine: "Machine") -> Nodemask:
        """Private nodes that users may place memory on."""
        return numbers(
            frozenset(node for node in machine.state(NodeState.MEMORY_PRIVATE) if Cap.USER_NUMA in node.caps)
        )

    def allowed(self, process: "AddressSpace") -> Nodemask:
        """What a policy of the process may use at most."""
        raise NotImplementedError

    def may_move(self, machine: "Machine", node: Node) -> bool:
        return super().may_move(machine, node) or Cap.USER_NUMA in node.caps

    def check_migration(self, machine: "Machine", old: Nodemask, new: Nodemask) -> None:
        refused = numbers(machine.state(NodeState.MEMORY_PRIVATE)) - self.opted(machine)
        if new & refused:
            raise refuse(f"refused targets: {mempolicy.spell_nodes(new & refused)}", errno.ENODEV)
        if old & refused:
            raise refuse(f"refused sources: {mempolicy.spell_nodes(old & refused)}", errno.ENOENT)

    def check_mems(self, machine: "Machine", mems: Nodemask) -> None:
        ordinary = numbers(machine.state(NodeState.MEMORY))
        private = numbers(machine.state(NodeState.MEMORY_PRIVATE))
        if not mems <= ordinary | private or (mems and not mems & ordinary):
            raise refuse(f"cpuset.mems {mempolicy.spell_nodes(mems)}: expected an ordinary node as well")

    def masks(self, machine: "Machine") -> dict[str, frozenset[Node]]:
        return super().masks(machine) | {"has_private_memory": machine.state(NodeState.MEMORY_PRIVATE)}

    def shown(self, machine: "Machine") -> frozenset[Node]:
        # They are N_ONLINE, and the masks print the states.
        return machine.state(NodeState.ONLINE)


class InterfaceV4(_OptIn):
    """RFC v4: each private node in a mask must opt in; cpusets list private nodes."""

    name = "v4"
    source = RFC_V4
    says = frozenset({"mbind", "set_mempolicy", "move_pages", "migrate_pages", "cpuset.mems", "sysfs", "numa_maps"})

    def allowed(self, process: "AddressSpace") -> Nodemask:
        return process.mems & (numbers(process.machine.state(NodeState.MEMORY)) | self.opted(process.machine))

    def rebind(self, process: "AddressSpace", policy: Policy) -> Policy:
        return mempolicy.rebind(policy, self.allowed(process))

    def top_mems(self, machine: "Machine") -> Nodemask:
        return numbers(machine.state(NodeState.ONLINE))

    def masks(self, machine: "Machine") -> dict[str, frozenset[Node]]:
        opted = frozenset(node for node in machine.nodes.values() if node.id in self.opted(machine))
        found = super().masks(machine)
        return found | {"has_memory": found["has_memory"] | opted}


class InterfaceV5(_OptIn):
    """v5: one capability for everything that users direct; cpusets neither grant a private node nor deny it."""

    name = "v5"
    source = V5
    says = InterfaceV4.says | {"set_mempolicy_home_node"}
    partitions_private_nodes = False

    def allowed(self, process: "AddressSpace") -> Nodemask:
        return (process.mems & numbers(process.machine.state(NodeState.MEMORY))) | self.opted(process.machine)

    def home_nodes(self, machine: "Machine") -> Nodemask:
        return super().home_nodes(machine) | self.opted(machine)

    def rebind(self, process: "AddressSpace", policy: Policy) -> Policy:
        private = policy.nodes & numbers(process.machine.state(NodeState.MEMORY_PRIVATE))
        if policy.nodes and policy.nodes == private:
            return policy
        ordinary = replace(policy, nodes=policy.nodes - private, asked=policy.asked - private)
        rebound = super().rebind(process, ordinary)
        return replace(rebound, nodes=rebound.nodes | private, asked=policy.asked)

    def counted_in_numa_maps(self, machine: "Machine", node: Node) -> bool:
        return True


class MbindOptIn(Interface):
    """What the thread of June 2026 asks of a later mbind, and nothing else: ``MPOL_BIND`` of a VMA to one node.

    With `require_static` off it leaves out the demand for static nodes, to show what that demand is for.
    """

    name = "mbind-opt-in"
    source = JUNE_THREAD
    says = frozenset({"mbind", "set_mempolicy", "cpuset.mems"})
    partitions_private_nodes = False

    def __init__(self, *, require_static: bool = True) -> None:
        self.require_static = require_static

    def policy_nodes(
        self, process: "AddressSpace", asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        machine = process.machine
        private = asked & numbers(machine.state(NodeState.MEMORY_PRIVATE))
        if not any(node.id in private and Cap.USER_NUMA in node.caps for node in machine.nodes.values()):
            return super().policy_nodes(process, asked, mode, flags, task=task)
        if task:
            raise refuse("a task policy on a private node")
        if mode is not Mode.BIND or len(asked) != 1:
            raise refuse("a private node takes MPOL_BIND to it alone")
        if self.require_static and ModeFlag.STATIC_NODES not in flags:
            raise refuse("a private node takes static nodes only")
        return private

    def may_leave(self, machine: "Machine", node: Node) -> bool:
        return super().may_leave(machine, node) or Cap.USER_NUMA in node.caps

    def rebind(self, process: "AddressSpace", policy: Policy) -> Policy:
        if not policy.nodes & numbers(process.machine.state(NodeState.MEMORY_PRIVATE)):
            return super().rebind(process, policy)
        return policy if ModeFlag.STATIC_NODES in policy.flags else mempolicy.rebind(policy, process.mems)

    def check_mems(self, machine: "Machine", mems: Nodemask) -> None:
        ordinary = self.top_mems(machine)
        opted = numbers(frozenset(node for node in machine.nodes.values() if Cap.USER_NUMA in node.caps))
        if not mems <= ordinary | opted or (mems and not mems & ordinary):
            raise refuse(f"cpuset.mems {mempolicy.spell_nodes(mems)}")


INTERFACES: dict[str, Interface] = {
    interface.name: interface for interface in (Interface(), InterfaceV4(), InterfaceV5(), MbindOptIn())
}
"""The user interfaces by name."""


def get_interface(name: str) -> Interface:
    """An interface by its name. Raises InputError."""
    if name not in INTERFACES:
        raise InputError(f"interface {name}: expected one of {', '.join(INTERFACES)}")
    return INTERFACES[name]
