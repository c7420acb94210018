"""A backend from its settings."""

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
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant
from zswapsim.backends.cram import CramPlan, open_cram
from zswapsim.backends.rules import PoolRules
from zswapsim.compressors.measure import Measured

if TYPE_CHECKING:
    from zswapsim._core.backend.compressed import Measured as Columns


PAGE_BYTES = 4096


class BackendPlan(NamedTuple):
    """What a backend is made from. Without codec and without measured sizes, pages are only counted."""

    name: str
    """One of :data:`BACKENDS`."""
    cost: tuple[float, ...]
    """The constants of a CostModel, in its order."""
    device_pages: int
    """0 for no device."""
    frames: Grant | None = None
    """What a machine granted the backend: of its private node, or of DRAM. A disk needs none, nor does counting."""
    codec: Codec | None = None
    """At bytes depth: what compresses pages. A disk takes it as the sign that pages are real."""
    measured: Measured | None = None
    """At sizes depth: the length and times of every content."""
    chain_size: int = 8
    accept_threshold_percent: int = 90
    exclusive_loads: bool = True
    cram: CramPlan | None = None
    """The compressing device, where that is the backend."""
    rules: PoolRules | None = None
    """Of a pool in DRAM."""
    node: str = "dram"
    """By which name the owners of that DRAM are told."""
    groups: Sequence[tuple[int | None, int | None, bool]] = ()
    """Of zswap: (parent, memory.zswap.max in pages, memory.zswap.writeback) of each group; without one, no limits."""
    group_of: NDArray[np.uint16] | None = None
    """The group of each page; None where all are of the first."""
    further: Sequence[Codec | Measured] = ()
    """Up to three codecs to recompress with, from weak to strong; at sizes depth, what each makes of every content."""
    whole: FolioCodec | None = None
    """Of a private node: what compresses large folios as one; without it their pages are compressed one by one."""
    slow_tier: "BackendPlan | None" = None
    """A pool that takes what this one can't keep, in place of the device; then it is the slower of two tiers."""


def open_backend(plan: BackendPlan) -> Backend:
    """The backend that a plan describes. Raises InputError, HostMemoryError, DeviceError."""
    if plan.slow_tier is None:
        return BACKENDS[plan.name](plan)
    slow = _pool(plan.slow_tier, _device(plan.slow_tier))
    return TieredBackend(plan.cost, _pool(plan, NextTier(slow)), slow)


def private_node(plan: BackendPlan) -> Backend:
    """Compressed pages in the frames of a private node, which was granted to the swap backend alone."""
    if plan.codec is None and plan.measured is None:
        return CountingBackend(plan.cost, exclusive=plan.exclusive_loads)
    return _pool(plan, _device(plan))


def pool_in_dram(plan: BackendPlan) -> Backend:
    """Zswap or zram, by the plan's rules: compressed pages in frames of DRAM."""
    return _pool(plan, _device(plan))


def _device(plan: BackendPlan) -> SwapDevice:
    return SwapDevice(plan.device_pages, backed=plan.codec is not None)


def _pool(plan: BackendPlan, device: SwapDevice) -> PooledBackend:
    """The pool of a plan; without rules it has a node for itself. zswap keeps every length below a page compressed."""
    if plan.frames is None or (plan.rules is None) != (plan.name == "private-node"):
        raise InputError(f"backend {plan.name}: expected a grant of frames, and rules for a pool in DRAM")
    return PooledBackend(
        plan.cost,
        plan.frames,
        device,
        plan.codec,
        None if plan.measured is None else _columns(plan.measured),
        chain_size=plan.chain_size,
        raw_from=PAGE_BYTES if plan.name == "zswap" else None,
        accept_threshold_percent=plan.accept_threshold_percent,
        exclusive=plan.exclusive_loads,
        rules=plan.rules,
        more_codecs=[each if isinstance(each, Codec) else _columns(each) for each in plan.further],
        node="private" if plan.rules is None else plan.node,
        groups=PoolGroups(plan.groups, plan.group_of) if plan.groups else None,
        whole=plan.whole,
    )


def disk(plan: BackendPlan) -> Backend:
    """A plain swap device: pages go out as they are."""
    return DiskBackend(plan.cost, SwapDevice(plan.device_pages, backed=plan.codec is not None))


def cram(plan: BackendPlan) -> Backend:
    """A device that compresses by itself, whose frames were granted to the swap backend alone."""
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
"""Backends by name."""


def _columns(measured: Measured) -> "Columns":
    """The arrays that the core reads, with its types."""
    return (
        np.ascontiguousarray(measured.size, np.uint16),
        np.ascontiguousarray(measured.same_filled, np.uint8),
        np.ascontiguousarray(measured.compress_ns, np.uint32),
        np.ascontiguousarray(measured.decompress_ns, np.uint32),
    )
