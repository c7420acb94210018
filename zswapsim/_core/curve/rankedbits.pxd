"""Keep a bitmap with rank: count the set bits that precede a place.

Each word has the number of marks before it in its node of 32 words, each node the number before it in a group of 32
nodes, and so on with groups of 16, up to a single node: O(log places), 4 levels for 4 million places. A query adds one
number of each level; all addresses are known at once. Removing a mark subtracts 1 from the numbers after it in one node
of each level, which is a cache line and a few vector instructions. The numbers add an eighth to the bitmap.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.bits cimport popcount64
from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport mem_free, table_alloc

cdef extern from *:
    """
    /* Add `delta` to the numbers after `place` in one node. The compiler vectorizes the loops of fixed length. */
    static inline void zsw_add_after_32(uint16_t *node, uint32_t place, int delta) {
        for (int i = 0; i < 32; i++)
            node[i] = (uint16_t) (node[i] + ((int16_t) i > (int16_t) place ? (int16_t) delta : 0));
    }
    static inline void zsw_add_after_16(uint32_t *node, uint32_t place, int delta) {
        for (int i = 0; i < 16; i++)
            node[i] += i > (int) place ? (uint32_t) delta : 0;
    }
    """
    void zsw_add_after_32(uint16_t *node, uint32_t place, int delta) noexcept nogil
    void zsw_add_after_16(uint32_t *node, uint32_t place, int delta) noexcept nogil

cdef enum:
    RANK_LEVELS = 4             # levels above groups of nodes, enough for 2**32 places
    RANK_MAX = 0xFFFF0000       # places

# Bits are cleared one by one and set 64 at a time, in ascending order, before the places of the word are used. So the
# rank of a place in use is always exact.
ctypedef struct rank_bitmap:
    uint64_t *marks             # owned; one bit for each place
    uint16_t *in_node           # by word: marks before it in its node of 32 words
    uint16_t *in_group          # by node: marks before it in its group of 32 nodes
    uint32_t *upper[RANK_LEVELS]    # by level; then by group, by 16 groups, …: marks before it among 16 of its kind
    uint32_t upper_levels       # levels of these in use; the last is one node
    uint32_t words
    size_t nbytes               # bytes of all arrays above, which are one allocation


# Return the bytes of `count` numbers of `width` bytes, rounded up to whole cache lines.
cdef inline size_t rank_line_bytes(size_t count, size_t width) noexcept nogil:
    return (count * width + 63) // 64 * 64


# Allocate a clear bitmap of `places`, at most RANK_MAX. Return 0 or ZSW_E_NOMEM.
cdef inline int rank_open(rank_bitmap *into, uint32_t places) noexcept nogil:
    cdef size_t sizes[3 + RANK_LEVELS]
    cdef char *at
    cdef uint32_t level
    into.words = (places + 63) // 64
    into.upper_levels = 0
    sizes[0] = rank_line_bytes(into.words, 8)
    sizes[1] = rank_line_bytes(into.words, 2)
    sizes[2] = rank_line_bytes((into.words >> 5) + 1, 2)
    into.nbytes = sizes[0] + sizes[1] + sizes[2]
    while (into.words - 1) >> (10 + 4 * into.upper_levels):
        sizes[3 + into.upper_levels] = rank_line_bytes((into.words >> (10 + 4 * into.upper_levels)) + 1, 4)
        into.nbytes += sizes[3 + into.upper_levels]
        into.upper_levels += 1
    into.marks = <uint64_t *> table_alloc(into.nbytes)
    if into.marks == NULL:
        return ZSW_E_NOMEM
    at = <char *> into.marks + sizes[0]
    into.in_node = <uint16_t *> at
    into.in_group = <uint16_t *> (at + sizes[1])
    at += sizes[1] + sizes[2]
    for level in range(into.upper_levels):
        into.upper[level] = <uint32_t *> at
        at += sizes[3 + level]
    memset(into.marks, 0, into.nbytes)
    return ZSW_OK


cdef inline void rank_close(rank_bitmap *marks) noexcept nogil:
    mem_free(marks.marks)
    marks.marks = NULL


# Add `delta` to the ranks of all words after one.
cdef inline void rank_add_after(rank_bitmap *marks, uint32_t word, int delta) noexcept nogil:
    cdef uint32_t at = word >> 5
    cdef uint32_t level
    zsw_add_after_32(marks.in_node + (word & ~<uint32_t> 31), word & 31, delta)
    zsw_add_after_32(marks.in_group + (at & ~<uint32_t> 31), at & 31, delta)
    at >>= 5
    for level in range(marks.upper_levels):
        zsw_add_after_16(marks.upper[level] + (at & ~<uint32_t> 15), at & 15, delta)
        at >>= 4


# Set all bits of the next word, which is clear.
cdef inline void rank_set_word(rank_bitmap *marks, uint32_t word) noexcept nogil:
    marks.marks[word] = ~<uint64_t> 0
    rank_add_after(marks, word, 64)


# Clear the bit of a place, which is set.
cdef inline void rank_clear(rank_bitmap *marks, uint32_t place) noexcept nogil:
    marks.marks[place >> 6] &= ~(<uint64_t> 1 << (place & 63))
    rank_add_after(marks, place >> 6, -1)


# Return the number of set bits before a place.
cdef inline uint32_t rank_before(const rank_bitmap *marks, uint32_t place) noexcept nogil:
    cdef uint32_t at = place >> 6
    cdef uint32_t found = popcount64(marks.marks[at] & ((<uint64_t> 1 << (place & 63)) - 1)) + marks.in_node[at]
    cdef uint32_t level
    at >>= 5
    found += marks.in_group[at]
    at >>= 5
    for level in range(marks.upper_levels):
        found += marks.upper[level][at]
        at >>= 4
    return found


# Set exactly the first `count` bits, rounded up to a whole word.
cdef inline void rank_reset(rank_bitmap *marks, uint32_t count) noexcept nogil:
    cdef uint32_t word
    memset(marks.marks, 0, marks.nbytes)
    for word in range((count + 63) // 64):
        rank_set_word(marks, word)
