"""Replay a simulated run in the core and in the reference, and compare both after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.reference.cram import CramMachine
from tests.reference.faults import Ended
from tests.reference.folios import Folios
from tests.reference.readahead import Cluster
from tests.simulation.case import Case, Step
from tests.simulation.engines import Core
from tests.simulation.invariants import check_engine
from tests.simulation.reference import Reference
from tests.simulation.worlds import world
from zswapsim import ZswapsimError

LISTS = (
    "pgscan", "pgrefill", "pgactivate", "pgdeactivate", "workingset_refault_anon", "workingset_activate_anon",
    "workingset_restore_anon",
)  # fmt: skip
"""Counters of the reclaimer, which are not defined where a failure ended the run in the midst of a reclaim."""


def outcome(call: Callable[..., Any], *values: Any) -> Any:
    """Return what a step returned, or the name of the error that it raised."""
    try:
        return call(*values)
    except Ended as error:
        return error.error
    except ZswapsimError as error:
        return type(error).__name__


def simulate(case: Case) -> Counter[str]:
    """Make every step of a run. Return what was reached; raise AssertionError where core and reference differ."""
    faults = world(case.world).faults
    faults.compress, faults.decompress, faults.device = {}, {}, set()
    faulty = any(step.kind == "codec" for step in case.steps)
    reference = Reference(case)
    cores = {depth: Core(case, depth, faulty=faulty) for depth in case.depths}
    reached: Counter[str] = Counter({f"run {case.backend}": 1})
    for number, step in enumerate(case.steps):
        expected = outcome(getattr(reference, step.kind), *step.values)
        for depth, core in cores.items():
            where = f"step {number} ({step.kind}), {depth}"
            found = outcome(getattr(core, step.kind), *step.values) if hasattr(core, step.kind) else expected
            assert found == expected, f"{where}: returned {found}, expected {expected}"
            compare(reference, core, depth, where, ended=is_end(step, expected))
        reached[f"step {step.kind}"] += 1
        if isinstance(expected, str):
            reached[expected] += 1
        if is_end(step, expected) or reference.is_over():
            reached["out of memory"] += reference.model.out_of_memory
            break
    reached.update(reference.model.counters())
    return reached


def is_end(step: Step, result: Any) -> bool:
    """Return True if a failure ended the run. One in an administrator's work does not."""
    return step.kind == "access" and isinstance(result, str)


def compare(reference: Reference, core: Core, depth: str, where: str, *, ended: bool) -> None:
    """Compare what core and reference have counted, and check the core's invariants."""
    engine, model = core.engine, reference.model
    check_engine(engine, where)
    if ended and reference.case.places:
        return  # other pages of a folio that was split may have been evicted before the run ended
    expected, found = model.counters(), engine.counters_now()
    differ = {
        name: (found[name], value)
        for name, value in expected.items()
        if found[name] != value and not (ended and name in LISTS)
    }
    assert not differ, f"{where}: counters (core, reference): {differ}"
    assert engine.out_of_memory == model.out_of_memory, where
    assert engine.bus_error == getattr(model, "bus_error", False), where
    if ended:
        return
    assert engine.verified_pages == verified_pages(reference, found, depth), f"{where}: pages verified"
    if "zswap" in reference.case.options:
        pool = core.engine.backend.slow if "/" in reference.case.backend else core.engine.backend
        assert pool.group_stats() == model.group_stats(), f"{where}: groups"
    if isinstance(model.readahead, Cluster):
        slots = [model.readahead.area.slot.get(page, 0) for page in range(reference.case.pages)]
        assert engine.readahead.slots() == slots, f"{where}: swap slots"
    if isinstance(model, CramMachine):
        assert engine.backend.lost_slots() == model.lost(), f"{where}: lost slots"


def verified_pages(reference: Reference, found: dict[str, int], depth: str) -> int:
    """Return how many loaded pages a run at bytes depth has compared with what was stored."""
    model = reference.model
    if depth != "bytes" or not reference.case.settings["verify"]:
        return 0
    if isinstance(model, Folios):
        return model.swapped_in_pages
    if isinstance(model, CramMachine):
        return found["major_faults"] - found["poisoned_reads"] + found["mapped_reads"]
    return found["major_faults"] + found["swap_ra"]
