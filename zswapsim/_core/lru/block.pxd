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

from zswapsim._core.base.bits cimport popcount64, zsw_lowest_bit
from zswapsim._core.base.hints cimport zsw_prefetch_write, zsw_unlikely
from zswapsim._core.lru.log cimport (
    LRU_NONE, lru_log, lru_marked, lru_next_word, lru_place, lru_unmark,
)

cdef enum:
    LRU_BLOCK = 64
    LRU_BLOCK_FRAMES = 2 * LRU_BLOCK    # of DRAM, at least: the old end then stays behind the block's own places
    LRU_SCRATCH = 8                     # words behind the marks, for places that have none

# Of one block. Stamps are signed: LRU_NONE and LRU_DROPPED lie below the old end, as the stamps of dropped pages do.
ctypedef struct lru_block:
    int32_t latest[LRU_BLOCK]           # each page's stamp before its access
    int32_t old                         # the old end before the block
    uint32_t misses
    uint32_t minor


# Stamps all pages, at a word's beginning that is ready. Stamps before it are below LRU_SIGNED.
cdef inline void block_enter(lru_block *block, lru_log *log, uint32_t *stamps, const uint32_t *pages) noexcept nogil:
    cdef uint32_t head = log.head, i
    for i in range(LRU_BLOCK):
        block.latest[i] = <int32_t> stamps[pages[i]]
        stamps[pages[i]] = head + i
    memcpy(log.entries + lru_place(log, head), pages, LRU_BLOCK * sizeof(uint32_t))


# How many of the pages had their latest access before a stamp.
cdef inline uint32_t block_before(const lru_block *block, int32_t stamp) noexcept nogil:
    cdef uint32_t found = 0, i
    for i in range(LRU_BLOCK):
        found += block.latest[i] < stamp
    return found


# Counts the accesses to pages that were not in the log, and to those that never were.
cdef inline void block_judge(lru_block *block, const lru_log *log) noexcept nogil:
    cdef uint32_t minor = 0, i
    block.old = <int32_t> (lru_marked(log, log.tail) if log.live else log.head)
    block.misses = block_before(block, block.old)
    for i in range(LRU_BLOCK):
        minor += block.latest[i] == <int32_t> LRU_NONE
    block.minor = minor


# The stamp of the mark behind `count` others from `stamp` on.
cdef inline uint32_t lru_skip(const lru_log *log, uint32_t stamp, uint32_t count) noexcept nogil:
    cdef uint32_t word = lru_place(log, stamp) >> 6, here
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (stamp & 63))
    here = popcount64(marks)
    while here <= count:
        count -= here
        word = lru_next_word(log, word)
        stamp += 64
        marks = log.marks[word]
        here = popcount64(marks)
    while count:
        marks &= marks - 1
        count -= 1
    return (stamp & ~<uint32_t> 63) + <uint32_t> zsw_lowest_bit(marks)


# Takes the marks of all pages that had one. `following`: the pages of the next block, which are fetched meanwhile.
cdef inline void block_unmark(
    const lru_block *block, lru_log *log, const uint32_t *stamps, const uint32_t *following,
) noexcept nogil:
    cdef uint64_t *marks = log.marks
    cdef uint32_t words[LRU_BLOCK]
    cdef uint32_t scratch = log.capacity >> 6, i
    cdef int32_t lap = <int32_t> log.lap, capacity = <int32_t> log.capacity, place, out
    for i in range(LRU_BLOCK):
        place = block.latest[i] - lap
        place += capacity & place >> 31  # all ones, or 0
        out = (block.latest[i] - block.old) >> 31
        words[i] = (<uint32_t> place >> 6 & ~<uint32_t> out) | (scratch + i % LRU_SCRATCH & <uint32_t> out)
    for i in range(LRU_BLOCK):
        zsw_prefetch_write(&stamps[following[i]])
        marks[words[i]] &= ~(<uint64_t> 1 << (block.latest[i] & 63))


# The same one by one, each judged by where the old end is at its turn.
cdef inline void block_one_by_one(lru_block *block, lru_log *log, uint32_t room) noexcept nogil:
    cdef uint32_t old = <uint32_t> block.old, i
    block.misses = 0
    for i in range(LRU_BLOCK):
        if block.latest[i] >= <int32_t> old:
            lru_unmark(log, <uint32_t> block.latest[i])
        else:
            block.misses += 1
            old += block.misses > room
        old = lru_marked(log, old)
    log.tail = old


# Replays a block on `frames` of DRAM, LRU_BLOCK_FRAMES at least, out of which one page goes when none is free. Those
# of `following` are fetched.
cdef inline void block_replay(
    lru_block *block, lru_log *log, uint32_t *stamps, uint32_t frames, const uint32_t *pages,
    const uint32_t *following,
) noexcept nogil:
    cdef uint32_t room = frames - log.live, tail
    block_enter(block, log, stamps, pages)
    block_judge(block, log)
    tail = <uint32_t> block.old
    if block.misses > room:
        tail = lru_skip(log, tail, block.misses - room)
    # Whether a page had its latest access among those that the old end passes.
    if zsw_unlikely(block_before(block, <int32_t> tail) != block.misses):
        block_one_by_one(block, log, room)
    else:
        block_unmark(block, log, stamps, following)
        log.tail = tail
    log.live = min(log.live + block.misses, frames)
    log.head += LRU_BLOCK
