"""Check exact LRU: its faults equal a textbook LRU's, and libcachesim's misses, to the fault."""

from collections import OrderedDict
from pathlib import Path

import pytest

from tests.libcachesim_rival import Rival
from zswapsim import Settings, run
from zswapsim.traces import DenseTrace, read_trace

SHARES = (10, 30, 60)
GENERATED = [
    "gen:zipf,pages=5000,events=3e5,alpha=0.9",
    "gen:uniform,pages=3000,events=1e5",
    "gen:scan,pages=2000,repeat=30,events=5e4",
    "gen:loop,pages=2000,events=1e5",
    "gen:phases,pages=4000,events=2e5",
]
RECORDED = ["bundled:sort", "bundled:json", "cloudPhysicsIO.oracleGeneral.bin"]


def textbook_misses(trace: DenseTrace, frames: int) -> int:
    resident: OrderedDict[int, None] = OrderedDict()
    misses = 0
    for pages, _ in trace.chunks():
        for page in pages.tolist():
            if page in resident:
                resident.move_to_end(page)
                continue
            misses += 1
            if len(resident) == frames:
                resident.popitem(last=False)
            resident[page] = None
    return misses


def our_faults(trace: DenseTrace, frames: int) -> int:
    counters = run(trace, None, Settings(dram=frames * 4096)).counters
    return counters["minor_faults"] + counters["major_faults"]


@pytest.mark.parametrize("source", GENERATED)
def test_generated_traces_against_a_textbook_lru(source: str) -> None:
    trace = DenseTrace(read_trace(source))
    trace.scan()
    for share in SHARES:
        frames = trace.pages * share // 100
        assert our_faults(trace, frames) == textbook_misses(trace, frames)


@pytest.mark.parametrize("source", GENERATED + RECORDED)
def test_every_trace_against_libcachesim(source: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if source.endswith(".bin"):
        source = str(request.getfixturevalue("traces_dir") / source)
    theirs = Rival(source, tmp_path)
    for share in SHARES:
        frames = theirs.trace.pages * share // 100
        assert our_faults(theirs.trace, frames) == theirs.misses("LRU", frames)
