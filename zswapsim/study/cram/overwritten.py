"""Overwrite pages of zeros in place on a compressing device: the counter-example to every control at allocation."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.codec.codec import Codec
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.cram import CramPlan, open_cram
from zswapsim.machine import SWAP_BACKEND
from zswapsim.study.cram.headroom import UNLIMITED
from zswapsim.study.settings.cost import PRESETS

WAYS = (
    ("swap", "watermarks", 0),
    ("tier", "watermarks", 0),
    ("tier", "watermarks", 100),
    ("tier", "counting", 100),
    ("tier", "tokens", 100),
)
"""Form, control, and the budget of writable pages in per cent."""


class Overwritten(msgspec.Struct, kw_only=True):
    """Count what happened to pages of zeros on the device that were overwritten with noise, which does not compress."""

    form: str
    control: str
    budget: int
    pages: int
    zeros_pressure: int
    """Pressure, of 1000, while all pages were zero."""
    in_place_writes: int
    promotions: int
    lost_pages: int
    bus_errors: int
    """Reads that got a bus error when every page was read in the end."""
    compared_pages: int
    """Reads and faults whose bytes were compared with what was written, and were equal."""


def overwritten_zeros(
    codec: Codec, pages: int = 4096, ratio: float = 4.0, delay_ticks: int = 1000
) -> list[Overwritten]:
    """Overwrite zeros in place on a device of `pages` advertised frames, with each of :data:`WAYS`, at bytes depth.

    All pages are first written in place with zeros, so that as many are writable as may be, then with noise, one an
    access; then all are read. Freed frames are not zeroed meanwhile. Raises InputError, HostMemoryError.
    """
    if not 64 <= pages <= 1 << 20:
        raise InputError(f"{pages} pages: expected 64 to {1 << 20}")
    return [_overwrite(codec, pages, ratio, delay_ticks, *way) for way in WAYS]


def _overwrite(
    codec: Codec, pages: int, ratio: float, delay: int, form: str, control: str, percent: int
) -> Overwritten:
    budget = pages * percent // 100
    plan = CramPlan(
        physical=int(pages * PAGE_SIZE / ratio),
        tier=form == "tier",
        control=control,
        delay=delay,
        zero_every=1 << 40,
        budget=budget,
        token_batch=1024,
    )
    dram_frames = pages // 16
    node, dram = (FrameArena(count * PAGE_SIZE) for count in (pages, dram_frames))
    backend = open_cram(
        plan, PRESETS["cxl-nvme"], node.grant(SWAP_BACKEND), SwapDevice(UNLIMITED, backed=True), codec, None
    )
    images, next_image = _zeros_then_noise(pages)
    replay = Replay(
        pages,
        dram_frames,
        backend,
        dram=dram.grant("workload"),
        images=images,
        next_image=next_image,
        zero=np.array([not image.any() for image in images], np.uint8),
        zero_map=False,
    )
    numbers = np.arange(pages, dtype=np.uint32)
    reads, writes = np.zeros(pages, np.uint8), np.ones(pages, np.uint8)
    replay.feed(numbers, reads)
    replay.feed(numbers, writes)
    zeros = replay.counters_now()
    replay.feed(numbers, writes)
    replay.feed(numbers, reads)
    found = replay.counters_now()
    return Overwritten(
        form=form,
        control=control,
        budget=budget,
        pages=pages,
        zeros_pressure=zeros["pool_total_size"] * 1000 // zeros["physical_size"],
        in_place_writes=found["in_place_writes"],
        promotions=found["promotions"],
        lost_pages=found["lost_pages"],
        bus_errors=found["poisoned_reads"],
        compared_pages=replay.verified_pages,
    )


def _zeros_then_noise(pages: int) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return images with which every page begins as zeros, stays zeros with the first write and is noise after it."""
    images = np.zeros((pages + 2, PAGE_SIZE), np.uint8)
    images[-1] = np.random.default_rng(0).integers(0, 256, PAGE_SIZE, dtype=np.uint8)
    next_image = np.full(pages + 2, pages, np.uint32)
    next_image[pages:] = pages + 1
    return images, next_image
