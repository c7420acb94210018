"""Compare, fill and sum the bytes of a page."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE

cdef enum:
    PAGE_WORDS = ZSW_PAGE_SIZE >> 3


# Return 1 and the word if the page repeats one machine word, otherwise 0. The last word is compared first: pages of
# data that begin with a run of one word mostly end otherwise (so does Linux in zram's and swap's same-filled checks).
cdef inline int page_same_filled(const uint8_t *page, uint64_t *word) noexcept nogil:
    cdef const uint64_t *words = <const uint64_t *> page
    cdef uint64_t first = words[0]
    cdef int i
    if words[PAGE_WORDS - 1] != first:
        return 0
    for i in range(1, PAGE_WORDS - 1):
        if words[i] != first:
            return 0
    word[0] = first
    return 1


cdef inline void page_fill(uint8_t *page, uint64_t word) noexcept nogil:
    cdef int i
    for i in range(PAGE_WORDS):
        memcpy(page + 8 * i, &word, 8)


# Return a 32-bit checksum of a page: four lanes of multiply and rotate over the words (the constants are odd, from the
# golden ratio and from splitmix64, Steele et al., OOPSLA 2014), so that any single changed word changes its lane.
cdef inline uint32_t page_checksum(const uint8_t *page) noexcept nogil:
    cdef const uint64_t *words = <const uint64_t *> page
    cdef uint64_t[4] lanes
    cdef uint64_t mixed = 0
    cdef int i, lane
    for lane in range(4):
        lanes[lane] = <uint64_t> 0x9E3779B97F4A7C15 * (lane + 1)
    for i in range(0, PAGE_WORDS, 4):
        for lane in range(4):
            lanes[lane] = (lanes[lane] ^ words[i + lane]) * <uint64_t> 0xBF58476D1CE4E5B9
            lanes[lane] = (lanes[lane] << 27) | (lanes[lane] >> 37)
    for lane in range(4):
        mixed = (mixed ^ lanes[lane]) * <uint64_t> 0x94D049BB133111EB
        mixed ^= mixed >> 29
    return <uint32_t> (mixed ^ (mixed >> 32))
