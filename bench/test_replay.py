"""Replaying a trace at each depth and with each reclaimer, beside libcachesim's LRU over the same accesses.

Reading is left out on both sides. Ours is `times_ns["replay"]`. libcachesim reads and replays in one C loop, so the
same loop is run once more with a sampler that lets one access in a million through: that is its reading, and is
taken off. Its table gets the size at which it was fastest, about one bucket a page; an object counts as one unit.
"""

from pathlib import Path

import pytest
from race import Row, Runner, race, timed

from zswapsim import Result, Settings, read_trace, run
from zswapsim.study.policies import RECLAIMERS
from zswapsim.traces import DenseTrace, write_trace

libcachesim = pytest.importorskip("libcachesim", reason="libcachesim is not published for this machine")
from libcachesim.libcachesim_python import Sampler  # noqa: E402 - only where it is there

COUNTS_AT_LEAST = 10
DRAM = 0.25  # of the footprint
CONTENTS = "recipe:mix,pages=4096"


class Workload:
    """A trace in our form, already dense and in memory, and the same accesses in libcachesim's."""

    def __init__(self, folder: Path, accesses: int, footprint: int) -> None:
        trace = read_trace(f"gen:zipf,pages={footprint},events={accesses},alpha=0.9,writes=0.2,seed=1")
        self.file = folder / "trace.oracleGeneral.bin"
        write_trace(trace, self.file)
        self.dense = DenseTrace(trace)
        self.dense.scan()
        self.accesses = accesses
        self.frames = int(self.dense.pages * DRAM)

    def settings(self, depth: str, reclaim: str = "lru") -> Settings:
        # The node holds everything: what is compared is the replay, not what happens when memory runs out.
        frames, node = str(self.frames * 4096), str(self.dense.pages * 4096)
        return Settings(dram=frames, node=node, depth=depth, reclaim=reclaim, seed=1)

    def lru(self, sampler: Sampler | None = None) -> tuple[object, object]:
        """A fresh LRU and a reader at the start of the trace."""
        given = {"ignore_obj_size": True} | ({"sampler": sampler} if sampler else {})
        kind = libcachesim.TraceType.ORACLE_GENERAL_TRACE
        reader = libcachesim.TraceReader(str(self.file), kind, libcachesim.ReaderInitParam(**given))
        return libcachesim.LRU(self.frames, hashpower=max(16, self.dense.pages.bit_length())), reader

    def rival(self) -> Runner:
        """Nanoseconds an access of libcachesim's LRU, its reading taken off."""
        few = Sampler(1e-6, libcachesim.SamplerType.TEMPORAL_SAMPLER)

        def once(sampler: Sampler | None) -> float:
            cache, reader = self.lru(sampler)
            return timed(lambda: cache.process_trace(reader), self.accesses)()

        return lambda: once(None) - once(few)

    def misses(self) -> int:
        cache, reader = self.lru()
        return round(cache.process_trace(reader)[0] * self.accesses)


@pytest.fixture(scope="module")
def counted(tmp_path_factory, scale) -> Workload:
    return Workload(tmp_path_factory.mktemp("counted"), scale.accesses, scale.footprint)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, scale) -> Workload:
    return Workload(tmp_path_factory.mktemp("stored"), scale.stored_accesses, scale.stored_footprint)


def compete(benchmark, rounds: int, workload: Workload, depth: str, measured=None) -> tuple[float, float]:
    """Our time and libcachesim's, nanoseconds an access, and a check that both saw the same misses."""
    results: list[Result] = []

    def ours() -> float:
        contents = None if depth == "counts" else CONTENTS
        result = run(workload.dense, contents, workload.settings(depth), measured=measured)
        results[:] = [result]
        return result.times_ns["replay"] / workload.accesses

    best = race(benchmark, rounds, {"ours": ours, "libcachesim": workload.rival()})
    counters = results[0].counters
    assert counters["minor_faults"] + counters["major_faults"] == workload.misses()
    return best["ours"], best["libcachesim"]


@pytest.mark.parametrize("depth", ["counts", "sizes", "bytes"])
def test_replay_beside_libcachesim(benchmark, scale, ratios, depth, request) -> None:
    workload = request.getfixturevalue("counted" if depth == "counts" else "stored")
    rounds = max(2, scale.rounds // 3)
    ours, theirs = compete(benchmark, rounds, workload, depth)
    bound = COUNTS_AT_LEAST if depth == "counts" else None
    what = f"replay at {depth} depth, {workload.dense.pages:,} pages"
    ratios.append(Row(what, "access", ours, "libcachesim LRU", theirs, at_least=bound))


@pytest.mark.parametrize("reclaim", [name for name in RECLAIMERS if name != "lru"])
def test_reclaimer_beside_libcachesim(benchmark, scale, ratios, counted, reclaim) -> None:
    """Their misses differ from LRU's, and so does the work; the rival is the yardstick that the other rows have."""

    def ours() -> float:
        return run(counted.dense, None, counted.settings("counts", reclaim)).times_ns["replay"] / counted.accesses

    best = race(benchmark, max(2, scale.rounds // 3), {"ours": ours, "libcachesim": counted.rival()})
    what = f"reclaim {reclaim} at counts depth"
    ratios.append(Row(what, "access", best["ours"], "libcachesim LRU", best["libcachesim"]))
