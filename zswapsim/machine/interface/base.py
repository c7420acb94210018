"""The baseline is the user interface of a kernel that does not know private nodes."""

from zswapsim.machine import mempolicy
from zswapsim.machine.errors import einval
from zswapsim.machine.mempolicy import Mode, ModeFlag, Policy
from zswapsim.machine.nodemask import Nodemask, spell_nodes
from zswapsim.machine.nodes import Node, NodeState
from zswapsim.machine.sources import BASELINE, Source
from zswapsim.machine.topology import Topology


class Interface:
    """Hide private nodes from users: a call that names one is answered as if it did not exist."""

    name = "none"
    source: Source = BASELINE
    covers: frozenset[str] = frozenset()
    """The proposal speaks of these surfaces; for the others the baseline holds."""
    partitions_private_nodes = True
    """cpuset.mems keeps tasks off a private node that it does not list."""

    def rests_on(self, surface: str) -> Source:
        """Return the source that the answer of a surface rests on."""
        return self.source if surface in self.covers else BASELINE

    # -- policies: mbind, set_mempolicy, set_mempolicy_home_node ------------------------------------------------------

    def policy_nodes(
        self, topology: Topology, mems: Nodemask, asked: Nodemask, mode: Mode, flags: ModeFlag, *, task: bool
    ) -> Nodemask:
        """Return the nodes that a policy may use in a cpuset with these `mems`. Raises SyscallError (EINVAL).

        `task` is True for a task's policy and False for a VMA's.
        """
        return mems & topology.state_mask(NodeState.MEMORY)

    def home_nodes(self, topology: Topology) -> Nodemask:
        """Return the nodes that may be a policy's home."""
        return topology.state_mask(NodeState.MEMORY)

    def rebind(self, topology: Topology, mems: Nodemask, policy: Policy) -> Policy:
        """Return a policy after the cpuset of its process came to allow `mems`."""
        return mempolicy.rebind(policy, mems & topology.state_mask(NodeState.MEMORY))

    # -- migration: move_pages, migrate_pages -------------------------------------------------------------------------

    def may_move(self, topology: Topology, node: Node) -> bool:
        """Return True if users may move pages to this node and off it."""
        return not topology.isolates(node)

    def may_leave(self, topology: Topology, node: Node) -> bool:
        """Return True if mbind may move a page off this node."""
        return self.may_move(topology, node)

    def check_migration(self, topology: Topology, old: Nodemask, new: Nodemask) -> None:
        """Check the masks of migrate_pages, before the rights of the caller are checked. Raises SyscallError."""

    # -- cpusets ------------------------------------------------------------------------------------------------------

    def top_mems(self, topology: Topology) -> Nodemask:
        """Return the nodes of the root cpuset."""
        return topology.state_mask(NodeState.MEMORY)

    def check_mems(self, topology: Topology, mems: Nodemask) -> None:
        """Check a mask that is written to cpuset.mems. Raises SyscallError (EINVAL)."""
        if not mems <= self.top_mems(topology):
            raise einval(f"cpuset.mems {spell_nodes(mems)}")

    # -- files: sysfs, numa_maps --------------------------------------------------------------------------------------

    def masks(self, topology: Topology) -> dict[str, frozenset[Node]]:
        """Return the nodes that each mask file of /sys/devices/system/node lists, by the name of the file."""
        memory = topology.state(NodeState.MEMORY)
        named = {"has_normal_memory": memory, "has_memory": memory, "has_cpu": topology.state(NodeState.CPU)}
        return {"possible": self.shown(topology), "online": self.shown(topology)} | named

    def shown(self, topology: Topology) -> frozenset[Node]:
        """Return the nodes that have a directory of their own in sysfs."""
        return topology.state(NodeState.MEMORY)

    def counted_in_numa_maps(self, topology: Topology, node: Node) -> bool:
        """Return True if numa_maps counts a process's pages on the node."""
        return not topology.isolates(node)
