"""The thread of June 2026 asks for this user interface: mbind of a VMA to one private node, and nothing else."""

from zswapsim.machine import mempolicy
from zswapsim.machine.errors import einval
from zswapsim.machine.interface.base import Interface
from zswapsim.machine.mempolicy import Mode, ModeFlag, Policy
from zswapsim.machine.nodemask import Nodemask, spell_nodes
from zswapsim.machine.nodes import Cap, Node, NodeState, node_numbers
from zswapsim.machine.sources import JUNE_THREAD
from zswapsim.machine.topology import Topology


class MbindOptIn(Interface):
    """Let a VMA take ``MPOL_BIND`` to one private node that opted in.

    With `require_static` False it does not demand static nodes, which shows what the demand is for.
    """

    name = "mbind-opt-in"
    source = JUNE_THREAD
    covers = frozenset({"mbind", "set_mempolicy", "cpuset.mems"})
    partitions_private_nodes = False

    def __init__(self, *, require_static: bool = True) -> None:
        self.require_static = require_static

    def policy_nodes(
        self, topology: Topology, mems: Nodemask, asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        private = asked & topology.state_mask(NodeState.MEMORY_PRIVATE)
        if not private & self.opted_in(topology):
            return super().policy_nodes(topology, mems, asked, mode, flags, task=task)
        if task:
            raise einval("a task policy cannot name a private node")
        if mode is not Mode.BIND or len(asked) != 1:
            raise einval("a private node takes MPOL_BIND to it alone")
        if self.require_static and ModeFlag.STATIC_NODES not in flags:
            raise einval("a private node takes static nodes only")
        return private

    def opted_in(self, topology: Topology) -> Nodemask:
        """Return the nodes that opted in to what users direct."""
        return node_numbers(node for node in topology.nodes.values() if Cap.USER_NUMA in node.caps)

    def may_leave(self, topology: Topology, node: Node) -> bool:
        return super().may_leave(topology, node) or Cap.USER_NUMA in node.caps

    def rebind(self, topology: Topology, mems: Nodemask, policy: Policy) -> Policy:
        if not policy.nodes & topology.state_mask(NodeState.MEMORY_PRIVATE):
            return super().rebind(topology, mems, policy)
        return policy if ModeFlag.STATIC_NODES in policy.flags else mempolicy.rebind(policy, mems)

    def check_mems(self, topology: Topology, mems: Nodemask) -> None:
        ordinary = self.top_mems(topology)
        if not mems <= ordinary | self.opted_in(topology) or (mems and not mems & ordinary):
            raise einval(f"cpuset.mems {spell_nodes(mems)}")
