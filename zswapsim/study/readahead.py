"""Swap readahead of a run: whether there is any, and its pages by address."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.readahead.readahead import ClusterReadahead, Readahead, VmaReadahead
from zswapsim.study.backendspec import parse_backend
from zswapsim.study.settings import Settings
from zswapsim.traces import DenseTrace

SYNCHRONOUS = ("zram", "cram")
"""Backends whose pages are there when the request returns (SWP_SYNCHRONOUS_IO): nothing is read ahead from them."""
HOLE = 512
"""Pages never accessed, so many in a row, that part one mapping from the next: what one page table maps."""


class AddressOrder(NamedTuple):
    """Pages in the order of their addresses, one mapping after the other."""

    pages: NDArray[np.uint32]
    addresses: NDArray[np.uint64]
    """Of each of these: the trace's own page number."""
    mappings: NDArray[np.uint32]
    """Where in that order each mapping begins."""


def reads_ahead(settings: Settings) -> bool:
    """Whether a run with these settings reads ahead: not where it is off, or the backend completes synchronously."""
    asked = settings.readahead != "none" and settings.page_cluster > 0
    return asked and parse_backend(settings.backend).name not in SYNCHRONOUS and settings.swap != "none"


def needs_addresses(settings: Settings) -> bool:
    """Whether such a run needs the trace's own page numbers."""
    return reads_ahead(settings) and settings.readahead == "vma"


def order_for(settings: Settings, trace: DenseTrace) -> AddressOrder | None:
    """The order that :func:`open_readahead` needs for a run of a trace that has been scanned; None for none."""
    return by_address(trace.addresses(), trace.processes()) if needs_addresses(settings) else None


def by_address(numbers: NDArray[np.uint64], owners: NDArray[np.uint32] | None = None) -> AddressOrder:
    """Pages with these numbers, of these processes. A mapping is a process's, and ends before a :data:`HOLE`."""
    order = np.argsort(numbers, kind="stable") if owners is None else np.lexsort((numbers, owners))
    addresses = numbers[order]
    parted = np.diff(addresses) > HOLE
    if owners is not None:
        parted |= np.diff(owners[order]) != 0
    starts = np.concatenate(([0], np.flatnonzero(parted) + 1))
    return AddressOrder(order.astype(np.uint32), addresses, starts.astype(np.uint32))


def open_readahead(settings: Settings, order: AddressOrder | None) -> Readahead | None:
    """What a replay reads ahead; None for nothing. Raises InputError where an order is wanted and not given."""
    if not reads_ahead(settings):
        return None
    if settings.readahead == "cluster":
        return ClusterReadahead(page_cluster=settings.page_cluster)
    if order is None:
        raise InputError("readahead by VMA: expected the trace's page numbers")
    return VmaReadahead(*order, page_cluster=settings.page_cluster)
