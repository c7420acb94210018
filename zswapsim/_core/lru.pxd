"""Exact least-recently-used order without links: a log of accesses, and in each page's record its latest place there.

An access appends the page to the log and stamps the place into the page's record; older entries of the page go stale
by that alone. The oldest entry that is not stale is the least recently used page. So a hit costs one write to the
page's record and one sequential write, where a linked list would touch four records. When the log is full, stale
entries are squeezed out, which costs a constant number of steps an access as long as the log has room for more
entries than there are pages in it (docs/architecture.md has the arithmetic). The writeback queue of the pool is the
same structure with one append a store.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc, realloc

from zswapsim._core.errors cimport ZSW_E_NOMEM, ZSW_OK

cdef extern from *:
    """
    #define zsw_prefetch(address) __builtin_prefetch((address), 1, 1)
    """
    void zsw_prefetch(const void *address) noexcept nogil

cdef enum:
    LRU_AHEAD = 16               # entries looked at ahead of their turn
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
    uint32_t *entries            # owned; pages, oldest access first
    uint32_t capacity
    uint32_t head                # where the next entry goes
    uint32_t tail                # all entries before it are stale
    uint32_t live                # pages in the log


cdef inline int lru_open(lru_log *log, uint32_t capacity) noexcept nogil:
    log.head = log.tail = log.live = 0
    log.capacity = max(capacity, 64)
    log.entries = <uint32_t *> malloc(log.capacity * sizeof(uint32_t))
    return ZSW_OK if log.entries != NULL else ZSW_E_NOMEM


cdef inline void lru_close(lru_log *log) noexcept nogil:
    free(log.entries)
    log.entries = NULL


# Squeezes out stale entries; doubles the log when three quarters of it are live. ZSW_E_NOMEM leaves it as it was.
cdef inline int lru_tidy(lru_log *log, page_record *records) noexcept nogil:
    cdef uint32_t place, page, kept = 0
    cdef uint32_t capacity
    cdef void *made
    for place in range(log.tail, log.head):
        if place + LRU_AHEAD < log.head:
            zsw_prefetch(&records[log.entries[place + LRU_AHEAD]])
        page = log.entries[place]
        if records[page].stamp == place:
            log.entries[kept] = page
            records[page].stamp = kept
            kept += 1
    log.tail = 0
    log.head = kept
    if kept <= log.capacity // 4 * 3:
        return ZSW_OK
    capacity = log.capacity * 2 if log.capacity <= <uint32_t> LRU_MOST // 2 else <uint32_t> LRU_MOST
    made = realloc(log.entries, <size_t> capacity * sizeof(uint32_t))
    if made == NULL:
        return ZSW_OK if kept < log.capacity else ZSW_E_NOMEM
    log.entries = <uint32_t *> made
    log.capacity = capacity
    return ZSW_OK if kept < capacity else ZSW_E_NOMEM


# Moves a page of the log to its young end. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_touch(lru_log *log, page_record *records, uint32_t page) noexcept nogil:
    cdef int code
    if log.head == log.capacity:
        code = lru_tidy(log, records)
        if code < 0:
            return code
    log.entries[log.head] = page
    records[page].stamp = log.head
    log.head += 1
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
    while log.tail < log.head:
        if log.tail + LRU_AHEAD < log.head:
            zsw_prefetch(&records[log.entries[log.tail + LRU_AHEAD]])
        if records[log.entries[log.tail]].stamp == log.tail:
            return log.entries[log.tail]
        log.tail += 1
    return LRU_NONE
