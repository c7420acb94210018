"""Test the edges in the studies: each rule with a boundary at it, just below it and just above it."""

import math
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from report_records import POINT, a_point, a_result, a_trial

from zswapsim._core.base.errors import InputError
from zswapsim._core.zsmalloc.classes import huge_class_size
from zswapsim.compressors.measure import Measured
from zswapsim.study.compare.shared_files import CHUNK, open_shared, write_shared
from zswapsim.study.plan.access_rate import TimedTrace
from zswapsim.study.plan.estimate import LONG_USE, find_unseen
from zswapsim.study.plan.make_plan import check_prices_given, row_frames
from zswapsim.study.plan.objectives import SPARE, parse_objectives
from zswapsim.study.plan.page_costs import PageCosts, PoolSize
from zswapsim.study.plan.plan_point import AccessRate, Workload, processor_share, sums_of
from zswapsim.study.plan.search import BETWEEN, Search, find_crossover, knee, least_frames, pareto
from zswapsim.study.plan.traffic import Traffic
from zswapsim.study.plan.trial_runs import FAR, LONG_NS, MARGIN, _is_conclusive, busiest_window, tighter
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import ArrayTrace, DenseTrace

COST = PRESETS["cxl-nvme"]


# -- objectives -------------------------------------------------------------------------------------------------------


def test_of_points_that_save_as_much_the_one_that_waits_less_is_better():
    rank = parse_objectives(["slowdown<5%"]).rank
    assert rank(a_point(saved=20.0, slowdown=1.0)) < rank(a_point(saved=20.0, slowdown=2.0))
    assert rank(a_point(saved=20.1, slowdown=2.0)) < rank(a_point(saved=20.0, slowdown=1.0))


def test_of_points_that_wait_as_long_the_one_that_saves_more_is_better():
    rank = parse_objectives(["save>5%"]).rank
    assert rank(a_point(saved=30.0, slowdown=1.0)) < rank(a_point(saved=20.0, slowdown=1.0))
    assert rank(a_point(saved=20.0, slowdown=0.9)) < rank(a_point(saved=30.0, slowdown=1.0))


def test_of_points_that_cost_as_much_the_one_that_waits_less_is_better():
    rank = parse_objectives(["cost"]).rank
    assert rank(a_point(money=3.0, slowdown=1.0)) < rank(a_point(money=3.0, slowdown=2.0))
    assert rank(a_point(money=2.9, slowdown=2.0)) < rank(a_point(money=3.0, slowdown=1.0))


@pytest.mark.parametrize("objectives", [["save>5%", "cost"], ["save>5%", "slowdown<5%"], ["cost"]])
def test_the_least_waiting_is_wanted_only_if_savings_alone_have_limits(objectives):
    assert parse_objectives(["save>5%", "save>7%"]).least_waiting
    assert not parse_objectives(objectives).least_waiting


def test_a_limit_is_missed_at_its_bound():
    for text, field, bound in (("slowdown<5%", "slowdown", 5.0), ("save>30%", "saved", 30.0)):
        limit = parse_objectives([text]).limits[0]
        below, above = a_point(**{field: bound - 1e-9}), a_point(**{field: bound + 1e-9})
        assert not limit.holds(a_point(**{field: bound}))
        assert (limit.holds(below), limit.holds(above)) == ((True, False) if text.startswith("slow") else (False, True))


@pytest.mark.parametrize(
    ("text", "safe"),
    [("slowdown<10%", 9.7), ("p99<10us", 9_700.0), ("promotion<10%/min", 10.0), ("save>10%", 10.0)],
)
def test_limits_on_codec_times_alone_have_a_margin(text, safe):
    assert parse_objectives([text]).safer().limits[0].bound == pytest.approx(safe)
    assert SPARE == 0.03


def test_twice_the_waiting_is_twice_every_limit_but_that_on_savings():
    looser = parse_objectives(["slowdown<5%", "p99<1us", "promotion<1%/min", "save>5%", "cost"]).looser()
    assert [limit.bound for limit in looser.limits] == [10.0, 2_000.0, 2.0, 5.0]
    assert looser.cheapest


def test_the_reach_of_no_limit_is_nothing():
    assert parse_objectives(["cost"]).reached(a_point()) == 0.0


@pytest.mark.parametrize(("text", "found"), [("save>99.9%", True), ("save>100%", False), ("slowdown<100%", True)])
def test_no_more_than_all_memory_can_be_saved(text, found):
    if found:
        assert parse_objectives([text]).limits[0].text == text
    else:
        with pytest.raises(InputError, match="expected less than 100%"):
            parse_objectives([text])


# -- the next trial after a run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "estimate", "found", "bound"),
    [
        ("slowdown<5%", {"slowdown": 4.0}, {"slowdown": 4.999}, 5.0),
        ("slowdown<5%", {"slowdown": 4.0}, {"slowdown": 5.0}, 5.0 * (4 / 5) * (1 - MARGIN)),
        ("slowdown<5%", {"slowdown": 9.0}, {"slowdown": 6.0}, 5.0 * (1 - MARGIN)),
        ("save>10%", {"saved": 12.0}, {"saved": 10.0}, (10.0 + 2) * (1 + MARGIN)),
        ("save>10%", {"saved": 8.0}, {"saved": 9.0}, 10.0 * (1 + MARGIN)),
        ("save>10%", {"saved": 12.0}, {"saved": 10.1}, 10.0),
    ],
)
def test_the_next_limit_is_tighter_by_what_the_run_missed_and_a_margin(text, estimate, found, bound):
    tried = a_trial(a_point(**estimate), a_point(**found))
    assert tighter(parse_objectives([text]), tried).limits[0].bound == pytest.approx(bound)


@pytest.mark.parametrize(
    ("text", "slowdown", "feed", "share", "conclusive"),
    [
        ("slowdown<5%", 4.0, LONG_NS - 1, 0.95, True),
        ("slowdown<5%", 4.0, LONG_NS - 1, 0.94, False),
        ("slowdown<5%", 4.0, LONG_NS, 0.1, True),
        ("slowdown<5%", 5 * FAR, LONG_NS, 0.1, False),
        ("slowdown<5%", 5 * FAR + 0.1, LONG_NS, 0.1, True),
        ("slowdown<5%", 5 * FAR + 0.1, LONG_NS - 1, 1.0, False),
        ("promotion<0.1%/min", 4.0, 1, 0.1, True),
    ],
)
def test_another_run_is_made_unless_it_would_show_the_same(text, slowdown, feed, share, conclusive):
    result = a_result()
    result.settings["depth"], result.times_ns["feed"] = "bytes", feed
    trial = a_trial(POINT, a_point(slowdown=slowdown), processor_share=share)
    assert _is_conclusive(parse_objectives([text]), trial, result) is conclusive
    result.settings["depth"] = "sizes"
    assert _is_conclusive(parse_objectives([text]), trial, result)


@pytest.mark.parametrize(
    ("rows", "times"),
    [
        ([(100, 1), (200, 4)], 3 / 100 * 200 / 4),
        ([(100, 4), (200, 4)], 4 / 100 * 200 / 4),
        ([(10, 1), (200, 4)], 1 / 10 * 200 / 4),
    ],
)
def test_the_busiest_window_is_compared_with_the_mean_of_all(rows, times):
    result = a_result(major_faults=rows[-1][1], accesses=rows[-1][0])
    result.timeline = [{"accesses": accesses, "major_faults": faults} for accesses, faults in rows]
    assert busiest_window(result) == pytest.approx(times)
    result.counters["major_faults"] = 0
    assert busiest_window(result) is None


def test_the_share_of_the_processor_is_one_where_nothing_was_measured():
    result = a_result()
    result.settings["depth"] = "bytes"
    result.times_ns |= {"feed": 100, "feed_processor": 40}
    assert processor_share(result) == 0.4
    result.times_ns["feed_processor"] = 101
    assert processor_share(result) == 1.0
    result.times_ns |= {"feed": 0, "feed_processor": 0}
    assert processor_share(result) == 1.0
    result.times_ns |= {"feed": 100, "feed_processor": 40}
    result.settings["depth"] = "sizes"
    assert processor_share(result) == 1.0


def test_minor_faults_are_no_waiting_that_less_dram_makes():
    result = a_result(minor_faults=10, reclaimed_pages=7, dropped_clean_pages=3)
    result.settings["depth"], result.times_ns["feed"] = "sizes", 0
    sums = sums_of(result, COST)
    assert sums.stall_ns == 1.1e7 - 10 * COST.minor_fault_ns
    assert sums.swap_outs == 4
    assert sums.node_frames == 3_000


# -- the search -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "batch", "least"),
    [(1_000, 1, 50), (1_000, 51, 51), (9, 1, 1), (29, 1, 1), (31, 1, 2), (10, 32, 10), (1, 0, 1)],
)
def test_the_least_size_is_a_twentieth_a_batch_and_at_most_all(pages, batch, least):
    assert least_frames(pages, batch) == least


def test_rows_are_within_the_sizes_that_are_considered():
    assert row_frames([], 1_000, 1) == [1_000, 900, 800, 700, 600, 500, 400, 300, 200, 100]
    assert row_frames(["1%", "50%", "200%"], 1_000, 1) == [1_000, 500, 50]


def test_prices_are_needed_only_for_the_cheapest_point():
    check_prices_given(parse_objectives(["slowdown<5%"]), None)
    with pytest.raises(InputError, match="needs prices"):
        check_prices_given(parse_objectives(["slowdown<5%", "cost"]), None)


@pytest.mark.parametrize(("saved", "slowdown", "found"), [(0.0, 5.0, False), (0.1, 5.0, True), (5.0, 0.0, False)])
def test_a_knee_needs_something_saved_and_something_paid(saved, slowdown, found):
    assert (knee([a_point(saved=saved, slowdown=slowdown)]) is not None) is found


def test_points_that_wait_longer_than_the_one_that_saves_most_are_no_knee():
    end = a_point(saved=40.0, slowdown=10.0)
    assert knee([a_point(saved=39.0, slowdown=11.0), end]) is end
    early = a_point(saved=20.0, slowdown=1.0)
    assert knee([early, end, a_point(saved=39.0, slowdown=10.0)]) is early


def test_of_equal_points_the_front_has_one():
    first, second = a_point(saved=10.0, slowdown=1.0), a_point("zstd", saved=10.0, slowdown=1.0)
    assert pareto([first, second]) == [first]
    assert pareto([a_point(saved=9.0, slowdown=1.0), second]) == [second]


class Source:
    """Have as many faults as frames are missing."""

    least, one_pass = 10, True

    def at(self, frames: int) -> Traffic:
        return Traffic(frames=frames, major_faults=1_000 - frames, swap_outs=1_000 - frames, out=1_000 - frames)


def a_search(batch: int = 1, grid: tuple[int, ...] = (1_000, 500, 5)) -> Search:
    size, none = np.full(4, 1_000, np.uint16), np.zeros(4, bool)
    lengths = Measured("even", size, none, none, np.full(4, 700, np.uint32), np.full(4, 300, np.uint32))
    rate = AccessRate(access_ns=100.0, base_ns=1e7, source="asked", working_set=500.0)
    costs = {"lz4": PageCosts(lengths, 1_000, COST, chain_size=8)}
    return Search(Source(), costs, Workload(pages=1_000, accesses=100_000, rate=rate), batch, grid)


def test_sizes_below_the_least_are_not_considered():
    search = a_search()
    assert (search.least, search.grid) == (50, [1_000, 500])
    assert a_search(batch=200).least == 200
    source = Source()
    source.least = 300
    assert Search(source, search.costs, search.workload, 1, [300, 299]).grid == [300]


def test_the_best_point_is_at_the_very_limit():
    search = a_search(grid=(1_000,))
    limit = parse_objectives(["slowdown<5%"])
    best = search.best(limit)
    assert limit.kept(best)
    assert not limit.kept(search.point("lz4", best.dram_frames - 1))
    saving = parse_objectives(["save>20%"])
    largest = search.best(saving)
    assert saving.kept(largest)
    assert not saving.kept(search.point("lz4", largest.dram_frames + 1))


def test_limits_that_exclude_each_other_are_both_nearly_reached_between():
    search = a_search(grid=(1_000,))
    asked = parse_objectives(["slowdown<1%", "save>50%"])
    best = search.best(asked)
    assert not asked.kept(best)
    assert all(
        asked.reached(search.point("lz4", frames)) >= asked.reached(best) * 0.9 for frames in range(50, 1_001, 50)
    )
    assert len(search._known) > BETWEEN
    assert all(50 <= frames <= 1_000 for _, frames in search._known)


def test_waiting_is_doubled_up_to_sixty_four_times():
    asked, seen = parse_objectives(["slowdown<1%"]), []

    def best(looser):
        seen.append(looser.limits[0].bound)
        return a_point("zstd" if looser.limits[0].bound >= 64 else "lz4")

    assert find_crossover(SimpleNamespace(best=best), asked, "lz4").times == 64
    assert seen == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]


# -- costs of pages ---------------------------------------------------------------------------------------------------


def lengths_of(*sizes: int) -> Measured:
    count = len(sizes)
    none = np.zeros(count, bool)
    times = np.zeros(count, np.uint32)
    return Measured("by hand", np.array(sizes, np.uint16), none, none, times, times)


def test_a_page_is_huge_from_the_huge_limit_on():
    limit = huge_class_size(8)
    costs = PageCosts(lengths_of(limit - 1, limit, limit + 1), 3, COST, chain_size=8)
    moved = [COST.node_latency_ns + length / COST.node_bandwidth for length in (limit - 1, 4096, 4096)]
    assert list(costs.store_ns) == moved


def test_a_handle_is_part_of_each_object_but_a_whole_frame():
    small, large = PoolSize(np.array([24], np.uint16), 8), PoolSize(np.array([25], np.uint16), 8)
    assert small.frames(100_000, 0) < large.frames(100_000, 0), "24 bytes and the handle are a class of 32"
    assert PoolSize(np.array([4_096], np.uint16), 8).frames(1_000, 0) in {1_000, 1_001}


def test_what_is_not_known_of_a_size_is_left_out():
    search = a_search()
    costs = search.costs["lz4"]
    found = find_unseen([400, 200], {"lz4": costs}, 1_000, 1)
    assert [(each.compressor, each.dram_frames) for each in found] == [("lz4", 400), ("lz4", 200)]
    assert found[0].node_frames == costs.pool.frames(600, LONG_USE * 600)
    assert found[0].saved == pytest.approx(100 * (1 - (400 + found[0].node_frames) / 1_000))
    stall = COST.major_fault_ns + float(costs.load_ns[0]) + float(costs.store_ns[0])
    assert found[0].fault_stall_ns == pytest.approx(stall)
    assert found[0].faults_per_percent == pytest.approx(1e9 / 100 / stall)


# -- times of a trace -------------------------------------------------------------------------------------------------


def timed(seconds: list[list[int]]) -> TimedTrace:
    """Return a trace that has yielded chunks with these times."""
    from zswapsim.traces import Chunk

    def chunks():
        for each in seconds:
            page = np.zeros(len(each), np.uint64)
            yield Chunk(page, np.zeros(len(each), np.uint8), np.array(each, np.uint64) * np.uint64(10**9))

    trace = TimedTrace(SimpleNamespace(name="t", events=None, chunks=chunks))
    for _ in trace.chunks():
        pass
    return trace


@pytest.mark.parametrize(
    ("seconds", "last"), [([[5, 9, 7]], 9), ([[5, 9], [8, 6]], 9), ([[5], [9], [10]], 10), ([[5]], 5), ([[9, 5]], 9)]
)
def test_the_last_time_is_the_largest_of_all(seconds, last):
    trace = timed(seconds)
    assert (trace.first, trace.last) == (seconds[0][0] * 10**9, last * 10**9)


def test_windows_begin_at_a_multiple_of_120_s_after_the_first_time():
    assert timed([[10, 129, 130], [249, 250, 251]]).starts == [2, 4]
    assert timed([[10, 9, 130], [131]]).starts == [2]
    assert timed([[10], [400]]).starts == [1]


# -- what workers share -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [1, 2, CHUNK, CHUNK + 1])
def test_a_shared_trace_has_every_event(tmp_path, events):
    pages = (np.arange(events) % 7).astype(np.uint64)
    ops = (np.arange(events) % 3 == 0).astype(np.uint8)
    dense = DenseTrace(ArrayTrace(pages, ops, name="few"))
    dense.scan()
    write_shared(tmp_path, dense, None)
    chunks = list(open_shared(tmp_path).trace.chunks())
    assert [len(page) for page, _ in chunks] == [min(CHUNK, events)] + [1] * (events > CHUNK)
    assert np.array_equal(np.concatenate([page for page, _ in chunks]), pages.astype(np.uint32))
    assert np.array_equal(np.concatenate([op for _, op in chunks]), ops)


def test_no_figure_of_a_plan_is_infinite():
    point = a_search().point("lz4", 1_000)
    assert all(math.isfinite(value) for value in msgspec.structs.asdict(point).values() if isinstance(value, float))
    assert (point.saved, point.slowdown, point.major_faults) == (0.0, 0.0, 0)
