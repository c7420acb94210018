"""RFC v4 proposes this user interface: each private node in a mask must opt in; cpusets list private nodes."""

from zswapsim.machine import mempolicy
from zswapsim.machine.interface.opt_in import OptInInterface
from zswapsim.machine.mempolicy import Policy
from zswapsim.machine.nodemask import Nodemask
from zswapsim.machine.nodes import Node, NodeState
from zswapsim.machine.sources import RFC_V4
from zswapsim.machine.topology import Topology


class InterfaceV4(OptInInterface):
    """Partition private nodes with cpusets, as ordinary ones are."""

    name = "v4"
    source = RFC_V4
    covers = frozenset({"mbind", "set_mempolicy", "move_pages", "migrate_pages", "cpuset.mems", "sysfs", "numa_maps"})

    def allowed(self, topology: Topology, mems: Nodemask) -> Nodemask:
        return mems & (topology.state_mask(NodeState.MEMORY) | self.opted_in(topology))

    def rebind(self, topology: Topology, mems: Nodemask, policy: Policy) -> Policy:
        return mempolicy.rebind(policy, self.allowed(topology, mems))

    def top_mems(self, topology: Topology) -> Nodemask:
        return topology.state_mask(NodeState.ONLINE)

    def masks(self, topology: Topology) -> dict[str, frozenset[Node]]:
        opted_in = frozenset(topology.node(number) for number in self.opted_in(topology))
        found = super().masks(topology)
        return found | {"has_memory": found["has_memory"] | opted_in}
