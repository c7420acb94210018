"""Find, count and mask bits of 64-bit words."""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #define zsw_lowest_bit(word) __builtin_ctzll(word)
    #define zsw_log2(word) (63 - __builtin_clzll(word))
    """
    # Return the index of the lowest set bit of a word that is not 0.
    int zsw_lowest_bit(uint64_t word) noexcept nogil
    # Return the index of the highest set bit of a word that is not 0.
    int zsw_log2(uint64_t word) noexcept nogil


# Return the number of set bits. This needs no instruction that x86-64 may lack (Hacker's Delight, 5-1).
cdef inline uint32_t popcount64(uint64_t word) noexcept nogil:
    word -= (word >> 1) & <uint64_t> 0x5555555555555555
    word = (word & <uint64_t> 0x3333333333333333) + ((word >> 2) & <uint64_t> 0x3333333333333333)
    word = (word + (word >> 4)) & <uint64_t> 0x0F0F0F0F0F0F0F0F
    return <uint32_t> ((word * <uint64_t> 0x0101010101010101) >> 56)


# Return the number of bits that `value` needs; 0 for 0.
cdef inline int bit_width(uint64_t value) noexcept nogil:
    return zsw_log2(value) + 1 if value else 0


# Return a mask of the `bits` lowest bits; `bits` is 1 to 64.
cdef inline uint64_t low_mask(int bits) noexcept nogil:
    return ~<uint64_t> 0 >> (64 - bits)
