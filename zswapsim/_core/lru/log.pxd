"""Keep exact LRU order without linked lists: a log of accesses, and for each page a stamp, the number of its latest
access.

An access appends the page to the log, sets the page's stamp to the access's number, and moves its mark in a bitmap of
the entries that are some page's latest. So a hit costs one write to a table of four bytes a page, one bit that is
probably cached, and one sequential write; a linked list would touch four records anywhere in memory. The least recently
used page is at the first mark from the tail on, and it is evicted by moving the tail past it: its stamp, which is
probably not cached, need not be read, because a stamp below the tail is invalid. The log is a ring. Usually the tail
has advanced far enough when the head wraps around. If it has not, the marked entries are compacted, which costs a
constant number of steps an access as long as the log has room for more entries than there are pages in it
(docs/design/lru-log.md has the arithmetic). The pool's writeback queue is such a log with one append for each store.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.bits cimport zsw_lowest_bit
from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport mem_free, table_alloc
from zswapsim._core.base.hints cimport zsw_prefetch_write, zsw_unlikely

cdef extern from *:
    """
    #define LRU_NONE 0xFFFFFFFFu
    #define LRU_EVICTED 0xFFFFFFFEu
    #define LRU_SIGNED 0x80000000u
    #ifndef LRU_FIRST
    #define LRU_FIRST 0u
    #endif
    """
    const uint32_t LRU_NONE      # the stamp of a page that never was in the log, or was removed; no page
    const uint32_t LRU_EVICTED   # the stamp of a page that was evicted before stamps were renumbered
    const uint32_t LRU_SIGNED    # stamps below it, and LRU_NONE, are in order as signed numbers too
    const uint32_t LRU_FIRST     # the first stamp; debug builds begin shortly before renumbering

cdef enum:
    LRU_PREFETCH = 32            # distance, in accesses, at which stamps or states are prefetched
    LRU_WORDS_PREFETCH = 4       # distance, in words of marks, at which the marked pages' stamps are prefetched
    LRU_MAX_CAPACITY = 0xFFFFFFC0    # places of the longest log
    LRU_SLACK = 64               # bytes after the marks

# Stamps count up. A page's stamp is that of its latest entry; if it has none, LRU_NONE, LRU_EVICTED or a stamp below
# the tail. Marks are set from head to the end of head's word, so that an append need not set one. If head begins a
# word, lru_open_word() must run before the next append. Marks outside of tail … head are undefined.
ctypedef struct lru_log:
    uint32_t *entries            # owned; by place, the page
    uint64_t *marks              # after the entries; by place, 1 if the entry is its page's latest
    uint32_t capacity            # places, a multiple of 64
    uint32_t head                # the next entry's stamp; at most `capacity` above tail
    uint32_t tail                # no page in the log has a lower stamp
    uint32_t base_stamp          # a present or future stamp whose place is 0; a multiple of 64
    uint32_t live                # pages in the log
    uint32_t pages               # pages whose stamps may be below the tail; 0 if none may be


# Open an empty log of at least `capacity` places. `pages`: number of stamps if lru_pop_oldest() is used, otherwise 0.
# Return 0 or ZSW_E_NOMEM.
cdef inline int lru_open(lru_log *log, uint32_t capacity, uint32_t pages) noexcept nogil:
    log.head = log.tail = log.base_stamp = LRU_FIRST
    log.live = 0
    log.pages = pages
    log.capacity = (max(capacity, 256) + 63) & ~<uint32_t> 63
    # Entries, marks and the scratch words of block.pxd are one allocation, so that all are in huge pages.
    log.entries = <uint32_t *> table_alloc(<size_t> log.capacity * sizeof(uint32_t) + log.capacity // 8 + LRU_SLACK)
    if log.entries == NULL:
        return ZSW_E_NOMEM
    log.marks = <uint64_t *> (log.entries + log.capacity)
    return ZSW_OK


cdef inline void lru_close(lru_log *log) noexcept nogil:
    mem_free(log.entries)
    log.entries = NULL
    log.marks = NULL


# Return True if `stamp` is that of a page in the log.
cdef inline bint lru_contains(const lru_log *log, uint32_t stamp) noexcept nogil:
    return stamp - log.tail < log.head - log.tail


# Return the place of the entry of a stamp in tail … head.
cdef inline uint32_t lru_index(const lru_log *log, uint32_t stamp) noexcept nogil:
    return stamp - log.base_stamp + (log.capacity if stamp < log.base_stamp else 0)


# Return the index of the next word of marks.
cdef inline uint32_t lru_next_word(const lru_log *log, uint32_t word) noexcept nogil:
    return word + 1 if word + 1 < log.capacity >> 6 else 0


cdef inline void lru_unmark(lru_log *log, uint32_t stamp) noexcept nogil:
    log.marks[lru_index(log, stamp) >> 6] &= ~(<uint64_t> 1 << (stamp & 63))


# Return the first marked stamp from `stamp` on. There must be one.
cdef inline uint32_t lru_next_marked(const lru_log *log, uint32_t stamp) noexcept nogil:
    cdef uint32_t word = lru_index(log, stamp) >> 6
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (stamp & 63))
    while marks == 0:
        word = lru_next_word(log, word)
        stamp += 64
        marks = log.marks[word]
    return (stamp & ~<uint32_t> 63) + <uint32_t> zsw_lowest_bit(marks)


# Prefetch the records, of `width` bytes each, of the marked pages among 64 places, the first of which is `stamp`'s.
cdef inline void lru_prefetch_word(
    const lru_log *log, const void *records, uint32_t width, uint32_t stamp,
) noexcept nogil:
    cdef uint32_t place, page
    cdef uint64_t marks
    if stamp + 64 - log.tail > log.head - log.tail:
        return
    place = lru_index(log, stamp)
    marks = log.marks[place >> 6]
    while marks:
        page = log.entries[place + <uint32_t> zsw_lowest_bit(marks)]
        zsw_prefetch_write(<const char *> records + <size_t> width * page)
        marks &= marks - 1


# Replace invalid stamps, which are about to be reused, by LRU_EVICTED.
cdef inline void lru_expire_stamps(const lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t page
    for page in range(log.pages):
        if stamps[page] != LRU_NONE and not lru_contains(log, stamps[page]):
            stamps[page] = LRU_EVICTED


# Copy the marked entries of `log`, in order, to `into` from the place `to` on, and stamp them from `stamp` on. `into`
# may be `log` itself, with `to` the place of its tail.
cdef inline void lru_copy_live(
    lru_log *into, uint32_t to, const lru_log *log, uint32_t *stamps, uint32_t stamp,
) noexcept nogil:
    cdef uint32_t at = log.tail & ~<uint32_t> 63, place = lru_index(log, at), left = log.live, page
    cdef uint64_t marks = log.marks[place >> 6] & (~<uint64_t> 0 << (log.tail & 63))
    while left:
        lru_prefetch_word(log, stamps, sizeof(uint32_t), at + 64 * LRU_WORDS_PREFETCH)
        while marks and left:
            page = log.entries[place + <uint32_t> zsw_lowest_bit(marks)]
            into.entries[to] = page
            stamps[page] = stamp
            stamp += 1
            to = to + 1 if to + 1 < into.capacity else 0
            marks &= marks - 1
            left -= 1
        at += 64
        place = place + 64 if place + 64 < log.capacity else 0
        marks = log.marks[place >> 6]


# Mark exactly the stamps from `tail` on, one for each live page.
cdef inline void lru_mark_all(lru_log *log, uint32_t tail) noexcept nogil:
    cdef uint32_t word
    log.tail = tail
    log.head = tail + log.live
    word = lru_index(log, tail) >> 6
    tail &= ~<uint32_t> 63
    while tail < log.head:
        log.marks[word] = ~<uint64_t> 0
        word = lru_next_word(log, word)
        tail += 64


# Move all live entries to a log of twice the size. Return 0, or ZSW_E_NOMEM, which leaves the log as it was.
cdef inline int lru_grow(lru_log *log, uint32_t *stamps, uint32_t tail) noexcept nogil:
    cdef lru_log grown
    cdef uint32_t capacity = <uint32_t> LRU_MAX_CAPACITY
    if log.capacity <= <uint32_t> LRU_MAX_CAPACITY // 2:
        capacity = log.capacity * 2
    if lru_open(&grown, capacity, log.pages) < 0:
        return ZSW_E_NOMEM
    grown.base_stamp = tail & ~<uint32_t> 63
    grown.live = log.live
    lru_copy_live(&grown, tail & 63, log, stamps, tail)
    lru_mark_all(&grown, tail)
    lru_close(log)
    log[0] = grown
    return ZSW_OK


# Compact the live entries in place, and stamp them from `tail` on.
cdef inline void lru_compact(lru_log *log, uint32_t *stamps, uint32_t tail) noexcept nogil:
    lru_copy_live(log, lru_index(log, log.tail), log, stamps, tail)
    if tail != log.tail:
        # This is the place of stamp 0, which is also that of stamp `capacity`.
        log.base_stamp = lru_index(log, log.tail & ~<uint32_t> 63)
        log.base_stamp = log.capacity - log.base_stamp
    lru_mark_all(log, tail)


# Return the limit of stamps, which is LRU_SIGNED unless the log is very long.
cdef inline uint32_t lru_end_of_stamps(const lru_log *log) noexcept nogil:
    return LRU_SIGNED if log.capacity < 1 << 28 else LRU_EVICTED


# Reserve a word of entries after head has wrapped around to tail, or stamps have reached their limit: compact the
# marked entries, or move them to a larger log if more than half are marked. Return 0, or ZSW_E_NOMEM, which leaves the
# log as it was.
cdef inline int lru_reserve_word(lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t tail
    log.tail = lru_next_marked(log, log.tail) if log.live else log.head
    tail = log.tail
    if log.head < lru_end_of_stamps(log) - 64:
        if lru_word_is_free(log):
            return ZSW_OK
    else:
        lru_expire_stamps(log, stamps)
        tail &= 63
    if log.live > log.capacity // 2 and lru_grow(log, stamps, tail) == ZSW_OK:
        return ZSW_OK
    if log.live > log.capacity - 128:
        return ZSW_E_NOMEM
    lru_compact(log, stamps, tail)
    return ZSW_OK


# Return True if the word at head has no live entry.
cdef inline bint lru_word_is_free(const lru_log *log) noexcept nogil:
    return log.head - (log.tail & ~<uint32_t> 63) <= log.capacity - 64


# Prepare the word that starts at head. Return 0, or ZSW_E_NOMEM, which leaves the log as it was.
cdef inline int lru_open_word(lru_log *log, uint32_t *stamps) noexcept nogil:
    if not lru_word_is_free(log) or log.head >= lru_end_of_stamps(log) - 64:
        if lru_reserve_word(log, stamps) < 0:
            return ZSW_E_NOMEM
    if log.head & 63 == 0:
        if log.head - log.base_stamp == log.capacity:
            log.base_stamp = log.head
        log.marks[lru_index(log, log.head) >> 6] = ~<uint64_t> 0
    return ZSW_OK


cdef inline void lru_append(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    log.entries[lru_index(log, log.head)] = page
    stamps[page] = log.head
    log.head += 1


# Move a page of the log to its head. Return 0 or ZSW_E_NOMEM. O(1) amortised.
cdef inline int lru_touch(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_unlikely(log.head & 63 == 0) and lru_open_word(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_unmark(log, stamps[page])
    lru_append(log, stamps, page)
    return ZSW_OK


# Add a page that is in no log at the head. Return 0 or ZSW_E_NOMEM. O(1) amortised.
cdef inline int lru_add(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_unlikely(log.head & 63 == 0) and lru_open_word(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_append(log, stamps, page)
    log.live += 1
    return ZSW_OK


# Remove a page. O(1).
cdef inline void lru_remove(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    lru_unmark(log, stamps[page])
    stamps[page] = LRU_NONE
    log.live -= 1


# Return the oldest page without removing it, or LRU_NONE if the log is empty. O(1) amortised.
cdef inline uint32_t lru_oldest(lru_log *log, uint32_t *stamps) noexcept nogil:
    return lru_oldest_prefetching(log, stamps, sizeof(uint32_t))


# Return the oldest page as lru_oldest() does, and prefetch the records, of `width` bytes each, of the pages after it.
cdef inline uint32_t lru_oldest_prefetching(lru_log *log, const void *records, uint32_t width) noexcept nogil:
    cdef uint32_t word = (log.tail + 63) & ~<uint32_t> 63
    if log.live == 0:
        return LRU_NONE
    log.tail = lru_next_marked(log, log.tail)
    while word <= log.tail:
        lru_prefetch_word(log, records, width, word + 64 * LRU_WORDS_PREFETCH)
        word += 64
    return log.entries[lru_index(log, log.tail)]


# Remove the oldest page without reading its stamp. The log is not empty and was opened with `pages`.
cdef inline void lru_pop_oldest(lru_log *log) noexcept nogil:
    log.tail = lru_next_marked(log, log.tail) + 1
    log.live -= 1


# Drop the page that lru_oldest() has just found.
cdef inline void lru_drop_found(lru_log *log) noexcept nogil:
    log.tail += 1
    log.live -= 1
