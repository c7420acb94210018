"""Build a backend from its settings."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.compressed import CompressedBackend
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.backend.tiers import NextTier, TieredBackend
from zswapsim._core.backend.zram import ZramBackend
from zswapsim._core.backend.zswap import ZswapBackend
from zswapsim._core.backend.zswap_groups import ZswapGroups
from zswapsim._core.base.errors import DeviceError, InputError
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant
from zswapsim.backends.cram import CramPlan, open_cram
from zswapsim.backends.rules import ZramRules, ZswapRules
from zswapsim.compressors.measure import Measured
from zswapsim.files.operation import operation, reason

if TYPE_CHECKING:
    from zswapsim._core.backend.compressed import Measured as Columns


class BackendPlan(NamedTuple):
    """The settings that a backend is built from. Without codec and without measured sizes, pages are only counted."""

    name: str
    """One of :data:`BACKENDS`."""
    cost: tuple[float, ...]
    """The constants of a CostModel, in its order."""
    device_pages: int
    """The capacity of the swap device; 0 for none."""
    frames: Grant | None = None
    """The grant of a machine, of frames on the private node or in DRAM; disk and counting need none."""
    codec: Codec | None = None
    """At bytes depth, the codec that compresses pages. A disk needs one only to show that pages have bytes."""
    measured: Measured | None = None
    """At sizes depth, the compressed size and the times of every content."""
    chain_size: int = 8
    accept_threshold_percent: int = 90
    exclusive_loads: bool = True
    cram: CramPlan | None = None
    """The compressing device of the backend cram."""
    zswap: ZswapRules | None = None
    """The settings of zswap."""
    zram: ZramRules | None = None
    """The settings of zram."""
    node: str = "dram"
    """The name of the DRAM of zswap and zram in :meth:`Backend.owners`."""
    groups: Sequence[tuple[int | None, int | None, bool]] = ()
    """The groups of zswap: parent, memory.zswap.max in pages, memory.zswap.writeback. Empty: one group."""
    group_of: NDArray[np.uint16] | None = None
    """The group of each page; None if every page is in the first group."""
    recompressors: Sequence[Codec | Measured] = ()
    """Up to three codecs that zram recompresses with, weakest first; at sizes depth their measured sizes."""
    folio_codec: FolioCodec | None = None
    """The codec with which a private node compresses large folios as one; None if it compresses page by page."""
    slow_tier: "BackendPlan | None" = None
    """The slow one of two tiers, in place of the device: it takes pages that this one rejects or writes back."""


def open_backend(plan: BackendPlan) -> Backend:
    """Open the backend that a plan describes. Raises InputError, HostMemoryError, DeviceError."""
    if plan.slow_tier is None:
        return BACKENDS[plan.name](plan, _device(plan))
    slow = _compressed(plan.slow_tier, _device(plan.slow_tier))
    return TieredBackend(plan.cost, _compressed(plan, NextTier(slow)), slow)


def _device(plan: BackendPlan) -> SwapDevice:
    backed = plan.codec is not None and plan.device_pages > 0
    try:
        with operation("create", "a temporary file") if backed else nullcontext():
            return SwapDevice(plan.device_pages, backed=backed)
    except DeviceError:
        raise
    except OSError as error:
        raise DeviceError(f"swap device: no temporary file: {reason(error)}") from error


def _compressed(plan: BackendPlan, device: SwapDevice) -> CompressedBackend:
    """Open one of the two tiers of a plan."""
    backend = BACKENDS[plan.name](plan, device)
    if not isinstance(backend, CompressedBackend):
        raise InputError(f"backend {plan.name}: expected tiers that compress pages")
    return backend


def private_node(plan: BackendPlan, device: SwapDevice) -> Backend:
    """Open a private node, whose frames were granted to the swap backend alone."""
    if plan.codec is None and plan.measured is None:
        return CountingBackend(plan.cost, exclusive=plan.exclusive_loads)
    return PrivateNodeBackend(
        plan.cost,
        _frames(plan),
        device,
        plan.codec,
        _columns(plan.measured),
        chain_size=plan.chain_size,
        accept_threshold_percent=plan.accept_threshold_percent,
        exclusive=plan.exclusive_loads,
        folio_codec=plan.folio_codec,
    )


def zswap(plan: BackendPlan, device: SwapDevice) -> Backend:
    """Open zswap in frames of DRAM."""
    if plan.zswap is None:
        raise InputError("backend zswap: expected its rules")
    return ZswapBackend(
        plan.cost,
        _frames(plan),
        device,
        plan.codec,
        _columns(plan.measured),
        rules=plan.zswap,
        chain_size=plan.chain_size,
        exclusive=plan.exclusive_loads,
        node=plan.node,
        groups=ZswapGroups(plan.groups, plan.group_of) if plan.groups else None,
    )


def zram(plan: BackendPlan, device: SwapDevice) -> Backend:
    """Open zram in frames of DRAM."""
    if plan.zram is None:
        raise InputError("backend zram: expected its rules")
    return ZramBackend(
        plan.cost,
        _frames(plan),
        device,
        plan.codec,
        _columns(plan.measured),
        rules=plan.zram,
        recompressors=[each if isinstance(each, Codec) else _as_arrays(each) for each in plan.recompressors],
        chain_size=plan.chain_size,
        exclusive=plan.exclusive_loads,
        node=plan.node,
    )


def disk(plan: BackendPlan, device: SwapDevice) -> Backend:
    """Open a plain swap device, which stores pages uncompressed."""
    return DiskBackend(plan.cost, device)


def cram(plan: BackendPlan, device: SwapDevice) -> Backend:
    """Open a device that compresses by itself, whose frames were granted to the swap backend alone."""
    if plan.cram is None:
        raise InputError("backend cram: expected a device")
    return open_cram(
        plan.cram, plan.cost, _frames(plan), device, plan.codec, plan.measured, exclusive=plan.exclusive_loads
    )


BACKENDS: dict[str, Callable[[BackendPlan, SwapDevice], Backend]] = {
    "private-node": private_node,
    "zswap": zswap,
    "zram": zram,
    "cram": cram,
    "disk": disk,
}
"""The functions that open a backend, by its name."""


def _frames(plan: BackendPlan) -> Grant:
    if plan.frames is None:
        raise InputError(f"backend {plan.name}: expected a grant of frames")
    return plan.frames


def _columns(measured: Measured | None) -> "Columns | None":
    return None if measured is None else _as_arrays(measured)


def _as_arrays(measured: Measured) -> "Columns":
    """Return the arrays that the core reads, with its types."""
    return (
        np.ascontiguousarray(measured.size, np.uint16),
        np.ascontiguousarray(measured.same_filled, np.uint8),
        np.ascontiguousarray(measured.compress_ns, np.uint32),
        np.ascontiguousarray(measured.decompress_ns, np.uint32),
    )
