"""A cpuset confines its tasks to the nodes of cpuset.mems (cgroup v2); a change of it rebinds their policies."""

import errno
from typing import Protocol
from weakref import WeakSet

from zswapsim.machine.errors import SyscallError
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
        self._children: WeakSet[Cpuset] = WeakSet()

    @property
    def effective(self) -> Nodemask:
        """Return the nodes of cpuset.mems.effective: those that the parent has too, or all that it has."""
        if self.parent is None:
            return self.interface.top_mems(self.topology)
        inherited = self.parent.effective
        if self.parent.parent is None:
            return self.mems or inherited  # below the root, the interface has checked them
        return self.mems & inherited or inherited

    def child(self, name: str) -> "Cpuset":
        """Make a new cpuset below this one."""
        made = Cpuset(self.topology, self.interface, name, self)
        self._children.add(made)
        return made

    def attach(self, process: Attachable) -> None:
        """Move a process to this cpuset and rebind its policies."""
        task = process.task
        task.cpuset.members.remove(task)
        task.cpuset = self
        self.members.append(task)
        task.rebind()

    def write_mems(self, mems: Nodemask) -> None:
        """Write cpuset.mems and rebind the policies of all that it confines (update_nodemask).

        Raises SyscallError: EACCES for the root, EINVAL. Pages stay where they are; the kernel moves them afterwards,
        from a work queue. It lets a group with members have an empty list since Linux 7.0 only.
        """
        if self.parent is None:
            raise SyscallError(errno.EACCES, "cpuset.mems of the root cannot be written")
        self.interface.check_mems(self.topology, mems)
        self.mems = mems
        self._rebind()

    def _rebind(self) -> None:
        """Rebind the policies of all members, and of those of the cpusets below (update_nodemasks_hier)."""
        for task in self.members:
            task.rebind()
        for child in self._children:
            child._rebind()

    def read(self, file: str) -> str:
        """Read ``cpuset.mems`` or ``cpuset.mems.effective``."""
        return spell_nodes(self.mems if file == "cpuset.mems" else self.effective) + "\n"
