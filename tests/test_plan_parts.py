"""Test the parts of a plan (objectives, pace, estimates, search) against slow or hand-made computations."""

import math
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zswapsim._core.base.errors import InputError
from zswapsim._core.zsmalloc.pool import frames_for_lengths
from zswapsim.compressors.cold_memory import cold_ns_per_byte
from zswapsim.compressors.measure import Measured
from zswapsim.study.plan.access_rate import WINDOW_NS, AccessRate, TimedTrace, measure_access_rate, working_set
from zswapsim.study.plan.estimate import PageCosts, estimate
from zswapsim.study.plan.objectives import parse_objectives
from zswapsim.study.plan.page_costs import PoolSize
from zswapsim.study.plan.plan_point import PlanPoint, Prices, Sums, Workload, make_plan_point, processor_share, sums_of
from zswapsim.study.plan.search import Crossover, bisect_least, find_crossover, knee, pareto
from zswapsim.study.plan.traffic import Replays, Traffic
from zswapsim.study.plan.trial_runs import busiest_window
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.cost import DRAM_LATENCY_NS, PRESETS
from zswapsim.traces import ArrayTrace, DenseTrace, read_contents, read_trace

COST = PRESETS["cxl-nvme"]
PACE = AccessRate(access_ns=100.0, base_ns=60e9, source="asked", working_set=500.0)
SUMS = Sums(
    dram_frames=600,
    node_frames=200,
    major_faults=3_000,
    swap_outs=4_000,
    compress_ns=6e8,
    decompress_ns=3e8,
    stall_ns=1.2e9,
    mean_ns=9_000.0,
    p99_ns=20_000.0,
)
WORKLOAD = Workload(pages=1_000, accesses=600_000_000, rate=PACE, prices=Prices(dram=4.0, node=2.0))


def a_point(saved=10.0, slowdown=1.0, **other) -> PlanPoint:
    return msgspec.structs.replace(make_plan_point("lz4", SUMS, WORKLOAD), saved=saved, slowdown=slowdown, **other)


# -- objectives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field", "kept", "missed"),
    [
        ("slowdown<5%", "slowdown", 4.9, 5.0),
        ("slowdown < .5 %", "slowdown", 0.4, 0.6),
        ("p99<20us", "fault_p99_ns", 19_999.0, 20_000.0),
        ("p99<20µs", "fault_p99_ns", 19_999.0, 20_001.0),
        ("p99<1.5ms", "fault_p99_ns", 1.4e6, 1.6e6),
        ("p99<900ns", "fault_p99_ns", 899.0, 901.0),
        ("p99<1s", "fault_p99_ns", 9e8, 1.1e9),
        ("promotion<0.2%/min", "promotion", 0.19, 0.21),
        ("save>30%", "saved", 30.1, 30.0),
    ],
)
def test_a_limit_and_both_sides_of_it(text, field, kept, missed):
    asked = parse_objectives([text])
    for value, wanted in ((kept, True), (missed, False)):
        point = a_point(**{field: value})
        assert asked.kept(point) is wanted
        assert (asked.reached(point) < 1) is wanted


@pytest.mark.parametrize(
    "text",
    ["", "slowdown", "slowdown>5%", "save<5%", "save>30", "p99<20", "p99<20%", "slowdown<5us", "promotion<1%", "cost<3",
     "fast<5%", "slowdown<-5%", "slowdown<5%%", "save>100%", "slowdown<1e999%"],
)  # fmt: skip
def test_what_is_no_objective(text):
    with pytest.raises(InputError, match="--objective"):
        parse_objectives([text])


def test_a_limit_of_nothing_is_reached_by_nothing():
    asked = parse_objectives(["slowdown<0%"])
    assert asked.reached(a_point(slowdown=0.0)) == 1.0
    assert asked.reached(a_point(slowdown=0.1)) == math.inf


def test_limits_with_codec_times_in_them_are_kept_with_something_to_spare():
    safe = parse_objectives(["slowdown<5%", "p99<20us", "promotion<0.2%/min", "save>30%", "cost"]).safer()
    assert [limit.bound for limit in safe.limits] == [pytest.approx(4.85), pytest.approx(19_400.0), 0.2, 30.0]
    assert safe.cheapest


def test_no_objective_at_all():
    with pytest.raises(InputError, match="at least one"):
        parse_objectives([])


def test_what_is_the_better_of_two_points():
    saves, quick = a_point(saved=20.0, slowdown=4.0, money=5.0), a_point(saved=10.0, slowdown=1.0, money=3.0)
    for texts, better in (
        (["slowdown<5%"], saves),
        (["p99<1s", "save>5%"], saves),
        (["save>5%"], quick),
        (["cost"], quick),
        (["cost", "slowdown<5%"], quick),
    ):
        assert min([saves, quick], key=parse_objectives(texts).rank) is better, texts


def test_several_limits_hold_together():
    asked = parse_objectives(["slowdown<5%", "save>30%", "slowdown<3%"])
    assert asked.kept(a_point(saved=31.0, slowdown=2.9))
    assert not asked.kept(a_point(saved=31.0, slowdown=4.0))
    assert not asked.kept(a_point(saved=29.0, slowdown=2.9))
    assert asked.reached(a_point(saved=30.0, slowdown=6.0)) == pytest.approx(2.0)  # the objective missed most
    assert parse_objectives(["save>60%"]).reached(a_point(saved=20.0)) == pytest.approx(80 / 40)  # memory taken


# -- figures of a point -----------------------------------------------------------------------------------------------


def test_every_column_by_hand():
    point = make_plan_point("zstd", SUMS, WORKLOAD)
    gib = 4096 / 2**30
    assert point.compressor == "zstd"
    assert (point.dram_frames, point.node_frames) == (600, 200)
    assert point.expansion == 1_000 / 800
    assert point.saved == pytest.approx(20.0)
    assert point.money == pytest.approx((600 * 4 + 200 * 2) * gib)
    assert point.money_saved == pytest.approx((1_000 * 4 - 600 * 4 - 200 * 2) * gib)
    assert point.faults_per_million == 5.0
    assert point.faults_per_second == 50.0  # 3000 in a minute
    assert point.promotion == pytest.approx(600.0)  # 3000 a minute, of 500 pages
    assert point.compress_cpu == pytest.approx(1.0)  # 0.6 s in a minute
    assert point.decompress_cpu == pytest.approx(0.5)
    assert point.slowdown == pytest.approx(2.0)
    assert (point.fault_mean_ns, point.fault_p99_ns) == (9_000.0, 20_000.0)


def test_no_money_without_prices():
    point = make_plan_point("lz4", SUMS, WORKLOAD._replace(prices=None))
    assert (point.money, point.money_saved) == (None, None)


def test_the_sums_of_a_run():
    settings = Settings(dram="40%", node="90%", depth="sizes")
    result = run("gen:zipf,pages=300,events=5000,writes=0.4", "recipe:mix,pages=200", settings)
    sums, counters, modelled = sums_of(result, COST), result.counters, result.modelled_ns
    assert sums.dram_frames == 120
    assert sums.node_frames * 4096 == counters["peak_pool_total_size"] > 0
    assert sums.swap_outs == counters["zswpout"] + counters["swpout_zero"]
    codec = modelled["compress"] + modelled["decompress"] + modelled["node"]
    assert sums.stall_ns == pytest.approx(counters["major_faults"] * COST.major_fault_ns + codec)
    assert (sums.compress_ns, sums.decompress_ns) == (modelled["compress"], modelled["decompress"])


def test_what_other_work_took_is_taken_off_codec_times():
    result = run("gen:zipf,pages=300,events=5000,writes=0.4", "recipe:mix,pages=200", Settings(dram="40%", node="90%"))
    modelled, counters = result.modelled_ns, result.counters
    codec = modelled["compress"] + modelled["decompress"]

    def sums(share: float) -> Sums:
        result.times_ns.update(feed=1_000_000, feed_processor=int(1_000_000 * share))
        assert processor_share(result) == share
        return sums_of(result, COST)

    calm, half = sums(1.0), sums(0.5)
    assert calm == sums(0.96)
    assert (calm.compress_ns, calm.decompress_ns) == (modelled["compress"], modelled["decompress"])
    assert calm.mean_ns == result.fault_latency_ns["mean"]
    assert calm.stall_ns - half.stall_ns == pytest.approx(codec / 2)
    assert (half.compress_ns, half.decompress_ns) == (calm.compress_ns / 2, calm.decompress_ns / 2)
    faults, outs = counters["major_faults"], half.swap_outs
    latency = half.decompress_ns / faults + half.compress_ns / outs + 2 * modelled["node"] / (faults + outs)
    assert half.mean_ns == pytest.approx(COST.major_fault_ns + latency)
    assert half.p99_ns == calm.p99_ns


def test_the_busiest_part_of_a_run():
    # 50 pages in a loop in 40 frames fault at every access; the same page over and over does not.
    pages = np.concatenate([np.zeros(9_000, np.uint64), np.arange(1_000, dtype=np.uint64) % 50])
    result = run(ArrayTrace(pages), None, Settings(dram=40 * 4096))
    assert busiest_window(result) == pytest.approx(10_000 / result.counters["major_faults"])
    assert busiest_window(run(ArrayTrace(pages), None, Settings(dram="100%"))) is None


# -- pace -------------------------------------------------------------------------------------------------------------


def scanned(page, time_ns=None) -> DenseTrace:
    dense = DenseTrace(TimedTrace(ArrayTrace(np.asarray(page, np.uint64), time_ns=time_ns)))
    dense.scan()
    return dense


def slow_working_set(pages, windows) -> float:
    """Return the mean number of distinct pages of all windows, without the last one if there are several."""
    found = {}
    for page, window in zip(pages, windows, strict=True):
        found.setdefault(window, set()).add(page)
    sizes = [len(found[window]) for window in sorted(found)]
    return float(np.mean(sizes[:-1] or sizes))


def test_a_trace_without_times_goes_at_the_pace_of_local_dram():
    pace = measure_access_rate(scanned([1, 2, 1]))
    assert pace == AccessRate(
        access_ns=DRAM_LATENCY_NS,
        base_ns=3 * DRAM_LATENCY_NS,
        source="default",
        working_set=2.0,
        working_set_seconds=2.7e-7,
    )


def test_the_times_of_a_trace_give_its_pace_unless_another_is_asked_for():
    times = np.array([5, 6, 7, 205], np.uint64) * np.uint64(10**9)
    dense = scanned([1, 2, 1, 3], times)
    assert measure_access_rate(dense) == AccessRate(access_ns=50e9, base_ns=200e9, source="trace", working_set=2.0)
    asked = measure_access_rate(dense, 60e9)
    assert asked == AccessRate(access_ns=60e9, base_ns=240e9, source="asked", working_set=2.0)  # two accesses a window


@pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan, 1e300])
def test_a_pace_that_is_none(wrong):
    with pytest.raises(InputError, match="--access-ns"):
        measure_access_rate(scanned([1]), wrong)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200)), min_size=1, max_size=60))
def test_windows_by_the_trace_s_times(events):
    pages = [page for page, _ in events]
    seconds = np.maximum.accumulate([second for _, second in events])
    dense = scanned(pages, (seconds * 10**9).astype(np.uint64))
    windows = [int(second - seconds[0]) * 10**9 // WINDOW_NS for second in seconds]
    assert working_set(dense, dense.trace.starts) == slow_working_set(pages, windows)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 20))
def test_windows_by_accesses(pages, width):
    windows = [place // width for place in range(len(pages))]
    assert working_set(scanned(pages), range(width, len(pages), width)) == slow_working_set(pages, windows)


def test_times_that_step_back_open_no_window_twice():
    times = np.array([0, 130, 10, 140, 250], np.uint64) * np.uint64(10**9)
    assert scanned([1, 2, 3, 4, 5], times).trace.starts == [1, 4]


# -- estimates --------------------------------------------------------------------------------------------------------


def measured(sizes, same=(), zero=(), compress=5_000, decompress=2_000) -> Measured:
    count = len(sizes)
    busy = np.array([number not in {*same, *zero} for number in range(count)])
    return Measured(
        "by hand",
        np.array(sizes, np.uint16),
        ~busy,
        np.array([number in zero for number in range(count)]),
        np.where(busy, compress, 0).astype(np.uint32),
        np.where(busy, decompress, 0).astype(np.uint32),
    )


def test_costs_of_pages_by_hand():
    # Pages are compressed, stored uncompressed from the huge limit on, of one repeated word, or zero.
    costs = PageCosts(measured([1_000, 3_700, 0, 0], same=[2], zero=[3]), 4, COST, chain_size=8)
    assert list(costs.store_ns) == [250 + 1_000 / 25 + 5_000, 250 + 4_096 / 25 + 5_000, 250, 0]
    assert list(costs.load_ns) == [250 + 1_000 / 25 + 2_000, 250 + 4_096 / 25 + 2_000, 250, 0]
    cold = PageCosts(measured([1_000, 0], same=[1]), 2, COST, chain_size=8, cold=0.5)
    assert list(cold.compress_ns) == [5_000 + 500, 0]
    assert list(cold.decompress_ns) == [2_000 + (1_000 + 4_096) / 2, 0]
    without_map = PageCosts(measured([0], zero=[0]), 1, COST, chain_size=8, zero_map=False)
    assert list(without_map.store_ns) == [250]


@pytest.mark.parametrize("pages", [1, 3_000])
def test_cold_memory_is_a_time(pages):
    assert 0 <= cold_ns_per_byte(pages) < 1_000


def test_the_images_of_a_footprint_are_those_that_its_pages_begin_with():
    sizes = np.array([100, 200, 300, 400])
    stores = 250 + sizes / 25 + 5_000
    assert list(PageCosts(measured(sizes), 2, COST, chain_size=8, seed=3).store_ns) == [stores[3], stores[0]]
    assert list(PageCosts(measured(sizes), 9, COST, chain_size=8).store_ns) == list(stores)


@pytest.mark.parametrize(("pages", "within"), [(400, 0.06), (5_000, 0.02), (60_000, 0.01)])
def test_an_unused_pool_is_what_zsmalloc_takes(pages, within):
    lengths = np.random.Generator(np.random.PCG64(1)).integers(0, 4_000, pages).astype(np.uint16)
    assert PoolSize(lengths, 8).frames(pages, 0) == pytest.approx(frames_for_lengths(lengths), rel=within)


def test_a_pool_of_nothing():
    assert PoolSize(np.array([1_000], np.uint16), 8).frames(0, 0) == 0
    assert PoolSize(np.array([0, 0], np.uint16), 8).frames(100, 5) == 0


def test_a_pool_in_use_has_gaps_that_grow_no_further():
    lengths = np.linspace(100, 3_200, 1_000).astype(np.uint16)
    frames = [PoolSize(lengths, 8).frames(1_000, replaced) for replaced in (0, 500, 5_000, 50_000, 10**9)]
    assert frames == sorted(frames)
    assert frames[-1] == pytest.approx(frames[-2], rel=0.001)
    assert 1.05 < frames[-1] / frames[0] < 1.25


def test_objects_of_one_class_leave_nothing_to_chance():
    assert PoolSize(np.full(10, 4_096, np.uint16), 8).frames(1_000, 10**6) == pytest.approx(1_000, abs=1)


@pytest.mark.parametrize("batch", [1, 4])
def test_alike_pages_are_estimated_as_they_run(batch):
    """If all pages cost the same, nothing is left to chance: estimate and run agree in every sum but the pool's."""
    contents = read_contents("recipe:noise,pages=50")
    lengths = measured([1_365] * len(contents))
    dense = DenseTrace(read_trace("gen:zipf,pages=400,events=20000,writes=0.3,alpha=0.7"))
    settings = Settings(dram="30%", node="100%", depth="sizes", reclaim_batch=batch)
    found = sums_of(run(dense, contents, settings, measured=lengths), COST)
    traffic = Replays(dense, settings).at(found.dram_frames)
    sums = estimate(PageCosts(lengths, dense.pages, COST, chain_size=8), traffic, batch)
    assert (sums.major_faults, sums.swap_outs) == (found.major_faults, found.swap_outs)
    assert sums.stall_ns == pytest.approx(found.stall_ns)
    assert sums.compress_ns == pytest.approx(found.compress_ns)
    assert sums.decompress_ns == pytest.approx(found.decompress_ns)
    assert sums.p99_ns == pytest.approx(found.p99_ns, rel=0.04)  # a run's percentiles are within 3 % of the true ones
    assert sums.mean_ns == pytest.approx(found.mean_ns, rel=0.1 if batch > 1 else 1e-9)
    assert sums.node_frames == pytest.approx(found.node_frames, rel=0.05)


def test_mixed_latencies_are_a_load_and_a_store_drawn_apart():
    costs = PageCosts(measured([1_000] * 397 + [3_700] * 3, compress=10_000, decompress=1_000), 400, COST, chain_size=8)
    mean, p99 = costs.latency(1, 1.0)
    fixed = COST.major_fault_ns + 11_000 + 2 * 250
    assert mean == pytest.approx(fixed + 2 * (0.9925 * 1_000 + 0.0075 * 4_096) / 25)
    # One of the two pages is uncompressed in 1.5 % of the faults.
    assert p99 == pytest.approx(fixed + (1_000 + 4_096) / 25)
    assert costs.latency(1, 0.0)[1] == pytest.approx(COST.major_fault_ns + 1_000 + 250 + 1_000 / 25)


def test_a_batch_is_paid_by_the_fault_that_needs_it():
    costs = PageCosts(measured([1_000]), 1, COST, chain_size=8)
    mean, p99 = costs.latency(32, 1 / 32)
    load, store = float(costs.load_ns[0]), float(costs.store_ns[0])
    assert mean == pytest.approx(COST.major_fault_ns + load + store)
    assert p99 == pytest.approx(COST.major_fault_ns + load + 32 * store)  # three faults in a hundred have that cost


def test_a_large_batch_is_drawn_as_a_small_one_is(monkeypatch):
    lengths = np.linspace(200, 3_200, 200)
    drawn = PageCosts(measured(lengths), 200, COST, chain_size=8).latency(48, 1 / 48)
    monkeypatch.setattr("zswapsim.study.plan.page_costs.MOST_DRAWN", 1)
    assert PageCosts(measured(lengths), 200, COST, chain_size=8).latency(48, 1 / 48) == pytest.approx(drawn, rel=0.01)


def test_no_fault_no_latency():
    costs = PageCosts(measured([1_000]), 1, COST, chain_size=8)
    sums = estimate(costs, Traffic(frames=10, major_faults=0, swap_outs=0, out=0), 1)
    assert sums[1:] == (0, 0, 0, 0, 0, 0, 0, 0)


# -- the search -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60))
def test_bisection(low, width, first):
    high = low + width
    found = bisect_least(lambda number: number >= first, low, high)
    assert found == min(max(first, low), high)


points = st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 500)), min_size=1, max_size=25).map(
    lambda pairs: [a_point(saved=float(saved), slowdown=float(slow)) for saved, slow in pairs]
)


@given(points)
def test_the_front_is_what_no_other_beats(found):
    def beaten(point):
        return any(
            other.saved >= point.saved
            and other.slowdown <= point.slowdown
            and (other.saved, other.slowdown) != (point.saved, point.slowdown)
            for other in found
        )

    front = pareto(found)
    assert {(p.saved, p.slowdown) for p in front} == {(p.saved, p.slowdown) for p in found if not beaten(p)}
    assert [point.saved for point in front] == sorted({point.saved for point in front})


def test_more_waiting_that_makes_another_compressor_the_better():
    class Given(NamedTuple):
        by_slowdown: list[tuple[float, str]]

        def best(self, asked):
            return next(a_point(compressor=n) for least, n in self.by_slowdown if asked.limits[0].bound >= least)

    search = Given([(100.0, "zstd"), (20.0, "lz4"), (0.0, "lzo")])
    asked = parse_objectives(["slowdown<5%"])
    assert find_crossover(search, asked, "lzo") == Crossover(4, a_point(compressor="lz4"))
    assert find_crossover(search, asked, "lz4") == Crossover(2, a_point(compressor="lzo"))
    assert find_crossover(Given([(1e9, "zstd"), (0.0, "lzo")]), asked, "lzo") is None
    assert find_crossover(search, parse_objectives(["save>5%"]), "lzo") is None


def test_the_knee_is_where_a_per_cent_begins_to_cost_more_than_on_average():
    saved = [0, 10, 20, 30, 40]
    found = [a_point(saved=float(s), slowdown=float(w)) for s, w in zip(saved, [0, 1, 3, 20, 100], strict=True)]
    assert knee(found) is found[3]  # 17 % for ten more, at 2.5 % for each per cent on average; the next ten cost 80 %


@pytest.mark.parametrize("slowdown", [0.0, 5.0])
def test_no_knee_where_nothing_is_saved_or_paid(slowdown):
    assert knee([a_point(saved=0.0 if slowdown else 10.0, slowdown=slowdown)]) is None
