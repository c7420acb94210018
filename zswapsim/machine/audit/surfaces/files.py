"""These probes try the files that a process can read or map: sysfs, numa_maps, a driver's file."""

import errno
from typing import Any

from zswapsim.machine import sysfs
from zswapsim.machine.audit.surfaces.registry import (
    LENGTH,
    A,
    C,
    D,
    ProbeTable,
    Run,
    opt_in_c,
    put_page_on_c,
    residency,
)
from zswapsim.machine.driver import DeviceFile
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.machine import Machine
from zswapsim.machine.process.process import Process

PROBES = ProbeTable()


def add_readable(name: str, path: str, prepare: Run | None = None) -> None:
    """Add a probe that reads one file in sysfs."""
    PROBES.add(name, "sysfs", prepare)(lambda machine, process, address: sysfs.read(machine, sysfs.ROOT + path))


for _mask in ("possible", "online", "has_normal_memory", "has_memory", "has_cpu", "has_private_memory"):
    add_readable(f"sysfs, {_mask}", _mask)
add_readable("sysfs, has_memory, C opted in", "has_memory", opt_in_c)
add_readable("sysfs, distances from A", f"node{A}/distance")
add_readable("sysfs, meminfo of A", f"node{A}/meminfo")
add_readable("sysfs, meminfo of C", f"node{C}/meminfo")


@PROBES.add("numa_maps")
def numa_maps(machine: Machine, process: Process, address: int) -> Any:
    return process.numa_maps()


@PROBES.add("numa_maps, a page on C", prepare=put_page_on_c)
def numa_maps_private(machine: Machine, process: Process, address: int) -> Any:
    return f" N{C}=" in process.numa_maps()


@PROBES.add("a driver's /dev file")
def device_file(machine: Machine, process: Process, address: int) -> Any:
    if len(machine.nodes) <= D:
        raise SyscallError(errno.ENOENT, "/dev/accel0")
    mapped = process.mmap(LENGTH, DeviceFile(machine, machine.node(D)), shared=True)
    process.touch(mapped)
    return residency(process, mapped)
