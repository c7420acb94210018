"""List the calls whose allocations are swept, on small inputs: every codec, backend, reclaimer and public function."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.allocation_sweep import Call
from zswapsim import Contents, PageStore, Profile, Settings, compare, curves, get_compressor, make_profile, plan, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.curve.distances import StackDistances
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim._core.reclaim.plugin import PluginReclaimer
from zswapsim._core.reclaim.python_plugin import table_of_class
from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.touch import TouchedMemory
from zswapsim.compressors import measure, train_dictionary
from zswapsim.study.run.engine import open_replay
from zswapsim.study.run.folios import trace_folios
from zswapsim.study.run.future import trace_future
from zswapsim.study.run.groups import page_groups
from zswapsim.study.run.readahead import order_for
from zswapsim.traces import ArrayTrace, DenseTrace, read_contents, read_trace

CODECS = ("lz4", "lz4hc", "zstd", "zstd:source_log=18", "deflate", "lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc")
CODECS += ("store",)
PAGES, EVENTS = 160, 700
SIZED = ("lz4", "lz4-linux", "lzo-rle", "zstd")


# -- inputs -----------------------------------------------------------------------------------------------------------


@cache
def contents() -> Contents:
    found = read_contents("recipe:mix,pages=48")
    assert found is not None
    return found


@cache
def profile() -> Profile:
    return make_profile(contents(), SIZED, threads=1)


@cache
def trace(pages: int = PAGES, events: int = EVENTS) -> ArrayTrace:
    """Make accesses of two processes to `pages` pages, most of them to few."""
    drawn = np.random.default_rng(12)
    found = np.where(drawn.random(events) < 0.5, drawn.integers(0, pages, events), drawn.integers(0, 12, events))
    found[: 2 * pages : 2] = np.arange(pages)
    ops = (drawn.random(events) < 0.5).astype(np.uint8)
    return ArrayTrace(found.astype(np.uint64), ops, process=(found % 2 + 1).astype(np.uint32), name="swept")


@cache
def dense(pages: int = PAGES, events: int = EVENTS) -> DenseTrace:
    made = DenseTrace(trace(pages, events))
    made.scan()
    return made


@cache
def dictionary() -> str:
    path = Path(tempfile.mkdtemp()) / "d"
    path.write_bytes(train_dictionary(read_contents("recipe:text,pages=64").images, 2048))
    return str(path)


# -- calls ------------------------------------------------------------------------------------------------------------


def store_call(spec: str) -> Call:
    """Store pages in a new store and load them, in one thread and in two."""

    def act(made: dict[str, PageStore]) -> Any:
        images = contents().images
        made["store"] = store = PageStore(2 * len(images) * 4096, spec, verify=True)
        slots = np.arange(len(images), dtype=np.uint32) << 14
        store.store_pages(slots, images)
        store.store_pages(slots[::-1].copy(), images[::-1].copy(), threads=2)
        store.store(7, images[0].tobytes())
        loaded = bytearray(images.nbytes)
        store.load_pages(slots, loaded, threads=2)
        store.invalidate(int(slots[3]))
        store.compact()
        return loaded == images.tobytes(), store.stats()

    name = spec if "dict" not in spec else "zstd with a dictionary"
    return Call(f"PageStore {name}", act, dict, lambda made: made["store"].check() if made else None)


def codec_call(spec: str) -> Call:
    def act(_: object) -> Any:
        codec = get_compressor(spec)
        packed = codec.compress(contents().images[1])
        return packed is None or codec.decompress(packed) == contents().images[1].tobytes()

    name = spec if "dict" not in spec else "zstd with a dictionary"
    return Call(f"Codec {name}", act)


def replay_call(pages: int = PAGES, events: int = EVENTS, **changes: Any) -> Call:
    """Replay a trace with these settings."""
    settings = Settings(**({"dram": "40%", "node": "15%", "depth": "sizes"} | changes))
    held = None if settings.depth == "counts" else contents()

    def act(made: dict[str, Replay]) -> Any:
        engine = open_replay(
            settings,
            dense(pages, events).pages,
            held,
            None if settings.depth != "sizes" else profile(),
            group_of=page_groups(settings.groups, dense(pages, events)),
            order=order_for(settings, dense(pages, events)),
            folios=trace_folios(settings, dense(pages, events)),
            future=trace_future(settings.reclaim, dense(pages, events)),
        )
        made["engine"] = engine
        for part, ops in dense(pages, events).chunks():
            engine.feed(part, ops)
        return engine.counters_now(), engine.owners()

    name = " ".join(f"{key}={value}" for key, value in changes.items())
    name = name if pages == PAGES else f"{name} pages={pages}"
    return Call(f"replay {name}", act, dict, lambda made: made["engine"].check() if "engine" in made else None)


class Oldest:
    """Evict in the order of insertion."""

    def __init__(self, host: Any) -> None:
        self.host, self.queue = host, []

    def insert(self, page: int, refault: bool) -> None:
        self.queue.append(page)

    def reclaim(self, page: int, wanted: int) -> None:
        for each in self.queue[:wanted]:
            if self.host.evict(each):
                self.queue.remove(each)


def plugin_call() -> Call:
    def act(made: dict[str, Replay]) -> Any:
        table = table_of_class("oldest", Oldest, "oldest")
        made["engine"] = engine = Replay(PAGES, 40, CountingBackend((1,) * 6), reclaimer=PluginReclaimer(table, {}))
        for pages, ops in dense().chunks():
            engine.feed(pages, ops)
        return engine.counters_now()

    return Call("replay with a plug-in", act, dict, lambda made: made["engine"].check() if "engine" in made else None)


def numbers_call(name: str, pages: np.ndarray, **options: int) -> Call:
    def act(made: dict[str, DenseMap]) -> Any:
        found = made["map"] = DenseMap(**options)
        out = np.empty(len(pages), np.uint32)
        found.map(pages, out)
        return out.sum(), len(found)

    return Call(name, act, dict, lambda made: made["map"].check() if made else None)


def oracle_call() -> Call:
    records = np.zeros(500, [("time", "<u4"), ("page", "<u8"), ("size", "<u4"), ("next", "<i8")])
    records["page"], records["next"] = np.arange(500) * 977 % 311 << 30, -1
    path = Path(tempfile.mkdtemp()) / "t.bin"
    records.tofile(path)

    def act(_: object) -> Any:
        # Without memory for its table the file is read once more, in pieces.
        made = DenseTrace(read_trace(path))
        made.scan()
        return made.pages, made.events

    return Call("read an oracleGeneral file", act)


def distances(_: object) -> Any:
    made = StackDistances(dense().pages)
    for pages, ops in dense().chunks():
        made.feed(pages, ops)
    return made.accesses_by_distance().sum(), made.stores_by_distance().sum(), made.check()


def touched(_: object) -> Any:
    memory = TouchedMemory(64, contents().images)
    return memory.touch(np.arange(64, dtype=np.uint32), np.ones(64, np.uint8))


def arena(_: object) -> Any:
    made = FrameArena(64 * 4096)
    made.grant("a").take(2)
    return made.owners(), made.host_nodes(), made.check()


def profiled(_: object) -> Any:
    made = make_profile(contents(), ["lz4", "bdi"], threads=2)
    return {key: columns.size.tolist() for key, columns in made.columns.items()}


def whole_run(**changes: Any) -> Callable[[object], Any]:
    settings = Settings(**({"dram": "40%", "node": "15%"} | changes))
    return lambda _: run(trace(), contents(), settings, measured=profile()).counters


def compared(_: object) -> Any:
    return [each.counters for each in compare(trace(), None, [Settings(), Settings(dram="30%")], 1)]


def planned(_: object) -> Any:
    made = plan(dense(), contents(), compressors=["lz4"], profile=profile(), settings=Settings(depth="sizes"))
    return made.objectives


BACKENDS = ("private-node", "zswap:max_pool_percent=15", "zswap:shrinker_enabled=1", "zram", "disk", "cram")
BACKENDS += ("private-node/zswap", "zram/zswap")
RECLAIMERS = ("lru", "two-list", "mglru", "clock", "fifo", "sieve", "s3fifo", "opt")
GROUPS = "a:processes=1,max=64KiB;b:processes=2"
UPKEEP = "zram:algorithms=zstd,recompress_every=100,writeback_every=150,writeback=huge,compact_every=200,idle_every=50"

CALLS = [
    *(codec_call(spec) for spec in (*CODECS, f"zstd:dict={dictionary()}")),
    *(store_call(spec) for spec in (*CODECS, f"zstd:dict={dictionary()}")),
    *(replay_call(backend=backend, depth="bytes") for backend in BACKENDS),
    *(replay_call(backend=backend) for backend in BACKENDS),
    *(replay_call(reclaim=name, depth="counts") for name in RECLAIMERS),
    *(replay_call(reclaim=name, backend="disk") for name in RECLAIMERS),
    replay_call(cram="form=tier,control=tokens,budget=10%,delay=40,zero=80,ratio=4", backend="cram"),
    replay_call(cram="control=counting,delay=200,zero=50,ratio=3", backend="cram", swap="32KiB"),
    replay_call(backend="zswap", groups=GROUPS),
    # Enough pages for logs and tables that grow.
    *(replay_call(1200, 3600, backend=name, node="40%") for name in ("private-node", "zswap", "cram", "zram/zswap")),
    *(replay_call(1200, 3600, backend="disk", reclaim=name) for name in ("lru", "s3fifo")),
    replay_call(1200, 3600, folio="16KiB", backend="zswap", swap="1MiB"),
    replay_call(readahead="cluster", backend="disk"),
    replay_call(readahead="vma", backend="disk"),
    *(
        replay_call(folio="16KiB", reclaim=name, backend=backend, swap="64KiB")
        for name in ("lru", "two-list", "clock")
        for backend in ("private-node", "zswap", "zram")
    ),
    replay_call(folio="16KiB", folio_compress="whole"),
    replay_call(folio="16KiB", folio_compress="whole", depth="bytes"),
    plugin_call(),
    numbers_call("DenseMap of small pages", np.arange(9000, dtype=np.uint64)),
    numbers_call("DenseMap that moves to a table", np.arange(2000, dtype=np.uint64) * 4001),
    numbers_call("DenseMap of wide pages", np.arange(2000, dtype=np.uint64)[::-1] << np.uint64(50), direct=0),
    oracle_call(),
    Call("StackDistances", distances),
    Call("TouchedMemory", touched),
    Call("FrameArena", arena),
    Call("FolioCodec", lambda _: FolioCodec(get_compressor("lz4"), 2).length(bytes(4 * 4096))),
    Call("measure", lambda _: measure(get_compressor("lz4"), contents().images, 2).size.tolist()),
    Call("make_profile", profiled),
    Call("train_dictionary", lambda _: len(train_dictionary(read_contents("recipe:text,pages=64").images, 1024))),
    Call("run", whole_run()),
    Call("run zram", whole_run(backend=UPKEEP, depth="sizes", dram="60%")),
    Call("compare", compared),
    Call("curves", lambda _: curves(trace(), window=300, by_process=True).to_json()),
    Call("curves of a sample", lambda _: curves(trace(), sampled_pages=60).to_json()),
    Call("curves with mglru", lambda _: curves(trace(), "mglru", points=3).to_json()),
    Call("plan", planned),
]
