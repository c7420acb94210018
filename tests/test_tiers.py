"""Compare two tiers, a private node or zram before zswap, with the reference, and check their own rules."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.depths_machine import drawn
from tests.reach import assert_reached, run_machine, share_of_examples
from tests.reference.tiers import NodeBeforeZswap, ZramBeforeZswap
from tests.test_dram_pools_machine import LENGTHS, Grouped, PoolMachine, SlotWorkMachine, common, groups, sizes
from tests.test_zswap_rules import PAGES, contents_of, opened, touch, word_pages
from zswapsim import InputError, Settings, run
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.backend.tiers import NextTier, TieredBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.compressors import get_compressor
from zswapsim.study.settings.backends import parse_backend
from zswapsim.study.settings.cost import PRESETS

COST = PRESETS["cxl-nvme"]
TRACE = "gen:zipf,pages=600,events=20000,alpha=0.8,writes=0.3"


slow_tiers = st.fixed_dictionaries(
    {
        "max_pool_percent": st.sampled_from([0, 20, 60]),
        "version": st.sampled_from([(6, 6), (6, 12), (6, 18)]),
        "shrinker": st.booleans(),
        "priority": st.just(1),
    }
)


def slow_spec(values: dict) -> str:
    """Return the setting of zswap with the reference's parameters."""
    return "zswap:max_pool_percent={},version={}.{},shrinker_enabled={},shrinker_priority={}".format(
        values["max_pool_percent"], *values["version"], int(values["shrinker"]), values["priority"]
    )


class TierMachine(PoolMachine):
    @initialize(
        sizes=st.fixed_dictionaries(sizes),
        options=st.fixed_dictionaries(common | {"accept_threshold_percent": st.sampled_from([1, 50, 90, 100])}),
        node=st.sampled_from([1, 2, 5, 9]),
        slow=slow_tiers,
        grouped=groups,
    )
    def open(self, sizes: dict, options: dict, node: int, slow: dict, grouped: Grouped) -> None:
        def model(*args: Any, **given: Any) -> NodeBeforeZswap:
            percent = options["accept_threshold_percent"]
            return NodeBeforeZswap(
                *args, node_frames=node, accept_threshold_percent=percent, groups=grouped.groups,
                group_of=grouped.by_page(), **slow, **given,
            )  # fmt: skip

        options = options | {"node": node * 4096, "groups": grouped.text}
        self.begin(f"private-node/{slow_spec(slow)}", **sizes, options=options, model=model, group_of=grouped.group_of)

    def owned(self, engine: Replay) -> int:
        owners = engine.owners()
        return owners["dram"]["swap backend"] + owners["private"]["swap backend"]

    @invariant()
    def groups_agree(self) -> None:
        for engine in getattr(self, "engines", {}).values():
            assert engine.backend.slow.group_stats() == self.model.group_stats()


class ZramTierMachine(SlotWorkMachine):
    @initialize(
        sizes=st.fixed_dictionaries(sizes | {"frames": st.sampled_from([40, 44, 30, 8]), "device": st.just(1 << 20)}),
        options=st.fixed_dictionaries(common | {"accept_threshold_percent": st.sampled_from([1, 50, 90, 100])}),
        mem_limit=st.sampled_from([9, 5, 1, 0]),
        disksize=st.sampled_from([0, 0, 20, 3]),
        stronger=st.sampled_from([(), ("zstd",), ("zstd", "zstd:level=19")]),
        slow=slow_tiers,
        grouped=groups,
    )
    def open(
        self, sizes: dict, options: dict, mem_limit: int, disksize: int, stronger: tuple, slow: dict, grouped: Grouped
    ) -> None:
        def model(*args: Any, **given: Any) -> ZramBeforeZswap:
            percent = options["accept_threshold_percent"]
            more = {"accept_threshold_percent": percent, "groups": grouped.groups, "group_of": grouped.by_page()}
            return ZramBeforeZswap(
                *args, mem_limit=mem_limit, disksize=disksize, slow_options=slow | more,
                stronger=tuple(LENGTHS[spec].__getitem__ for spec in stronger), **given,
            )  # fmt: skip

        spec = f"zram:mem_limit={mem_limit * 4096},disksize={disksize * 4096},idle_every=1,idle_age=1"
        spec += ",algorithms=" + "+".join(stronger) if stronger else ""
        options = options | {"groups": grouped.text}
        self.begin(f"{spec}/{slow_spec(slow)}", **sizes, options=options, model=model, group_of=grouped.group_of)
        self.feed(drawn(options["seed"], 120))

    def open_pools(self) -> list[Any]:
        return [engine.backend.fast for engine in self.engines.values()]

    @invariant()
    def groups_agree(self) -> None:
        for engine in getattr(self, "engines", {}).values():
            assert engine.backend.slow.group_stats() == self.model.group_stats()


def test_a_private_node_before_zswap_equals_its_reference() -> None:
    reach = run_machine(TierMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, demoted_pages=10)


def test_zram_before_zswap_equals_its_reference() -> None:
    reach = run_machine(ZramTierMachine, stateful_step_count=12, max_examples=share_of_examples(4))
    assert_reached(reach, demoted_pages=4)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize(
    "backend",
    [
        "private-node/zswap",
        "zram:mem_limit=80K/zswap:max_pool_percent=40",
        "zram:disksize=120K,idle_every=700,writeback_every=900,algorithms=zstd,recompress_every=800/zswap:version=6.6",
    ],
)
def test_depths_agree_and_no_page_is_lost(backend: str, exclusive: bool) -> None:
    def result(depth: str) -> Any:
        asked = Settings(dram="40%", node="6%", backend=backend, depth=depth, exclusive_loads=exclusive)
        return run(TRACE, "recipe:mix,pages=200", asked)

    found, sizes_only = result("bytes"), result("sizes")
    assert found.counters == sizes_only.counters
    assert found.verified_pages == found.counters["major_faults"] > 1000
    assert found.counters["fast_pages"] > 0
    assert found.counters["pswpin"] + found.counters["zswpin"] + found.counters["swpin_zero"] == found.verified_pages


def test_a_private_node_demotes_its_oldest_pages() -> None:
    engine = opened("private-node/zswap:max_pool_percent=50", contents_of("text", 2), node=6 * 4096, dram=40 * 4096)
    counters = touch(engine, [*range(PAGES)])
    assert counters["demoted_pages"] > 0
    assert counters["fast_pages"] > 0
    assert counters["stale_pages"] == 0, "they left in the order in which they came"


def test_zram_that_is_full_passes_on_what_comes() -> None:
    """All pages in zram are older than those in zswap: LRU inversion."""
    engine = opened("zram:disksize=12K/zswap:version=6.6", word_pages())
    counters = touch(engine, [*range(40)])
    assert counters["fast_pages"] == counters["stale_pages"] == 3
    assert counters["demoted_pages"] == counters["failed_writes"] == 0
    assert counters["zswpout"] == 40 - 20 - 3
    assert touch(engine, [0])["fast_pages"] == 2, "its slot came free"
    assert touch(engine, [41])["fast_pages"] == 3, "and the next page took it"


def test_idle_slots_of_zram_are_demoted_by_writeback() -> None:
    backend = "zram:idle_every=500,writeback_every=500/zswap"
    counters = run(TRACE, "recipe:mix,pages=200", Settings(dram="70%", backend=backend)).counters
    assert counters["demoted_pages"] > 0
    assert counters["bd_writes"] == 0


def test_specs_of_tiers() -> None:
    spec = parse_backend("zram:algorithms=zstd:level=3+zstd/zswap:max_pool_percent=30")
    assert spec.name == "zram"
    assert spec.values["algorithms"] == ("zstd:level=3", "zstd")
    assert spec.slow_tier is not None
    assert spec.slow_tier.values["max_pool_percent"] == 30
    for wrong in ("zswap/zram", "disk/zswap", "private-node/disk", "private-node/zswap/disk", "private-node/tape"):
        with pytest.raises(InputError, match="--backend"):
            parse_backend(wrong)


@pytest.mark.parametrize("bare", [True, False])
def test_a_next_tier_that_serves_no_replay_takes_nothing(bare: bool) -> None:
    slow = PrivateNodeBackend(COST, FrameArena(16 * 4096).grant("b"), SwapDevice(9, backed=True), get_compressor("lz4"))
    tier = NextTier.__new__(NextTier) if bare else NextTier(slow)
    fast = PrivateNodeBackend(COST, FrameArena(2 * 4096).grant("b"), tier, get_compressor("lz4"))
    images = contents_of("noise").images
    engine = Replay(
        PAGES, 8, fast, dram=FrameArena(8 * 4096).grant("w"), images=images,
        next_image=np.arange(PAGES, dtype=np.uint32), zero=np.zeros(PAGES, np.uint8),
    )  # fmt: skip
    counters = touch(engine, [*range(20)], ends=True)
    assert counters["kept_pages"] > 0
    assert counters["reject_reclaim_fail"] == 0 if bare else counters["reject_reclaim_fail"] > 0


def test_tiers_that_do_not_fit_each_other_are_refused() -> None:
    def pool(device: SwapDevice) -> PrivateNodeBackend:
        return PrivateNodeBackend(COST, FrameArena(16 * 4096).grant("b"), device, get_compressor("lz4"))

    slow = pool(SwapDevice(9, backed=True))
    with pytest.raises(InputError, match="behind the fast one"):
        TieredBackend(COST, pool(SwapDevice(9, backed=True)), slow)
    tiers = TieredBackend(COST, pool(NextTier(slow)), slow)
    with pytest.raises(InputError, match="already initialised"):
        tiers.__init__(COST, pool(NextTier(slow)), slow)  # type: ignore[misc]
    bare = TieredBackend.__new__(TieredBackend)
    for call in (bare.stats, bare.usage, bare.owners, bare.check):
        with pytest.raises(InputError, match="not initialised"):
            call()
    with pytest.raises(InputError, match="one replay"):
        Replay(5, 5, bare)
    assert tiers.stats()["fast_pages"] == 0
    assert np.isclose(tiers.times(0, 0)["modelled"]["total"], 0)
