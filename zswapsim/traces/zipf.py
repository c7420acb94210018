"""Compute Zipf's law over a bounded number of ranks, the same to the bit on every machine.

The power function of a C library may differ in its last bit from one machine to the next, and with it a trace. So
rank**-alpha is computed from additions, multiplications and divisions alone, which IEEE 754 defines exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.trace.draw import DRAW_BITS

LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # 32 leading bits of ln 2: its product with an exponent is exact
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")  # the rest
SQRT_HALF = 0.7071067811865476
ATANH_TERMS = 12  # |s| is at most 0.172: the next term is below 2**-60
BLOCK_RANKS = 1 << 16
EXP_TERMS = 15  # |x| is at most 0.347: the next term is below 2**-60


def logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithms of positive numbers, within about 2 units in the last place; ln m = 2 atanh((m-1)/(m+1))."""
    mantissa, exponent = np.frexp(values)
    low = mantissa < SQRT_HALF
    mantissa, exponent = np.where(low, 2 * mantissa, mantissa), (exponent - low).astype(np.float64)
    s = (mantissa - 1) / (mantissa + 1)
    square, total = s * s, np.zeros_like(s)
    for term in range(ATANH_TERMS - 1, -1, -1):
        total = total * square + 1 / (2 * term + 1)
    result: NDArray[np.float64] = exponent * LN2_HIGH + (2 * s * total + exponent * LN2_LOW)
    return result


def exponential(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exponential of each value, by Taylor's series; relative error below 2**-50 for values above -100."""
    turns = np.rint(values / (LN2_HIGH + LN2_LOW))
    rest = (values - turns * LN2_HIGH) - turns * LN2_LOW
    total = np.ones_like(rest)
    for term in range(EXP_TERMS, 0, -1):
        total = 1 + total * rest / term
    return np.ldexp(total, turns.astype(np.int64))


def zipf_sums(ranks: int, alpha: float) -> NDArray[np.uint64]:
    """Return uint64[ranks]: cumulative sums of probabilities proportional to rank**-alpha, rank 1 … `ranks`.

    RankTable takes them. Any alpha of at least 0 is allowed (0 makes all ranks equal; 1 is no exception). They are
    exact but for the rounding of float64.
    """
    # Sum from the rarest on, so that small weights are not lost beside the sum of the large ones; in blocks, since the
    # functions make many arrays.
    above = np.zeros(ranks + 1)
    for end in range(ranks, 0, -BLOCK_RANKS):
        start = max(0, end - BLOCK_RANKS)
        weights = exponential(-alpha * logarithm(np.arange(start + 1, end + 1, dtype=np.float64)))
        weights[-1] += above[end]
        above[start:end] = np.cumsum(weights[::-1])[::-1]
    scaled = np.empty(ranks, np.uint64)
    for start in range(0, ranks, BLOCK_RANKS):
        part = above[start + 1 : start + 1 + BLOCK_RANKS]
        scaled[start : start + len(part)] = (1 - part / above[0]) * float(1 << DRAW_BITS)
    return np.maximum.accumulate(scaled, out=scaled)
