"""Exact least-recently-used order without links: a log of accesses, and for each page a stamp, its latest one's number.

An access appends the page to the log, takes the access's number for the page's stamp, and moves its mark in a bitmap of
the entries that are some page's latest. So a hit costs one write to a table of four bytes a page, one bit that lies in
the cache, and one sequential write, where a linked list would touch four records anywhere in memory. The least recently
used page is at the first mark from the old end on, and it is dropped by moving the old end past it: its stamp, which is
not in the cache, is not looked at, since one below the old end is nobody's entry. The log is a ring, and mostly the old
end has gone far enough when the young end comes round. Where it has not, the marked entries are moved together, which
costs a constant number of steps an access as long as the log has room for more entries than there are pages in it
(docs/design/lru-log.md has the arithmetic). The writeback queue of the pool is the same, one append a store.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from zswapsim._core.base.bits cimport zsw_lowest_bit
from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport table_alloc
from zswapsim._core.base.hints cimport zsw_prefetch_write, zsw_unlikely

cdef extern from *:
    """
    #define LRU_NONE 0xFFFFFFFFu
    #define LRU_DROPPED 0xFFFFFFFEu
    #define LRU_SIGNED 0x80000000u
    #ifndef LRU_FIRST
    #define LRU_FIRST 0u
    #endif
    """
    const uint32_t LRU_NONE      # the stamp of a page that has been in no log, or was removed; no page
    const uint32_t LRU_DROPPED   # the stamp of a page that was dropped before stamps began anew
    const uint32_t LRU_SIGNED    # stamps below it, and none, are in order as signed numbers too
    const uint32_t LRU_FIRST     # the first stamp; in debug builds just before they begin anew

cdef enum:
    LRU_AHEAD = 32               # stamps or states fetched ahead of their turn
    LRU_WORDS_AHEAD = 4          # words of marks whose pages' stamps are fetched ahead, 64 places each
    LRU_MOST = 0xFFFFFFC0        # longest log
    LRU_SPARE = 64               # bytes behind the marks

# Stamps count up. A page's stamp is that of its latest entry; LRU_NONE, LRU_DROPPED, or one below the old end, where it
# has none. Marks are ones from head to the end of head's word, so that an append needs to mark nothing. Where head
# begins a word, that word must be readied before the next append. Marks outside of tail to head mean nothing.
ctypedef struct lru_log:
    uint32_t *entries            # owned; by place: a page
    uint64_t *marks              # behind the entries; a bit for each: it is its page's latest
    uint32_t capacity            # places, a multiple of 64
    uint32_t head                # the next entry's stamp; at most `capacity` above tail
    uint32_t tail                # no page's stamp in the log lies below
    uint32_t lap                 # a stamp, or one to come, whose place is 0; a multiple of 64
    uint32_t live                # pages in the log
    uint32_t pages               # whose stamps may be below the old end; 0: none is


# `pages`: how many have a stamp, where pages are taken out by lru_drop, else 0.
cdef inline int lru_open(lru_log *log, uint32_t capacity, uint32_t pages) noexcept nogil:
    log.head = log.tail = log.lap = LRU_FIRST
    log.live = 0
    log.pages = pages
    log.capacity = (max(capacity, 256) + 63) & ~<uint32_t> 63
    # One block, so that both lie in huge pages, and what blocks of accesses write instead of marks (block.pxd).
    log.entries = <uint32_t *> table_alloc(<size_t> log.capacity * sizeof(uint32_t) + log.capacity // 8 + LRU_SPARE)
    if log.entries == NULL:
        return ZSW_E_NOMEM
    log.marks = <uint64_t *> (log.entries + log.capacity)
    return ZSW_OK


cdef inline void lru_close(lru_log *log) noexcept nogil:
    free(log.entries)
    log.entries = NULL
    log.marks = NULL


# Whether this is the stamp of a page in the log.
cdef inline bint lru_holds(const lru_log *log, uint32_t stamp) noexcept nogil:
    return stamp - log.tail < log.head - log.tail


# Where the entry of a stamp from tail to head is.
cdef inline uint32_t lru_place(const lru_log *log, uint32_t stamp) noexcept nogil:
    return stamp - log.lap + (log.capacity if stamp < log.lap else 0)


# The word of marks behind another.
cdef inline uint32_t lru_next_word(const lru_log *log, uint32_t word) noexcept nogil:
    return word + 1 if word + 1 < log.capacity >> 6 else 0


cdef inline void lru_unmark(lru_log *log, uint32_t stamp) noexcept nogil:
    log.marks[lru_place(log, stamp) >> 6] &= ~(<uint64_t> 1 << (stamp & 63))


# The first marked stamp from `stamp` on. There is one.
cdef inline uint32_t lru_marked(const lru_log *log, uint32_t stamp) noexcept nogil:
    cdef uint32_t word = lru_place(log, stamp) >> 6
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (stamp & 63))
    while marks == 0:
        word = lru_next_word(log, word)
        stamp += 64
        marks = log.marks[word]
    return (stamp & ~<uint32_t> 63) + <uint32_t> zsw_lowest_bit(marks)


# Prefetch the records, of `width` bytes each, of the marked pages among 64 places, the first of which is `stamp`'s.
cdef inline void lru_fetch_word(
    const lru_log *log, const void *records, uint32_t width, uint32_t stamp,
) noexcept nogil:
    cdef uint32_t place, page
    cdef uint64_t marks
    if stamp + 64 - log.tail > log.head - log.tail:
        return
    place = lru_place(log, stamp)
    marks = log.marks[place >> 6]
    while marks:
        page = log.entries[place + <uint32_t> zsw_lowest_bit(marks)]
        zsw_prefetch_write(<const char *> records + <size_t> width * page)
        marks &= marks - 1


# Stamps that are nobody's, and are about to be given out again, are taken back.
cdef inline void lru_forget_dropped(const lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t page
    for page in range(log.pages):
        if stamps[page] != LRU_NONE and not lru_holds(log, stamps[page]):
            stamps[page] = LRU_DROPPED


# Writes the marked entries of `log`, in their order, to `into` from the place `to` on, and stamps them from `stamp` on.
# It may be the same log, with the place of its old end.
cdef inline void lru_move(
    lru_log *into, uint32_t to, const lru_log *log, uint32_t *stamps, uint32_t stamp,
) noexcept nogil:
    cdef uint32_t at = log.tail & ~<uint32_t> 63, place = lru_place(log, at), left = log.live, page
    cdef uint64_t marks = log.marks[place >> 6] & (~<uint64_t> 0 << (log.tail & 63))
    while left:
        lru_fetch_word(log, stamps, sizeof(uint32_t), at + 64 * LRU_WORDS_AHEAD)
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


# Makes it a log whose stamps from `tail` on are all marked, as many as there are pages, and no others.
cdef inline void lru_settle(lru_log *log, uint32_t tail) noexcept nogil:
    cdef uint32_t word
    log.tail = tail
    log.head = tail + log.live
    word = lru_place(log, tail) >> 6
    tail &= ~<uint32_t> 63
    while tail < log.head:
        log.marks[word] = ~<uint64_t> 0
        word = lru_next_word(log, word)
        tail += 64


# Moves all live entries to a log of twice the size. ZSW_E_NOMEM leaves it.
cdef inline int lru_grow(lru_log *log, uint32_t *stamps, uint32_t tail) noexcept nogil:
    cdef lru_log grown
    cdef uint32_t capacity = log.capacity * 2 if log.capacity <= <uint32_t> LRU_MOST // 2 else <uint32_t> LRU_MOST
    if lru_open(&grown, capacity, log.pages) < 0:
        return ZSW_E_NOMEM
    grown.lap = tail & ~<uint32_t> 63
    grown.live = log.live
    lru_move(&grown, tail & 63, log, stamps, tail)
    lru_settle(&grown, tail)
    lru_close(log)
    log[0] = grown
    return ZSW_OK


# The same in the log itself.
cdef inline void lru_compact(lru_log *log, uint32_t *stamps, uint32_t tail) noexcept nogil:
    lru_move(log, lru_place(log, log.tail), log, stamps, tail)
    if tail != log.tail:
        # The place of stamp 0, or that of `capacity`, which is the same.
        log.lap = lru_place(log, log.tail & ~<uint32_t> 63)
        log.lap = log.capacity - log.lap
    lru_settle(log, tail)


# Stamps that may be given out are below it. All stay below LRU_SIGNED, unless the log is very long.
cdef inline uint32_t lru_end_of_stamps(const lru_log *log) noexcept nogil:
    return LRU_SIGNED if log.capacity < 1 << 28 else LRU_DROPPED


# Makes room for a word of entries where the young end has come round to the old end, or stamps are at their end: moves
# the marked entries together, or into a larger log when more than half are marked. ZSW_E_NOMEM leaves it as it was.
cdef inline int lru_make_room(lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t tail
    log.tail = lru_marked(log, log.tail) if log.live else log.head
    tail = log.tail
    if log.head < lru_end_of_stamps(log) - 64:
        if lru_has_room(log):
            return ZSW_OK
    else:
        lru_forget_dropped(log, stamps)
        tail &= 63
    if log.live > log.capacity // 2 and lru_grow(log, stamps, tail) == ZSW_OK:
        return ZSW_OK
    if log.live > log.capacity - 128:
        return ZSW_E_NOMEM
    lru_compact(log, stamps, tail)
    return ZSW_OK


# Whether the word that head begins has no entry of a page.
cdef inline bint lru_has_room(const lru_log *log) noexcept nogil:
    return log.head - (log.tail & ~<uint32_t> 63) <= log.capacity - 64


# Readies the word that head is at the beginning of. ZSW_E_NOMEM leaves the log as it was.
cdef inline int lru_ready(lru_log *log, uint32_t *stamps) noexcept nogil:
    if not lru_has_room(log) or log.head >= lru_end_of_stamps(log) - 64:
        if lru_make_room(log, stamps) < 0:
            return ZSW_E_NOMEM
    if log.head & 63 == 0:
        if log.head - log.lap == log.capacity:
            log.lap = log.head
        log.marks[lru_place(log, log.head) >> 6] = ~<uint64_t> 0
    return ZSW_OK


cdef inline void lru_put(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    log.entries[lru_place(log, log.head)] = page
    stamps[page] = log.head
    log.head += 1


# Moves a page of the log to its young end. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_touch(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_unlikely(log.head & 63 == 0) and lru_ready(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_unmark(log, stamps[page])
    lru_put(log, stamps, page)
    return ZSW_OK


# Enters a page that is in no log. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_add(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_unlikely(log.head & 63 == 0) and lru_ready(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_put(log, stamps, page)
    log.live += 1
    return ZSW_OK


# Takes a page out. O(1).
cdef inline void lru_remove(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    lru_unmark(log, stamps[page])
    stamps[page] = LRU_NONE
    log.live -= 1


# The page at the old end, which stays there; LRU_NONE where the log is empty. O(1) amortised.
cdef inline uint32_t lru_oldest(lru_log *log, uint32_t *stamps) noexcept nogil:
    return lru_oldest_fetching(log, stamps, sizeof(uint32_t))


# Return the page at the old end as lru_oldest(), and prefetch the records, of `width` bytes each, of those after it.
cdef inline uint32_t lru_oldest_fetching(lru_log *log, const void *records, uint32_t width) noexcept nogil:
    cdef uint32_t word = (log.tail + 63) & ~<uint32_t> 63
    if log.live == 0:
        return LRU_NONE
    log.tail = lru_marked(log, log.tail)
    while word <= log.tail:
        lru_fetch_word(log, records, width, word + 64 * LRU_WORDS_AHEAD)
        word += 64
    return log.entries[lru_place(log, log.tail)]


# Takes the oldest page out, in a log that was opened for it and is not empty. Its stamp is not looked at.
cdef inline void lru_drop(lru_log *log) noexcept nogil:
    log.tail = lru_marked(log, log.tail) + 1
    log.live -= 1
