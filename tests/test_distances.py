"""Compare stack distances and the curves of one pass with models in Python and with replays, to the page."""

import os
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.distances import Dram, distances
from tests.two_threads import refusal_of_a_second_thread
from zswapsim import InputError, Settings, run
from zswapsim._core.curve.distances import MAX_PAGES, StackDistances
from zswapsim.study.curve.exact import exact_curve
from zswapsim.study.curve.stack_curve import DistanceCounts
from zswapsim.study.curve.trace_walk import walk_trace
from zswapsim.study.plan.traffic import OnePass, Replays, open_traffic_source
from zswapsim.traces import DenseTrace, read_trace
from zswapsim.traces.trace import ArrayTrace

PAGES = 9
ACCESSES = st.lists(st.tuples(st.integers(0, PAGES - 1), st.integers(0, 1)), min_size=1, max_size=60)


def arrays(accesses):
    pages, ops = zip(*accesses, strict=True)
    return np.array(pages, np.uint32), np.array(ops, np.uint8)


def counts(stack):
    return stack.accesses_by_distance().astype(np.int64), stack.stores_by_distance().astype(np.int64)


@given(st.lists(ACCESSES, min_size=1, max_size=4), st.sampled_from([1, 1, 1, 150]))
@settings(max_examples=60)
def test_against_a_dram_of_every_size(parts, times):
    """Repeat the accesses until places run out, so that they are compacted."""
    stack = StackDistances(PAGES)
    drams = [Dram(frames) for frames in range(1, PAGES + 1)]
    for part in parts * times:
        stack.feed(*arrays(part))
        for dram in drams:
            for page, write in part:
                dram.access(page, bool(write))
        reuses, dirtied = (DistanceCounts(each) for each in counts(stack))
        if times == 1 or part is parts[-1]:
            stack.check()
            for dram in drams:
                assert reuses.above([dram.frames])[0] == dram.major_faults
                assert dirtied.above([dram.frames])[0] == dram.reclaimed_pages - dram.dropped_clean_pages


@given(ACCESSES)
def test_distances_one_by_one(accesses):
    stack = StackDistances(PAGES)
    before = stack.accesses_by_distance()
    for access, expected in zip(accesses, distances(page for page, _ in accesses), strict=True):
        stack.feed(*arrays([access]))
        now = stack.accesses_by_distance()
        assert np.flatnonzero(now - before).tolist() == [expected]
        before = now
    assert stack.accessed_pages == len({page for page, _ in accesses})
    last = {page: place for place, (page, _) in enumerate(accesses)}
    depths = [sum(place >= last[page] for place in last.values()) if page in last else 0 for page in range(PAGES)]
    assert stack.distances_now().tolist() == depths


def dense(source):
    trace = DenseTrace(read_trace(source) if isinstance(source, str) else source)
    trace.scan()
    return trace


def replayed(trace, frames, exclusive=True):
    asked = Settings(dram=frames * 4096, depth="counts", exclusive_loads=exclusive, window=trace.events)
    return run(trace, None, asked).counters


@pytest.mark.parametrize(
    "source",
    [
        "gen:zipf,pages=40000,events=2e5,alpha=0.8,writes=0.2",
        "gen:loop,pages=500,events=2e4,writes=0.1",
        "bundled:sort",
        "cloudPhysicsIO.oracleGeneral.bin",
    ],
)
def test_sizes_against_replays(source, request):
    trace = dense(source if ":" in source else str(request.getfixturevalue("traces_dir") / source))
    whole = exact_curve(trace).whole
    for frames in (1, 2, trace.pages // 7, trace.pages // 3, trace.pages - 1, trace.pages, trace.pages + 5):
        counters = replayed(trace, frames)
        assert whole.at(frames) == (counters["major_faults"], counters["reclaimed_pages"])
        kept = replayed(trace, frames, exclusive=False)
        assert whole.dirty_swap_outs([frames])[0] == kept["reclaimed_pages"] - kept["dropped_clean_pages"]
        assert kept["reclaimed_pages"] == counters["reclaimed_pages"]


def test_windows_are_the_timeline_of_a_replay():
    trace = dense("gen:phases,pages=900,events=30000,writes=0.2")
    found = exact_curve(trace, window=7000)
    assert [each.accesses for each in found.windows] == [7000, 7000, 7000, 7000, 2000]
    for frames in (1, 100, 400, trace.pages):
        assert moved(trace, frames, "major_faults") == [each.at(frames)[0] for each in found.windows]
        assert moved(trace, frames, "zswpout") == [each.at(frames)[1] for each in found.windows]
        dirty = [each.dirty_swap_outs([frames])[0] for each in found.windows]
        assert moved(trace, frames, "zswpout", exclusive_loads=False) == dirty


def moved(trace, frames, counter, **about):
    """Return by how much a counter rose in each window of 7000 accesses of a replay."""
    rows = run(trace, None, Settings(dram=frames * 4096, depth="counts", window=7000, **about)).timeline
    return np.diff([0, *(row[counter] for row in rows)]).tolist()


def test_a_process_by_itself_is_its_own_trace():
    draw = np.random.default_rng(3)
    page = draw.integers(0, 60, 5000).astype(np.uint64)
    op = draw.integers(0, 2, 5000).astype(np.uint8)
    process = draw.choice(np.array([7, 70000, 3], np.uint32), 5000, p=[0.6, 0.3, 0.1])
    found = exact_curve(dense(ArrayTrace(page, op, process=process)), by_process=True)
    assert sorted(found.processes) == [3, 7, 70000]
    assert found.shared == {}
    for name, curve in found.processes.items():
        mine = process == name
        alone = exact_curve(dense(ArrayTrace(page[mine], op[mine]))).whole
        for frames in (1, 10, 40, 60):
            assert curve.at(frames) == alone.at(frames)
            assert curve.dirty_swap_outs([frames]) == alone.dirty_swap_outs([frames])
        assert curve.accesses == mine.sum()


def test_whose_faults_they_are_in_a_dram_that_all_share():
    draw = np.random.default_rng(4)
    page = draw.integers(0, 40, 4000).astype(np.uint64)
    process = draw.choice(np.array([9, 2], np.uint32), 4000, p=[0.7, 0.3])
    trace = dense(ArrayTrace(page, process=process))
    sizes = [1, 30, 70, 80]
    shared = exact_curve(trace, shared_at=sizes).shared
    for point, frames in enumerate(sizes):
        dram, faults, firsts = Dram(frames), {9: 0, 2: 0}, {9: 0, 2: 0}
        for each, owner in zip(page.tolist(), process.tolist(), strict=True):
            before, seen = dram.major_faults, len(dram.seen)
            dram.access((owner, each), False)
            faults[owner] += dram.major_faults - before
            firsts[owner] += len(dram.seen) - seen
        for owner, curve in shared.items():
            stayed = sum(name == owner for name, _ in dram.resident)
            assert curve.major_faults[point] == faults[owner]
            assert curve.swap_outs[point] == faults[owner] + firsts[owner] - stayed
            assert curve.first_accesses == firsts[owner]
            assert curve.accesses == (process == owner).sum()


def test_a_plan_takes_one_pass_where_it_may():
    trace = dense("gen:zipf,pages=300,events=5000")
    ours, theirs = open_traffic_source(trace, Settings()), open_traffic_source(trace, Settings(reclaim_batch=2))
    assert isinstance(ours, OnePass)
    assert isinstance(theirs, Replays)
    assert isinstance(open_traffic_source(trace, Settings(reclaim="clock")), Replays)
    for frames in (1, 50, 290):
        assert ours.at(frames) == Replays(trace, Settings()).at(frames)


def test_ctrl_c_leaves_the_curve_so_far():
    trace = dense("gen:zipf,pages=300,events=2e6")

    def interrupt(done, _all):
        if done > 500_000:
            raise KeyboardInterrupt

    found = exact_curve(trace, progress=interrupt)
    assert found.interrupted
    assert 500_000 < found.whole.accesses < 2_000_000


def test_ctrl_c_does_not_come_between_two_parts_of_a_step():
    trace, fed = dense("gen:zipf,pages=300,events=1e6"), []

    def take(pages, _ops):
        if len(fed) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        fed.append(len(pages))

    assert walk_trace(trace, take) == (sum(fed), True)
    assert len(fed) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_refuses_what_it_cannot_take():
    for pages in (0, -1, MAX_PAGES + 1):
        with pytest.raises(InputError, match=r"pages .*: expected 1 to"):
            StackDistances(pages)
    stack = StackDistances(3)
    with pytest.raises(InputError, match="page 3: expected a number below 3"):
        stack.feed(np.array([0, 3], np.uint32), np.zeros(2, np.uint8))
    with pytest.raises(InputError, match="2 pages and 1 operations"):
        stack.feed(np.zeros(2, np.uint32), np.zeros(1, np.uint8))
    with pytest.raises(InputError, match="already initialised"):
        stack.__init__(3)
    with pytest.raises(InputError, match="not initialised"):
        StackDistances.__new__(StackDistances).accesses_by_distance()
    assert not stack.accesses_by_distance().any()
    with pytest.raises(InputError, match="names processes"):
        exact_curve(dense("gen:loop,pages=5,events=9"), by_process=True)
    with pytest.raises(InputError, match="window"):
        exact_curve(dense("gen:loop,pages=5,events=9"), window=-1)


def test_a_second_thread_is_refused():
    stack, pages, ops = StackDistances(1 << 19), np.arange(1 << 19, dtype=np.uint32), np.zeros(1 << 19, np.uint8)
    refusal = refusal_of_a_second_thread(lambda: stack.feed(pages, ops))
    assert refusal == "distances: another thread is using it"
    stack.check()
