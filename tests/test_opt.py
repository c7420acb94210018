"""Test Belady's minimum against its reference and libcachesim, and check that no reclaimer beats it."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depths_machine import assert_same_events
from tests.libcachesim_rival import Rival
from tests.reference.reclaim import Opt
from tests.reference.replay import Contents, Machine, Swap
from tests.test_reclaim import Counted, skewed
from zswapsim import InputError, Settings, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.opt import NextAccesses, OptReclaimer
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import ArrayTrace, DenseTrace, read_trace

COST = PRESETS["cxl-nvme"]
TRACES = [
    "gen:zipf,pages=700,events=20000,alpha=0.9,writes=0.3",
    "gen:uniform,pages=500,events=10000",
    "gen:phases,pages=600,events=20000",
    "gen:loop,pages=400,events=8000",
    "bundled:sort",
    "bundled:json",
]


def opt_of(trace: list[int], pages: int) -> OptReclaimer:
    return OptReclaimer(NextAccesses(np.array(trace, np.uint32), pages))


def feed(engine: Replay, pages: list[int], ops: list[int] | None = None) -> int:
    return engine.feed(np.array(pages, np.uint32), np.array(ops or [0] * len(pages), np.uint8))


# -- against the reference --------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    trace=st.lists(st.tuples(st.integers(0, 11), st.booleans()), min_size=1, max_size=120),
    frames=st.integers(1, 12),
    batch=st.integers(1, 5),
    device=st.one_of(st.none(), st.integers(0, 14)),
    exclusive=st.booleans(),
    piece=st.integers(1, 40),
)
def test_every_access_against_the_reference(trace, frames, batch, device, exclusive, piece):
    """If loads are exclusive, pages are only counted; on a full device some pages can't be evicted."""
    batch = min(batch, frames)
    pages, accesses = 12, [page for page, _ in trace]
    backend = CountingBackend(COST, exclusive=exclusive) if device is None else DiskBackend(COST, SwapDevice(device))
    engine = Replay(pages, frames, backend, batch=batch, reclaimer=opt_of(accesses, pages))
    swap = Swap(Counted(), 0, exclusive=exclusive) if device is None else Swap(None, device)
    model = Machine(frames, Contents([b"x"], [0]), swap, batch=batch, reclaimer=Opt(frames, pages, accesses))
    for first in range(0, len(trace), piece):
        part = trace[first : first + piece]
        feed(engine, [page for page, _ in part], [int(write) for _, write in part])
        for page, write in part:
            model.access(page, write)
        assert_same_events(engine, model)
        assert engine.out_of_memory == model.out_of_memory


@pytest.mark.parametrize("seed", range(8))
def test_long_traces_against_the_reference(seed: int) -> None:
    draw = random.Random(seed)
    pages = draw.choice([70, 400, 1300])
    batch = draw.choice([1, 4, 32])
    frames = max(batch, draw.randint(1, pages))
    trace = skewed(pages, 4000, seed)
    engine = Replay(pages, frames, CountingBackend(COST), batch=batch, reclaimer=opt_of(trace, pages))
    swap = Swap(Counted(), 0, exclusive=True)
    model = Machine(frames, Contents([b"x"], [0]), swap, batch=batch, reclaimer=Opt(frames, pages, trace))
    feed(engine, trace)
    for page in trace:
        model.access(page, False)
    assert_same_events(engine, model)


# -- never beaten -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", TRACES)
def test_no_reclaimer_has_fewer_faults(source: str) -> None:
    trace = DenseTrace(read_trace(source))
    for share in (2, 10, 25, 40, 60, 80, 95):
        least = run(trace, None, Settings(dram=f"{share}%", reclaim="opt")).counters
        for other in RECLAIMERS:
            counters = run(trace, None, Settings(dram=f"{share}%", reclaim=other, reclaim_batch=1)).counters
            assert least["minor_faults"] == counters["minor_faults"]
            assert least["major_faults"] <= counters["major_faults"], f"{other} at {share} %"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 9))
def test_no_reclaimer_has_fewer_faults_on_any_trace(pages: list[int], frames: int) -> None:
    accesses = np.array(pages, np.uint64)
    trace = DenseTrace(ArrayTrace(accesses, np.zeros(len(accesses), np.uint8)))
    asked = {"dram": frames * 4096, "node": "1MiB", "reclaim_batch": 1}
    faults = {name: run(trace, None, Settings(reclaim=name, **asked)).counters["major_faults"] for name in RECLAIMERS}
    assert faults["opt"] == min(faults.values())


@pytest.mark.slow
@pytest.mark.parametrize("source", [*TRACES, "gen:zipf,pages=5000,events=2e5,alpha=0.9"])
def test_faults_equal_libcachesims_misses(source: str, tmp_path: Path) -> None:
    theirs = Rival(source, tmp_path)
    for share in (10, 30, 60):
        frames = theirs.trace.pages * share // 100
        counters = run(theirs.trace, None, Settings(dram=frames * 4096, reclaim="opt")).counters
        assert counters["minor_faults"] + counters["major_faults"] == theirs.misses("Belady", frames)


# -- in runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["private-node", "zswap:max_pool_percent=15", "zram", "cram", "disk"])
@pytest.mark.parametrize("batch", [0, 8])
def test_all_depths_count_the_same_with_every_backend(backend: str, batch: int) -> None:
    asked = {"dram": "70%", "node": "10%", "reclaim": "opt", "reclaim_batch": batch, "backend": backend}
    trace = "gen:zipf,pages=500,events=6000,alpha=0.8,writes=0.3"
    real, sized = (run(trace, "recipe:mix,pages=300", Settings(depth=depth, **asked)) for depth in ("bytes", "sizes"))
    assert real.counters == sized.counters
    assert real.outcome == "completed"
    assert real.counters["major_faults"] > 50


@pytest.mark.parametrize("kind", ["cluster", "vma"])
def test_pages_that_are_read_ahead_have_their_next_access(kind: str) -> None:
    asked = Settings(dram="30%", backend="disk", reclaim="opt", readahead=kind)
    counters = run("bundled:sort", None, asked).counters
    assert counters["swap_ra"] > counters["swap_ra_hit"] > 100


def test_a_trace_that_is_not_held_in_memory_is_read_again() -> None:
    source = "gen:zipf,pages=700,events=20000,alpha=0.9"
    held, read_again = DenseTrace(read_trace(source)), DenseTrace(read_trace(source), keep_events=100)
    asked = Settings(dram="20%", reclaim="opt")
    assert run(held, None, asked).counters == run(read_again, None, asked).counters


def test_large_folios_are_refused() -> None:
    with pytest.raises(InputError, match=r"--reclaim opt: .*expected --folio 4KiB"):
        run("bundled:sort", None, Settings(reclaim="opt", folio="64KiB"))


def test_a_replay_whose_trace_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="--reclaim opt: expected a trace"):
        open_reclaimer("opt")


@pytest.mark.parametrize("pages", [[0, 1, 2, 3, 0], [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 3]])
def test_other_accesses_than_those_known_end_the_replay(pages: list[int]) -> None:
    engine = Replay(4, 2, CountingBackend(COST), reclaimer=opt_of([0, 0, 0, 0, 1, 0, 2, 0], 4))
    with pytest.raises(InputError, match="other accesses are replayed"):
        feed(engine, pages)


def test_wrong_accesses_are_refused() -> None:
    with pytest.raises(InputError, match="pages below 2"):
        NextAccesses(np.array([0, 2], np.uint32), 2)
    with pytest.raises(InputError, match="pages below 2"):
        NextAccesses(np.array([], np.uint32), 2)
    with pytest.raises(InputError, match="in all"):
        NextAccesses(np.array([0], np.uint32), (1 << 32) - 2)
    with pytest.raises(InputError, match="4 pages"):
        Replay(4, 2, CountingBackend(COST), reclaimer=opt_of([0, 1], 2))
