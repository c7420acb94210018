"""Arenas of frames: owners, limits, and what can't be had."""

import pytest

from zswapsim import HostMemoryError, InputError, PageStore
from zswapsim._core.frames import FrameArena, Grant


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
