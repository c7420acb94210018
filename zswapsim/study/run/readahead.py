"""Set up the swap readahead of a run, with the pages in the order of their addresses if it goes by VMA."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.readahead.readahead import ClusterReadahead, Readahead, VmaReadahead
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import parse_backend
from zswapsim.traces import DenseTrace

SYNCHRONOUS = ("zram", "cram")
"""Backends that complete a read before the request returns (SWP_SYNCHRONOUS_IO); nothing is read ahead from them."""
HOLE = 512
"""A run of so many pages that are never accessed ends a mapping. It is as many as one page table maps."""


class AddressOrder(NamedTuple):
    """List pages in the order of their addresses, one mapping after the other."""

    pages: NDArray[np.uint32]
    addresses: NDArray[np.uint64]
    """The trace's own number of each of these pages."""
    mappings: NDArray[np.uint32]
    """The place in that order at which each mapping begins."""


def reads_ahead(settings: Settings) -> bool:
    """Tell if a run with these settings reads ahead: not if it is off, or if the backend completes synchronously."""
    asked = settings.readahead != "none" and settings.page_cluster > 0
    return asked and parse_backend(settings.backend).name not in SYNCHRONOUS and settings.swap != "none"


def needs_addresses(settings: Settings) -> bool:
    """Tell if a run with these settings needs the trace's own page numbers."""
    return reads_ahead(settings) and settings.readahead == "vma"


def order_for(settings: Settings, trace: DenseTrace) -> AddressOrder | None:
    """Return the order that :func:`open_readahead` needs, if any, for a run of a trace that has been scanned."""
    return by_address(trace.addresses(), trace.processes()) if needs_addresses(settings) else None


def by_address(numbers: NDArray[np.uint64], owners: NDArray[np.uint32] | None = None) -> AddressOrder:
    """Sort pages by their numbers. A mapping belongs to one of the processes `owners`, and ends at a :data:`HOLE`."""
    order = np.argsort(numbers, kind="stable") if owners is None else np.lexsort((numbers, owners))
    addresses = numbers[order]
    parted = np.diff(addresses) > HOLE
    if owners is not None:
        parted |= np.diff(owners[order]) != 0
    starts = np.concatenate(([0], np.flatnonzero(parted) + 1))
    return AddressOrder(order.astype(np.uint32), addresses, starts.astype(np.uint32))


def open_readahead(settings: Settings, order: AddressOrder | None) -> Readahead | None:
    """Return the readahead of a replay, if it has any. Raises InputError if it needs an order and gets none."""
    if not reads_ahead(settings):
        return None
    if settings.readahead == "cluster":
        return ClusterReadahead(page_cluster=settings.page_cluster)
    if order is None:
        raise InputError("readahead by VMA: expected the trace's page numbers")
    return VmaReadahead(*order, page_cluster=settings.page_cluster)
