"""Make measured lengths for a pool that compresses same-filled pages like others, and assumed lengths."""

from dataclasses import replace

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim.compressors.measure import Measured


def with_same_filled_compressed(measured: Measured) -> Measured:
    """Return `measured` with the compressed lengths of same-filled pages. Raises InputError if they are not known."""
    if measured.compressed is None:
        if measured.same_filled.any():
            raise InputError(f"measured {measured.spec}: it is not known what same-filled pages compress to")
        return measured
    columns = measured.compressed._asdict()
    return replace(measured, same_filled=np.zeros_like(measured.same_filled), **columns)


def assumed(length: int) -> Measured:
    """Return one content of which only the compressed length (bytes) is known, for runs without contents."""
    none = np.zeros(1, np.uint32)
    return Measured("assumed", np.array([length], np.uint16), none.astype(bool), none.astype(bool), none, none)
