"""64 accesses of exact LRU at once, where pages are only counted: as many as one word of the log's marks.

Access by access, whether a page is in DRAM decides a branch that no processor can predict, and each miss moves the old
end that the next access is judged by. But every access gets the next stamp, hit or miss; and the old end moves on by a
few of hundreds of thousands of places. So all stamps are taken and given first, then each access is judged by where the
old end was before the block. That is right unless a page had its latest place among those that the old end then passes:
only such a block, which is rare, is gone through one by one. What is left has no branch that depends on the data, and
the loops are of fixed length, for the compiler to make vectors of.
"""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.lru cimport LRU_NONE, lru_log, lru_marked, lru_unmark, zsw_lowest_bit, zsw_prefetch, zsw_seldom

cdef extern from *:
    """
    #define zsw_bits(word) ((uint32_t) __builtin_popcountll(word))
    """
    uint32_t zsw_bits(uint64_t word) noexcept nogil

cdef enum:
    LRU_BLOCK = 64
    LRU_BLOCK_FRAMES = 2 * LRU_BLOCK    # of DRAM, at least: the old end then stays behind the block's own places
    LRU_SCRATCH = 8                     # words behind the marks, for places that have none

# Of one block. Places are signed: one of a page that is not in the log, or was never in one, lies below the old end.
ctypedef struct lru_block:
    int32_t places[LRU_BLOCK]           # where each page was last before its access
    int32_t old                         # the old end before the block
    uint32_t misses
    uint32_t minor


# Stamps all pages, at a word's beginning that is ready. Stamps before it are below LRU_SIGNED. `pages` are followed by
# a block more, which is fetched.
cdef inline void block_enter(lru_block *block, lru_log *log, uint32_t *stamps, const uint32_t *pages) noexcept nogil:
    cdef uint32_t head = log.base + log.head, base = log.base
    cdef uint32_t i
    for i in range(LRU_BLOCK):
        block.places[i] = <int32_t> (stamps[pages[i]] - base)
        stamps[pages[i]] = head + i
    memcpy(log.entries + log.head, pages, LRU_BLOCK * sizeof(uint32_t))


# Counts the accesses to pages that were not in the log, and to those that never were.
cdef inline void block_judge(lru_block *block, const lru_log *log) noexcept nogil:
    cdef int32_t never = <int32_t> (LRU_NONE - log.base)
    cdef int32_t old = <int32_t> (lru_marked(log, log.tail) if log.live else log.head)
    cdef uint32_t misses = 0, minor = 0, i
    for i in range(LRU_BLOCK):
        misses += block.places[i] < old
    for i in range(LRU_BLOCK):
        minor += block.places[i] == never
    block.old = old
    block.misses = misses
    block.minor = minor


# Whether a page was last at one of the places that the old end passes on its way to `tail`.
cdef inline bint block_meets(const lru_block *block, int32_t tail) noexcept nogil:
    cdef uint32_t passed = <uint32_t> (tail - block.old), met = 0, i
    for i in range(LRU_BLOCK):
        met |= <uint32_t> (block.places[i] - block.old) < passed
    return met != 0


# The place of the mark behind `count` others from `place` on.
cdef inline uint32_t lru_skip(const lru_log *log, uint32_t place, uint32_t count) noexcept nogil:
    cdef uint32_t word = place >> 6, here
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (place & 63))
    here = zsw_bits(marks)
    while here <= count:
        count -= here
        word += 1
        marks = log.marks[word]
        here = zsw_bits(marks)
    while count:
        marks &= marks - 1
        count -= 1
    return (word << 6) + <uint32_t> zsw_lowest_bit(marks)


# Takes the marks of all places that had one. The pages of the next block are fetched meanwhile.
cdef inline void block_unmark(
    const lru_block *block, lru_log *log, const uint32_t *stamps, const uint32_t *following,
) noexcept nogil:
    cdef uint64_t *marks = log.marks
    cdef uint32_t words[LRU_BLOCK]
    cdef uint32_t scratch = log.capacity >> 6, i
    cdef int32_t out
    for i in range(LRU_BLOCK):
        out = (block.places[i] - block.old) >> 31  # all ones, or 0
        words[i] = (<uint32_t> block.places[i] >> 6 & ~<uint32_t> out) | (scratch + i % LRU_SCRATCH & <uint32_t> out)
    for i in range(LRU_BLOCK):
        zsw_prefetch(&stamps[following[i]])
        marks[words[i]] &= ~(<uint64_t> 1 << (block.places[i] & 63))


# The same one by one, each judged by where the old end is at its turn.
cdef inline void block_one_by_one(lru_block *block, lru_log *log, uint32_t room) noexcept nogil:
    cdef uint32_t place = <uint32_t> block.old, i
    block.misses = 0
    for i in range(LRU_BLOCK):
        if block.places[i] >= <int32_t> place:
            lru_unmark(log, <uint32_t> block.places[i])
        else:
            block.misses += 1
            place += block.misses > room
        place = lru_marked(log, place)
    log.tail = place


# Replays a block on `frames` of DRAM, LRU_BLOCK_FRAMES at least, out of which one page goes when none is free.
cdef inline void block_replay(
    lru_block *block, lru_log *log, uint32_t *stamps, uint32_t frames, const uint32_t *pages,
) noexcept nogil:
    cdef uint32_t room = frames - log.live, tail
    block_enter(block, log, stamps, pages)
    block_judge(block, log)
    tail = <uint32_t> block.old
    if block.misses > room:
        tail = lru_skip(log, tail, block.misses - room)
    if zsw_seldom(block_meets(block, <int32_t> tail)):
        block_one_by_one(block, log, room)
    else:
        block_unmark(block, log, stamps, pages + LRU_BLOCK)
        log.tail = tail
    log.live = min(log.live + block.misses, frames)
    log.head += LRU_BLOCK
