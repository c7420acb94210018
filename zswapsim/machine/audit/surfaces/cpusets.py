"""These probes try cpuset.mems."""

from typing import Any

from zswapsim.machine.audit.surfaces.registry import LENGTH, A, B, C, ProbeTable, touch_all
from zswapsim.machine.machine import Machine
from zswapsim.machine.mempolicy import Mode
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.syscalls.mempolicy import GetFlag

PROBES = ProbeTable()


def add_confined(name: str, nodes: set[int]) -> None:
    """Add a probe that writes cpuset.mems and then touches new memory."""

    def run(machine: Machine, process: Process, address: int) -> Any:
        group = machine.root_cpuset.child("jobs")
        group.write_mems(frozenset(nodes))
        group.attach(process)
        return group.read("cpuset.mems.effective"), touch_all(process, process.mmap(LENGTH))

    PROBES.add(name)(run)


add_confined("cpuset.mems, {C}", {C})
add_confined("cpuset.mems, {A,C}", {A, C})


@PROBES.add("cpuset.mems, rebind a policy")
def rebind(machine: Machine, process: Process, address: int) -> Any:
    group = machine.root_cpuset.child("jobs")
    group.attach(process)
    process.mbind(address, LENGTH, Mode.BIND, frozenset({A}))
    group.write_mems(frozenset({B}))
    return process.get_mempolicy(address, GetFlag.ADDR)


@PROBES.add("cpuset.mems.effective", "cpuset.mems")
def effective(machine: Machine, process: Process, address: int) -> Any:
    return machine.root_cpuset.read("cpuset.mems.effective")
