"""Test arenas of frames: owners, limits, and requests that can't be met."""

import numpy as np
import pytest

import zswapsim
from zswapsim import BusyError, HostMemoryError, InputError, PageStore
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.codec.codec import Codec, table_of_class
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena, Grant
from zswapsim._core.frames.hostnuma import host_nodes
from zswapsim.compressors import get_compressor
from zswapsim.report.text import result_text


@pytest.mark.parametrize("size", [0, -4096, 1, 4095, 4097])
def test_a_node_is_a_whole_number_of_frames(size: int) -> None:
    with pytest.raises(InputError, match="whole number of frames"):
        FrameArena(size)
    with pytest.raises(InputError, match="whole number of frames"):
        PageStore(size, "store")


@pytest.mark.parametrize("size", [1 << 44, 1 << 62, 1 << 80])
def test_a_node_larger_than_can_be_reserved(size: int) -> None:
    with pytest.raises(HostMemoryError, match="larger than can be reserved"):
        FrameArena(size)


def test_owners_are_counted_by_name() -> None:
    arena = FrameArena(16 * 4096)
    assert arena.grant("a").owner_name == "a"
    assert arena.grant("b").owner_name == "b"
    assert arena.grant("a").owner_name == "a"
    assert arena.owners() == {"a": 0, "b": 0, "free": 16}
    arena.check()


def test_owners_are_at_most_255() -> None:
    arena = FrameArena(4096)
    for number in range(255):
        arena.grant(str(number))
    with pytest.raises(InputError, match="255"):
        arena.grant("one more")


def test_what_was_never_initialised_is_refused() -> None:
    with pytest.raises(InputError):
        Grant()
    with pytest.raises(InputError):
        FrameArena.__new__(FrameArena).grant("x")
    with pytest.raises(InputError):
        FrameArena(4096).__init__(4096)


def test_frames_are_taken_and_given_back() -> None:
    arena = FrameArena(16 * 4096)
    first, second = arena.grant("a"), arena.grant("b")
    assert [first.take(), second.take(2), first.take(1), second.take()] == [0, 4, 2, 1]
    assert arena.owners() == {"a": 3, "b": 5, "free": 8}
    assert [arena.owner_at(frame) for frame in (0, 1, 3, 8)] == ["a", "b", "a", None]
    arena.check()
    second.give(4, 2)
    assert second.take(3) == 8
    arena.check()
    assert first.take(3) is None, "no eight in a row are free"
    assert [first.take() for _ in range(5)] == [4, 5, 6, 7, None]
    arena.check()


def test_what_an_owner_does_not_have_it_can_not_give_back() -> None:
    arena = FrameArena(16 * 4096)
    first, second = arena.grant("a"), arena.grant("b")
    frame = first.take(1)
    for grant, given, order in ((second, frame, 1), (first, frame, 2), (first, 15, 0), (first, 16, 0), (first, 0, 31)):
        with pytest.raises(InputError, match="not those of"):
            grant.give(given, order)
    for order in (-1, 32):
        with pytest.raises(InputError, match="order"):
            first.take(order)
        with pytest.raises(InputError, match="order"):
            first.give(frame, order)
    with pytest.raises(InputError, match="frame 16"):
        arena.owner_at(16)
    assert FrameArena(4096).grant("a").take(1) is None


def meddling_codec(grant: Grant, met: list[str]) -> Codec:
    """Define a codec that allocates a frame of the node while the replay uses the node."""

    class Meddler:
        def compress(self, page: bytes) -> bytes:
            for call in (grant.take, lambda: grant.give(0)):
                with pytest.raises(BusyError) as refused:
                    call()
                met.append(str(refused.value))
            return bytes(page[:100])

        def decompress(self, data: bytes) -> bytes:
            return bytes(data).ljust(4096, b"\0")

    return Codec(table_of_class("meddler", Meddler, {}, "meddler"))


def test_a_node_is_one_threads_at_a_time() -> None:
    arena = FrameArena(64 * 4096)
    other = arena.grant("other")
    assert other.take() == 0
    met: list[str] = []
    backend = PrivateNodeBackend((1,) * 6, arena.grant("pool"), SwapDevice(0, backed=True), meddling_codec(other, met))
    images = np.zeros((4, 4096), np.uint8)
    images[:, :100] = np.arange(1, 401, dtype=np.uint8).reshape(4, 100)
    engine = Replay(
        4, 2, backend, dram=FrameArena(4 * 4096).grant("w"), images=images, next_image=np.arange(4, dtype=np.uint32),
        zero=np.zeros(4, np.uint8),
    )  # fmt: skip
    engine.feed(np.array([0, 1, 2, 3], np.uint32), np.ones(4, np.uint8))
    assert len(met) == 4
    assert set(met) == {"node: another thread is using it"}
    assert other.take() is not None, "and afterwards it is free again"
    arena.check()


def test_frames_of_a_replay_go_back() -> None:
    dram, node = FrameArena(8 * 4096), FrameArena(8 * 4096)
    images = np.random.default_rng(1).integers(0, 9, (4, 4096), np.uint8)
    backend = PrivateNodeBackend((1,) * 6, node.grant("pool"), SwapDevice(0, backed=True), get_compressor("lz4"))
    engine = Replay(
        4, 2, backend, dram=dram.grant("w"), images=images, next_image=np.arange(4, dtype=np.uint32),
        zero=np.zeros(4, np.uint8),
    )  # fmt: skip
    engine.feed(np.array([0, 1, 2, 3], np.uint32), np.ones(4, np.uint8))
    assert dram.owners()["w"] == 2
    assert node.owners()["pool"] > 0
    del engine, backend
    assert dram.owners() == {"w": 0, "free": 8}
    assert node.owners() == {"pool": 0, "free": 8}


def test_dram_that_others_take_meanwhile() -> None:
    """The replay evicts, or runs out of memory; it never uses a frame that it did not allocate."""
    dram = FrameArena(3 * 4096)
    images = np.random.default_rng(1).integers(0, 9, (6, 4096), np.uint8)
    backend = PrivateNodeBackend(
        (1,) * 6, FrameArena(8 * 4096).grant("pool"), SwapDevice(8, backed=True), get_compressor("lz4")
    )
    engine = Replay(
        6, 3, backend, dram=dram.grant("w"), images=images, next_image=np.arange(6, dtype=np.uint32),
        zero=np.zeros(6, np.uint8),
    )  # fmt: skip
    other = dram.grant("other")
    assert engine.feed(np.array([0], np.uint32), np.ones(1, np.uint8)) == 1
    assert [other.take(), other.take()] == [1, 2]
    assert engine.feed(np.arange(6, dtype=np.uint32), np.ones(6, np.uint8)) == 6
    assert engine.resident_pages == 1
    engine.check()


def test_no_frame_of_dram_at_all() -> None:
    dram = FrameArena(4096)
    images = np.zeros((1, 4096), np.uint8)
    backend = PrivateNodeBackend(
        (1,) * 6, FrameArena(4096).grant("p"), SwapDevice(0, backed=True), get_compressor("lz4")
    )
    zero, following = np.ones(1, np.uint8), np.zeros(1, np.uint32)
    engine = Replay(1, 1, backend, dram=dram.grant("w"), images=images, next_image=following, zero=zero)
    dram.grant("other").take()
    assert engine.feed(np.zeros(1, np.uint32), np.zeros(1, np.uint8)) == 0
    assert engine.out_of_memory


# --- NUMA nodes of the host -------------------------------------------------------------------------------------------


def bound(arena: FrameArena, node: int) -> None:
    """Bind memory, if this machine lets a process do so."""
    try:
        arena.bind(node)
    except HostMemoryError as refused:
        pytest.skip(f"this machine refuses mbind: {refused}")


def test_frames_lie_on_the_node_of_the_host_they_are_bound_to() -> None:
    node = host_nodes()[0]
    store = FrameArena(64 * 4096)
    bound(store, node)
    assert store.host_nodes() == {}, "no frame was touched"


def test_a_run_says_where_its_frames_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    bound(FrameArena(4096), host_nodes()[0])
    monkeypatch.setattr("zswapsim.study.run.nodes.host_nodes", lambda: [0, 1])
    settings = zswapsim.Settings(bind_node=0, dram="20%", node="80%")
    result = zswapsim.run("gen:zipf,pages=300,events=5000", "recipe:mix", settings)
    assert set(result.host_frames) == {"0"}
    assert 0 < result.host_frames["0"] <= result.settings["node_frames"]
    assert "bound to NUMA node 0 of this machine" in result_text(result)


def test_a_node_that_the_host_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, **settings: object) -> None:
        with pytest.raises(InputError, match=message):
            zswapsim.run("gen:zipf,pages=300,events=500", "recipe:mix", zswapsim.Settings(**settings))

    monkeypatch.setattr("zswapsim.study.run.nodes.host_nodes", lambda: [0])
    refused("this machine has one NUMA node", bind_node=0)
    monkeypatch.setattr("zswapsim.study.run.nodes.host_nodes", lambda: [0, 2])
    refused("expected a node of this machine that has memory: 0, 2", bind_node=1)
    refused("expected --depth bytes", bind_node=2, depth="sizes")
    with pytest.raises(InputError, match="bind-node 1024"):
        zswapsim.Settings(bind_node=1024)
    with pytest.raises(HostMemoryError, match="node 900 of the host"):
        FrameArena(4096).bind(900)
    with pytest.raises(InputError, match="only counted"):
        FrameArena(4096, backed=False).bind(0)
    with pytest.raises(InputError, match="node of the host 1024"):
        FrameArena(4096).bind(1024)
