"""Test what a forked process finds: an idle object works, one that was in use is refused, and nothing waits."""

import os
import threading
import traceback
from collections.abc import Callable

import numpy as np
import pytest

from tests.faulty_codecs import python_codec
from zswapsim import BusyError, DeviceError, PageStore
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim._core.trace.dense import DenseMap

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
PAGE = bytes(range(256)) * 16


def in_child(call: Callable[[], None]) -> None:
    """Make the call in a forked process, which ends with it; fail if it raises."""
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def fork_during(call: Callable[[], object], entered: threading.Event, leave: threading.Event, child: Callable) -> None:
    """Fork while another thread is in `call`, which has set `entered` and waits for `leave`."""
    thread = threading.Thread(target=call)
    thread.start()
    try:
        assert entered.wait(60)
        in_child(child)
    finally:
        leave.set()
        thread.join(60)


def waiting_store() -> tuple[PageStore, threading.Event, threading.Event]:
    """Return a store whose codec waits for the second event, after it has set the first."""
    entered, leave = threading.Event(), threading.Event()

    def compress(page: bytes) -> bytes:
        entered.set()
        assert leave.wait(60)
        return page[:64]

    return PageStore(1 << 20, python_codec(compress, lambda data: data * 64)), entered, leave


def test_an_idle_store_works_in_a_forked_process() -> None:
    store = PageStore(1 << 20)
    store.store(1, PAGE)

    def child() -> None:
        assert store.load(1) == PAGE
        store.store(2, PAGE[::-1])
        store.check()
        store.close()

    in_child(child)
    assert store.load(1) == PAGE
    assert store.stats()["stored_pages"] == 1
    store.check()


def test_a_store_that_was_in_use_is_refused_in_a_forked_process() -> None:
    store, entered, leave = waiting_store()

    def child() -> None:
        for call in (lambda: store.load(1), store.check, store.stats, store.close):
            with pytest.raises(BusyError, match="page store: in use when this process was forked"):
                call()

    fork_during(lambda: store.store(1, PAGE), entered, leave, child)
    assert store.load(1) == PAGE[:64] * 64
    with store:
        store.check()


def test_a_forked_process_can_fork_again() -> None:
    store, entered, leave = waiting_store()

    def grandchild() -> None:
        with pytest.raises(BusyError, match="forked"):
            store.load(1)
        other = PageStore(1 << 20)
        other.store(1, PAGE)
        assert other.load(1) == PAGE

    fork_during(lambda: store.store(1, PAGE), entered, leave, lambda: in_child(grandchild))


def test_two_threads_of_a_forked_process_are_told_apart() -> None:
    def child() -> None:
        store, entered, leave = waiting_store()
        thread = threading.Thread(target=store.store, args=(1, PAGE))
        thread.start()
        assert entered.wait(60)
        with pytest.raises(BusyError, match="another thread is using it"):
            store.load(1)
        leave.set()
        thread.join(60)

    in_child(child)


def test_a_map_of_pages_works_in_a_forked_process() -> None:
    pages, numbers = np.array([5, 9, 5], np.uint64), np.zeros(3, np.uint32)
    made = DenseMap()

    def child() -> None:
        made.map(pages, numbers)
        assert numbers.tolist() == [0, 1, 0]
        made.check()

    in_child(child)
    assert len(made) == 0


def test_a_forked_process_leaves_the_file_of_its_parents_swap_device_alone() -> None:
    images = np.random.default_rng(3).integers(0, 255, (6, 4096), np.uint8)
    engine = Replay(
        6, 2, DiskBackend((1,) * 6, SwapDevice(6, backed=True)), dram=FrameArena(2 * 4096).grant("w"), images=images,
        next_image=np.arange(6, dtype=np.uint32), zero=np.zeros(6, np.uint8),
    )  # fmt: skip
    pages, reads = np.arange(6, dtype=np.uint32), np.zeros(6, np.uint8)
    engine.feed(pages, reads)

    def child() -> None:
        with pytest.raises(DeviceError, match="belongs to the process that this one was forked from"):
            engine.feed(pages, reads)

    in_child(child)
    assert engine.feed(pages, reads) == 6
    assert engine.verified_pages == 6
    engine.check()
