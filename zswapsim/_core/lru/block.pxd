"""Replay exact LRU at counts depth in blocks of 64 accesses, one word of the log's marks.

One access at a time, the branch on hit or miss is unpredictable, and each miss moves the tail with which the next
access is compared. But each access gets the next stamp, hit or miss, and within a block the tail moves little. So first
all stamps are read and replaced, then all accesses are compared with the tail before the block. That is wrong only if a
page of the block was among those that the tail passes. Such a block is rare, and is replayed one access at a time. The
rest has no data-dependent branch, and loops of fixed length that the compiler vectorizes.
"""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.base.bits cimport popcount64, zsw_lowest_bit
from zswapsim._core.base.hints cimport zsw_prefetch_write, zsw_unlikely
from zswapsim._core.lru.log cimport (
    LRU_NONE, lru_index, lru_log, lru_next_marked, lru_next_word, lru_unmark,
)

cdef enum:
    LRU_BLOCK = 64
    LRU_BLOCK_FRAMES = 2 * LRU_BLOCK    # least DRAM for blocks: the tail then stays before the block's own places
    LRU_SCRATCH = 8                     # words after the marks, for places that have none

# State of one block. Stamps are signed: LRU_NONE and LRU_EVICTED lie below the tail, as the stamps of evicted pages do.
ctypedef struct lru_block:
    int32_t previous[LRU_BLOCK]         # each page's stamp before its access
    int32_t old_tail                    # the log's tail before the block
    uint32_t misses                     # accesses to pages that were not in the log
    uint32_t minor                      # of these, accesses to pages that never were in it


# Stamp all pages and append them to the log, whose head begins a word that is open. All stamps before are below
# LRU_SIGNED.
cdef inline void lrublock_stamp(lru_block *block, lru_log *log, uint32_t *stamps, const uint32_t *pages) noexcept nogil:
    cdef uint32_t head = log.head, i
    for i in range(LRU_BLOCK):
        block.previous[i] = <int32_t> stamps[pages[i]]
        stamps[pages[i]] = head + i
    memcpy(log.entries + lru_index(log, head), pages, LRU_BLOCK * sizeof(uint32_t))


# Return how many pages were last accessed before a stamp.
cdef inline uint32_t lrublock_count_before(const lru_block *block, int32_t stamp) noexcept nogil:
    cdef uint32_t total = 0, i
    for i in range(LRU_BLOCK):
        total += block.previous[i] < stamp
    return total


# Count the accesses to pages that were not in the log, and to those that never were.
cdef inline void lrublock_count_misses(lru_block *block, const lru_log *log) noexcept nogil:
    cdef uint32_t minor = 0, i
    block.old_tail = <int32_t> (lru_next_marked(log, log.tail) if log.live else log.head)
    block.misses = lrublock_count_before(block, block.old_tail)
    for i in range(LRU_BLOCK):
        minor += block.previous[i] == <int32_t> LRU_NONE
    block.minor = minor


# Return the marked stamp after skipping `count` marks from `stamp` on.
cdef inline uint32_t lru_nth_marked(const lru_log *log, uint32_t stamp, uint32_t count) noexcept nogil:
    cdef uint32_t word = lru_index(log, stamp) >> 6, in_word
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (stamp & 63))
    in_word = popcount64(marks)
    while in_word <= count:
        count -= in_word
        word = lru_next_word(log, word)
        stamp += 64
        marks = log.marks[word]
        in_word = popcount64(marks)
    while count:
        marks &= marks - 1
        count -= 1
    return (stamp & ~<uint32_t> 63) + <uint32_t> zsw_lowest_bit(marks)


# Clear the old marks of all hits. Prefetch the stamps of `next_pages`, the pages of the next block.
cdef inline void lrublock_unmark(
    const lru_block *block, lru_log *log, const uint32_t *stamps, const uint32_t *next_pages,
) noexcept nogil:
    cdef uint64_t *marks = log.marks
    cdef uint32_t words[LRU_BLOCK]
    cdef uint32_t scratch = log.capacity >> 6, i
    cdef int32_t base_stamp = <int32_t> log.base_stamp, capacity = <int32_t> log.capacity, place, out
    for i in range(LRU_BLOCK):
        place = block.previous[i] - base_stamp
        place += capacity & place >> 31  # all ones, or 0
        out = (block.previous[i] - block.old_tail) >> 31
        words[i] = (<uint32_t> place >> 6 & ~<uint32_t> out) | (scratch + i % LRU_SCRATCH & <uint32_t> out)
    for i in range(LRU_BLOCK):
        zsw_prefetch_write(&stamps[next_pages[i]])
        marks[words[i]] &= ~(<uint64_t> 1 << (block.previous[i] & 63))


# Clear the old marks one access at a time, each compared with the current tail.
cdef inline void lrublock_unmark_scalar(lru_block *block, lru_log *log, uint32_t room) noexcept nogil:
    cdef uint32_t old_tail = <uint32_t> block.old_tail, i
    block.misses = 0
    for i in range(LRU_BLOCK):
        if block.previous[i] >= <int32_t> old_tail:
            lru_unmark(log, <uint32_t> block.previous[i])
        else:
            block.misses += 1
            old_tail += block.misses > room
        old_tail = lru_next_marked(log, old_tail)
    log.tail = old_tail


# Replay a block on `frames` frames of DRAM, at least LRU_BLOCK_FRAMES, evicting one page at a time. Prefetch the stamps
# of `next_pages`.
cdef inline void lrublock_walk(
    lru_block *block, lru_log *log, uint32_t *stamps, uint32_t frames, const uint32_t *pages,
    const uint32_t *next_pages,
) noexcept nogil:
    cdef uint32_t room = frames - log.live, tail
    lrublock_stamp(block, log, stamps, pages)
    lrublock_count_misses(block, log)
    tail = <uint32_t> block.old_tail
    if block.misses > room:
        tail = lru_nth_marked(log, tail, block.misses - room)
    # If the counts differ, a page of the block is among those that the tail passes.
    if zsw_unlikely(lrublock_count_before(block, <int32_t> tail) != block.misses):
        lrublock_unmark_scalar(block, log, room)
    else:
        lrublock_unmark(block, log, stamps, next_pages)
        log.tail = tail
    log.live = min(log.live + block.misses, frames)
    log.head += LRU_BLOCK
