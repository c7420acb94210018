"""Build a backend from its settings."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend, CountingBackend, DiskBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.backend.groups import PoolGroups
from zswapsim._core.backend.pooled import PooledBackend
from zswapsim._core.backend.tiers import NextTier, TieredBackend
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant
from zswapsim.backends.cram import CramPlan, open_cram
from zswapsim.backends.rules import PoolRules
from zswapsim.compressors.measure import Measured

if TYPE_CHECKING:
    from zswapsim._core.backend.compressed import Measured as Columns


class BackendPlan(NamedTuple):
    """The settings of a backend. Without a codec and without measured sizes, pages are only counted."""

    name: str
    """One of :data:`BACKENDS`."""
    cost: tuple[float, ...]
    """The constants of a CostModel, in its order."""
    device_pages: int
    """The size of the swap device; 0 if there is none."""
    frames: Grant | None = None
    """The frames that the machine granted, of the private node or of DRAM. A disk needs none, nor does counting."""
    codec: Codec | None = None
    """The codec that compresses pages at bytes depth. For a disk it only means that pages are real."""
    measured: Measured | None = None
    """The length and times of every content, at sizes depth."""
    chain_size: int = 8
    accept_threshold_percent: int = 90
    exclusive_loads: bool = True
    cram: CramPlan | None = None
    """The compressing device, if that is the backend."""
    rules: PoolRules | None = None
    """The rules of a pool in DRAM."""
    node: str = "dram"
    """The name of that DRAM for its frames' owners."""
    groups: Sequence[tuple[int | None, int | None, bool]] = ()
    """(parent, memory.zswap.max in pages, memory.zswap.writeback) of each group of zswap; without groups, no limits."""
    group_of: NDArray[np.uint16] | None = None
    """The group of each page; None if all are of the first."""
    further: Sequence[Codec | Measured] = ()
    """Up to three codecs to recompress with, from weak to strong; at sizes depth, the measured sizes of each."""
    whole: FolioCodec | None = None
    """The codec that compresses large folios as one, for a private node; without it, pages are compressed alone."""
    slow_tier: "BackendPlan | None" = None
    """A pool that takes pages that this one can't keep, in place of the device; it is the slower of two tiers."""


def open_backend(plan: BackendPlan) -> Backend:
    """Return the backend that a plan describes. Raises InputError, HostMemoryError, DeviceError."""
    if plan.slow_tier is None:
        return BACKENDS[plan.name](plan)
    slow = _pool(plan.slow_tier, _device(plan.slow_tier))
    return TieredBackend(plan.cost, _pool(plan, NextTier(slow)), slow)


def private_node(plan: BackendPlan) -> Backend:
    """Return a pool of compressed pages in a private node, whose frames were granted to the swap backend alone."""
    if plan.codec is None and plan.measured is None:
        return CountingBackend(plan.cost, exclusive=plan.exclusive_loads)
    return _pool(plan, _device(plan))


def pool_in_dram(plan: BackendPlan) -> Backend:
    """Return zswap or zram, by the plan's rules: a pool of compressed pages in frames of DRAM."""
    return _pool(plan, _device(plan))


def _device(plan: BackendPlan) -> SwapDevice:
    return SwapDevice(plan.device_pages, backed=plan.codec is not None)


def _pool(plan: BackendPlan, device: SwapDevice) -> PooledBackend:
    """Return the pool of a plan; without rules it has a node of its own.

    zswap compresses pages of any length below a page.
    """
    if plan.frames is None or (plan.rules is None) != (plan.name == "private-node"):
        raise InputError(f"backend {plan.name}: expected a grant of frames, and rules for a pool in DRAM")
    return PooledBackend(
        plan.cost,
        plan.frames,
        device,
        plan.codec,
        None if plan.measured is None else _columns(plan.measured),
        chain_size=plan.chain_size,
        raw_from=PAGE_SIZE if plan.name == "zswap" else None,
        accept_threshold_percent=plan.accept_threshold_percent,
        exclusive=plan.exclusive_loads,
        rules=plan.rules,
        more_codecs=[each if isinstance(each, Codec) else _columns(each) for each in plan.further],
        node="private" if plan.rules is None else plan.node,
        groups=PoolGroups(plan.groups, plan.group_of) if plan.groups else None,
        whole=plan.whole,
    )


def disk(plan: BackendPlan) -> Backend:
    """Return a plain swap device: pages are written as they are."""
    return DiskBackend(plan.cost, SwapDevice(plan.device_pages, backed=plan.codec is not None))


def cram(plan: BackendPlan) -> Backend:
    """Return a device that compresses by itself, whose frames were granted to the swap backend alone."""
    if plan.frames is None or plan.cram is None:
        raise InputError("backend cram: expected a device, and a grant of the node's frames")
    device = SwapDevice(plan.device_pages, backed=plan.codec is not None)
    return open_cram(
        plan.cram, plan.cost, plan.frames, device, plan.codec, plan.measured, exclusive=plan.exclusive_loads
    )


BACKENDS: dict[str, Callable[[BackendPlan], Backend]] = {
    "private-node": private_node,
    "zswap": pool_in_dram,
    "zram": pool_in_dram,
    "cram": cram,
    "disk": disk,
}
"""Functions that build a backend, by its name."""


def _columns(measured: Measured) -> "Columns":
    """Return the arrays that the core reads, with its types."""
    return (
        np.ascontiguousarray(measured.size, np.uint16),
        np.ascontiguousarray(measured.same_filled, np.uint8),
        np.ascontiguousarray(measured.compress_ns, np.uint32),
        np.ascontiguousarray(measured.decompress_ns, np.uint32),
    )
