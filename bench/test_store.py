"""Compare storing and loading a page with the bare library call on the same pages, and with a dict of lz4 blocks.

The bare call is the codec's own function in a C loop without the GIL (`native/bare.pyx`): compressing into one scratch
buffer, decompressing to each page's place. The page store adds the search for same-filled pages, the pool's object, the
copy and the slot.
"""

import lz4.block
import numpy as np
import pytest
from native.bare import BareCodec
from numpy.typing import NDArray
from race import Row, Runner, race, timed

from zswapsim import PageStore
from zswapsim.compressors import available, get_compressor

Pages = NDArray[np.uint8]

# The project has a bound for lz4; the slower a codec, the smaller is the store's share.
SPECS = ["lz4", "lz4hc", "zstd:level=1", "zstd", "deflate", "lz4-linux", "lzo", "lzo-rle"]
STORE_AT_MOST = 1.10
LOAD_AT_MOST = 1.15
TWO_THREADS_AT_LEAST = 1.8


class Stored:
    """Hold a page store with room for every page, and a buffer into which they are loaded."""

    def __init__(self, pages: Pages, spec: str) -> None:
        self.pages = pages
        self.slots = np.arange(len(pages), dtype=np.uint32)
        self.loaded = np.zeros_like(pages)
        self.store = PageStore(2 * pages.nbytes, compressor=spec)
        self.spec = spec

    def empty(self) -> None:
        """Invalidate every slot. The frames stay touched, as in a node that has been in use."""
        for slot in self.slots.tolist():
            self.store.invalidate(slot)

    def fill(self, threads: int = 1) -> None:
        self.store.store_pages(self.slots, self.pages, threads=threads)

    def drain(self, threads: int = 1) -> None:
        self.store.load_pages(self.slots, self.loaded, threads=threads)

    def storing(self, threads: int = 1) -> Runner:
        return timed(lambda: self.fill(threads), len(self.pages), before=self.empty)

    def loading(self, threads: int = 1) -> Runner:
        return timed(lambda: self.drain(threads), len(self.pages))

    def bare_compressing(self) -> Runner:
        bare = BareCodec(get_compressor(self.spec), self.pages)
        return lambda: bare.compress() / len(self.pages)

    def bare_decompressing(self) -> Runner:
        bare = BareCodec(get_compressor(self.spec), self.pages)
        return lambda: bare.decompress(self.loaded) / len(self.pages)


@pytest.fixture
def stored(pages: Pages, request: pytest.FixtureRequest):
    spec = getattr(request, "param", "lz4")
    missing = {info.name: info.missing for info in available() if info.missing}
    if spec.partition(":")[0] in missing:
        pytest.skip(f"{spec}: {missing[spec.partition(':')[0]]}")
    ready = Stored(pages, spec)
    ready.fill()
    ready.drain()
    assert np.array_equal(ready.loaded, pages)
    ready.fill()
    yield ready
    ready.store.close()


@pytest.mark.parametrize("stored", SPECS, indirect=True, ids=str)
def test_store_beside_the_bare_call(benchmark, scale, ratios, stored) -> None:
    runners = {"store": stored.storing(), "bare": stored.bare_compressing()}
    best = race(benchmark, scale.rounds, runners)
    bound = STORE_AT_MOST if stored.spec == "lz4" else None
    ratios.append(Row(f"store a page, {stored.spec}", "page", best["store"], "bare library call", best["bare"], bound))


@pytest.mark.parametrize("stored", SPECS, indirect=True, ids=str)
def test_load_beside_the_bare_call(benchmark, scale, ratios, stored) -> None:
    runners = {"load": stored.loading(), "bare": stored.bare_decompressing()}
    best = race(benchmark, scale.rounds, runners)
    bound = LOAD_AT_MOST if stored.spec == "lz4" else None
    ratios.append(Row(f"load a page, {stored.spec}", "page", best["load"], "bare library call", best["bare"], bound))


@pytest.mark.parametrize("stored", ["store"], indirect=True, ids=str)
def test_store_and_load_beside_a_copy(benchmark, scale, ratios, stored) -> None:
    """With the codec that does nothing, only the pool and the slots remain."""

    def copy() -> None:
        for slot in range(len(stored.pages)):
            stored.loaded[slot] = stored.pages[slot]

    units = len(stored.pages)
    runners = {"store": stored.storing(), "load": stored.loading(), "copy": timed(copy, units)}
    best = race(benchmark, scale.rounds, runners)
    for what in ("store", "load"):
        ratios.append(Row(f"{what} a page, store", "page", best[what], "numpy copies it", best["copy"]))


def test_store_beside_a_dict(benchmark, scale, ratios, stored) -> None:
    kept: dict[int, bytes] = {}
    flat = memoryview(stored.pages.reshape(-1))

    def fill() -> None:
        for slot in range(len(stored.pages)):
            kept[slot] = lz4.block.compress(flat[slot * 4096 : slot * 4096 + 4096], store_size=False)

    runners = {"store": stored.storing(), "dict": timed(fill, len(stored.pages), before=kept.clear)}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(Row("store a page, lz4", "page", best["store"], "dict of lz4.block", best["dict"], at_least=1))


def test_load_beside_a_dict(benchmark, scale, ratios, stored) -> None:
    """Both sides load into one buffer; the rows of a call a page compare pages that are new objects."""
    kept = dict(enumerate(lz4.block.compress(page.tobytes(), store_size=False) for page in stored.pages))
    flat = memoryview(stored.loaded.reshape(-1))

    def fill() -> None:
        for slot, data in kept.items():
            flat[slot * 4096 : slot * 4096 + 4096] = lz4.block.decompress(data, uncompressed_size=4096)

    runners = {"load": stored.loading(), "dict": timed(fill, len(kept))}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(Row("load a page, lz4", "page", best["load"], "dict of lz4.block", best["dict"], at_least=1))


def load_all(kept: dict[int, bytes]) -> None:
    for data in kept.values():
        lz4.block.decompress(data, uncompressed_size=4096)


def test_store_one_by_one_beside_a_dict(benchmark, scale, ratios, stored) -> None:
    """Store and load with one call a page from Python, where the binding itself is a large part of the cost."""
    single = [page.tobytes() for page in stored.pages]
    kept: dict[int, bytes] = {}

    def ours() -> None:
        for slot, page in enumerate(single):
            stored.store.store(slot, page)

    def theirs() -> None:
        for slot, page in enumerate(single):
            kept[slot] = lz4.block.compress(page, store_size=False)

    units = len(single)
    runners = {"store": timed(ours, units, before=stored.empty), "dict": timed(theirs, units, before=kept.clear)}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(
        Row("store, a call a page, lz4", "page", best["store"], "dict of lz4.block", best["dict"], at_least=1)
    )


def test_load_one_by_one_beside_a_dict(benchmark, scale, ratios, stored) -> None:
    kept = dict(enumerate(lz4.block.compress(page.tobytes(), store_size=False) for page in stored.pages))

    def ours() -> None:
        for slot in kept:
            stored.store.load(slot)

    runners = {"load": timed(ours, len(kept)), "dict": timed(lambda: load_all(kept), len(kept))}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(Row("load, a call a page, lz4", "page", best["load"], "dict of lz4.block", best["dict"], at_least=1))


def test_store_in_two_threads(benchmark, scale, ratios, stored) -> None:
    best = race(benchmark, scale.rounds, {"two": stored.storing(threads=2), "one": stored.storing()})
    bound = TWO_THREADS_AT_LEAST
    ratios.append(Row("store in 2 threads, lz4", "page", best["two"], "1 thread", best["one"], at_least=bound))


def test_load_in_two_threads(benchmark, scale, ratios, stored) -> None:
    best = race(benchmark, scale.rounds, {"two": stored.loading(threads=2), "one": stored.loading()})
    bound = TWO_THREADS_AT_LEAST
    ratios.append(Row("load in 2 threads, lz4", "page", best["two"], "1 thread", best["one"], at_least=bound))
