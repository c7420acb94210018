"""Compare many sizes of DRAM, replayed in one pass with any reclaimer, with real replays."""

import numpy as np
import pytest

from zswapsim import InputError, Settings, run
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.study.curve.miniature import miniature_curves
from zswapsim.traces import DenseTrace, read_trace


def dense(source):
    trace = DenseTrace(read_trace(source))
    trace.scan()
    return trace


def replayed(trace, reclaim, frames, **about):
    asked = Settings(dram=frames * 4096, depth="counts", reclaim=reclaim, window=trace.events, **about)
    return run(trace, None, asked).counters


@pytest.mark.parametrize("reclaim", [*RECLAIMERS, "two-list:fault_access=1"])
def test_all_pages_are_real_replays(reclaim):
    trace = dense("gen:zipf,pages=900,events=20000,alpha=0.8,writes=0.3")
    sizes = [40, 300, trace.pages]
    found, _ = miniature_curves(trace, reclaim, sizes)
    for point, frames in enumerate(sizes):
        dropped = replayed(trace, reclaim, frames)
        kept = replayed(trace, reclaim, frames, exclusive_loads=False)
        assert found.major_faults[point] == dropped["major_faults"]
        assert found.swap_outs[point] == dropped["reclaimed_pages"]
        assert found.dirty_swap_outs[point] == kept["reclaimed_pages"] - kept["dropped_clean_pages"]
    assert found.first_accesses == trace.pages
    assert found.error == 0


@pytest.mark.parametrize("reclaim", RECLAIMERS)
def test_a_sample_comes_near(reclaim):
    trace = dense("gen:zipf,pages=60000,events=4e5,alpha=0.9,writes=0.2")
    sizes = [trace.pages * share // 10 for share in (2, 5, 8)]
    found, _ = miniature_curves(trace, reclaim, sizes, sampled_pages=6000)
    real = [replayed(trace, reclaim, frames)["major_faults"] for frames in sizes]
    assert np.abs(np.subtract(found.major_faults, real)).max() / trace.events < 0.02
    assert found.method == f"mini:{reclaim}:rate={6000 / trace.pages:.4g}"
    assert found.error is None


def test_windows_are_the_timeline_of_a_replay():
    trace = dense("gen:phases,pages=900,events=30000,writes=0.2")
    sizes = [100, 400]
    whole, windows = miniature_curves(trace, "two-list", sizes, window=7000)
    assert [each.accesses for each in windows] == [7000, 7000, 7000, 7000, 2000]
    assert sum(each.first_accesses for each in windows) == whole.first_accesses == trace.pages
    for point, frames in enumerate(sizes):
        asked = Settings(dram=frames * 4096, depth="counts", reclaim="two-list", window=7000)
        rows = run(trace, None, asked).timeline
        for column, counts in (("major_faults", "major_faults"), ("zswpout", "swap_outs")):
            moved = np.diff([0, *(row[column] for row in rows)]).tolist()
            assert [getattr(each, counts)[point] for each in windows] == moved


def test_refuses_what_it_cannot_take():
    trace = dense("gen:loop,pages=50,events=200")
    with pytest.raises(InputError, match="expected one of lru"):
        miniature_curves(trace, "arc", [10])
    with pytest.raises(InputError, match="share of the pages"):
        miniature_curves(trace, "clock", [10], rate=2)
