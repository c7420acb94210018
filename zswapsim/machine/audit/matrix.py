"""The matrix of the audit has a cell for each kernel caller and each user surface under each rule."""

import errno
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.audit.callers import CALLERS, Outcome
from zswapsim.machine.audit.surfaces import PROBES, Probe
from zswapsim.machine.audit.surfaces.registry import LENGTH, touch_all
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.isolation import RULES
from zswapsim.machine.machine import SWAP_BACKEND, Machine
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.signals import OomKilled
from zswapsim.machine.sources import BASELINE, Source

OUTCOMES = ("granted", "fell-back", "refused", "leaked", "hidden", "revealed")
PROCESS = "process"
SERVICES = ("khugepaged", "KSM", "compaction", "NUMA balancing", "demotion")
"""v4 and v5 speak of these callers by name; for the others the rule itself says what happens."""


class Cell(msgspec.Struct, frozen=True):
    """Record the outcome of one kernel caller, or of one user surface, under one rule."""

    isolation: str
    caller: str
    surface: str
    outcome: str
    """It is one of :data:`OUTCOMES`; ``hidden`` means the answer of a machine without the node."""
    node: str | None
    """The frames are on these nodes: ``C``, or ``C,D``; None if there are none."""
    errno: str | None
    frames: int
    """So many frames of private nodes were handed out."""
    rests_on: str
    """The outcome rests on this version and date, or on the ``baseline``."""

    @property
    def row(self) -> str:
        """Return the name of the cell's row in the matrix."""
        return self.surface if self.caller == PROCESS else self.caller


def audit(rules: Iterable[str] = RULES, interface: str | None = None) -> list[Cell]:
    """Return every cell of the matrix, on the example machine. Raises InputError for an unknown rule or interface."""
    cells = []
    for rule in rules:
        cells += [audit_caller(rule, name, interface) for name in CALLERS]
        cells += [audit_surface(rule, name, interface) for name in PROBES]
    return cells


def run_caller(rule: str, name: str, interface: str | None = None) -> tuple[Machine, Outcome]:
    """Run one caller on a machine of its own. Raises InputError for an unknown caller."""
    if name not in CALLERS:
        raise InputError(f"caller {name}: expected one of {', '.join(CALLERS)}")
    machine, _, _ = _boot(rule, interface)
    return machine, CALLERS[name](machine)


def audit_caller(rule: str, name: str, interface: str | None = None) -> Cell:
    """Return the cell of a kernel caller."""
    machine, outcome = run_caller(rule, name, interface)
    source = _caller_source(machine, name)
    private = [each for each in outcome.got if each.node.private]
    leaked = [each for each in private if each.owner not in each.node.granted]
    fell_back = [each for each in outcome.got if each.fell_back and each.walk.request.preferred.private]
    if private:
        return _caller_cell(rule, name, "leaked" if leaked else "granted", source, leaked or private)
    if outcome.refused:
        return _caller_cell(rule, name, "refused", source, errno_name=errno.errorcode[errno.ENOMEM])
    if fell_back:
        return _caller_cell(rule, name, "fell-back", source, fell_back)
    return _caller_cell(rule, name, "hidden", source)


def audit_surface(rule: str, name: str, interface: str | None = None) -> Cell:
    """Return the cell of a user surface: the frames that a process got, and if it could tell that the node exists.

    The probe runs on the machine and on the same machine without private nodes; the node is revealed if the two
    answers differ.
    """
    probe = PROBES[name]
    machine, process, address = _boot(rule, interface)
    twin = machine.without_private_nodes()
    twin.swap_on()
    if probe.prepare is not None:
        probe.prepare(machine, process, address)
    before = _private_frames(machine)
    answer = _try_probe(machine, process, address, probe)
    twin_answer = _try_probe(twin, *_populate(twin), probe)
    gained = _gained(before, _private_frames(machine))
    leaked = {key: frames for key, frames in gained.items() if key[1] not in machine.nodes[key[0]].granted}
    outcome = "leaked" if leaked else "granted" if gained else "revealed"
    _, number = answer
    if not gained and answer == twin_answer:
        outcome = "refused" if number else "hidden"
    nodes = ",".join(sorted({node for node, _ in leaked or gained})) or None
    errno_name = errno.errorcode[number] if number else None
    source = machine.interface.rests_on(probe.family)
    return Cell(rule, PROCESS, name, outcome, nodes, errno_name, sum((leaked or gained).values()), str(source))


def _boot(rule: str, interface: str | None) -> tuple[Machine, Process, int]:
    """Boot the example machine with swap on C, and start a process on A that touches four pages."""
    machine = Machine.example(rule, interface)
    machine.swap_on(machine.nodes["C"])
    return machine, *_populate(machine)


def _populate(machine: Machine) -> tuple[Process, int]:
    """Start a process on the first node that touches four pages; return it and their address."""
    process = machine.spawn(machine.node(0))
    address = process.mmap(LENGTH)
    touch_all(process, address)
    return process, address


def _caller_cell(
    rule: str,
    name: str,
    outcome: str,
    source: Source,
    frames: Sequence[Allocation] = (),
    errno_name: str | None = None,
) -> Cell:
    nodes = ",".join(sorted({each.node.name for each in frames})) or None
    count = sum(each.frames for each in frames if each.node.private)
    return Cell(rule, name, CALLERS[name].surface, outcome, nodes, errno_name, count, str(source))


def _caller_source(machine: Machine, name: str) -> Source:
    """Return the source of a caller's cell: the rule's, or the baseline for a service the rule does not speak of."""
    if name in SERVICES and machine.rule.interface == "none":
        return BASELINE
    return machine.rule.source


def _private_frames(machine: Machine) -> dict[tuple[str, str], int]:
    """Count the frames of private nodes by node and owner, without those of the swap backend."""
    return {
        (name, owner): frames
        for name, node in machine.nodes.items()
        if node.private
        for owner, frames in node.owners().items()
        if owner != SWAP_BACKEND
    }


def _gained(before: dict[tuple[str, str], int], after: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return how many frames each owner has more than before, if it has more."""
    return {key: frames - before.get(key, 0) for key, frames in after.items() if frames > before.get(key, 0)}


def _try_probe(machine: Machine, process: Process, address: int, probe: Probe) -> tuple[Any, int]:
    """Run a probe; return its answer and 0, or None and the errno that it failed with."""
    try:
        return probe.run(machine, process, address), 0
    except SyscallError as failed:
        return None, failed.errno or 0
    except OomKilled:
        return None, errno.ENOMEM
