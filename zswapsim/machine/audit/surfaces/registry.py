"""A table holds probes, each of which tries one user surface; probes share the steps at the end of this file.

A probe returns what the process can tell afterwards. It runs on a machine and on the same machine without private
nodes; there, `C` and `D` are numbers that no node has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.gfp import GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodes import Cap
from zswapsim.machine.process.process import Process

A, B, C, D = range(4)
PAGES = 4
LENGTH = PAGES * PAGE_SIZE

Run = Callable[[Machine, Process, int], Any]
"""A probe takes a machine, a process that runs on A, and the address of four pages that the process touched."""


class Probe(NamedTuple):
    """Describe a probe of one user surface."""

    family: str
    """Proposals speak of the surface by this name."""
    run: Run
    prepare: Run | None
    """The machine does this before the probe runs."""


class ProbeTable(dict[str, Probe]):
    """Map names to probes."""

    def add(self, name: str, family: str = "", prepare: Run | None = None) -> Callable[[Run], Run]:
        """Return a decorator that adds a probe; its family is by default the name up to the first comma."""

        def register(run: Run) -> Run:
            self[name] = Probe(family or name.split(",", maxsplit=1)[0], run, prepare)
            return run

        return register


def residency(process: Process, address: int) -> list[int]:
    """Return the nodes of four pages as move_pages reports them."""
    return process.move_pages([address + page * PAGE_SIZE for page in range(PAGES)], None)


def touch_all(process: Process, address: int, *, write: bool = True) -> list[int]:
    """Access four pages; return their nodes."""
    for page in range(PAGES):
        process.touch(address + page * PAGE_SIZE, write=write)
    return residency(process, address)


def opt_in_c(machine: Machine, process: Process, address: int) -> None:
    """Let the private node C opt in to what users direct, if the machine has it."""
    if len(machine.nodes) > C:
        machine.opt_in(machine.node(C), Cap.USER_NUMA)


def put_page_on_c(machine: Machine, process: Process, address: int) -> None:
    """Grant C to the process and migrate one of its pages there, if the machine has C."""
    page = process.mm.page_at(address // PAGE_SIZE)
    if len(machine.nodes) > C and page is not None:
        machine.grant(machine.node(C), process.task.owner)
        machine.memory.migrate_page(page, machine.node(C), GFP_KERNEL | machine.rule.opens)
