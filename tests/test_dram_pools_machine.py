"""Drive zswap and zram against their references, at bytes and sizes depth at once."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.ahead_samples import ORDER, PAGES, ahead_options, model_ahead
from tests.depths_machine import CONTENTS, DepthsMachine, Engine, drawn, model_contents
from tests.page_samples import lz4_length
from tests.reach import assert_reached, run_machine, share_of_examples
from tests.reference import RECLAIMERS
from tests.reference.pools import DramPool, Zram, Zswap
from zswapsim import get_compressor
from zswapsim._core.backend.zram_recompress import recompress_slots
from zswapsim._core.backend.zram_slots import mark_idle
from zswapsim._core.backend.zram_writeback import write_back_slots
from zswapsim.study.settings.backends import SLOT_CHOICES

LENGTHS = {
    spec: {bytes(image): len(get_compressor(spec).compress(image) or bytes(4096)) for image in CONTENTS.images}
    for spec in ("zstd", "zstd:level=19")
}
# Thresholds that some object, or what recompression makes of it, has exactly.
EXACT = sorted({length for lengths in LENGTHS.values() for length in lengths.values() if length < 3200})[::5]
EXACT += sorted({lz4_length(bytes(image)) for image in CONTENTS.images if lz4_length(bytes(image)) < 3200})[::5]
common = {
    "chain_size": st.sampled_from([4, 8, 16]),
    "zero_map": st.booleans(),
    "exclusive_loads": st.booleans(),
    "seed": st.integers(0, 100),
    "reclaim": st.sampled_from(["lru", "lru", *RECLAIMERS]),
}
sizes = {
    "frames": st.sampled_from([24, 40, 44, 32, 16, 8, 3, 2, 1]),
    "batch": st.sampled_from([1, 2, 8, 32]),
    "device": st.sampled_from([1 << 20, 1 << 20, 40, 12, 1]),
}


class Grouped(NamedTuple):
    """Groups below the workload's: as the reference takes them, and as settings take them."""

    groups: list[tuple[int, int | None, bool]]
    text: str
    group_of: list[int] | None

    def by_page(self) -> dict[int, int] | None:
        return dict(enumerate(self.group_of)) if self.group_of else None


def grouped(tree: list[str], limits: list[tuple[int | None, int]], group_of: list[int]) -> Grouped:
    parents = [0 if "/" not in name else 1 + tree.index(name.rpartition("/")[0]) for name in tree]
    texts = [
        f"{name}:writeback={back}" + ("" if most is None else f",max={most * 4096}")
        for name, (most, back) in zip(tree, limits, strict=False)
    ]
    return Grouped(
        [(parent, most, bool(back)) for parent, (most, back) in zip(parents, limits, strict=False)],
        ";".join(texts),
        [min(group, len(tree)) for group in group_of] if tree else None,
    )


groups = st.builds(
    grouped,
    tree=st.sampled_from([[], [], ["a"], ["a", "b"], ["a", "a/b", "c"], ["a", "a/b", "a/b/c"]]),
    limits=st.lists(st.tuples(st.sampled_from([None, None, 0, 2, 6]), st.sampled_from([1, 1, 0])), min_size=3),
    group_of=st.lists(st.integers(0, 3), min_size=PAGES, max_size=PAGES),
)


class PoolMachine(DepthsMachine):
    def begin(
        self, spec: str, frames: int, batch: int, device: int, options: dict, model: Any, group_of: Any = None
    ) -> None:
        frames = max(frames, batch)
        asked = {"dram": frames * 4096, "swap": device * 4096, "reclaim_batch": batch, "backend": spec} | options
        group_of = None if group_of is None else np.array(group_of, np.uint16)
        self.open_engines(asked, group_of=group_of, order=ORDER)
        name = options["reclaim"]
        self.model: DramPool = model(
            frames, model_contents(), lz4_length, device, chain_size=options["chain_size"], batch=batch,
            exclusive=options["exclusive_loads"], zero_map=options["zero_map"],
            seed=options["seed"] % len(CONTENTS.images),
            reclaimer=None if name == "lru" else RECLAIMERS[name](frames, PAGES),
        )  # fmt: skip

    def owned(self, engine: Engine) -> int:
        return engine.owners()["dram"]["swap backend"]

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        owners = engine.owners()["dram"]
        assert self.owned(engine) * 4096 == found["pool_total_size"]
        assert owners["workload"] == found["resident_pages"]
        if not engine.out_of_memory:
            assert owners["workload"] + owners.get("swap backend", 0) <= engine.frames


class ZswapMachine(PoolMachine):
    @initialize(
        sizes=st.fixed_dictionaries(sizes),
        options=st.fixed_dictionaries(
            common | ahead_options | {"accept_threshold_percent": st.sampled_from([1, 50, 90, 100])}
        ),
        values=st.fixed_dictionaries(
            {
                "max_pool_percent": st.sampled_from([50, 50, 20, 100, 0]),
                "version": st.sampled_from([(6, 6), (6, 12), (6, 18)]),
                "max": st.sampled_from([None, None, 60000, 20000, 0]),
                "writeback": st.sampled_from([1, 1, 1, 0]),
                "shrinker_enabled": st.integers(0, 1),
                "shrinker_priority": st.sampled_from([1, 0, 3, 12]),
                "retries": st.sampled_from([1, 16, 1 << 20]),
            }
        ),
        grouped=groups,
    )
    def open(self, sizes: dict, options: dict, values: dict, grouped: Grouped) -> None:
        written = {name: value for name, value in values.items() if value is not None}
        written["version"] = "{}.{}".format(*values["version"])

        def model(*args: Any, **given: Any) -> Zswap:
            return Zswap(
                *args, max_pool_percent=values["max_pool_percent"], version=values["version"],
                group_bytes=values["max"], writeback=bool(values["writeback"]),
                shrinker=bool(values["shrinker_enabled"]), priority=values["shrinker_priority"],
                retries=values["retries"], accept_threshold_percent=options["accept_threshold_percent"],
                groups=grouped.groups, group_of=grouped.by_page(), readahead=model_ahead(options), **given,
            )  # fmt: skip

        spec = "zswap:" + ",".join(f"{name}={value}" for name, value in written.items())
        self.begin(spec, **sizes, options=options | {"groups": grouped.text}, model=model, group_of=grouped.group_of)

    @invariant()
    def groups_agree(self) -> None:
        for engine in getattr(self, "engines", {}).values():
            assert engine.backend.group_stats() == self.model.group_stats()


class SlotWorkMachine(PoolMachine):
    """A machine whose zram slots are marked idle, recompressed, written back and compacted through sysfs."""

    def open_pools(self) -> list[Any]:
        return [engine.backend for engine in self.engines.values()]

    @precondition(lambda self: hasattr(self, "engines"))
    @rule(age=st.sampled_from([None, 0, 5, 40]))
    def idle(self, age: int | None) -> None:
        self.model.mark_idle(age)
        for pool in self.open_pools():
            mark_idle(pool, self.model.count["accesses"], age)

    @precondition(lambda self: hasattr(self, "engines"))
    @rule(
        choice=st.sampled_from(["all", "idle", "huge", "huge_idle"]),
        threshold=st.sampled_from([0, 0, 500, 3000, *EXACT]),
        priority=st.integers(0, 2),
        most=st.sampled_from([1 << 40, 5, 1, 0]),
    )
    def recompress(self, choice: str, threshold: int, priority: int, most: int) -> None:
        priority = min(priority, len(self.model.stronger))
        self.model.recompress(choice, threshold, priority, most)
        for pool in self.open_pools():
            recompress_slots(pool, SLOT_CHOICES[choice], threshold, priority, most)

    @precondition(lambda self: hasattr(self, "engines"))
    @rule(
        choice=st.sampled_from(["all", "idle", "huge", "huge_idle", "incompressible"]),
        most=st.sampled_from([9, 3, 1, 0]),
        ranges=st.none() | st.lists(st.tuples(st.integers(0, 30), st.integers(30, PAGES - 1)), max_size=2),
    )
    def write_back(self, choice: str, most: int, ranges: list[tuple[int, int]] | None) -> None:
        slots = set(range(PAGES)) if ranges is None else {n for a, b in ranges for n in range(a, b + 1)}
        wrote = self.model.write_back_slots(choice, most, slots)
        for pool in self.open_pools():
            assert write_back_slots(pool, SLOT_CHOICES[choice], most, ranges) == wrote

    @precondition(lambda self: hasattr(self, "engines"))
    @rule()
    def work_on_idle_slots(self) -> None:
        """Recompress idle slots, which removes the mark of each that is tried, and write back those left."""
        self.idle(None)
        self.recompress("all", 0, 0, 1 << 40)
        self.write_back("idle", 3, None)

    @precondition(lambda self: hasattr(self, "engines"))
    @rule()
    def compact(self) -> None:
        freed = self.model.store.compact()
        for pool in self.open_pools():
            assert pool.compact() == freed


class ZramMachine(SlotWorkMachine):
    @initialize(
        sizes=st.fixed_dictionaries(sizes),
        options=st.fixed_dictionaries(common),
        mem_limit=st.sampled_from([0, 0, 60, 9, 1]),
        disksize=st.sampled_from([0, 0, 20, 3]),
        stronger=st.sampled_from([("zstd",), ("zstd", "zstd:level=19"), ()]),
        charged=st.sampled_from([0, 1]),
    )
    def open(
        self, sizes: dict, options: dict, mem_limit: int, disksize: int, stronger: tuple[str, ...], charged: int
    ) -> None:
        lengths = tuple(LENGTHS[spec].__getitem__ for spec in stronger)
        spec = f"zram:mem_limit={mem_limit * 4096},disksize={disksize * 4096},idle_every=1,idle_age=1,charged={charged}"
        spec += ",algorithms=" + "+".join(stronger) if stronger else ""

        def model(*args: Any, **given: Any) -> Zram:
            return Zram(
                *args, mem_limit=mem_limit, disksize=disksize, stronger=lengths, charged=bool(charged), **given
            )  # fmt: skip

        self.begin(spec, **sizes, options=options, model=model)
        self.feed(drawn(options["seed"], 120))

    def owned(self, engine: Engine) -> int:
        owners = engine.owners()
        return owners.get("dram of others", owners["dram"])["swap backend"]


def test_zswap_equals_its_reference() -> None:
    reach = run_machine(ZswapMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, zswpwb=10)


def test_zram_equals_its_reference() -> None:
    reach = run_machine(ZramMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, recompressed_pages=3)
