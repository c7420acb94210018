"""The audit: every caller and every user surface under a rule, and what each came away with.

What a user could tell is not a matter of opinion here: each probe is run on the machine and on its like without
private nodes, and where the two answers differ, the node is revealed.
"""

import errno
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.machine.callers import CALLERS, SITES, SURFACES, Outcome
from zswapsim.machine.errors import OomKilled, SyscallError
from zswapsim.machine.isolation import RULES
from zswapsim.machine.machine import SWAP_BACKEND, Machine
from zswapsim.machine.process import Process
from zswapsim.machine.sources import BASELINE, Source
from zswapsim.machine.surfaces import LENGTH, PROBES, Probe, touched

OUTCOMES = ("granted", "fell-back", "refused", "leaked", "hidden", "revealed")
PROCESS = "process"
COUNTS = {
    "for_each_node": 346,
    "for_each_online_node": 67,
    "GFP_THISNODE": 58,
    "node_possible_map": 25,
    "node_online_map": 21,
}
"""Call sites by kind, as the author of the proposals counted them in April 2026 (``CALL_SITES``)."""
SERVICES = ("khugepaged", "KSM", "compaction", "NUMA balancing", "demotion")
"""Callers of which v4 and v5 speak by name; of the others the rule itself speaks."""
USERS_OF_DRAM = ("page cache", "page cache, DRAM full")


class Cell(msgspec.Struct, frozen=True):
    """What one caller, or one surface, came away with under one rule."""

    isolation: str
    caller: str
    surface: str
    outcome: str
    """One of :data:`OUTCOMES`: ``hidden`` is an answer like that of a machine without the node."""
    node: str | None
    """Where frames are, if any: ``C``, or ``C,D``."""
    errno: str | None
    frames: int
    """Frames of the private node that were handed out."""
    rests_on: str
    """A version with its date, or ``baseline``."""

    @property
    def row(self) -> str:
        """What the matrix calls it."""
        return self.surface if self.caller == PROCESS else self.caller


class Verdict(msgspec.Struct, frozen=True):
    """What the cells of one rule come to."""

    isolation: str
    guarantee: str
    rests_on: str
    leaks: list[str]
    broken: list[str]
    """Callers that were refused where they could have had memory of another node."""
    reached: list[str]
    """User surfaces that reach a private node."""
    revealed: list[str]
    """User surfaces whose answer tells that it is there."""
    sites: dict[str, int]
    """Kinds of call sites that leak, with how many there are of each."""


def audit(rules: Iterable[str] = RULES, interface: str | None = None) -> list[Cell]:
    """Every cell of the matrix, on the example machine. Raises InputError for an unknown rule or interface."""
    cells = []
    for rule in rules:
        cells += [audit_caller(rule, name, interface) for name in CALLERS]
        cells += [audit_surface(rule, name, interface) for name in PROBES]
    return cells


def prepared(rule: str, interface: str | None) -> tuple[Machine, Process, int]:
    """The example machine with swap on C, and a process on A with four pages."""
    machine = Machine.example(rule, interface)
    machine.swap_on(machine.nodes["C"])
    return machine, *populated(machine)


def populated(machine: Machine) -> tuple[Process, int]:
    """A process on the first node, with four pages, and their address."""
    process = machine.spawn(machine.node(0))
    address = process.mmap(LENGTH)
    touched(process, address)
    return process, address


def run_caller(rule: str, name: str, interface: str | None = None) -> tuple[Machine, Outcome]:
    """One caller on a machine of its own."""
    if name not in CALLERS:
        raise InputError(f"caller {name}: expected one of {', '.join(CALLERS)}")
    machine, _, _ = prepared(rule, interface)
    return machine, CALLERS[name](machine)


def audit_caller(rule: str, name: str, interface: str | None = None) -> Cell:
    """What a kernel's caller came away with."""
    machine, outcome = run_caller(rule, name, interface)
    source = _caller_source(machine, name)
    found = [each for each in outcome.got if each.node.private]
    leaked = [each for each in found if each.owner not in each.node.granted]
    fallen = [each for each in outcome.got if each.fell_back and each.walk.request.preferred.private]
    if found:
        frames = leaked or found
        return _cell(rule, name, "leaked" if leaked else "granted", source, frames)
    if outcome.refused:
        return _cell(rule, name, "refused", source, errno_name=errno.errorcode[errno.ENOMEM])
    if fallen:
        return _cell(rule, name, "fell-back", source, fallen)
    return _cell(rule, name, "hidden", source)


def _cell(
    rule: str, name: str, outcome: str, source: Source, frames: Sequence[Any] = (), errno_name: str | None = None
) -> Cell:
    nodes = ",".join(sorted({each.node.name for each in frames})) or None
    count = sum(each.frames for each in frames if each.node.private)
    return Cell(rule, name, SURFACES[name], outcome, nodes, errno_name, count, str(source))


def _caller_source(machine: Machine, name: str) -> Source:
    """The rule speaks of who may allocate from the node; of the services that look after it, v4 and v5 do."""
    if name in SERVICES and machine.rule.interface == "none":
        return BASELINE
    return machine.rule.source


def audit_surface(rule: str, name: str, interface: str | None = None) -> Cell:
    """What a process came away with, and could tell."""
    probe = PROBES[name]
    machine, process, address = prepared(rule, interface)
    twin = machine.without_private_nodes()
    twin.swap_on()
    if probe.prepare is not None:
        probe.prepare(machine, process, address)
    before = held(machine)
    answer, number = try_probe(machine, process, address, probe)
    known = try_probe(twin, *populated(twin), probe)
    gained = {key: frames - before.get(key, 0) for key, frames in held(machine).items() if frames > before.get(key, 0)}
    leaked = {key: n for key, n in gained.items() if key[1] not in machine.nodes[key[0]].granted}
    nodes = ",".join(sorted({node for node, _ in leaked or gained})) or None
    outcome = "leaked" if leaked else "granted" if gained else "revealed"
    if not gained and (answer, number) == known:
        outcome = "refused" if number else "hidden"
    source = machine.interface.rests_on(probe.family)
    name_of = errno.errorcode[number] if number else None
    return Cell(rule, PROCESS, name, outcome, nodes, name_of, sum((leaked or gained).values()), str(source))


def held(machine: Machine) -> dict[tuple[str, str], int]:
    """Frames of private nodes by node and owner, but for the swap backend's: those are what the node is for."""
    return {
        (name, owner): frames
        for name, node in machine.nodes.items()
        if node.private
        for owner, frames in node.owners().items()
        if owner != SWAP_BACKEND
    }


def try_probe(machine: Machine, process: Process, address: int, probe: Probe) -> tuple[Any, int]:
    """The answer and 0, or nothing and an errno."""
    try:
        return probe.run(machine, process, address), 0
    except SyscallError as failed:
        return None, failed.errno or 0
    except OomKilled:
        return None, errno.ENOMEM


def verdicts(cells: Sequence[Cell]) -> list[Verdict]:
    """What the cells come to, rule by rule."""
    return [_verdict(rule, [cell for cell in cells if cell.isolation == rule]) for rule in _rules(cells)]


def _rules(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.isolation for cell in cells))


def _verdict(rule: str, cells: Sequence[Cell]) -> Verdict:
    kernel = [cell for cell in cells if cell.caller != PROCESS]
    users = [cell for cell in cells if cell.caller == PROCESS]
    leaking = [cell.caller for cell in kernel if cell.outcome == "leaked"]
    kinds = {site for name in leaking for site in SITES[name]}
    return Verdict(
        isolation=rule,
        guarantee=RULES[rule].guarantee,
        rests_on=str(RULES[rule].source),
        leaks=[cell.row for cell in cells if cell.outcome == "leaked"],
        broken=[cell.caller for cell in kernel if cell.outcome == "refused" and cell.caller not in USERS_OF_DRAM],
        reached=[cell.row for cell in users if cell.outcome in ("leaked", "granted")],
        revealed=[cell.row for cell in users if cell.outcome == "revealed"],
        sites={kind: count for kind, count in COUNTS.items() if kind in kinds},
    )
