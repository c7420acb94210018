"""Find the pages of a trace that are neighbours: its own page numbers, cut into aligned groups."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError

MOST_PAGES = (1 << 32) - 2


class Folios(NamedTuple):
    """The folios of a trace: 1 << `order` pages each, numbered in order of first appearance."""

    order: int
    place: NDArray[np.uint32]
    """uint32[t]: for each of the trace's t dense pages, folio << order | page in the folio."""
    pages: int
    """The pages of all folios, with those that the trace never accesses."""


def find_folios(originals: NDArray[np.uint64], owners: NDArray[np.uint32] | None, order: int, name: str) -> Folios:
    """Return the folios of pages whose own numbers are `originals`.

    `originals` is uint64[t], and `owners` (uint32[t]) are the processes of the pages, if any. A folio begins at a
    multiple of its size, as an address of a large folio does. Raises InputError if all folios have more pages than can
    be numbered.
    """
    keys = originals >> np.uint64(order)
    if owners is not None:
        keys = np.unique(keys, return_inverse=True)[1].astype(np.uint64) | owners.astype(np.uint64) << np.uint64(32)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) << order > MOST_PAGES:
        raise InputError(f"{name}: {len(first)} folios of {1 << order} pages: expected at most {MOST_PAGES} pages")
    number = np.empty(len(first), np.uint32)
    number[np.argsort(first)] = np.arange(len(first), dtype=np.uint32)
    inside = (originals & np.uint64((1 << order) - 1)).astype(np.uint32)
    return Folios(order, number[inverse] << np.uint32(order) | inside, len(first) << order)
