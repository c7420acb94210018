"""A cpuset confines its tasks to the nodes of cpuset.mems (cgroup v2); a change of it rebinds their policies."""

from typing import Protocol

from zswapsim.machine.interface import Interface
from zswapsim.machine.nodemask import NO_NODES, Nodemask, spell_nodes
from zswapsim.machine.topology import Topology


class Member(Protocol):
    """Define what a cpuset needs of a task."""

    cpuset: "Cpuset"

    def rebind(self) -> None:
        """Rebind the policies of the task: its cpuset allows other nodes now."""


class Attachable(Protocol):
    """Define what a cpuset needs of a process: it has a task."""

    @property
    def task(self) -> Member:
        """Return the task that the cpuset confines."""


class Cpuset:
    """Hold the nodes that cpuset.mems of a cgroup lists; an empty list means those of its parent."""

    def __init__(self, topology: Topology, interface: Interface, name: str, parent: "Cpuset | None" = None) -> None:
        self.topology = topology
        self.interface = interface
        self.name = name
        self.parent = parent
        self.mems: Nodemask = NO_NODES
        self.members: list[Member] = []

    @property
    def effective(self) -> Nodemask:
        """Return the nodes of cpuset.mems.effective."""
        if self.parent is None:
            return self.interface.top_mems(self.topology)
        return self.mems or self.parent.effective

    def child(self, name: str) -> "Cpuset":
        """Make a new cpuset below this one."""
        return Cpuset(self.topology, self.interface, name, self)

    def attach(self, process: Attachable) -> None:
        """Move a process to this cpuset and rebind its policies."""
        task = process.task
        task.cpuset.members.remove(task)
        task.cpuset = self
        self.members.append(task)
        task.rebind()

    def write_mems(self, mems: Nodemask) -> None:
        """Write cpuset.mems and rebind the policies of all members. Raises SyscallError (EINVAL)."""
        self.interface.check_mems(self.topology, mems)
        self.mems = mems
        for task in self.members:
            task.rebind()

    def read(self, file: str) -> str:
        """Read ``cpuset.mems`` or ``cpuset.mems.effective``."""
        return spell_nodes(self.mems if file == "cpuset.mems" else self.effective) + "\n"
