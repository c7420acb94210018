"""Compare curves of one pass with the replays at 20 sizes that they replace, and the exact curve with a sampled one."""

import pytest
from conftest import is_smoke
from race import Row, race, timed

from zswapsim import Settings, read_trace, run
from zswapsim.study.curve.exact import exact_curve
from zswapsim.study.curve.miniature import miniature_curves
from zswapsim.study.curve.sampled import sampled_curve
from zswapsim.traces import DenseTrace

REPLAYS = 20
AT_MOST_REPLAYS = 12
SAMPLED_AT_LEAST = 20
MINI_POINTS = 20


@pytest.fixture(scope="module")
def trace(scale) -> DenseTrace:
    """Return a trace that is dense and in memory."""
    name = f"gen:zipf,pages={scale.footprint},events={scale.accesses},alpha=0.9,writes=0.2,seed=1"
    dense = DenseTrace(read_trace(name))
    dense.scan()
    return dense


def replay(trace: DenseTrace, frames: int, reclaim: str = "lru") -> int:
    """Major faults."""
    asked = Settings(dram=frames * 4096, depth="counts", reclaim=reclaim, window=trace.events)
    return run(trace, None, asked).counters["major_faults"]


def sizes(trace: DenseTrace, points: int) -> list[int]:
    return [trace.pages * step // points for step in range(1, points + 1)]


def test_exact_curve_beside_replays(benchmark, scale, ratios, trace) -> None:
    """One replay is a 20th of all 20 sizes. The curve may cost less than 12 of them, and has the same faults."""
    whole = exact_curve(trace).whole
    frames = sizes(trace, REPLAYS)
    faults: list[int] = []

    def replays() -> None:
        faults[:] = [replay(trace, each) for each in frames]

    runners = {
        "ours": timed(lambda: exact_curve(trace), trace.events),
        "replays": timed(replays, trace.events * REPLAYS),
    }
    best = race(benchmark, max(2, scale.rounds // 4), runners)
    assert whole.major_faults(frames).tolist() == faults
    what = f"exact curve, {trace.pages:,} pages"
    ratios.append(Row(what, "access", best["ours"], "a replay", best["replays"], at_most=AT_MOST_REPLAYS))


def test_sampled_curve_beside_the_exact_one(benchmark, scale, ratios, trace) -> None:
    runners = {
        "ours": timed(lambda: sampled_curve(trace, rate=0.01), trace.events),
        "exact": timed(lambda: exact_curve(trace), trace.events),
    }
    best = race(benchmark, max(2, scale.rounds // 3), runners)
    what = "curve at rate 0.01"
    ratios.append(Row(what, "access", best["ours"], "the exact curve", best["exact"], at_least=SAMPLED_AT_LEAST))


def test_miniature_simulations_beside_a_replay(benchmark, scale, ratios, trace) -> None:
    """Compare 20 sizes of mglru at rate 0.01 with one replay of it."""
    points = 4 if is_smoke() else MINI_POINTS
    runners = {
        "ours": timed(lambda: miniature_curves(trace, "mglru", sizes(trace, points), rate=0.01), trace.events),
        "replay": timed(lambda: replay(trace, trace.pages // 4, "mglru"), trace.events),
    }
    best = race(benchmark, max(2, scale.rounds // 4), runners)
    what = f"mglru at {points} sizes, rate 0.01"
    ratios.append(Row(what, "access", best["ours"], "one replay of it", best["replay"]))
