"""Compare replays of a trace, at each depth and with each reclaimer, with libcachesim's algorithm of the same name.

Reading is left out on both sides. Ours is `times_ns["replay"]`. libcachesim reads and replays in one C loop, so the
same loop is run once more with a sampler that passes one access in a million: that time is its reading, and is
subtracted. Its table has the size at which it was fastest, about one bucket a page; an object counts as one unit.
Reclaimers that it does not have are compared with its LRU.
"""

from pathlib import Path

import numpy as np
import pytest
from conftest import is_smoke
from native.latency import random_access_ns
from race import Row, Runner, race, timed

from zswapsim import Result, Settings, read_trace, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.engine.replay import Replay
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import DenseTrace, write_trace

libcachesim = pytest.importorskip("libcachesim", reason="libcachesim is not published for this machine")
from libcachesim.libcachesim_python import Sampler  # noqa: E402 - only where it is there

COUNTS_AT_LEAST = 25
NAMESAKE_AT_LEAST = 20
NAMESAKES = {"fifo": "FIFO", "clock": "Clock", "sieve": "Sieve", "s3fifo": "S3FIFO"}
DRAM = 0.25  # share of the footprint
CONTENTS = "recipe:mix,pages=4096"


class Workload:
    """Hold a trace in our form, already dense and in memory, and the same accesses in libcachesim's."""

    def __init__(self, folder: Path, accesses: int, footprint: int) -> None:
        trace = read_trace(f"gen:zipf,pages={footprint},events={accesses},alpha=0.9,writes=0.2,seed=1")
        self.file = folder / "trace.oracleGeneral.bin"
        write_trace(trace, self.file)
        self.dense = DenseTrace(trace)
        self.dense.scan()
        self.accesses = accesses
        self.frames = int(self.dense.pages * DRAM)

    def settings(self, depth: str, reclaim: str = "lru") -> Settings:
        # The node holds every page: the replay is compared, not the rules of a full pool.
        frames, node = str(self.frames * 4096), str(self.dense.pages * 4096)
        return Settings(dram=frames, node=node, depth=depth, reclaim=reclaim, seed=1)

    def theirs(self, name: str, sampler: Sampler | None = None) -> tuple[object, object]:
        """Return a fresh cache of libcachesim and a reader at the start of the trace."""
        given = {"ignore_obj_size": True} | ({"sampler": sampler} if sampler else {})
        kind = libcachesim.TraceType.ORACLE_GENERAL_TRACE
        reader = libcachesim.TraceReader(str(self.file), kind, libcachesim.ReaderInitParam(**given))
        return getattr(libcachesim, name)(self.frames, hashpower=max(16, self.dense.pages.bit_length())), reader

    def rival(self, name: str) -> Runner:
        """Return the nanoseconds an access of libcachesim's cache of that name, less those of its reading."""
        few = Sampler(1e-6, libcachesim.SamplerType.TEMPORAL_SAMPLER)

        def once(sampler: Sampler | None) -> float:
            cache, reader = self.theirs(name, sampler)
            return timed(lambda: cache.process_trace(reader), self.accesses)()

        return lambda: once(None) - once(few)

    def misses(self, name: str) -> int:
        cache, reader = self.theirs(name)
        return round(cache.process_trace(reader)[0] * self.accesses)


@pytest.fixture(scope="module")
def counted(tmp_path_factory, scale) -> Workload:
    return Workload(tmp_path_factory.mktemp("counted"), scale.accesses, scale.footprint)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, scale) -> Workload:
    return Workload(tmp_path_factory.mktemp("stored"), scale.stored_accesses, scale.stored_footprint)


def compete(
    benchmark, rounds: int, workload: Workload, settings: Settings, rival: str, measured=None
) -> tuple[float, float, int]:
    """Return our time and libcachesim's in nanoseconds an access, and our misses."""
    results: list[Result] = []
    contents = None if settings.depth == "counts" else CONTENTS

    def ours() -> float:
        results[:] = [run(workload.dense, contents, settings, measured=measured)]
        return results[0].times_ns["replay"] / workload.accesses

    best = race(benchmark, rounds, {"ours": ours, "libcachesim": workload.rival(rival)})
    counters = results[0].counters
    return best["ours"], best["libcachesim"], counters["minor_faults"] + counters["major_faults"]


@pytest.mark.parametrize("depth", ["counts", "sizes", "bytes"])
def test_replay_beside_libcachesim(benchmark, scale, ratios, depth, request) -> None:
    workload = request.getfixturevalue("counted" if depth == "counts" else "stored")
    rounds = max(2, scale.rounds // 3)
    ours, theirs, misses = compete(benchmark, rounds, workload, workload.settings(depth), "LRU")
    assert misses == workload.misses("LRU")
    bound = COUNTS_AT_LEAST if depth == "counts" else None
    what = f"replay at {depth} depth, {workload.dense.pages:,} pages"
    ratios.append(Row(what, "access", ours, "libcachesim LRU", theirs, at_least=bound))


@pytest.mark.parametrize("reclaim", [name for name in RECLAIMERS if name != "lru"])
def test_reclaimer_beside_libcachesim(benchmark, scale, ratios, counted, reclaim) -> None:
    """If libcachesim has the reclaimer, both have the same misses."""
    rival = NAMESAKES.get(reclaim, "LRU")
    rounds = max(2, scale.rounds // 3)
    ours, theirs, misses = compete(benchmark, rounds, counted, counted.settings("counts", reclaim), rival)
    bound = NAMESAKE_AT_LEAST if reclaim in NAMESAKES else None
    assert bound is None or misses == counted.misses(rival)
    what = f"reclaim {reclaim} at counts depth"
    ratios.append(Row(what, "access", ours, f"libcachesim {rival}", theirs, at_least=bound))


@pytest.mark.parametrize("pages", [10**5, 10**6, 10**7, 10**8])
def test_growth_beside_random_access(benchmark, scale, ratios, pages) -> None:
    """Make uniform accesses, the worst case of a page table: one more pass when DRAM, a quarter, is full."""
    pages = min(pages, scale.footprint) if is_smoke() else pages
    draw = np.random.default_rng(1)
    accesses = min(max(pages // 2, scale.accesses // 20), scale.accesses)
    trace = draw.integers(0, pages, accesses, np.uint32)
    ops = np.zeros(accesses, np.uint8)
    engine = Replay(pages, pages // 4, CountingBackend(PRESETS["cxl-nvme"]))
    while engine.resident_pages < engine.frames:
        engine.feed(draw.integers(0, pages, accesses, np.uint32), ops)
    runners = {
        "ours": timed(lambda: engine.feed(trace, ops), accesses),
        "memory": lambda: random_access_ns(pages, max(accesses // 10, 1)),
    }
    best = race(benchmark, 2, runners)
    what = f"growth: LRU at counts depth, {pages:,} pages"
    ratios.append(Row(what, "access", best["ours"], "a random access", best["memory"], at_most=3))
