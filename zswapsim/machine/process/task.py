"""A task holds the state of a process that placement depends on (task_struct)."""

from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.memory import Memory
from zswapsim.machine.mempolicy import INTERLEAVING, Policy
from zswapsim.machine.nodemask import Nodemask
from zswapsim.machine.nodes import Node
from zswapsim.machine.process.address_space import AddressSpace

BEFORE_ANY_NODE = -1


class Task:
    """Run on the CPUs of `node`, in a cpuset; a `privileged` task has CAP_SYS_NICE."""

    def __init__(self, memory: Memory, pid: int, node: Node, cpuset: Cpuset, *, privileged: bool) -> None:
        self.memory = memory
        self.pid = pid
        self.owner = f"process {pid}"
        """Frames of the task's anonymous memory belong to this owner."""
        self.node = node
        self.privileged = privileged
        self.mempolicy: Policy | None = None
        self.il_prev, self.il_weight = BEFORE_ANY_NODE, 0
        """The node of the last page that the policy interleaved, and how many pages in a row it still gets."""
        self.mm = AddressSpace(memory.pages)
        self.dead = False
        self.cpuset = cpuset
        cpuset.members.append(self)

    def set_mempolicy(self, policy: Policy | None) -> None:
        """Set the task's policy; interleaving begins with the first of its nodes (do_set_mempolicy)."""
        self.mempolicy = policy
        if policy is not None and policy.mode in INTERLEAVING:
            self.il_prev, self.il_weight = BEFORE_ANY_NODE, 0

    @property
    def mems(self) -> Nodemask:
        """Return the nodes that the task's cpuset allows."""
        return self.cpuset.effective

    def rebind(self) -> None:
        """Rebind all policies: the cpuset allows other nodes now (mpol_rebind_task, mpol_rebind_mm)."""
        if self.mempolicy is not None:
            self.mempolicy = self._rebound(self.mempolicy)
        for vma in self.mm.vmas:
            if vma.policy is not None:
                vma.policy = self._rebound(vma.policy)

    def _rebound(self, policy: Policy) -> Policy:
        return self.memory.interface.rebind(self.memory.topology, self.mems, policy)

    def exit(self) -> None:
        """End the task and free its memory."""
        self.mm.clear()
        self.dead = True
