"""Under v4 and v5 a user may name a private node that opted in; any other private node is refused."""

import errno

from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.interface.base import Interface
from zswapsim.machine.mempolicy import Mode, ModeFlag
from zswapsim.machine.nodemask import Nodemask, spell_nodes
from zswapsim.machine.nodes import Cap, Node, NodeState, node_numbers
from zswapsim.machine.topology import Topology


class OptInInterface(Interface):
    """Share what v4 and v5 have in common; they differ in the nodes that a policy may use."""

    def policy_nodes(
        self, topology: Topology, mems: Nodemask, asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        if missing := (asked & topology.state_mask(NodeState.MEMORY_PRIVATE)) - self.opted_in(topology):
            raise einval(f"private nodes that did not opt in: {spell_nodes(missing)}")
        return self.allowed(topology, mems)

    def opted_in(self, topology: Topology) -> Nodemask:
        """Return the private nodes on which users may place memory."""
        return node_numbers(node for node in topology.state(NodeState.MEMORY_PRIVATE) if Cap.USER_NUMA in node.caps)

    def allowed(self, topology: Topology, mems: Nodemask) -> Nodemask:
        """Return all nodes that a policy may use in a cpuset with these `mems`."""
        raise NotImplementedError

    def may_move(self, topology: Topology, node: Node) -> bool:
        return super().may_move(topology, node) or Cap.USER_NUMA in node.caps

    def check_migration(self, topology: Topology, old: Nodemask, new: Nodemask) -> None:
        refused = topology.state_mask(NodeState.MEMORY_PRIVATE) - self.opted_in(topology)
        if new & refused:
            raise SyscallError(errno.ENODEV, f"targets that did not opt in: {spell_nodes(new & refused)}")
        if old & refused:
            raise SyscallError(errno.ENOENT, f"sources that did not opt in: {spell_nodes(old & refused)}")

    def check_mems(self, topology: Topology, mems: Nodemask) -> None:
        ordinary = topology.state_mask(NodeState.MEMORY)
        private = topology.state_mask(NodeState.MEMORY_PRIVATE)
        if not mems <= ordinary | private or (mems and not mems & ordinary):
            raise einval(f"cpuset.mems {spell_nodes(mems)}: expected an ordinary node as well")

    def masks(self, topology: Topology) -> dict[str, frozenset[Node]]:
        return super().masks(topology) | {"has_private_memory": topology.state(NodeState.MEMORY_PRIVATE)}

    def shown(self, topology: Topology) -> frozenset[Node]:
        # Private nodes are N_ONLINE, and the masks print the states.
        return topology.state(NodeState.ONLINE)
