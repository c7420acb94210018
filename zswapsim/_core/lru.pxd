"""Exact least-recently-used order without links: a log of accesses, and in each page's record its latest place there.

An access appends the page to the log, a ring, stamps the place into the page's record, and moves its mark in a bitmap
of the places that are some page's latest. So a hit costs one write to the page's record, one bit that lies in the
cache, and one sequential write, where a linked list would touch four records anywhere in memory. The least recently
used page is at the first mark from the old end on. Where the ring is full, the marked entries are moved together,
which costs a constant number of steps an access as long as the ring has room for more entries than there are pages
in it (docs/architecture.md has the arithmetic). The writeback queue of the pool is the same, one append a store.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from zswapsim._core.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.memory cimport table_alloc

cdef extern from *:
    """
    #define zsw_prefetch(address) __builtin_prefetch((address), 1, 3)
    #define zsw_lowest_bit(word) __builtin_ctzll(word)
    #define zsw_seldom(condition) __builtin_expect(!!(condition), 0)
    #define LRU_NONE 0xFFFFFFFFu
    """
    void zsw_prefetch(const void *address) noexcept nogil
    int zsw_lowest_bit(uint64_t word) noexcept nogil
    bint zsw_seldom(bint condition) noexcept nogil
    const uint32_t LRU_NONE      # the stamp of a page that is in no log; no page

cdef enum:
    LRU_AHEAD = 32               # records fetched ahead of their turn
    LRU_MOST = 0xFFFFFFC0        # longest log

ctypedef struct page_record:     # 8 bytes
    uint32_t stamp               # place of its latest entry, or LRU_NONE
    uint32_t state               # the owner's flags

# Marks are ones from head to the end of head's word, so that an append needs to mark nothing. Where head begins a
# word, or is at the ring's end, that word must be readied before the next append.
ctypedef struct lru_log:
    uint32_t *entries            # owned; a ring of pages
    uint64_t *marks              # behind the entries; a bit for each: it is its page's latest
    uint32_t capacity            # entries, a multiple of 64
    uint32_t head                # where the next entry goes
    uint32_t tail                # no mark lies between here and the oldest marked entry
    uint32_t used                # entries from tail to head
    uint32_t live                # pages in the log


cdef inline int lru_open(lru_log *log, uint32_t capacity) noexcept nogil:
    log.head = log.tail = log.used = log.live = 0
    log.capacity = (max(capacity, 256) + 63) & ~<uint32_t> 63
    # One block, so that both lie in huge pages.
    log.entries = <uint32_t *> table_alloc(<size_t> log.capacity * sizeof(uint32_t) + log.capacity // 8)
    if log.entries == NULL:
        return ZSW_E_NOMEM
    log.marks = <uint64_t *> (log.entries + log.capacity)
    memset(log.marks, 0, log.capacity // 8)
    return ZSW_OK


cdef inline void lru_close(lru_log *log) noexcept nogil:
    free(log.entries)
    log.entries = NULL
    log.marks = NULL


cdef inline void lru_mark(lru_log *log, uint32_t place) noexcept nogil:
    log.marks[place >> 6] |= <uint64_t> 1 << (place & 63)


cdef inline void lru_unmark(lru_log *log, uint32_t place) noexcept nogil:
    log.marks[place >> 6] &= ~(<uint64_t> 1 << (place & 63))


cdef inline uint32_t lru_next(const lru_log *log, uint32_t place) noexcept nogil:
    return place + 1 if place + 1 < log.capacity else 0


# The first marked place from `place` on, round the ring. There is one.
cdef inline uint32_t lru_marked(const lru_log *log, uint32_t place) noexcept nogil:
    cdef uint32_t word = place >> 6
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (place & 63))
    while marks == 0:
        word = word + 1 if word + 1 < log.capacity >> 6 else 0
        marks = log.marks[word]
    return (word << 6) + <uint32_t> zsw_lowest_bit(marks)


# Marks the places from `place` to the end of its word, where it does not begin one.
cdef inline void lru_mark_rest(lru_log *log, uint32_t place) noexcept nogil:
    if place & 63:
        log.marks[place >> 6] |= ~<uint64_t> 0 << (place & 63)


# Moves all live entries, in their order, to the beginning of a ring of twice the size. ZSW_E_NOMEM leaves it.
cdef inline int lru_grow(lru_log *log, page_record *records) noexcept nogil:
    cdef lru_log grown
    cdef uint32_t i, place = log.tail
    if lru_open(&grown, log.capacity * 2 if log.capacity <= <uint32_t> LRU_MOST // 2 else <uint32_t> LRU_MOST) < 0:
        lru_close(&grown)
        return ZSW_E_NOMEM
    for i in range(log.live):
        place = lru_marked(log, place)
        grown.entries[i] = log.entries[place]
        records[grown.entries[i]].stamp = i
        lru_mark(&grown, i)
        place = lru_next(log, place)
    grown.head = grown.used = grown.live = log.live
    lru_mark_rest(&grown, grown.head)
    lru_close(log)
    log[0] = grown
    return ZSW_OK


# Makes room for a word of entries in a full ring whose head is at the beginning of a word: moves the marked ones
# together, or into a larger ring when more than half are marked. ZSW_E_NOMEM leaves it as it was.
cdef inline int lru_make_room(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t page, place = log.tail, into = log.tail, ahead = log.tail
    cdef uint32_t moved = 0, fetched = 0
    if log.live > log.capacity // 2 and lru_grow(log, records) == ZSW_OK:
        return ZSW_OK
    if log.live > log.capacity - 128:
        return ZSW_E_NOMEM
    while moved < log.live:
        while fetched < log.live and fetched < moved + LRU_AHEAD:
            ahead = lru_marked(log, ahead)
            zsw_prefetch(&records[log.entries[ahead]])
            ahead = lru_next(log, ahead)
            fetched += 1
        place = lru_marked(log, place)
        page = log.entries[place]
        lru_unmark(log, place)
        lru_mark(log, into)
        log.entries[into] = page
        records[page].stamp = into
        place = lru_next(log, place)
        into = lru_next(log, into)
        moved += 1
    log.head = into
    log.used = log.live
    lru_mark_rest(log, into)
    return ZSW_OK


# Readies the word that head is at the beginning of. ZSW_E_NOMEM leaves the log as it was.
cdef inline int lru_ready(lru_log *log, page_record *records) noexcept nogil:
    if log.head == log.capacity:
        log.head = 0
    if log.used > log.capacity - 64 and lru_make_room(log, records) < 0:
        return ZSW_E_NOMEM
    if log.head & 63 == 0:
        log.marks[log.head >> 6] = ~<uint64_t> 0
    return ZSW_OK


cdef inline void lru_put(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    log.entries[log.head] = page
    records[page].stamp = log.head
    log.head += 1
    log.used += 1


# Moves a page of the log to its young end. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_touch(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    if zsw_seldom(log.head & 63 == 0) and lru_ready(log, records) < 0:
        return ZSW_E_NOMEM
    lru_unmark(log, records[page].stamp)
    lru_put(log, records, page)
    return ZSW_OK


# Enters a page that is in no log. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_add(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    if zsw_seldom(log.head & 63 == 0) and lru_ready(log, records) < 0:
        return ZSW_E_NOMEM
    lru_put(log, records, page)
    log.live += 1
    return ZSW_OK


# Takes a page out. O(1).
cdef inline void lru_remove(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    lru_unmark(log, records[page].stamp)
    records[page].stamp = LRU_NONE
    log.live -= 1


# The page at the old end, which stays there; LRU_NONE where the log is empty. O(1) amortised.
cdef inline uint32_t lru_oldest(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t place
    if log.live == 0:
        return LRU_NONE
    place = lru_marked(log, log.tail)
    log.used -= place - log.tail if place >= log.tail else place + log.capacity - log.tail
    log.tail = place
    # The one that will be asked for next.
    zsw_prefetch(&records[log.entries[lru_marked(log, lru_next(log, place))]])
    return log.entries[place]
