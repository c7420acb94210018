"""Build a compressing device and the backend on it, from settled numbers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.cram import CramBackend
from zswapsim._core.backend.cram_device import CramDevice
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant
from zswapsim.compressors.measure import Measured

ACCESS_NS = 90.0
"""The time of an access on the clock of a device that counts time: a line of local DRAM (CostModel has the source)."""


class CramPlan(NamedTuple):
    """Describe a device, and how the kernel uses it."""

    physical: int
    """Bytes of the device."""
    tier: bool = False
    maps: bool = True
    control: str = "watermarks"
    high: int = 900
    low: int = 800
    delay: int = 0
    """Like `zero_every`: in accesses, or in nanoseconds if the device's clock is `timed`."""
    zero_every: int = 0
    timed: bool = False
    zero_batch: int = 0
    line_ns: float = 800.0
    sector: int = 64
    budget: int = 0
    """The pages that may be written in place (CramSettings.budget)."""
    token_batch: int = 32
    ends: bool = False


def physical_sizes(measured: Measured, sector: int) -> NDArray[np.uint16]:
    """Return the physical bytes of each content as uint16[k]: none for zeros, else whole sectors, at most a page."""
    length = np.where(measured.same_filled & ~measured.zero, 8, measured.size.astype(np.uint32))
    sectors = (length.astype(np.uint32) + sector - 1) // sector * sector
    return np.ascontiguousarray(np.where(measured.zero, 0, sectors), np.uint16)


def open_cram(
    plan: CramPlan,
    cost: tuple[float, ...],
    frames: Grant,
    device: SwapDevice,
    codec: Codec | None,
    measured: Measured | None,
    *,
    exclusive: bool = True,
) -> CramBackend:
    """Return the backend on the device over the granted frames.

    With a codec, pages have bytes; with `measured`, only their sizes are known. With neither, pages take no physical
    space, and only the number of frames is a limit. Raises InputError, HostMemoryError.
    """
    node = CramDevice(
        frames.arena,
        plan.physical,
        codec,
        None if measured is None else physical_sizes(measured, plan.sector),
        sector=plan.sector,
        high=plan.high,
        low=plan.low,
        delay=plan.delay,
        zero_every=plan.zero_every,
        zero_batch=plan.zero_batch,
        token_batch=plan.token_batch,
    )
    return CramBackend(
        cost,
        frames,
        node,
        device,
        control=plan.control,
        tier=plan.tier,
        maps_pages=plan.maps,
        exclusive=exclusive,
        fatal_bus_error=plan.ends,
        max_writable=plan.budget,
        line_ns=plan.line_ns,
        tick_ns=ACCESS_NS if plan.timed else 0.0,
    )
