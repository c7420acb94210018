"""Exact least-recently-used order without links: a log of accesses, and in each page's record its latest place there.

An access appends the page to the log, a ring, and stamps the place into the page's record; older entries of the page
go stale by that alone. The oldest entry that is not stale is the least recently used page. So a hit costs one write
to the page's record and one sequential write, where a linked list would touch four records; and each entry is looked
at once more when its turn comes at the old end. Where the ring is full before that, stale entries are squeezed out,
which costs a constant number of steps an access as long as the ring has room for more entries than there are pages
in it (docs/architecture.md has the arithmetic). The writeback queue of the pool is the same, one append a store.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport free
from libc.string cimport memset

from zswapsim._core.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.memory cimport table_alloc

cdef extern from *:
    """
    #define zsw_prefetch(address) __builtin_prefetch((address), 1, 1)
    """
    void zsw_prefetch(const void *address) noexcept nogil

cdef enum:
    LRU_AHEAD = 32               # entries looked at ahead of their turn
    LRU_MOST = 0xFFFFFFF0        # longest log

cdef extern from *:
    """
    #define LRU_NONE 0xFFFFFFFFu
    """
    const uint32_t LRU_NONE      # the stamp of a page that is in no log; no page

ctypedef struct page_record:     # 8 bytes
    uint32_t stamp               # place of its latest entry, or LRU_NONE
    uint32_t state               # the owner's flags

ctypedef struct lru_log:
    uint32_t *entries            # owned; a ring of pages
    uint32_t capacity
    uint32_t head                # where the next entry goes
    uint32_t tail                # the oldest entry, where `used` is not 0
    uint32_t used                # entries, stale ones included
    uint32_t live                # pages in the log


cdef inline uint32_t lru_next(const lru_log *log, uint32_t place) noexcept nogil:
    return place + 1 if place + 1 < log.capacity else 0


cdef inline int lru_open(lru_log *log, uint32_t capacity) noexcept nogil:
    log.head = log.tail = log.used = log.live = 0
    log.capacity = max(capacity, 64)
    log.entries = <uint32_t *> table_alloc(log.capacity * sizeof(uint32_t))
    if log.entries == NULL:
        return ZSW_E_NOMEM
    memset(log.entries, 0, log.capacity * sizeof(uint32_t))  # lru_ahead may look at entries that are yet to be written
    return ZSW_OK


cdef inline void lru_close(lru_log *log) noexcept nogil:
    free(log.entries)
    log.entries = NULL


# The page whose entry will be looked at so many entries after the one at `place`; any page where there are fewer.
cdef inline uint32_t lru_ahead(const lru_log *log, uint32_t place) noexcept nogil:
    place += LRU_AHEAD
    return log.entries[place if place < log.capacity else place - log.capacity]


# Moves a ring whose entries are all live into one of twice the size. ZSW_E_NOMEM leaves it as it was.
cdef inline int lru_grow(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t capacity = log.capacity * 2 if log.capacity <= <uint32_t> LRU_MOST // 2 else <uint32_t> LRU_MOST
    cdef uint32_t *grown = <uint32_t *> table_alloc(<size_t> capacity * sizeof(uint32_t))
    cdef uint32_t i, place = log.tail
    if grown == NULL:
        return ZSW_E_NOMEM
    memset(grown, 0, <size_t> capacity * sizeof(uint32_t))
    for i in range(log.used):
        grown[i] = log.entries[place]
        records[grown[i]].stamp = i
        place = lru_next(log, place)
    free(log.entries)
    log.entries = grown
    log.capacity = capacity
    log.tail = 0
    log.head = log.used
    return ZSW_OK


# Makes room in a full ring: squeezes out stale entries, and grows it when more than three quarters are live. Its own
# kind of call, so that the common path stays short.
cdef inline int lru_make_room(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t _entry, page, place = log.tail, kept = 0, into = log.tail
    for _entry in range(log.used):
        zsw_prefetch(&records[lru_ahead(log, place)])
        page = log.entries[place]
        if records[page].stamp == place:
            log.entries[into] = page
            records[page].stamp = into
            into = lru_next(log, into)
            kept += 1
        place = lru_next(log, place)
    log.used = kept
    log.head = into
    if kept > log.capacity // 4 * 3 and lru_grow(log, records) < 0 and kept == log.capacity:
        return ZSW_E_NOMEM
    return ZSW_OK


# Moves a page of the log to its young end, where the ring has room. O(1).
cdef inline void lru_append(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    log.entries[log.head] = page
    records[page].stamp = log.head
    log.head = lru_next(log, log.head)
    log.used += 1


# The same, making room. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_touch(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    if log.used == log.capacity and lru_make_room(log, records) < 0:
        return ZSW_E_NOMEM
    lru_append(log, records, page)
    return ZSW_OK


# Enters a page that is in no log.
cdef inline int lru_add(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    cdef int code = lru_touch(log, records, page)
    if code == ZSW_OK:
        log.live += 1
    return code


# Takes a page out. O(1).
cdef inline void lru_remove(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    records[page].stamp = LRU_NONE
    log.live -= 1


# The page at the old end, which stays there; LRU_NONE where the log is empty. O(1) amortised.
cdef inline uint32_t lru_oldest(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t page
    while log.used:
        zsw_prefetch(&records[lru_ahead(log, log.tail)])
        page = log.entries[log.tail]
        if records[page].stamp == log.tail:
            return page
        log.tail = lru_next(log, log.tail)
        log.used -= 1
    return LRU_NONE
