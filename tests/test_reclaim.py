"""Compare the reclaimers with their references and with libcachesim, and test the kernel's rules one by one."""

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from tests.depths_machine import assert_same_events
from tests.libcachesim_rival import Rival
from tests.reference import RECLAIMERS
from tests.reference.generations import Generations
from tests.reference.replay import Contents, Machine, Swap
from zswapsim import InputError, Settings, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim.reclaimers.names import RECLAIMERS as NAMES
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.study.settings.cost import PRESETS

COST = PRESETS["cxl-nvme"]
OTHERS = [*RECLAIMERS]
FAULTS = ("minor_faults", "major_faults")


class Counted:
    """Replace a store whose contents no test reads."""

    slots: dict[int, object] = {}

    def store(self, number: int, data: bytes, *, raw: bool = False) -> bool:
        self.slots[number] = type("Slot", (), {"place": None})
        return True

    def is_compressed(self, number: int) -> bool:
        return False

    def load(self, number: int) -> bytes:
        return b"x"

    def invalidate(self, number: int) -> None:
        pass

    def stats(self) -> dict[str, int]:
        return {}


def engine_of(
    name: str, pages: int, frames: int, batch: int = 1, device: int | None = None, exclusive: bool = True
) -> Replay:
    backend = CountingBackend(COST, exclusive=exclusive) if device is None else DiskBackend(COST, SwapDevice(device))
    return Replay(pages, frames, backend, batch=batch, reclaimer=open_reclaimer(name))


def feed(engine: Replay, pages: list[int], *, write: bool = False) -> int:
    return engine.feed(np.array(pages, np.uint32), np.full(len(pages), write, np.uint8))


def skewed(pages: int, length: int, seed: int) -> list[int]:
    """Make accesses to popular pages, scans, and a hot set that moves."""
    draw = random.Random(seed)
    trace: list[int] = []
    while len(trace) < length:
        base, width = draw.randrange(pages), draw.randint(1, pages)
        if draw.random() < 0.3:
            trace += [(base + step) % pages for step in range(width)]
        else:
            trace += [(base + int(draw.paretovariate(0.7))) % pages for _ in range(2 * width)]
    return trace[:length]


# -- against the references -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lru", *OTHERS])
@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_long_traces_against_the_reference(name: str, exclusive: bool, seed: int) -> None:
    """If loads are exclusive, pages are only counted; if they are not, the backend is called."""
    draw = random.Random(seed)
    pages = draw.choice([70, 400, 1300])
    batch = draw.choice([1, 4, 32])
    frames = max(batch, draw.randint(1, pages))
    trace = skewed(pages, 4000, seed)
    ops = [int(draw.random() < 0.3) for _ in trace]
    engine = engine_of(name, pages, frames, batch, exclusive=exclusive)
    swap = Swap(Counted(), 0, exclusive=exclusive)
    reclaimer = None if name == "lru" else RECLAIMERS[name](frames, pages)
    model = Machine(frames, Contents([b"x"], [0]), swap, batch=batch, reclaimer=reclaimer)
    for first in range(0, len(trace), 500):
        piece = slice(first, first + 500)
        engine.feed(np.array(trace[piece], np.uint32), np.array(ops[piece], np.uint8))
        for page, op in zip(trace[piece], ops[piece], strict=True):
            model.access(page, bool(op))
        assert_same_events(engine, model)


@pytest.mark.parametrize("name", ["lru", "fifo", "clock", "sieve", "s3fifo"])
@pytest.mark.parametrize("seed", range(8))
def test_blocks_of_accesses_against_the_reference(name: str, seed: int) -> None:
    """64 accesses are replayed at once, and undone if one of them is to a page that is about to be evicted."""
    draw = random.Random(seed)
    frames = draw.randint(128, 400) if name == "lru" else draw.randint(256, 600)
    pages = frames + draw.choice([1, 30, frames // 2, 3 * frames])
    engine = engine_of(name, pages, frames)
    reclaimer = None if name == "lru" else RECLAIMERS[name](frames, pages)
    model = Machine(frames, Contents([b"x"], [0]), Swap(Counted(), 0, exclusive=True), reclaimer=reclaimer)
    while model.count["accesses"] < 9000:
        base, width = draw.randrange(pages), draw.choice([pages, frames, 2 * frames // 3, 100])
        strays = draw.choice([0.02, 0.3, 1])
        piece = [
            (base + (draw.randrange(width) if draw.random() < strays else step)) % pages
            for step in range(draw.randint(1, 900))
        ]
        feed(engine, piece)
        for page in piece:
            model.access(page, False)
        assert_same_events(engine, model)


class Protecting(Generations):
    """Count how often the tier of the working set is protected."""

    protections = 0

    def tier_is_protected(self) -> bool:
        protected = super().tier_is_protected()
        self.protections += protected
        return protected


def two_sets(size: int, others: int, length: int, seed: int) -> list[int]:
    """Make accesses to two sets in turn, and few to other pages one after the other."""
    draw = random.Random(seed)
    turns = itertools.cycle((0, size))
    stream = itertools.cycle(range(2 * size, 2 * size + others))
    trace: list[int] = []
    while len(trace) < length:
        base = next(turns)
        trace += [next(stream) if draw.random() < 0.1 else base + draw.randrange(size) for _ in range(350)]
    return trace[:length]


def test_mglru_protects_the_tier_that_refaults_more_as_its_reference_does() -> None:
    """Among these scans are some whose refault rates differ by a factor between the gains of 2 and 3."""
    pages, frames, trace = 280, 256, two_sets(110, 60, 14_000, 0)
    engine = engine_of("mglru", pages, frames, 32)
    reclaimer = Protecting(frames, pages)
    model = Machine(frames, Contents([b"x"], [0]), Swap(Counted(), 0, exclusive=True), batch=32, reclaimer=reclaimer)
    for first in range(0, len(trace), 1000):
        feed(engine, trace[first : first + 1000])
        for page in trace[first : first + 1000]:
            model.access(page, False)
        assert_same_events(engine, model)
    assert reclaimer.protections > 3


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("device", [0, 5, 30])
def test_pages_that_must_stay_against_the_reference(name: str, device: int) -> None:
    pages, frames, trace = 90, 40, skewed(90, 2000, device)
    engine = engine_of(name, pages, frames, 4, device)
    swap = Swap(None, device)
    model = Machine(frames, Contents([b"x"], [0]), swap, batch=4, reclaimer=RECLAIMERS[name](frames, pages))
    fed = feed(engine, trace)
    for page in trace:
        model.access(page, False)
    assert_same_events(engine, model)
    assert engine.out_of_memory
    assert model.out_of_memory
    assert fed == model.count["accesses"]


@pytest.mark.parametrize("name", OTHERS)
def test_any_page_that_can_go_is_found(name: str) -> None:
    """On a full device only the one page with a clean copy can be evicted, wherever it is in the lists."""
    for clean in range(10, 18):
        engine = engine_of(name, 40, 8, 1, device=33)
        feed(engine, [*range(40), clean])
        assert engine.counters_now()["device_pages"] == 33
        feed(engine, [clean, clean, clean, 10 + clean])
        engine.check()
        assert not engine.out_of_memory
        assert engine.counters_now()["dropped_clean_pages"] == 1
        assert engine.resident_pages == 8


# -- against libcachesim ----------------------------------------------------------------------------------------------

# libcachesim's FIFO, Clock, Sieve and S3FIFO share our rules for batches of one page that can all be evicted. S3FIFO
# has a small queue of a tenth, ghosts of nine tenths, and moves a page to the main queue after two hits. One rule
# differs: libcachesim's admits no page at all if its small queue would have less than a frame. So DRAM is never that
# small here.
THEIRS = {"fifo": "FIFO", "clock": "Clock", "sieve": "Sieve", "s3fifo": "S3FIFO"}


@pytest.mark.slow
@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize(
    "source",
    [
        "gen:zipf,pages=5000,events=2e5,alpha=0.9",
        "gen:uniform,pages=3000,events=1e5",
        "gen:phases,pages=4000,events=2e5",
        "gen:loop,pages=2000,events=5e4",
        "bundled:sort",
    ],
)
def test_faults_equal_libcachesims_misses(name: str, source: str, tmp_path: Path) -> None:
    theirs = Rival(source, tmp_path)
    for share in (10, 30, 60):
        frames = theirs.trace.pages * share // 100
        counters = run(theirs.trace, None, Settings(dram=frames * 4096, reclaim=name)).counters
        assert sum(counters[fault] for fault in FAULTS) == theirs.misses(THEIRS[name], frames)


# -- the kernel's rules: two lists ------------------------------------------------------------------------------------


def two_lists(pages: int = 400, frames: int = 64) -> Replay:
    return engine_of("two-list", pages, frames, 32)


def test_two_list_the_fault_itself_is_no_access() -> None:
    engine = two_lists()
    feed(engine, [*range(65)])
    # 32 pages are wanted, and the first batch that finds any scans at most half of 64 pages.
    counters = engine.counters_now()
    assert counters["pgscan"] == counters["reclaimed_pages"] >= 32
    assert counters["pgactivate"] == 0


def test_two_list_with_fault_access_a_page_is_looked_at_twice() -> None:
    loop = "gen:loop,pages=1000,events=20000"
    counters = run(loop, None, Settings(dram="50%", reclaim="two-list:fault_access=1")).counters
    assert 1.9 < counters["pgscan"] / counters["reclaimed_pages"] < 2.1
    assert counters["pgactivate"] == 0


def test_two_list_statistics_that_are_never_flushed_deactivate_nothing() -> None:
    settings = Settings(dram="50%", reclaim=f"two-list:fault_access=1,stats_every={1 << 30}")
    counters = run("gen:zipf,pages=2000,events=60000,alpha=0.9", None, settings).counters
    assert counters["pgactivate"] > 0
    assert counters["pgdeactivate"] == counters["workingset_activate_anon"] == 0


def test_two_list_an_accessed_page_goes_round_once_and_is_then_activated() -> None:
    engine = two_lists()
    feed(engine, [*range(64), 0, 64])
    assert engine.counters_now()["pgscan"] == engine.counters_now()["reclaimed_pages"] + 1
    fresh = iter(range(100, 400))
    for _ in range(200):
        feed(engine, [0, next(fresh)])
        if engine.counters_now()["pgactivate"]:
            break
    # A page that is accessed again before its second scan is activated, and never evicted.
    assert engine.counters_now()["pgactivate"] == 1
    assert engine.counters_now()["major_faults"] == 0


def test_two_list_a_page_that_is_not_accessed_again_goes_at_its_second_look() -> None:
    engine = two_lists()
    feed(engine, [*range(64), 0, *range(100, 300), 0])
    assert engine.counters_now()["pgactivate"] == 0
    assert engine.counters_now()["major_faults"] == 1


def test_two_list_a_refault_is_activated_where_the_active_list_could_have_held_it() -> None:
    engine = two_lists()
    feed(engine, [*range(65), 0])
    # No page is active yet, and the page's distance is at least one eviction, its own.
    assert engine.counters_now()["workingset_refault_anon"] == 1
    assert engine.counters_now()["workingset_activate_anon"] == 0
    settings = Settings(dram="50%", reclaim="two-list")
    near = run("gen:zipf,pages=2000,events=60000,alpha=1.2", None, settings).counters
    far = run("gen:loop,pages=2000,events=60000", None, settings).counters
    assert near["workingset_activate_anon"] > 0
    assert far["workingset_activate_anon"] == 0
    assert far["workingset_refault_anon"] == far["major_faults"] > 0


def test_two_list_counts_by_the_kernels_names() -> None:
    settings = Settings(dram="40%", reclaim="two-list")
    counters = run("gen:zipf,pages=2000,events=60000,alpha=0.9", None, settings).counters
    assert counters["workingset_refault_anon"] == counters["major_faults"]
    assert 0 < counters["workingset_restore_anon"] <= counters["workingset_activate_anon"]
    assert counters["workingset_activate_anon"] < counters["workingset_refault_anon"]
    assert counters["pgdeactivate"] == counters["pgrefill"] > 0
    assert counters["pgscan"] > counters["reclaimed_pages"] + counters["pgactivate"]


# -- the kernel's rules: generations ----------------------------------------------------------------------------------


def test_mglru_pages_go_in_the_order_they_came_where_none_is_accessed_again() -> None:
    engine = engine_of("mglru", 200, 64, 32)
    feed(engine, [*range(65)])
    gone = engine.counters_now()["reclaimed_pages"]
    assert gone >= 32
    feed(engine, [*range(gone, 65)])
    assert engine.counters_now()["major_faults"] == 0
    feed(engine, [0])
    assert engine.counters_now()["major_faults"] == 1


def test_mglru_a_hot_page_outlives_a_scan() -> None:
    engine = engine_of("mglru", 4000, 256, 32)
    hot = [*range(32)]
    for first in range(100, 4000, 32):
        feed(engine, [*hot, *hot, *range(first, min(first + 32, 4000))])
    counters = engine.counters_now()
    assert counters["major_faults"] < 64
    assert counters["pgactivate"] > 0
    assert counters["workingset_refault_anon"] == counters["major_faults"]


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lru", *OTHERS])
def test_all_depths_count_the_same(name: str) -> None:
    settings = {"dram": "30%", "node": "10%", "reclaim": name}
    trace = "gen:zipf,pages=600,events=20000,alpha=0.8,writes=0.3"
    real, sized = (
        run(trace, "recipe:mix,pages=300", Settings(depth=depth, **settings)) for depth in ("bytes", "sizes")
    )
    counted = run(trace, None, Settings(**settings)).counters
    assert real.counters == sized.counters
    assert real.verified_pages == real.counters["major_faults"] > 500
    for key in (*FAULTS, "reclaimed_pages", "pgscan", "pgactivate", "workingset_activate_anon"):
        assert real.counters[key] == counted[key]


def test_the_batch_is_the_reclaimers_own_unless_asked_for() -> None:
    assert [Settings(reclaim=name).batch for name in NAMES] == [1, 32, 32, 1, 1, 1, 1, 1]
    assert Settings(reclaim="mglru", reclaim_batch=4).batch == 4
    assert run("gen:loop,pages=100,events=200", None, Settings(reclaim="two-list")).settings["reclaim_batch"] == 32
    with pytest.raises(InputError, match="fewer than a reclaim batch of 32"):
        run("gen:loop,pages=40,events=200", None, Settings(reclaim="two-list"))
    assert Settings(reclaim="two-list:fault_access=1").batch == 32


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("arc", "--reclaim arc: expected one of lru, two-list"),
        ("", "--reclaim : expected one of lru, two-list"),
        ("lru:fault_access=1", "lru has no parameter 'fault_access', only none"),
        ("mglru:stats_every=1", "mglru has no parameter 'stats_every', only fault_access"),
        ("two-list:fault_access=2", "fault_access: expected a whole number from 0 to 1, got '2'"),
        ("two-list:stats_every=-1", "stats_every: expected a whole number from 0 to 1073741824, got '-1'"),
        ("two-list:stats_cpus=9000", "stats_cpus: expected a whole number from 0 to 8192, got '9000'"),
        ("two-list:stats_every", "stats_every: expected a whole number"),
        ("two-list:,", "two-list has no parameter ''"),
    ],
)
def test_a_wrong_reclaimer_is_refused(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(reclaim=spec)


@pytest.mark.parametrize("name", OTHERS)
def test_a_reclaimer_serves_one_replay(name: str) -> None:
    reclaimer = open_reclaimer(name)
    engine = Replay(10, 4, CountingBackend(COST), reclaimer=reclaimer)
    assert engine.reclaimer is reclaimer
    with pytest.raises(InputError, match="serves one replay"):
        Replay(10, 4, CountingBackend(COST), reclaimer=reclaimer)
    feed(engine, [*range(10)])
    engine.check()


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_little_memory(name: str, frames: int) -> None:
    engine = engine_of(name, 6, frames)
    feed(engine, [0, 1, 1, 2, 0, 0, 3, 4, 5, 5, 5, 0, 1, 2, 3] * 20)
    engine.check()
    assert engine.resident_pages <= frames
    assert engine.counters_now()["accesses"] == 300
