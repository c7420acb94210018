"""Make every sequence of operations of a length, on a few pages and two frames, in the core and in the reference.

Pages are alike until they are first accessed, so only sequences in which new pages come in order are made. Those that
share a beginning are compared once there, and nothing follows the end of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulation.case import Case, Step
from tests.simulation.reference import Reference
from tests.simulation.runs import compare, outcome
from tests.simulation.scope_cores import Recipe

PAGES, FRAMES = 3, 2
READS_AND_WRITES = (False, True)
SHARED: dict[str, Any] = {
    "compressor": "lz4", "reclaim": "lru", "reclaim_batch": 1, "chain_size": 4, "zero_map": True,
    "exclusive_loads": True, "accept_threshold_percent": 50, "seed": 0,
}  # fmt: skip
ZSWAP = {"max_pool_percent": 100, "version": "6.18", "writeback": 1, "shrinker_enabled": 0, "shrinker_priority": 0,
         "retries": 16}  # fmt: skip
ZRAM = {"mem_limit": 0, "disksize": 0, "stronger": ("zstd",), "charged": 1}
CRAM = {"form": "swap", "read": "map", "ratio": 1.5, "control": "watermarks", "delay": 0, "zero": 0, "zero_batch": 0,
        "sector": 64, "budget": 0, "tokens": 2, "high": 900, "low": 800, "loss": "go-on"}  # fmt: skip
KEPT = {"exclusive_loads": False}
UPKEEP = (Step("idle", (None,)), Step("write_back", ("idle", 1, None)), Step("recompress", ("all", 0, 0, 9)),
          Step("compact", ()))  # fmt: skip


def scope(backend: str, node: int = 1, device: int = 2, settings: dict[str, Any] | None = None, **options: Any) -> Case:
    """Return the run of a scope, without its steps."""
    options = {name: {"zswap": ZSWAP, "zram": ZRAM, "cram": CRAM}[name] | given for name, given in options.items()}
    spec = "/".join(spec_of(name, options) for name in backend.split("/"))
    shown = {"cram": text(options["cram"])} if backend == "cram" else {}
    return Case(
        seed=0, backend=backend, world="scope", pages=PAGES, depths=("sizes",), frames=FRAMES, node=node, device=device,
        settings=SHARED | {"backend": spec} | shown | (settings or {}), options=options,
    )  # fmt: skip


def spec_of(name: str, options: dict[str, Any]) -> str:
    """Return the setting of one backend."""
    if name == "zswap":
        return f"zswap:{text(options[name])}"
    if name != "zram":
        return name
    limits = {key: options[name][key] * 4096 for key in ("mem_limit", "disksize")}
    algorithms = "+".join(options[name]["stronger"])
    return f"zram:{text(limits)},idle_every=1,idle_age=1,charged={options[name]['charged']},algorithms={algorithms}"


def text(values: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in values.items())


SCOPES: dict[str, Case] = {
    "disk": scope("disk"),
    "disk, device of one page": scope("disk", device=1),
    "disk, cluster readahead": scope("disk", device=3, settings={"readahead": "cluster", "page_cluster": 2}),
    "private-node": scope("private-node"),
    "private-node, copies kept": scope("private-node", node=2, device=1, settings=KEPT | {"seed": 2}),
    "zswap": scope("zswap", device=3, zswap={}),
    "zswap, copies kept": scope("zswap", device=2, settings=KEPT, zswap={"max_pool_percent": 50, "version": "6.6"}),
    "zswap, shrinker": scope("zswap", device=3, zswap={"shrinker_enabled": 1, "version": "6.12"}),
    "zram": scope("zram", zram={"mem_limit": 1}),
    "zram, copies kept": scope("zram", settings=KEPT, zram={"disksize": 2}),
    "cram": scope("cram", cram={}),
    "cram, tier": scope("cram", node=2, cram={"form": "tier", "budget": 1, "ratio": 3.0, "delay": 1, "zero": 2}),
    "cram, tokens": scope("cram", node=2, settings=KEPT, cram={"read": "copy", "control": "tokens", "zero": 2}),
    "private-node/zswap": scope("private-node/zswap", device=3, zswap={}),
    "zram/zswap": scope("zram/zswap", device=3, zram={"mem_limit": 1}, zswap={}),
}
WITH_UPKEEP: dict[str, Case] = {
    "zram, upkeep": scope("zram", zram={}),
    "zram, copies kept, upkeep": scope("zram", settings=KEPT, zram={"mem_limit": 2}),
    "zram/zswap, upkeep": scope("zram/zswap", device=3, zram={}, zswap={}),
}


def sequences(length: int, more: tuple[Step, ...] = (), used: int = 0) -> Iterator[tuple[Step, ...]]:
    """Yield all sequences of accesses and of `more` steps in which no page comes before the one below it."""
    if length == 0:
        yield ()
        return
    for page in range(min(used + 1, PAGES)):
        for write in READS_AND_WRITES:
            for rest in sequences(length - 1, more, max(used, page + 1)):
                yield Step("access", ([(page, write)],)), *rest
    for step in more:
        for rest in sequences(length - 1, more, used):
            yield step, *rest


def shared_prefix(first: tuple[Step, ...], second: tuple[Step, ...]) -> int:
    """Return how many steps two sequences have in common."""
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        if one != other:
            return place
    return len(first)


def explore(case: Case, length: int, more: tuple[Step, ...] = (), part: tuple[int, int] = (0, 1)) -> int:
    """Make every sequence of a length and compare it. Return how many there were.

    `part`: (number, of how many), which sequences to make, for several processes.
    """
    done, ended, before = 0, 0, ()
    recipe = Recipe(case)
    for number, steps in enumerate(sequences(length, more)):
        if number % 4096 // (4096 // part[1]) != part[0]:
            continue
        common = shared_prefix(before, steps) if before else 0
        done += 1
        if ended and common >= ended:
            continue  # the run had ended where this sequence is still the same
        ended, before = make(recipe, steps, common), steps
    return done


def make(recipe: Recipe, steps: tuple[Step, ...], compared: int) -> int:
    """Make the steps; compare from the step `compared` on. Return the number of steps to the end of the run, or 0."""
    reference, core = Reference(recipe.case), recipe.core()
    for number, step in enumerate(steps):
        expected = outcome(getattr(reference, step.kind), *step.values)
        found = outcome(getattr(core, step.kind), *step.values)
        try:
            assert found == expected, f"returned {found}, expected {expected}"
            if number >= compared:
                compare(reference, core, "sizes", "", ended=False)
        except AssertionError as error:
            made = [(each.kind, *each.values) for each in steps[: number + 1]]
            raise AssertionError(f"{recipe.case.text()}\nafter {made}\n{error}") from None
        if reference.is_over():
            return number + 1
    return 0
