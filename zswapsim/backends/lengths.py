"""Measured lengths for a pool that compresses pages of one repeated word like any other, and assumed ones."""

from dataclasses import replace

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim.compressors.measure import Measured


def with_same_filled_compressed(measured: Measured) -> Measured:
    """`measured` with what the codec makes of pages that repeat one word. Raises InputError where that is not known."""
    if measured.compressed is None:
        if measured.same_filled.any():
            raise InputError(f"measured {measured.spec}: it is not known what same-filled pages compress to")
        return measured
    columns = measured.compressed._asdict()
    return replace(measured, same_filled=np.zeros_like(measured.same_filled), **columns)


def assumed(length: int) -> Measured:
    """One content of which nothing is known but the compressed length (bytes), for runs without contents."""
    none = np.zeros(1, np.uint32)
    return Measured("assumed", np.array([length], np.uint16), none.astype(bool), none.astype(bool), none, none)
