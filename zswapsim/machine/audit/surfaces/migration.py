"""These probes try move_pages and migrate_pages."""

from typing import Any

from zswapsim.machine.audit.surfaces.registry import A, C, ProbeTable, residency
from zswapsim.machine.machine import Machine
from zswapsim.machine.process.process import Process

PROBES = ProbeTable()


@PROBES.add("move_pages, to C")
def move_pages(machine: Machine, process: Process, address: int) -> Any:
    return process.move_pages([address], [C])


@PROBES.add("move_pages, where are they")
def move_pages_query(machine: Machine, process: Process, address: int) -> Any:
    return residency(process, address)


@PROBES.add("migrate_pages, A to C")
def migrate_to(machine: Machine, process: Process, address: int) -> Any:
    process.task.privileged = True
    return process.migrate_pages(frozenset({A}), frozenset({C})), residency(process, address)


@PROBES.add("migrate_pages, C to A")
def migrate_from(machine: Machine, process: Process, address: int) -> Any:
    return process.migrate_pages(frozenset({C}), frozenset({A}))
