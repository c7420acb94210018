"""These probes try mbind, set_mempolicy, set_mempolicy_home_node and get_mempolicy."""

from typing import Any

from zswapsim.machine.audit.surfaces.registry import LENGTH, A, B, C, ProbeTable, Run, opt_in_c, touch_all
from zswapsim.machine.machine import Machine
from zswapsim.machine.mempolicy import Mode, ModeFlag
from zswapsim.machine.process.migrate import MoveFlag
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.syscalls.mempolicy import GetFlag

PROBES = ProbeTable()


def add_mbind(
    name: str, mode: Mode, nodes: set[int], mode_flags: int = 0, flags: int = 0, prepare: Run | None = None
) -> None:
    """Add a probe that calls mbind and then touches the memory."""

    def run(machine: Machine, process: Process, address: int) -> Any:
        bound = address if flags else process.mmap(LENGTH)
        process.mbind(bound, LENGTH, mode, frozenset(nodes), mode_flags, flags)
        return touch_all(process, bound)

    PROBES.add(name, prepare=prepare)(run)


add_mbind("mbind, bind {C}", Mode.BIND, {C})
add_mbind("mbind, bind {A,C}", Mode.BIND, {A, C})
add_mbind("mbind, prefer {C}", Mode.PREFERRED, {C})
add_mbind("mbind, prefer many {A,C}", Mode.PREFERRED_MANY, {A, C})
add_mbind("mbind, interleave {A,C}", Mode.INTERLEAVE, {A, C})
add_mbind("mbind, weighted interleave {A,C}", Mode.WEIGHTED_INTERLEAVE, {A, C})
add_mbind("mbind, bind {C}, move", Mode.BIND, {C}, flags=MoveFlag.MOVE)
add_mbind("mbind, bind {C} static, C opted in", Mode.BIND, {C}, ModeFlag.STATIC_NODES, prepare=opt_in_c)


@PROBES.add("set_mempolicy, bind {C}, C opted in", prepare=opt_in_c)
@PROBES.add("set_mempolicy, bind {C}")
def task_policy(machine: Machine, process: Process, address: int) -> Any:
    process.set_mempolicy(Mode.BIND, frozenset({C}))
    return touch_all(process, process.mmap(LENGTH))


@PROBES.add("set_mempolicy_home_node, C")
def home_node(machine: Machine, process: Process, address: int) -> Any:
    fresh = process.mmap(LENGTH)
    process.mbind(fresh, LENGTH, Mode.PREFERRED_MANY, frozenset({A, B}))
    process.set_mempolicy_home_node(fresh, LENGTH, C)
    return touch_all(process, fresh)


@PROBES.add("get_mempolicy, allowed nodes", "cpuset.mems")
def allowed(machine: Machine, process: Process, address: int) -> Any:
    return process.get_mempolicy(flags=GetFlag.MEMS_ALLOWED)


@PROBES.add("get_mempolicy, node of a page")
def node_of_page(machine: Machine, process: Process, address: int) -> Any:
    return process.get_mempolicy(address, GetFlag.NODE | GetFlag.ADDR)
