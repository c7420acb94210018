"""Find the accesses that ``opt`` knows in advance: all pages of a trace, read once before it is replayed."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import HostMemoryError
from zswapsim._core.reclaim.opt import NextAccesses


def next_accesses(accesses: Iterable[NDArray[np.uint32]], count: int, footprint: int) -> NextAccesses:
    """Return the index of the next access to each access's page.

    `accesses` are pages, in pieces, at most `count` in all. The result takes 8 bytes an access.
    Raises HostMemoryError, InputError.
    """
    try:
        pages = np.empty(count, np.uint32)
    except MemoryError:
        raise HostMemoryError(f"--reclaim opt: {count} accesses: larger than can be reserved") from None
    done = 0
    for piece in accesses:
        pages[done : done + len(piece)] = piece
        done += len(piece)
    return NextAccesses(pages[:done], footprint)
