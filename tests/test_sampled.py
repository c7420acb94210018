"""Test curves from a sample: which pages are drawn, what the estimate is, and that the stated bound holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zswapsim import InputError
from zswapsim._core.curve.sample import count_misses, limit_for, sample_accesses, sampled_pages
from zswapsim.study.curve.exact import exact_curve
from zswapsim.study.curve.sampled import LEAST_ACCESSES, LEAST_PAGES, Sample, sample_size, sampled_curve
from zswapsim.traces import DenseTrace, read_trace

GOLDEN = 0x9E3779B9


def dense(source):
    trace = DenseTrace(read_trace(str(source)))
    trace.scan()
    return trace


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 1)), max_size=200),
    st.integers(1, 100),
    st.integers(0, (1 << 32) - 1),
)
def test_all_accesses_to_so_many_pages_and_no_others(accesses, wanted, shift):
    limit = limit_for(100, shift, wanted)
    chosen = [page for page in range(100) if (page * GOLDEN + shift) % (1 << 32) <= limit]
    assert len(chosen) == wanted == sampled_pages(100, shift, limit)
    pages = np.array([page for page, _ in accesses], np.uint32)
    ops = np.array([op for _, op in accesses], np.uint8)
    into, ops_into = np.empty(len(pages), np.uint64), np.empty(len(pages), np.uint8)
    found = sample_accesses(pages, ops, shift, limit, into, ops_into)
    expected = [access for access in accesses if access[0] in chosen]
    assert list(zip(into[:found].tolist(), ops_into[:found].tolist(), strict=True)) == expected


def test_any_run_of_pages_has_its_share():
    limit = limit_for(100_000, 7, 10_000)
    hashes = (np.arange(100_000, dtype=np.uint32) * np.uint32(GOLDEN) + np.uint32(7)).astype(np.uint32)
    counts = np.cumsum(hashes <= limit)
    for length in (100, 1000, 10_000):
        assert np.abs(counts[length:] - counts[:-length] - length / 10).max() < 4


def test_all_pages_are_the_exact_curve():
    trace = dense("gen:zipf,pages=500,events=20000,writes=0.3")
    sizes = [1, 10, 200, trace.pages]
    exact = exact_curve(trace).whole.curve(sizes)
    for asked in ({"rate": 0.01}, {"sampled_pages": 10_000}):
        found = sampled_curve(trace, **asked)
        assert found.found.whole.curve(sizes) == exact
        assert found.bounds(sizes) == [0] * 4


def test_a_rate_has_a_floor_and_a_number_has_none():
    trace = dense("gen:uniform,pages=40000,events=400000")
    assert sample_size(trace, 0.5, None) == trace.pages // 2
    assert sample_size(trace, 1e-9, None) == max(LEAST_PAGES, -(-trace.pages * LEAST_ACCESSES // trace.events))
    assert sample_size(trace, None, 7) == 7


@pytest.mark.parametrize(
    "source", ["gen:zipf,pages=6e4,events=2e5,alpha=0.8", "gen:uniform,pages=4e4,events=2e5", "recorded"]
)
def test_the_bound_holds(source, request):
    """The bound holds for 95 of 100 pairs of a size and a choice of pages, if it says anything."""
    if source == "recorded":
        source = request.getfixturevalue("traces_dir") / "cloudPhysicsIO.oracleGeneral.bin"
    trace = dense(source)
    sizes = trace.pages * np.arange(1, 21) // 20
    exact = exact_curve(trace).whole.major_faults(sizes)
    kept = []
    for shift in range(5):
        found = sampled_curve(trace, sampled_pages=trace.pages // 8, shift=shift * 0x2468ACE)
        off = np.abs(found.found.whole.major_faults(sizes) - exact) / trace.events
        bounds = found.bounds(sizes)
        assert max(bounds[4:]) < 0.3
        assert off.max() < 0.06
        kept += (off <= bounds).tolist()
    assert np.mean(kept) >= 0.95


@pytest.mark.parametrize("name", ["bundled:json", "bundled:sort", "cloudPhysicsIO.oracleGeneral.bin"])
def test_a_hundredth_is_within_two_hundredths_on_recorded_traces(name, request):
    trace = dense(name if ":" in name else request.getfixturevalue("traces_dir") / name)
    sizes = np.arange(1, trace.pages + 1)
    found = sampled_curve(trace, rate=0.01).found.whole
    off = np.abs(found.major_faults(sizes) - exact_curve(trace).whole.major_faults(sizes)) / trace.events
    assert off.max() < 0.02


def test_swap_outs_and_windows_of_a_sample():
    trace = dense("gen:zipf,pages=4e4,events=3e5,alpha=0.7,writes=0.3")
    found = sampled_curve(trace, sampled_pages=8000, window=100_000).found
    exact = exact_curve(trace, window=100_000)
    sizes = trace.pages * np.arange(2, 11) // 10
    for ours, theirs in zip([found.whole, *found.windows], [exact.whole, *exact.windows], strict=True):
        assert ours.accesses == theirs.accesses
        for name in ("major_faults", "swap_outs", "dirty_swap_outs"):
            off = np.abs(getattr(ours, name)(sizes) - getattr(theirs, name)(sizes)) / theirs.accesses
            assert off.max() < 0.03


def test_ctrl_c_before_the_first_access(monkeypatch):
    trace = dense("gen:uniform,pages=100,events=1000")
    monkeypatch.setattr("zswapsim.study.curve.trace_walk.pieces", interrupted)
    for found in (sampled_curve(trace, sampled_pages=10), sampled_curve(trace, rate=1)):
        assert found.found.interrupted
        assert found.found.whole.at(50) == (0, 0)
    assert sampled_curve(trace, sampled_pages=10).bounds([1, 50]) == [1, 1]


def interrupted(_trace, _window):
    raise KeyboardInterrupt


def test_refuses_what_it_cannot_take():
    trace = dense("gen:loop,pages=50,events=200")
    for asked in ({}, {"rate": 0.1, "sampled_pages": 3}):
        with pytest.raises(InputError, match="expected one of them"):
            sampled_curve(trace, **asked)
    for rate in (0, -1, 1.5, float("nan")):
        with pytest.raises(InputError, match="expected a share of the pages"):
            sampled_curve(trace, rate=rate)
    with pytest.raises(InputError, match="at least 1"):
        sampled_curve(trace, sampled_pages=0)
    for wanted in (0, 51):
        with pytest.raises(InputError, match="expected 1 to 50"):
            Sample(trace, wanted)
    pages, ops = np.zeros(3, np.uint32), np.zeros(3, np.uint8)
    with pytest.raises(InputError, match="room for each page"):
        sample_accesses(pages, ops, 0, 0, np.zeros(2, np.uint64), ops)
    with pytest.raises(InputError, match="expected 0 to 4294967295"):
        sampled_pages(1 << 32, 0, 0)
    table, cells = np.zeros((2, 2), np.uint32), np.zeros(4, np.uint32)
    for numbers, distances, cell_of in (
        ([2], [0], cells),
        ([0], [4], cells),
        ([0], [0], cells + 2),
        ([0, 0], [0], cells),
    ):
        with pytest.raises(InputError, match="in range"):
            count_misses(np.array(numbers, np.uint32), np.array(distances, np.uint32), cell_of, table)
    assert not table.any()
