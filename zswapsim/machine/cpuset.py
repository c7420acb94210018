"""Cpusets as far as memory goes: cpuset.mems of control groups of version 2, and what a change does to policies."""

from typing import TYPE_CHECKING

from zswapsim.machine.mempolicy import Nodemask, spell_nodes

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine
    from zswapsim.machine.process import Process


class Cpuset:
    """A group and the nodes that it lists; an empty list means its parent's."""

    def __init__(self, machine: "Machine", name: str, parent: "Cpuset | None") -> None:
        self.machine = machine
        self.name = name
        self.parent = parent
        self.mems: Nodemask = frozenset()
        self.processes: list[Process] = []

    @property
    def effective(self) -> Nodemask:
        """cpuset.mems.effective."""
        if self.parent is None:
            return self.machine.interface.top_mems(self.machine)
        return self.mems or self.parent.effective

    def child(self, name: str) -> "Cpuset":
        """A new group below this one."""
        return Cpuset(self.machine, name, self)

    def attach(self, process: "Process") -> None:
        """Move a process here; its policies are rebound."""
        if process.cpuset is not None:
            process.cpuset.processes.remove(process)
        process.cpuset = self
        self.processes.append(process)
        process.rebind()

    def write_mems(self, mems: Nodemask) -> None:
        """Write cpuset.mems; the policies of its processes are rebound. Raises SyscallError (EINVAL)."""
        self.machine.interface.check_mems(self.machine, mems)
        self.mems = mems
        for process in self.processes:
            process.rebind()

    def read(self, file: str) -> str:
        """``cpuset.mems`` or ``cpuset.mems.effective`` as text."""
        return spell_nodes(self.mems if file == "cpuset.mems" else self.effective) + "\n"
