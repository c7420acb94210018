"""Draw from a finite distribution by inverting its cumulative sums with a guide table.

The guide (Chen and Asau, "On generating random variates from an empirical distribution", 1974) divides the range into
about as many equal parts as there are ranks, and gives for each part the rank at which the search begins; on average
the search then ends within two steps. All arithmetic is on integers, so a draw is the same on every machine.
"""

from libc.stdint cimport uint32_t, uint64_t

import numpy as np

from zswapsim._core.base.arguments cimport uint32s, uint64s, uint64s_out
from zswapsim._core.base.errors import InputError

DRAW_BITS = 53      # a cumulative sum of 2**53 stands for probability 1

cdef enum:
    C_DRAW_BITS = 53


cdef class RankTable:
    """Draw ranks 0 … n-1 by the given cumulative sums.

    `cumulative`: uint64[n], never decreasing, the last one 2**53; rank k is drawn for numbers from cumulative[k - 1]
    (0 for the first) up to, but not including, cumulative[k]. Raises InputError otherwise. Immutable; any number of
    threads may draw at once.
    """
    cdef const uint64_t[::1] cumulative
    cdef const uint32_t[::1] guide      # by part, the first rank whose sum is above the part's beginning
    cdef int guide_bits

    # __cinit__ runs exactly once, so the sums are set before the table can be used, and never change.
    def __cinit__(self, cumulative):
        try:
            cumulative = np.array(cumulative, np.uint64)
        except (OverflowError, TypeError, ValueError) as error:
            raise InputError(f"RankTable: expected sums as uint64: {error}") from None
        one_row = cumulative.ndim == 1 and 0 < len(cumulative) < 1 << 32
        if not one_row or cumulative.max() != 1 << DRAW_BITS or (np.diff(cumulative.view(np.int64)) < 0).any():
            raise InputError("RankTable: expected sums that never decrease and end at 2**53")
        bits = max(len(cumulative) - 1, 1).bit_length()
        begins = np.arange(1 << bits, dtype=np.uint64) << np.uint64(DRAW_BITS - bits)
        guide = np.searchsorted(cumulative, begins, side="right").astype(np.uint32)
        self.cumulative, self.guide, self.guide_bits = cumulative, guide, bits

    def draw(self, raw, numbers, out):
        """Set out[i] to numbers[rank], for the rank that the upper 53 bits of raw[i] draw.

        `raw`: uint64[n]; `numbers`: uint32, one for each rank; `out`: uint64[n]. O(n) on average, without the GIL.
        Raises InputError if lengths don't fit.
        """
        cdef const uint64_t[::1] drawn = uint64s(raw, "raw")
        cdef const uint32_t[::1] of_rank = uint32s(numbers, "numbers")
        cdef uint64_t[::1] found = uint64s_out(out, "out")
        cdef Py_ssize_t i
        cdef uint64_t number
        cdef uint32_t rank
        if of_rank.shape[0] != self.cumulative.shape[0] or drawn.shape[0] != found.shape[0]:
            raise InputError("RankTable.draw: expected a number for each rank and room for each draw")
        with nogil:
            for i in range(drawn.shape[0]):
                number = drawn[i] >> (64 - C_DRAW_BITS)
                rank = self.guide[<Py_ssize_t> (number >> (C_DRAW_BITS - self.guide_bits))]
                while self.cumulative[rank] <= number:
                    rank += 1
                found[i] = of_rank[rank]
