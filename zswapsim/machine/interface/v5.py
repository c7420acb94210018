"""v5 proposes this user interface: one capability for all uses; cpusets neither grant nor deny a private node."""

from dataclasses import replace

from zswapsim.machine.interface.opt_in import OptInInterface
from zswapsim.machine.interface.v4 import InterfaceV4
from zswapsim.machine.mempolicy import Policy
from zswapsim.machine.nodemask import Nodemask
from zswapsim.machine.nodes import Node, NodeState
from zswapsim.machine.sources import V5
from zswapsim.machine.topology import Topology


class InterfaceV5(OptInInterface):
    """Rebind the ordinary nodes of a policy and keep its private ones."""

    name = "v5"
    source = V5
    covers = InterfaceV4.covers | {"set_mempolicy_home_node"}
    partitions_private_nodes = False

    def allowed(self, topology: Topology, mems: Nodemask) -> Nodemask:
        return (mems & topology.state_mask(NodeState.MEMORY)) | self.opted_in(topology)

    def home_nodes(self, topology: Topology) -> Nodemask:
        return super().home_nodes(topology) | self.opted_in(topology)

    def rebind(self, topology: Topology, mems: Nodemask, policy: Policy) -> Policy:
        private = policy.nodes & topology.state_mask(NodeState.MEMORY_PRIVATE)
        if policy.nodes and policy.nodes == private:
            return policy
        ordinary = replace(policy, nodes=policy.nodes - private, kept=policy.kept - private)
        rebound = super().rebind(topology, mems, ordinary)
        return replace(rebound, nodes=rebound.nodes | private, kept=rebound.kept | (policy.kept & private))

    def counted_in_numa_maps(self, topology: Topology, node: Node) -> bool:
        return True
