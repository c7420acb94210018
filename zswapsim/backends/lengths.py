"""Measured lengths for a pool that compresses pages of one repeated word like any other."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec import Codec
from zswapsim.compressors.measure import Measured

PAGE_BYTES = 4096


def with_same_filled_compressed(measured: Measured, codec: Codec, images: NDArray[np.uint8]) -> Measured:
    """`measured` of `images` (uint8[k, 4096]) with what `codec` makes of the pages that repeat one word.

    Each word is compressed once. Raises CodecError, PluginError.
    """
    size, compress_ns, decompress_ns = measured.size.copy(), measured.compress_ns.copy(), measured.decompress_ns.copy()
    known: dict[bytes, tuple[int, int, int]] = {}
    for number in np.flatnonzero(measured.same_filled):
        page = images[number].tobytes()
        if page[:8] not in known:
            known[page[:8]] = _timed(codec, page)
        size[number], compress_ns[number], decompress_ns[number] = known[page[:8]]
    none = np.zeros_like(measured.same_filled)
    return replace(measured, size=size, same_filled=none, compress_ns=compress_ns, decompress_ns=decompress_ns)


def _timed(codec: Codec, page: bytes) -> tuple[int, int, int]:
    """Length, and nanoseconds of compressing and decompressing."""
    started = time.perf_counter_ns()
    data = codec.compress(page)
    between = time.perf_counter_ns()
    if data is None:
        return PAGE_BYTES, between - started, 0
    codec.decompress(data)
    return len(data), between - started, time.perf_counter_ns() - between


def assumed(length: int) -> Measured:
    """One content of which nothing is known but the compressed length (bytes), for runs without contents."""
    none = np.zeros(1, np.uint32)
    return Measured("assumed", np.array([length], np.uint16), none.astype(bool), none.astype(bool), none, none)
