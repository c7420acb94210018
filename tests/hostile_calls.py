"""Give arguments that fit and objects to call, for tests that put one wrong argument among them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zswapsim import Contents, Settings, get_compressor, make_profile, read_contents, read_trace, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.cram_device import CramDevice
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.backend.tiers import NextTier
from zswapsim._core.backend.zram import ZramBackend
from zswapsim._core.backend.zswap import ZswapBackend
from zswapsim._core.codec.codec import builtin_tables
from zswapsim._core.curve.distances import StackDistances
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.draw import RankTable
from zswapsim._core.trace.touch import TouchedMemory
from zswapsim._core.zsmalloc.pool import ZsPool
from zswapsim._core.zsmalloc.slots import SlotPool
from zswapsim.backends.rules import ZramRules, ZswapRules
from zswapsim.compressors.measure import measure
from zswapsim.machine import Machine, NodeSpec
from zswapsim.store import PageStore
from zswapsim.study.plan.plan import plan
from zswapsim.traces import ArrayTrace, DenseTrace

COST = (1.0,) * 6
NUMBERS = np.arange(8, dtype=np.uint32)
OPS = np.zeros(8, np.uint8)


def grant(frames: int = 16) -> Any:
    return FrameArena(frames * 4096).grant("a")


def device() -> SwapDevice:
    return SwapDevice(8)


def codec() -> Any:
    return get_compressor("store")


def measured() -> tuple[np.ndarray, ...]:
    return np.full(2, 100, np.uint16), np.zeros(2, np.uint8), np.ones(2, np.uint32), np.ones(2, np.uint32)


def zram() -> ZramBackend:
    rules = ZramRules(track_access_time=True)
    backend = ZramBackend(COST, grant(), device(), codec(), rules=rules, recompressors=(codec(),))
    return attached(backend)


def attached(backend: Any) -> Any:
    """Return a backend that serves a replay at bytes depth, and has pages of it."""
    images = np.random.default_rng(1).integers(0, 9, (2, 4096), np.uint8)
    engine = Replay(8, 2, backend, dram=grant(2), images=images, next_image=np.arange(2, dtype=np.uint32),
                    zero=np.zeros(2, np.uint8))  # fmt: skip
    engine.feed(NUMBERS, OPS)
    return backend


def store() -> PageStore:
    made = PageStore(1 << 18)
    made.store(1, bytes(range(256)) * 16)
    return made


def contents() -> Contents:
    found = read_contents("recipe:mix,pages=4")
    assert found is not None
    return found


def replay() -> Replay:
    made = Replay(8, 2, CountingBackend(COST))
    made.feed(NUMBERS, OPS)
    return made


def slot_pool() -> SlotPool:
    return SlotPool(ZsPool(grant()))


INSTANCES: dict[str, Callable[[], Any]] = {
    "CompressedBackend": lambda: attached(PrivateNodeBackend(COST, grant(), device(), codec())),
    "Codec": lambda: get_compressor("lz4"),
    "Contents": contents,
    "CountingBackend": lambda: CountingBackend(COST),
    "Backend": lambda: CountingBackend(COST),
    "CramDevice": lambda: CramDevice(FrameArena(8 * 4096), 4096 * 4),
    "ArrayTrace": lambda: ArrayTrace(NUMBERS),
    "DenseMap": DenseMap,
    "DenseTrace": lambda: DenseTrace(ArrayTrace(NUMBERS)),
    "Measured": lambda: measure(codec(), contents().images),
    "FolioCodec": lambda: FolioCodec(get_compressor("lz4"), 2),
    "FrameArena": lambda: FrameArena(8 * 4096),
    "Grant": grant,
    "Machine": Machine.example,
    "PageStore": store,
    "Plan": lambda: plan(read_trace("gen:zipf,pages=40,events=200"), contents(), compressors=["store"]),
    "Profile": lambda: make_profile(contents(), ["store"]),
    "RankTable": lambda: RankTable(np.array([1 << 53], np.uint64)),
    "Replay": replay,
    "Result": lambda: run(read_trace("gen:zipf,pages=40,events=200"), None, Settings()),
    "Settings": Settings,
    "SlotPool": slot_pool,
    "StackDistances": lambda: StackDistances(8),
    "TouchedMemory": lambda: TouchedMemory(8, contents().images),
    "ZramBackend": zram,
    "ZswapBackend": lambda: attached(ZswapBackend(COST, grant(), device(), codec(), rules=ZswapRules())),
}
"""Make the object whose methods are called, by the name of its class."""

VALUES: dict[str, Callable[[], Any]] = {
    "allocation": lambda: None,
    "addresses": lambda: np.arange(8, dtype=np.uint64),
    "arena": lambda: FrameArena(8 * 4096),
    "backend": lambda: CountingBackend(COST),
    "base": lambda: 0,
    "batch": lambda: 1,
    "buffer": lambda: bytearray(4096),
    "codec": codec,
    "codecs": lambda: [codec()],
    "common_order": lambda: 0,
    "compressor": codec,
    "contents": contents,
    "cost": lambda: COST,
    "cumulative": lambda: np.array([1 << 53], np.uint64),
    "device": device,
    "direct": lambda: 1000,
    "footprint": lambda: 8,
    "frames": lambda: 4,
    "future": lambda: NextAccesses(NUMBERS, 8),
    "grant": grant,
    "huge_size": lambda: 3000,
    "images": lambda: contents().images,
    "mappings": lambda: np.zeros(1, np.uint32),
    "mask": lambda: 1,
    "node": lambda: "dram",
    "node_bytes": lambda: 1 << 16,
    "objectives": lambda: ["slowdown<=5%"],
    "offset": lambda: 0,
    "ops": lambda: OPS,
    "order": lambda: 0,
    "page": lambda: bytes(4096),
    "pages": lambda: NUMBERS,
    "pool": lambda: ZsPool(grant()),
    "reclaim": lambda: "lru",
    "rules": ZswapRules,
    "settings": Settings,
    "settings_list": lambda: [Settings()],
    "slot": lambda: 1,
    "slots": lambda: [1],
    "source": lambda: "gen:zipf,pages=40,events=200",
    "spec": lambda: "lz4",
    "specs": lambda: ["store"],
    "table": lambda: builtin_tables()["store"],
    "threads": lambda: 1,
    "trace": lambda: read_trace("gen:zipf,pages=40,events=200"),
    "zram": zram,
}
"""Make an argument that fits, by its name."""

VALUES_OF: dict[tuple[str, str], Callable[[], Any]] = {
    ("CramBackend", "node"): lambda: CramDevice(FrameArena(8 * 4096), 4096 * 4),
    ("NextTier", "pool"): lambda: PrivateNodeBackend(COST, grant(), device(), codec()),
    ("TieredBackend", "fast"): lambda: PrivateNodeBackend(COST, grant(), NextTier(zram()), codec()),
    ("Replay", "pages"): lambda: 8,
    ("StackDistances", "pages"): lambda: 8,
    ("TouchedMemory", "pages"): lambda: 8,
    ("limit_for", "pages"): lambda: 8,
    ("sampled_pages", "pages"): lambda: 8,
    ("frames", "pages"): lambda: 100,
    ("accessed", "page"): lambda: 1,
    ("ZramBackend", "rules"): ZramRules,
    ("decode", "pages"): lambda: np.zeros(1, np.uint64),
    ("measure_pages", "size"): lambda: np.zeros(4, np.uint16),
    ("measure_pages", "same_filled"): lambda: np.zeros(4, np.uint8),
    ("measure_pages", "zero"): lambda: np.zeros(4, np.uint8),
    ("measure_pages", "compress_ns"): lambda: np.zeros(4, np.uint32),
    ("measure_pages", "decompress_ns"): lambda: np.zeros(4, np.uint32),
    ("measure_pages", "begin"): lambda: 0,
    ("measure_pages", "end"): lambda: 4,
    ("ZswapGroups", "groups"): lambda: [(None, None, True)],
    ("measured", "codec"): lambda: "store",
    ("measure", "codec"): codec,
    ("write_trace", "path"): lambda: "swept.csv",
    ("read_contents", "source"): lambda: "recipe:mix,pages=4",
    ("read_profile", "path"): lambda: "none.parquet",
    ("plan", "contents"): contents,
    ("ArrayTrace", "page"): lambda: NUMBERS,
    ("Machine", "nodes"): lambda: [NodeSpec("A")],
    ("alloc_pages", "preferred"): lambda: Machine.example().nodes["A"],
    ("visits", "preferred"): lambda: Machine.example().nodes["A"],
    ("spawn", "node"): lambda: Machine.example().nodes["A"],
    ("lruvec", "node"): lambda: Machine.example().nodes["A"],
    ("grant", "node"): lambda: Machine.example().nodes["C"],
    ("opt_in", "node"): lambda: Machine.example().nodes["C"],
    ("distance", "first"): lambda: Machine.example().nodes["A"],
    ("distance", "second"): lambda: Machine.example().nodes["A"],
    ("train_dictionary", "pages"): lambda: read_contents("recipe:text,pages=16").images,
    ("measured_of", "columns"): lambda: measure(codec(), contents().images).compressed,
}
"""The same for an argument of one function, where its name means something else."""
