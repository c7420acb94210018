"""Draw the steps of a run: accesses, an administrator's work on zram, and a plan of faults."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.case import Case, Step
from tests.simulation.worlds import world

MOST_STEPS = 40  # of accesses, about: core and reference are compared after each
CHOICES = ("all", "idle", "huge", "huge_idle", "incompressible")


def draw_trace(rng: random.Random, pages: int, length: int) -> list[tuple[int, bool]]:
    """Draw accesses to popular pages, scans up and down, and a hot set that moves."""
    trace: list[int] = rng.sample(range(pages), pages) if rng.random() < 0.5 else []
    while len(trace) < length:
        base, width, kind = rng.randrange(pages), rng.randint(1, pages), rng.random()
        if kind < 0.4:
            step = rng.choice([1, 1, -1, 2])
            trace += [(base + step * number) % pages for number in range(width)]
        elif kind < 0.7:
            trace += [(base + int(rng.paretovariate(0.7))) % pages for _ in range(width)]
        else:
            hot = max(2, width // 4)
            trace += [(base + rng.randrange(hot)) % pages for _ in range(2 * width)]
    writes = rng.choice([0.0, 0.1, 0.3, 0.7, 1.0])
    return [(page, rng.random() < writes) for page in trace[:length]]


def draw_steps(rng: random.Random, case: Case, length: int) -> dict[str, Any]:
    """Draw the steps, and the depths at which they can be made: only bytes can be corrupt."""
    trace = draw_trace(rng, case.pages, length)
    kinds = draw_kinds(rng, case)
    piece, between = rng.choice([3, 8, 20, 60]), rng.choice([0.1, 0.5])
    trace = trace[: MOST_STEPS * piece]
    steps: list[Step] = []
    while trace:
        size = rng.randint(1, piece)
        steps.append(Step("access", (trace[:size],)))
        trace = trace[size:]
        if kinds and rng.random() < between:
            steps += draw_between(rng, case, kinds)
    needs_bytes = any(step.kind in ("codec", "device") for step in steps)
    return {"steps": tuple(steps), "depths": ("bytes",) if needs_bytes else case.depths}


def draw_between(rng: random.Random, case: Case, kinds: list[str]) -> list[Step]:
    """Draw what happens between two accesses: a step, or for zram all of an administrator's work on idle slots."""
    if "recompress" in kinds and rng.random() < 0.25:
        work = (
            Step("idle", (None,)),
            Step("recompress", ("all", 0, 0, 1 << 40)),
            Step("write_back", ("idle", 3, None)),
        )
        return [*work, Step("compact", ())]
    return [draw_step(rng, case, rng.choice(kinds))]


def draw_kinds(rng: random.Random, case: Case) -> list[str]:
    """Draw the kinds of steps between accesses."""
    kinds = ["idle", "recompress", "recompress", "write_back", "compact"] if case.backend.startswith("zram") else []
    if case.backend == "private-node":
        kinds = ["compact"] * (rng.random() < 0.3)
    whole = case.settings.get("folio_compress") == "whole"
    if case.backend != "disk" and not whole and rng.random() < 0.25:
        kinds += ["codec"] * 2
    if case.device and rng.random() < 0.15:
        kinds.append("device")
    if has_others(case) and rng.random() < 0.3:
        kinds.append("others")
    return kinds


def has_others(case: Case) -> bool:
    """Return True if others can hold frames of the pool's node: a device has none to give, nor has a lone pool."""
    alone = not case.options.get("zram", {}).get("charged", 1)
    return case.backend not in ("cram", "disk") and case.frames < case.pages and not alone


def draw_step(rng: random.Random, case: Case, kind: str) -> Step:
    """Draw what a step needs."""
    return Step(kind, VALUES[kind](rng, case))


def draw_recompression(rng: random.Random, case: Case) -> tuple[Any, ...]:
    return rng.choice(CHOICES[:4]), draw_threshold(rng, case), rng.randint(0, 2), rng.choice([0, 1, 5, 1 << 40])


def draw_writeback(rng: random.Random, case: Case) -> tuple[Any, ...]:
    spans = [(rng.randrange(case.pages), case.pages - 1)] if rng.random() < 0.4 else None
    return rng.choice(CHOICES), rng.randint(0, 9), spans


def draw_threshold(rng: random.Random, case: Case) -> int:
    """Draw a threshold for recompression, often one that some object has exactly."""
    place, spec = world(case.world), rng.choice([case.settings["compressor"], "zstd", "zstd:level=19"])
    length = place.length(spec, rng.choice(place.images))
    return length if rng.random() < 0.6 and length < 3200 else rng.choice([0, 0, 500, 3000])


def draw_pages(rng: random.Random, case: Case, error: str) -> dict[int, str]:
    """Draw the contents on which the codec fails, often none; rarely it breaks its contract."""
    count = len(world(case.world).images)
    chosen = rng.sample(range(count), rng.choice([0, 0, 1, count // 3]))
    return {image: error if rng.random() < 0.97 else "PluginError" for image in chosen}


VALUES: dict[str, Callable[[random.Random, Case], tuple[Any, ...]]] = {
    "idle": lambda rng, _: (rng.choice([None, 0, 5, 40]),),
    "recompress": draw_recompression,
    "write_back": draw_writeback,
    "compact": lambda rng, case: (),
    "codec": lambda rng, case: (draw_pages(rng, case, "CodecError"), draw_pages(rng, case, "CorruptPageError")),
    "device": lambda rng, _: (rng.choice([(), ("write",), ("read",), ("read", "write")]),),
    "others": lambda rng, _: (rng.choice([0, 0, 0, 1, 2, 5]),),
}
"""Maps each kind of step to the function that draws its values for a case."""
