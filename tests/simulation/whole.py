"""Make a whole run by zswapsim.run from a seed, with zram's periodic work and Ctrl-C, and compare its Result."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.simulation.case import Case, Step
from tests.simulation.draw import draw_case, replaced
from tests.simulation.engines import sizes_of
from tests.simulation.reference import Reference
from tests.simulation.worlds import as_arrays, world
from zswapsim import Settings, run
from zswapsim.study.run.feeding import TIMELINE_COLUMNS
from zswapsim.study.run.result import BUS_ERROR, COMPLETED, INTERRUPTED, OUT_OF_MEMORY, PAGES_LOST, Result
from zswapsim.study.run.zram_upkeep import PERIODS, UNLIMITED
from zswapsim.traces.folios import find_folios
from zswapsim.traces.trace import ArrayTrace


def draw_whole(seed: int) -> tuple[Case, dict[str, int], int, int]:
    """Return a run, the periods of zram's work, the accesses of a window, and the access at which Ctrl-C comes."""
    rng = random.Random(f"whole {seed}")
    case = draw_case(seed)
    case = renumbered(case.with_steps((Step("access", (case.accesses,)),)))
    periods = {name: rng.choice([0, 0, 7, 20, 45]) for name in PERIODS} if "zram" in case.backend else {}
    if periods and not case.options["zram"]["stronger"]:
        periods["recompress_every"] = 0
    count = len(case.accesses)
    stop = rng.randint(1, count) if rng.random() < 0.5 else count + 1
    return case, periods, rng.choice([1, 7, 25, 1000]), stop


def renumbered(case: Case) -> Case:
    """Return the case with pages numbered in the order of their first accesses, as a run numbers them."""
    order = list(dict.fromkeys(page for page, _ in case.accesses))
    number = {page: place for place, page in enumerate(order)}
    changes: dict[str, Any] = {
        "pages": len(order),
        "steps": (Step("access", ([(number[page], write) for page, write in case.accesses],)),),
    }
    for name in ("group_of", "addresses", "places"):
        values = getattr(case, name)
        changes[name] = None if values is None else tuple(values[page] for page in order)
    if changes["places"] is not None:
        found = find_folios(np.array(changes["places"], np.uint64), None, case.order, "places")
        changes |= {"addresses": changes["places"], "places": tuple(found.place.tolist())}
    if case.settings.get("readahead") == "vma":
        changes |= {"group_of": None, "groups": (), "settings": {"groups": ""}}
    return replaced(case, **changes)


def settings_of(case: Case, periods: dict[str, int], window: int) -> Settings:
    """Return the settings of the run, with its groups' processes: a group's pages are those of a process."""
    settings = case.settings | sizes_of(case) | {"depth": case.depths[-1], "window": window}
    if periods:
        given = "".join(f",{name}={value}" for name, value in periods.items() if value and name != "idle_every")
        idle = f"idle_every={periods['idle_every']},idle_age=9" if periods["idle_every"] else "compact_every=0"
        settings["backend"] = settings["backend"].replace("idle_every=1,idle_age=1", idle + given)
        settings["backend"] = settings["backend"].replace("compact_every=0,compact_every", "compact_every")
    if case.groups:
        present = set(case.group_of or ())
        texts = settings["groups"].split(";")
        settings["groups"] = ";".join(
            f"{text},processes={number}" if number in present else text for number, text in enumerate(texts, 1)
        )
    return Settings(**settings)


def simulate_whole(seed: int) -> Counter[str]:
    """Make the whole run of a seed and compare its Result. Return what it reached."""
    case, periods, window, stop = draw_whole(seed)
    place = world(case.world)
    place.faults.compress, place.faults.decompress, place.faults.device = {}, {}, set()
    asked = settings_of(case, periods, window)
    pages, ops = as_arrays(case.accesses)
    own = np.array(case.addresses, np.uint64)[pages] if case.addresses else pages.astype(np.uint64)
    process = np.array(case.group_of, np.uint32)[pages] if case.groups else None

    def interrupt(done: int, _: int) -> None:
        if done >= stop:
            raise KeyboardInterrupt

    known = place.profile if asked.depth == "sizes" and case.backend != "disk" else None
    result = run(ArrayTrace(own, ops, process=process), place.contents, asked, measured=known, progress=interrupt)
    reference = Reference(case)
    rows = make_accesses(reference, periods, window, result)
    where = f"whole run, stopped at {stop}, window {window}, periods {periods}\n{case.text()}"
    compare_result(reference, result, rows, where)
    done = result.counters["accesses"]
    if result.outcome == INTERRUPTED:
        assert stop <= done < stop + window, where
    elif not reference.is_over():
        assert done == len(ops), where
        assert result.outcome == (PAGES_LOST if result.counters["lost_pages"] else COMPLETED), where
    return Counter({f"whole {result.outcome}": 1})


def make_accesses(reference: Reference, periods: dict[str, int], window: int, result: Result) -> list[dict[str, int]]:
    """Let the model make the accesses that a run made, with zram's work. Return the rows of its timeline."""
    rows: list[dict[str, int]] = []
    accesses, count = reference.case.accesses, result.counters["accesses"]
    for done in range(1, count + 1):
        reference.access([accesses[done - 1]])
        do_due(reference, periods, done)
        if done % window == 0:
            rows.append(reference.model.counters())
    if result.outcome in (OUT_OF_MEMORY, BUS_ERROR):
        reference.access([accesses[count]])
        assert reference.is_over(), f"{result.outcome} at access {count}\n{reference.case.text()}"
    if count % window or not rows:
        rows.append(reference.model.counters())
    return rows


def do_due(reference: Reference, periods: dict[str, int], done: int) -> None:
    """Do to the model's zram what is due after `done` accesses."""
    work: dict[str, Callable[[], Any]] = {
        "compact_every": reference.compact,
        "recompress_every": lambda: reference.recompress("all", 0, 0, UNLIMITED),
        "writeback_every": lambda: reference.write_back("idle", UNLIMITED, None),
        "idle_every": lambda: reference.idle(9),
    }
    for name in PERIODS:
        if periods.get(name) and done % periods[name] == 0:
            work[name]()


def compare_result(reference: Reference, result: Result, rows: list[dict[str, int]], where: str) -> None:
    """Compare the counters, timeline and groups of a Result with those of the model."""
    expected, found = reference.model.counters(), result.counters
    differ = {name: (found[name], value) for name, value in expected.items() if found[name] != value}
    assert not differ, f"{where}\ncounters (core, reference): {differ}"
    names = [name for name in TIMELINE_COLUMNS if name in expected]
    timeline = [[row[name] for name in names] for row in result.timeline]
    assert timeline == [[row[name] for name in names] for row in rows], f"{where}\ntimeline"
    if reference.case.groups:
        stats = [{name: value for name, value in group.items() if name != "pages"} for group in result.groups.values()]
        assert stats == reference.model.group_stats(), f"{where}\ngroups"
