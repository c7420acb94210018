"""What a process can call and read: one probe for each surface, run on a machine and on its like without the node.

A probe returns what the process can tell afterwards. `C` and `D` are the numbers of the private nodes; where the
machine does not have them, they are as good as any other wrong number.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from zswapsim.machine import sysfs
from zswapsim.machine.callers import fill_dram
from zswapsim.machine.driver import DeviceFile
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.gfp import GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.mempolicy import Mode, ModeFlag
from zswapsim.machine.migration import MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE, Cap
from zswapsim.machine.numa_calls import GetFlag
from zswapsim.machine.pages import File
from zswapsim.machine.process import Advice, Process

A, B, C, D = range(4)
PAGES = 4
LENGTH = PAGES * PAGE_SIZE

Run = Callable[[Machine, Process, int], Any]
"""Gets a machine, a process that runs on A, and the address of four pages that it touched."""


class Probe(NamedTuple):
    """One thing to try."""

    family: str
    """The surface that it belongs to, as proposals speak of it."""
    run: Run
    prepare: Run | None
    """What the machine does beforehand."""


PROBES: dict[str, Probe] = {}
"""The probes by name."""


def probe(name: str, family: str = "", prepare: Run | None = None) -> Callable[[Run], Run]:
    """Register a probe."""

    def register(function: Run) -> Run:
        PROBES[name] = Probe(family or name.split(",", maxsplit=1)[0], function, prepare)
        return function

    return register


def places(process: Process, address: int) -> list[int]:
    """Where four pages are, as the process can ask."""
    return process.move_pages([address + page * PAGE_SIZE for page in range(PAGES)], None)


def touched(process: Process, address: int) -> list[int]:
    """Write to four pages; where they are then."""
    for page in range(PAGES):
        process.touch(address + page * PAGE_SIZE)
    return places(process, address)


def opted_in(machine: Machine, process: Process, address: int) -> None:
    """The private node C opts in to what users direct, where it is there."""
    if len(machine.nodes) > C:
        machine.opt_in(machine.node(C), Cap.USER_NUMA)


def page_on_c(machine: Machine, process: Process, address: int) -> None:
    """One of the process's pages lies on C, which was granted to it."""
    page = process.page_at(address // PAGE_SIZE)
    if len(machine.nodes) > C and page is not None:
        machine.grant(machine.node(C), process.owner)
        page.migrate(machine, machine.node(C), GFP_KERNEL | machine.rule.opens)


# --- memory ----------------------------------------------------------------------------------------------------------


@probe("anonymous fault")
def anonymous(machine: Machine, process: Process, address: int) -> Any:
    return touched(process, process.mmap(LENGTH))


@probe("anonymous fault, DRAM full")
def anonymous_full(machine: Machine, process: Process, address: int) -> Any:
    fill_dram(machine)
    return touched(process, process.mmap(LENGTH))


@probe("file read")
def file_read(machine: Machine, process: Process, address: int) -> Any:
    mapped = process.mmap(LENGTH, File("data"), shared=True)
    for page in range(PAGES):
        process.touch(mapped + page * PAGE_SIZE, write=False)
    return places(process, mapped)


@probe("munmap")
def munmap(machine: Machine, process: Process, address: int) -> Any:
    process.munmap(address, LENGTH)
    return places(process, address)


@probe("madvise, cold")
def cold(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.COLD)
    return places(process, address)


@probe("madvise, pageout and back")
def pageout(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.PAGEOUT)
    return places(process, address), touched(process, address)


@probe("madvise, dontneed and populate")
def dontneed(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.DONTNEED)
    process.madvise(address, LENGTH, Advice.POPULATE_WRITE)
    return places(process, address)


# --- policies --------------------------------------------------------------------------------------------------------


def bound(
    name: str, mode: Mode, nodes: set[int], mode_flags: int = 0, flags: int = 0, prepare: Run | None = None
) -> None:
    """Register a probe of mbind over memory that is touched after it."""

    def run(machine: Machine, process: Process, address: int) -> Any:
        fresh = address if flags else process.mmap(LENGTH)
        process.mbind(fresh, LENGTH, mode, frozenset(nodes), mode_flags, flags)
        return touched(process, fresh)

    probe(name, prepare=prepare)(run)


bound("mbind, bind {C}", Mode.BIND, {C})
bound("mbind, bind {A,C}", Mode.BIND, {A, C})
bound("mbind, prefer {C}", Mode.PREFERRED, {C})
bound("mbind, prefer many {A,C}", Mode.PREFERRED_MANY, {A, C})
bound("mbind, interleave {A,C}", Mode.INTERLEAVE, {A, C})
bound("mbind, weighted interleave {A,C}", Mode.WEIGHTED_INTERLEAVE, {A, C})
bound("mbind, bind {C}, move", Mode.BIND, {C}, flags=MoveFlag.MOVE)
bound("mbind, bind {C} static, C opted in", Mode.BIND, {C}, ModeFlag.STATIC_NODES, prepare=opted_in)


@probe("set_mempolicy, bind {C}, C opted in", prepare=opted_in)
@probe("set_mempolicy, bind {C}")
def task_policy(machine: Machine, process: Process, address: int) -> Any:
    process.set_mempolicy(Mode.BIND, frozenset({C}))
    return touched(process, process.mmap(LENGTH))


@probe("set_mempolicy_home_node, C")
def home_node(machine: Machine, process: Process, address: int) -> Any:
    fresh = process.mmap(LENGTH)
    process.mbind(fresh, LENGTH, Mode.PREFERRED_MANY, frozenset({A, B}))
    process.set_mempolicy_home_node(fresh, LENGTH, C)
    return touched(process, fresh)


@probe("get_mempolicy, allowed nodes", "cpuset.mems")
def allowed(machine: Machine, process: Process, address: int) -> Any:
    return process.get_mempolicy(flags=GetFlag.MEMS_ALLOWED)


@probe("get_mempolicy, node of a page")
def node_of_page(machine: Machine, process: Process, address: int) -> Any:
    return process.get_mempolicy(address, GetFlag.NODE | GetFlag.ADDR)


# --- migration -------------------------------------------------------------------------------------------------------


@probe("move_pages, to C")
def move_pages(machine: Machine, process: Process, address: int) -> Any:
    return process.move_pages([address], [C])


@probe("move_pages, where are they")
def move_pages_query(machine: Machine, process: Process, address: int) -> Any:
    return places(process, address)


@probe("migrate_pages, A to C")
def migrate_to(machine: Machine, process: Process, address: int) -> Any:
    process.privileged = True
    return process.migrate_pages(frozenset({A}), frozenset({C})), places(process, address)


@probe("migrate_pages, C to A")
def migrate_from(machine: Machine, process: Process, address: int) -> Any:
    return process.migrate_pages(frozenset({C}), frozenset({A}))


# --- cpusets ---------------------------------------------------------------------------------------------------------


def confined(name: str, nodes: set[int]) -> None:
    """Register a probe of writing cpuset.mems."""

    def run(machine: Machine, process: Process, address: int) -> Any:
        group = machine.root_cpuset.child("jobs")
        group.write_mems(frozenset(nodes))
        group.attach(process)
        return group.read("cpuset.mems.effective"), touched(process, process.mmap(LENGTH))

    probe(name)(run)


confined("cpuset.mems, {C}", {C})
confined("cpuset.mems, {A,C}", {A, C})


@probe("cpuset.mems, rebind a policy")
def rebind(machine: Machine, process: Process, address: int) -> Any:
    group = machine.root_cpuset.child("jobs")
    group.attach(process)
    process.mbind(address, LENGTH, Mode.BIND, frozenset({A}))
    group.write_mems(frozenset({B}))
    return process.get_mempolicy(address, GetFlag.ADDR)


@probe("cpuset.mems.effective", "cpuset.mems")
def effective(machine: Machine, process: Process, address: int) -> Any:
    return machine.root_cpuset.read("cpuset.mems.effective")


# --- the read side ---------------------------------------------------------------------------------------------------


def readable(name: str, path: str, prepare: Run | None = None) -> None:
    """Register a probe of one file in sysfs."""
    probe(name, "sysfs", prepare)(lambda machine, process, address: sysfs.read(machine, sysfs.ROOT + path))


for _mask in ("possible", "online", "has_normal_memory", "has_memory", "has_cpu", "has_private_memory"):
    readable(f"sysfs, {_mask}", _mask)
readable("sysfs, has_memory, C opted in", "has_memory", opted_in)
readable("sysfs, distances from A", f"node{A}/distance")
readable("sysfs, meminfo of A", f"node{A}/meminfo")
readable("sysfs, meminfo of C", f"node{C}/meminfo")


@probe("numa_maps")
def numa_maps(machine: Machine, process: Process, address: int) -> Any:
    return process.numa_maps()


@probe("numa_maps, a page on C", prepare=page_on_c)
def numa_maps_private(machine: Machine, process: Process, address: int) -> Any:
    """Whether C is named."""
    return f" N{C}=" in process.numa_maps()


@probe("a driver's /dev file")
def device_file(machine: Machine, process: Process, address: int) -> Any:
    if len(machine.nodes) <= D:
        raise SyscallError(2, "/dev/accel0")
    mapped = process.mmap(LENGTH, DeviceFile(machine, machine.node(D)), shared=True)
    process.touch(mapped)
    return places(process, mapped)
