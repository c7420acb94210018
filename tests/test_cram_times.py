"""Test the compressing device's clock, which faults advance, and the number of pages that its shrinker writes back."""

import numpy as np
import pytest

from zswapsim._core.backend.cram import CramBackend
from zswapsim._core.backend.cram_device import CramDevice
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.study.settings.cost import PRESETS

COST = PRESETS["cxl-nvme"]
LINE, TICK = 800.0, 100.0
PAGE = LINE + 4096 / COST.node_bandwidth
UNLIMITED = (1 << 32) - 1


def opened(taken: list[int], physical: int, **device: int) -> tuple[Replay, CramDevice]:
    """Return a replay with one frame of DRAM, whose page p has content p, which takes `taken[p]` bytes."""
    arena = FrameArena(64 * 4096, backed=False)
    node = CramDevice(arena, physical, None, np.array(taken, np.uint16), **device)
    backend = CramBackend(
        COST, arena.grant("swap backend"), node, SwapDevice(UNLIMITED), maps_pages=False, line_ns=LINE, tick_ns=TICK
    )
    same = np.arange(len(taken), dtype=np.uint32)
    return Replay(len(taken), 1, backend, next_image=same, zero=np.zeros(len(taken), np.uint8)), node


def access(engine: Replay, *pages: int) -> None:
    engine.feed(np.array(pages, np.uint32), np.zeros(len(pages), np.uint8))


def test_the_device_s_clock_is_accesses_transfers_and_faults() -> None:
    engine, node = opened([64] * 3, 1 << 20, delay=10**9)
    charged = faults = 0.0
    for clock, page in enumerate([0, 1, 2, 0, 1, 2, 0]):
        access(engine, page)
        if clock:  # the page before was swapped out first
            charged += PAGE
        if clock > 2:  # the clock is read before the load is charged
            assert node.now == int(TICK * clock + charged + COST.major_fault_ns * faults)
            charged += PAGE
            faults += 1
        elif clock:
            assert node.now == int(TICK * clock + charged - PAGE)


def test_pages_on_the_swap_device_advance_the_clock_too() -> None:
    engine, node = opened([4096] * 3, 4096, high=1, low=0)
    access(engine, 0, 1, 2)  # with page 0 on it the device is full, and takes no other page
    assert engine.counters_now()["pswpout"] >= 1
    before = node.now
    access(engine, 1, 2)
    counts = engine.counters_now()
    assert counts["pswpin"] == 2
    waited = COST.device_read_ns + COST.major_fault_ns
    assert node.now - before > waited, "the first of both reads was before the last look at the clock"


@pytest.mark.parametrize(
    ("low", "written"),
    [
        (665, 1),  # 86 of 256 bytes too many: pages of 86 bytes, as 85 and a third are rounded up
        (664, 2),  # 87 bytes too many
        (1000 - 1, 1),
        (332, 2),  # 172 bytes too many
        (328, 3),  # 173 bytes
    ],
)
def test_as_many_pages_are_written_back_as_their_mean_rounded_up_asks_for(low: int, written: int) -> None:
    engine, _ = opened([64, 64, 128, 64, 64], 256, high=1000, low=low)
    access(engine, 0, 1, 2, 3)  # pages 0 to 2 are on the device and fill it
    assert engine.counters_now()["zswpwb"] == 0
    access(engine, 4)
    assert engine.counters_now()["zswpwb"] == written
    engine.check()
