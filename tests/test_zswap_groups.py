"""Test groups of processes in zswap, one test for each rule and named after it. docs/backends.md describes them."""

from typing import Any

import numpy as np
import pytest

from tests.test_zswap_rules import contents_of, touch
from zswapsim import InputError, Settings, run
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.backend.zram import ZramBackend
from zswapsim._core.backend.zswap import ZswapBackend
from zswapsim._core.backend.zswap_groups import ZswapGroups
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.rules import ZswapRules
from zswapsim.compressors import get_compressor
from zswapsim.report.text import result_text
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.cost import PRESETS
from zswapsim.study.settings.groups import group_tree, parse_groups
from zswapsim.traces.trace import ArrayTrace

PAGES, FRAMES = 128, 48
HALVES = np.repeat(np.arange(1, 3, dtype=np.uint16), PAGES // 2)
"""Put the first half of the pages in the first named group, the second half in the second."""
FIRST, SECOND = range(PAGES // 2), range(PAGES // 2, PAGES)


def opened(groups: str, backend: str = "zswap:max_pool_percent=100", recipe: str = "text", **changes: Any) -> Replay:
    asked: dict[str, Any] = {"dram": FRAMES * 4096, "backend": backend, "groups": groups} | changes
    return open_replay(Settings(**asked), PAGES, contents_of(recipe), None, group_of=HALVES)


def groups_of(engine: Replay) -> list[dict[str, int]]:
    """Return the statistics of the workload and of the two named groups."""
    return engine.backend.group_stats()


def processes(count: int = 4, pages: int = 300, events: int = 12_000) -> ArrayTrace:
    """Hold a trace in which every process has pages of its own."""
    random = np.random.default_rng(5)
    process = random.integers(1, count + 1, events).astype(np.uint32)
    page = (random.zipf(1.3, events) % pages).astype(np.uint64)
    return ArrayTrace(page, (random.random(events) < 0.3).astype(np.uint8), process=process, name="processes")


def test_the_group_limit_is_of_each_group_in_compressed_bytes() -> None:
    engine = opened("a:max=8192;b")
    touch(engine, [*range(PAGES)])
    workload, a, b = groups_of(engine)
    assert 0 < a["zswap"] < 8192 + 4096
    assert b["zswap"] > 8192 + 4096
    assert workload["zswap"] == a["zswap"] + b["zswap"] == engine.counters_now()["compr_data_size"]
    assert a["zswpwb"] > 0
    assert b["zswpwb"] == 0


def test_the_limit_of_a_group_above_holds_too() -> None:
    """obj_cgroup_may_zswap() checks every group up to the root."""
    engine = opened("a:max=8192;a/b:max=1M")
    touch(engine, [*SECOND, *SECOND])
    workload, a, b = groups_of(engine)
    assert a == b | {"zswap": b["zswap"]}, "all pages of a are of b, below it"
    assert b["zswap"] < 8192 + 4096
    assert workload["zswpwb"] == b["zswpwb"] > 0


def test_at_the_limit_of_a_group_above_the_group_s_own_oldest_entry_goes() -> None:
    """If the limit is an ancestor's, shrink_memcg() scans the page's own group, which has nothing to write back."""
    engine = opened("a;b", "zswap:max_pool_percent=100,max=16384")
    touch(engine, [*FIRST])
    before = groups_of(engine)
    assert before[1]["zswapped"] > 4
    touch(engine, [*SECOND])
    _, a, b = groups_of(engine)
    assert a["zswpwb"] >= before[1]["zswpwb"]
    assert b["zswpout"] < a["zswpout"], "refused, as none of its own pages could be written back"
    assert b["pswpout"] > 0


def test_each_group_has_its_own_queue() -> None:
    engine = opened("a:max=12288;b")
    touch(engine, [*SECOND, *FIRST])
    _, a, b = groups_of(engine)
    assert a["zswpwb"] > 0
    assert b["zswpwb"] == 0, "its entries are older, and of another queue"


def test_a_group_limit_of_nothing_keeps_its_pages_out_of_zswap() -> None:
    engine = opened("a:max=0;b")
    counters = touch(engine, [*range(PAGES)])
    _, a, b = groups_of(engine)
    assert a["zswpout"] == a["zswapped"] == 0
    assert a["pswpout"] > 0
    assert b["zswpout"] > 0
    assert counters["pswpout"] == a["pswpout"]


@pytest.mark.parametrize("groups", ["a:writeback=0,max=8192;b", "a:writeback=0;a/c:max=8192;b"])
def test_writeback_of_0_keeps_a_group_s_pages_and_those_below_it_out_of_the_device(groups: str) -> None:
    """mem_cgroup_zswap_writeback_enabled() checks every group up to the root."""
    below = np.where(HALVES == 1, 2, 3).astype(np.uint16)
    asked = Settings(dram=FRAMES * 4096, backend="zswap:max_pool_percent=40", groups=groups)
    engine = open_replay(asked, PAGES, contents_of("text"), None, group_of=below if "a/c" in groups else HALVES)
    counters = touch(engine, [*FIRST[:30], *SECOND])
    a, b = groups_of(engine)[1], groups_of(engine)[-1]
    assert a["zswpout"] > a["pswpout"] == a["zswpwb"] == 0
    assert counters["kept_pages"] > 0
    assert b["pswpout"] > 0


def test_incompressible_pages_are_refused_in_a_group_without_writeback() -> None:
    engine = opened("a:writeback=0;b", "zswap:max_pool_percent=20", "noise")
    counters = touch(engine, [*FIRST[:10], *SECOND[:50]])
    _, a, b = groups_of(engine)
    assert a["zswpout"] == 0
    assert b["zswpout"] > 0
    assert counters["reject_compress_fail"] > 0


def test_the_worker_takes_one_entry_of_each_group_in_turn() -> None:
    """mem_cgroup_iter() goes round by round, from the group after the last one."""
    engine = opened("a;b", "zswap:max_pool_percent=60,retries=1000", "noise", accept_threshold_percent=50)
    order = [page for pair in zip(FIRST, SECOND, strict=True) for page in pair]
    touch(engine, order)
    _, a, b = groups_of(engine)
    assert a["zswpwb"] > 2
    assert abs(a["zswpwb"] - b["zswpwb"]) <= 1


def test_the_dynamic_shrinker_goes_by_the_group_s_own_swap_ins() -> None:
    """The shrinker protects as many of a group's pages as it swapped in from the device, none of the other's."""
    options = "zswap:max_pool_percent=100,shrinker_enabled=1,shrinker_priority=1"
    engine = opened("a;b", options, "noise", dram=100 * 4096, reclaim_batch=8)
    touch(engine, [page for pair in zip(FIRST, SECOND, strict=True) for page in pair][:116])
    _, a, b = groups_of(engine)
    assert a == b, "both have done the same so far"
    touch(engine, [*FIRST[:8], FIRST[58], SECOND[58], FIRST[59], SECOND[59], FIRST[60], SECOND[60]])
    _, a, b = groups_of(engine)
    assert a["pswpin"] == 8
    assert b["pswpin"] == 0
    assert a["zswpwb"] < b["zswpwb"]


@pytest.mark.parametrize("depth", ["bytes", "sizes", "counts"])
def test_a_run_tells_of_each_group(depth: str) -> None:
    contents = None if depth == "counts" else "recipe:mix,pages=200"
    groups = "web:processes=1-2,max=64K;web/x:processes=3"
    asked = Settings(dram="40%", backend="zswap:max_pool_percent=30", depth=depth, groups=groups)
    result = run(processes(), contents, asked)
    assert list(result.groups) == ["workload", "web", "web/x"]
    web, below, workload = result.groups["web"], result.groups["web/x"], result.groups["workload"]
    assert workload["pages"] == result.counters["pages"]
    assert web["pages"] > below["pages"] > 0
    for name in ("zswpin", "zswpout", "zswpwb", "pswpin", "pswpout"):
        assert workload[name] == result.counters[name]
        assert workload[name] >= web[name] >= below[name]
    assert workload["zswap"] == result.counters["compr_data_size"]
    assert "web/x" in result_text(result)


def test_a_comparison_in_several_processes_has_the_same_groups() -> None:
    asked = combinations(
        backend=["zswap", "private-node/zswap", "disk"], dram="40%", depth="sizes", groups="web:processes=1-2,max=64K"
    )
    trace = processes()
    first, tiers, disk = compare(trace, "recipe:mix,pages=200", asked, processes=2)
    assert first.groups == run(trace, "recipe:mix,pages=200", asked[0]).groups
    assert list(tiers.groups) == ["workload", "web"]
    assert disk.groups == {}


def test_groups_above_those_that_are_named_are_there_and_come_first() -> None:
    assert [group.name for group in parse_groups("b;a/x/y:processes=1+4-6")] == ["a", "a/x", "a/x/y", "b"]
    assert parse_groups("a:processes=4-6+1+6-9+10")[0].processes == ((1, 1), (4, 10))
    assert group_tree("a/x:max=8K;b:writeback=0", 1 << 20, True) == [
        (None, 256, True), (0, None, True), (1, 2, True), (0, None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:processes=x", "numbers and ranges, as in 1\\+5-9, got 'x'"),
        ("a:processes=5-2", "got '5-2'"),
        ("a:processes=1;b:processes=1", "process 1 is in more than one group"),
        ("a:processes=0-4294967295;b:processes=7+9;c", "process 7 is in more than one group"),
        ("a:processes=5-9;b:processes=0-5", "process 5 is in more than one group"),
        (";".join(f"g{number}" for number in range(1025)), "1025 groups: expected at most 1024"),
        ("/".join("a" * 33), "expected at most 32 names of 255 characters"),
        ("a" * 256, "expected at most 32 names of 255 characters"),
        ("a;a", "expected a once"),
        ("a:limit=5", "expected each of processes, max, writeback once at most, got 'limit'"),
        ("a:max=1,max=2", "once at most, got 'max'"),
        ("a:writeback=2", "expected 0 or 1"),
        ("a:max=much", "--groups a:max=much: max"),
        ("workload", "another name than workload"),
        ("a//b", "expected NAME"),
        ("a;", "expected NAME"),
    ],
)
def test_wrong_groups_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(groups=text)


def test_ranges_of_processes_are_compared_and_never_expanded() -> None:
    """Eight ranges of half a billion processes each take no more than eight of one."""
    step = 1 << 29
    text = ";".join(f"g{at}:processes={at * step}-{(at + 1) * step - 1}" for at in range(8))
    assert [group.processes for group in parse_groups(text)] == [((at * step, (at + 1) * step - 1),) for at in range(8)]
    found = run(processes(), None, Settings(backend="zswap", groups="a:processes=0+3-4294967295;b:processes=1-2"))
    alone = run(processes(), None, Settings(backend="zswap", groups="a:processes=3+4;b:processes=1+2"))
    assert found.counters == alone.counters
    assert found.groups == alone.groups


def test_groups_need_a_trace_with_their_processes() -> None:
    with pytest.raises(InputError, match="a trace that names processes"):
        run("gen:zipf,pages=50,events=500", None, Settings(backend="zswap", groups="a:processes=1"))
    with pytest.raises(InputError, match="has no process of a"):
        run(processes(), None, Settings(backend="zswap", groups="a:processes=77"))


def test_groups_that_are_none_are_refused() -> None:
    for groups in ([], [(0, None, True)], [(None, None, True), (None, None, True)], [(None, None, True), (1, 2, True)]):
        with pytest.raises(InputError, match="group"):
            ZswapGroups(groups)
    with pytest.raises(InputError, match="slot 1 is of group 1"):
        ZswapGroups([(None, None, True)], np.array([0, 1], np.uint16))
    with pytest.raises(InputError, match="group of each slot"):
        ZswapGroups([(None, None, True)], np.zeros(0, np.uint16))


def test_a_pool_takes_groups_of_its_own_that_fit() -> None:
    def pool(groups: ZswapGroups) -> ZswapBackend:
        grant = FrameArena(16 * 4096).grant("pool")
        device = SwapDevice(9, backed=True)
        return ZswapBackend(
            PRESETS["dram-nvme"], grant, device, get_compressor("lz4"), rules=ZswapRules(), groups=groups
        )

    pair = ZswapGroups([(None, None, True), (0, None, True)], np.zeros(9, np.uint16))
    for other in (PrivateNodeBackend, ZramBackend):
        with pytest.raises(TypeError, match="groups"):
            other(PRESETS["dram-nvme"], FrameArena(4096).grant("pool"), SwapDevice(0), groups=pair)
    backend = pool(pair)
    with pytest.raises(InputError, match="of one pool alone"):
        pool(pair)
    with pytest.raises(InputError, match="of one pool alone"):
        pool(ZswapGroups.__new__(ZswapGroups))
    with pytest.raises(InputError, match="9 slots have a group, 20 are wanted"):
        Replay(20, 5, backend, dram=FrameArena(20 * 4096).grant("w"), images=contents_of("text", PAGES).images,
               next_image=np.arange(PAGES, dtype=np.uint32), zero=np.zeros(PAGES, np.uint8))  # fmt: skip
