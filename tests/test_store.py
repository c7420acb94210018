"""Test the page store: misuse, threads, faults injected into codecs and into stored bytes."""

import threading
from random import Random

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faulty_codecs import E_CODEC, c_codec, python_codec
from tests.page_samples import sample_array, sample_pages
from zswapsim import (
    BusyError,
    ClosedError,
    CodecError,
    CorruptPageError,
    InputError,
    NodeFullError,
    PageStore,
    PluginError,
    SlotEmptyError,
)
from zswapsim._core.zsmalloc import store as core
from zswapsim.traces.recipes import recipe_pages

NODE = 1 << 20
TEXT = recipe_pages("text", 1)[0].tobytes()
CALLS = [
    lambda store: store.store(0, TEXT),
    lambda store: store.load(0),
    lambda store: store.load_into(0, bytearray(4096)),
    lambda store: store.invalidate(0),
    lambda store: store.store_pages([0], TEXT),
    lambda store: store.load_pages([0], bytearray(4096)),
    lambda store: store.compact(),
    lambda store: store.stats(),
    lambda store: store.dump(),
    lambda store: store.owners(),
    lambda store: store.check(),
    lambda store: store.inject_fault(0, 0, 1),
]


@pytest.mark.parametrize("call", CALLS)
def test_use_after_close(call) -> None:
    store = PageStore(NODE)
    store.store(0, TEXT)
    store.close()
    store.close()
    with pytest.raises(ClosedError, match="closed"):
        call(store)


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_was_never_initialised(call) -> None:
    with pytest.raises(ClosedError):
        call(core.PageStore.__new__(core.PageStore))


def test_it_is_initialised_once() -> None:
    with PageStore(NODE) as store, pytest.raises(InputError, match="already"):
        store.__init__(NODE)


@pytest.mark.parametrize("call", CALLS)
def test_two_threads_at_once(call) -> None:
    """While one thread is in the codec, any call from another thread is refused, close() included."""
    inside, leave = threading.Event(), threading.Event()

    def compress(page: bytes) -> bytes:
        inside.set()
        assert leave.wait(30)
        return page[:100]

    store = PageStore(NODE, python_codec(compress))
    thread = threading.Thread(target=store.store, args=(0, TEXT))
    thread.start()
    assert inside.wait(30)
    with pytest.raises(BusyError, match="another thread"):
        call(store)
    with pytest.raises(BusyError, match="another thread"):
        store.close()
    leave.set()
    thread.join()
    store.check()
    assert store.stats()["stored_pages"] == 1


@pytest.mark.parametrize("slot", [-1, 1 << 32, 1 << 70])
def test_slots_out_of_range(slot: int) -> None:
    store = PageStore(NODE)
    with pytest.raises(InputError, match="slot"):
        store.store(slot, TEXT)
    with pytest.raises(InputError, match="slots"):
        store.store_pages([slot], TEXT)
    for wrong in ("1", 1.5, None):
        with pytest.raises(InputError, match="whole number"):
            store.load(wrong)


@pytest.mark.parametrize("page", [b"", b"x" * 4095, b"x" * 4097, "text", None, np.zeros((64, 128))[:, ::2]])
def test_what_is_no_page(page: object) -> None:
    with pytest.raises(InputError, match="pages: expected"):
        PageStore(NODE).store(1, page)


def test_a_buffer_of_the_wrong_length_or_read_only() -> None:
    store = PageStore(NODE)
    store.store(0, TEXT)
    with pytest.raises(InputError, match="expected 8192 bytes for 2 pages"):
        store.store_pages([0, 1], TEXT)
    with pytest.raises(InputError, match="expected 8192 bytes"):
        store.load_pages([0, 1], bytearray(4096))
    with pytest.raises(InputError, match="pages: expected"):
        store.load_into(0, bytes(4096))
    with pytest.raises(InputError, match="pages: expected"):
        store.load_pages([0], bytes(4096))
    with pytest.raises(InputError, match="threads 0"):
        store.store_pages([0], TEXT, threads=0)
    store.store_pages([], b"")
    store.load_pages([], bytearray())


@pytest.mark.parametrize("raw_from", [0, 4097, -1])
def test_raw_from_out_of_range(raw_from: int) -> None:
    with pytest.raises(InputError, match="raw_from"):
        PageStore(NODE, raw_from=raw_from)


def test_a_full_node_loses_nothing() -> None:
    noise = Random(0).randbytes(4096)
    store = PageStore(2 * 4096)
    store.store(0, noise)
    store.store(1, noise[::-1])
    with pytest.raises(NodeFullError, match="slot 0: no free frame"):
        store.store(0, noise[::-1])
    assert store.load(0) == noise
    with pytest.raises(NodeFullError, match=r"page 1 \(slot 9\)"):
        store.store_pages([8, 9, 10], bytes(4096) + noise + bytes(4096))
    assert store.load(8) == bytes(4096)
    with pytest.raises(SlotEmptyError):
        store.load(10)
    store.check()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_an_empty_slot_among_many(threads: int) -> None:
    store = PageStore(NODE)
    store.store_pages(range(40), TEXT * 40)
    store.invalidate(17)
    with pytest.raises(SlotEmptyError, match=r"page 17 \(slot 17\)"):
        store.load_pages(range(40), bytearray(4096 * 40), threads=threads)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_leave_the_same_pool(threads: int) -> None:
    rng = Random(threads)
    pages = [rng.choice(sample_pages()) for _ in range(3000)]
    slots = np.array([rng.randrange(1200) for _ in pages], np.uint32)
    stores = [PageStore(16 << 20), PageStore(16 << 20)]
    for store, workers in zip(stores, (1, threads), strict=True):
        store.store_pages(slots, sample_array(pages), threads=workers)
        store.check()
    assert stores[0].stats() == stores[1].stats()
    assert stores[0].dump() == stores[1].dump()
    held = np.unique(slots)
    buffers = [bytearray(4096 * len(held)) for _ in stores]
    for store, workers, buffer in zip(stores, (1, threads), buffers, strict=True):
        store.load_pages(held, buffer, threads=workers)
    assert buffers[0] == buffers[1]


# -- faulty codecs ------------------------------------------------------------------------------------------------


def raises(_: bytes) -> bytes:
    raise ValueError("not today")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("compress", "cause"), [(raises, "not today"), (lambda page: page * 3, None), (lambda page: "text", None)]
)
def test_a_python_codec_that_breaks_its_contract(compress, cause: str | None, threads: int) -> None:
    store = PageStore(NODE, python_codec(compress))
    with pytest.raises(PluginError, match="page 0") as caught:
        store.store_pages([5, 6], TEXT * 2, threads=threads)
    if cause is not None:
        assert cause in str(caught.value.__cause__)
    store.check()
    assert store.stats()["stored_pages"] == 0


@pytest.mark.parametrize(
    ("decompress", "error"),
    [(raises, PluginError), (lambda data: b"short", CorruptPageError), (lambda data: b"x" * 5000, CodecError)],
)
def test_a_python_codec_that_lies_when_it_decompresses(decompress, error: type[Exception]) -> None:
    store = PageStore(NODE, python_codec(decompress=decompress))
    store.store(3, TEXT)
    with pytest.raises((error, CorruptPageError, PluginError), match="slot 3"):
        store.load(3)
    store.check()


def test_a_codec_that_fails_on_a_page() -> None:
    store = PageStore(NODE, c_codec(lambda page: E_CODEC))
    with pytest.raises(CodecError, match="slot 2: the codec failed"):
        store.store(2, TEXT)
    store.store(2, bytes(4096))
    store.check()


@pytest.mark.parametrize("length", [1 << 20, -99, 2**31 - 1])
def test_a_c_codec_that_lies_on_length(length: int) -> None:
    store = PageStore(NODE, c_codec(lambda page: length, lambda data: length))
    with pytest.raises(CodecError, match="slot 2"):
        store.store(2, TEXT)
    store.check()


# -- failing memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["lz4", "lz4hc", "zstd", "deflate", "store"])
@given(offset=st.integers(0, 4095), mask=st.integers(1, 255), page=st.integers(0, len(sample_pages()) - 1))
def test_flipped_bits(codec: str, offset: int, mask: int, page: int) -> None:
    """Verification detects the damage. Without it there is an error or a wrong page, but never a crash."""
    data = sample_pages()[page]
    for verify in (True, False):
        store = PageStore(NODE, codec, verify=verify)
        store.store(7, data)
        try:
            store.inject_fault(7, offset, mask)
        except InputError:
            continue  # a shorter object, or none
        try:
            loaded = store.load(7)
        except CorruptPageError:
            continue
        assert len(loaded) == 4096
        # A codec may ignore some bits (padding); a page that is the same was not damaged.
        assert not verify or loaded == data


def test_check_can_fail() -> None:
    """An object written past its end overwrites the next one's inline handle, and check() names the object."""
    store = PageStore(NODE)
    store.store(7, TEXT)
    store.check()
    store.inject_fault(7, -8, 1)
    with pytest.raises(AssertionError, match="was overwritten"):
        store.check()
    store.inject_fault(7, -8, 1)
    store.check()
    with pytest.raises(InputError, match="none at -9"):
        store.inject_fault(7, -9, 1)


@pytest.mark.memory
def test_metadata_is_16_bytes_a_slot() -> None:
    """Same-filled pages have no objects, so only the slots' own memory grows."""
    count = 1 << 21
    slots = np.arange(count, dtype=np.uint32)
    page = np.broadcast_to(np.zeros(4096, np.uint8), (1 << 12, 4096)).copy()
    store = PageStore(NODE)
    store.store_pages(slots[: 1 << 12], page)
    before = psutil.Process().memory_info().rss
    for first in range(1 << 12, count, 1 << 12):
        store.store_pages(slots[first : first + (1 << 12)], page)
    grown = psutil.Process().memory_info().rss - before
    assert store.stats()["same_filled_pages"] == count
    assert grown <= 16 * count + (1 << 20)
