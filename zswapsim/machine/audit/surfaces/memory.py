"""These probes try mappings, faults and madvise."""

from typing import Any

from zswapsim.machine.audit.callers import fill_dram
from zswapsim.machine.audit.surfaces.registry import LENGTH, ProbeTable, residency, touch_all
from zswapsim.machine.machine import Machine
from zswapsim.machine.pages.page import File
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.syscalls.madvise import Advice

PROBES = ProbeTable()


@PROBES.add("anonymous fault")
def anonymous(machine: Machine, process: Process, address: int) -> Any:
    return touch_all(process, process.mmap(LENGTH))


@PROBES.add("anonymous fault, DRAM full")
def anonymous_full(machine: Machine, process: Process, address: int) -> Any:
    fill_dram(machine)
    return touch_all(process, process.mmap(LENGTH))


@PROBES.add("file read")
def file_read(machine: Machine, process: Process, address: int) -> Any:
    return touch_all(process, process.mmap(LENGTH, File("data"), shared=True), write=False)


@PROBES.add("munmap")
def munmap(machine: Machine, process: Process, address: int) -> Any:
    process.munmap(address, LENGTH)
    return residency(process, address)


@PROBES.add("madvise, cold")
def cold(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.COLD)
    return residency(process, address)


@PROBES.add("madvise, pageout and back")
def pageout(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.PAGEOUT)
    return residency(process, address), touch_all(process, address)


@PROBES.add("madvise, dontneed and populate")
def dontneed(machine: Machine, process: Process, address: int) -> Any:
    process.madvise(address, LENGTH, Advice.DONTNEED)
    process.madvise(address, LENGTH, Advice.POPULATE_WRITE)
    return residency(process, address)
