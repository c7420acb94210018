"""Compare a hundred settings with the work that this can't do without, and two processes with one; measure a profile.

A comparison needs the contents measured once, in one thread, and a hundred replays. That is timed by itself: engine by
engine over the same trace in memory, without settings, timelines or results.
"""

import numpy as np
import pytest
from race import Row, race, timed

from zswapsim import Settings, compare, read_contents, read_trace
from zswapsim.study.compare.compare import combinations
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.run.run import open_replay
from zswapsim.traces import DenseTrace

COMPRESSORS = ["lz4", "lzo-rle", "zstd", "lz4hc"]
DRAM = [f"{share}%" for share in (10, 20, 30, 40, 50)]
NODE = [f"{share}%" for share in (5, 10, 15, 20, 25)]
TIMES_STORED = 2  # accesses, of those of a replay with contents: processes start once, however many there are
COMPARE_AT_MOST = 3
TWO_CORES_AT_LEAST = 1.8


@pytest.fixture(scope="module")
def contents(scale):
    return read_contents(f"recipe:mix,pages={scale.pages}")


def replay_all(trace: DenseTrace, contents, settings: list[Settings], profile: Profile) -> None:
    """Replay the whole trace with every setting's engine, and do nothing else."""
    chunks = list(trace.chunks())
    for each in settings:
        engine = open_replay(each, trace.pages, contents, profile)
        for pages, ops in chunks:
            engine.feed(pages, ops)


def test_a_hundred_settings(benchmark, scale, ratios, contents) -> None:
    accesses = TIMES_STORED * scale.stored_accesses
    trace = DenseTrace(
        read_trace(f"gen:zipf,pages={scale.stored_footprint},events={accesses},alpha=0.9,writes=0.2,seed=1")
    )
    trace.scan()
    asked = combinations(depth="sizes", compressor=COMPRESSORS, dram=DRAM, node=NODE)
    assert len(asked) == 100
    units = len(asked) * accesses
    runners = {
        "one": timed(lambda: compare(trace, contents, asked, processes=1), units),
        "two": timed(lambda: compare(trace, contents, asked, processes=2), units),
        "bare": timed(
            lambda: replay_all(trace, contents, asked, make_profile(contents, COMPRESSORS, threads=1)), units
        ),
    }
    best = race(benchmark, 1, runners)
    what = "compare of 100 settings at sizes depth"
    rival = "a profile and 100 bare replays"
    ratios.append(Row(what, "access", best["one"], rival, best["bare"], at_most=COMPARE_AT_MOST))
    ratios.append(Row(f"{what}, two processes", "access", best["two"], "one", best["one"], at_least=TWO_CORES_AT_LEAST))


def test_a_profile_in_two_threads(benchmark, scale, ratios, contents) -> None:
    runners = {
        name: timed(
            lambda threads=threads: make_profile(contents, COMPRESSORS, threads=threads),
            len(np.unique(contents.content)),
        )
        for name, threads in (("two", 2), ("one", 1))
    }
    best = race(benchmark, scale.rounds, runners)
    what = f"profile with {len(COMPRESSORS)} compressors, two threads"
    ratios.append(Row(what, "content", best["two"], "one", best["one"], at_least=TWO_CORES_AT_LEAST))
