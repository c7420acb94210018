"""Exact least-recently-used order without links: a log of accesses, and for each page a stamp, its latest place there.

An access appends the page to the log, takes the place for the page's stamp, and moves its mark in a bitmap of the
places that are some page's latest. So a hit costs one write to a table of four bytes a page, one bit that lies in the
cache, and one sequential write, where a linked list would touch four records anywhere in memory. The least recently
used page is at the first mark from the old end on, and it is dropped by moving the old end past it: its stamp, which is
not in the cache, is not looked at, since one below the old end is nobody's place. Where the log is full, the marked
entries are moved together to its beginning and the stamps go on from there, which costs a constant number of steps an
access as long as the log has room for more entries than there are pages in it (docs/architecture.md has the
arithmetic). The writeback queue of the pool is the same, one append a store.
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
    #define LRU_DROPPED 0xFFFFFFFEu
    #define LRU_SIGNED 0x80000000u
    """
    void zsw_prefetch(const void *address) noexcept nogil
    int zsw_lowest_bit(uint64_t word) noexcept nogil
    bint zsw_seldom(bint condition) noexcept nogil
    const uint32_t LRU_NONE      # the stamp of a page that has been in no log, or was removed; no page
    const uint32_t LRU_DROPPED   # the stamp of a page that was dropped before stamps began anew
    const uint32_t LRU_SIGNED    # stamps below it can be told from older ones by the sign of their difference

cdef enum:
    LRU_AHEAD = 32               # stamps or states fetched ahead of their turn
    LRU_WORDS_AHEAD = 4          # words of marks whose pages' stamps are fetched ahead, 64 places each
    LRU_MOST = 0xFFFFFFC0        # longest log
    LRU_SPARE = 64               # bytes behind the marks

# A page's stamp is that of its latest entry; LRU_NONE, LRU_DROPPED, or one below the old end, where it has none.
# Places are counted from the array's beginning; a stamp is a place plus `base`, so that moving all entries makes every
# older stamp nobody's. Marks are ones from head to the end of head's word, so that an append needs to mark nothing.
# Where head begins a word, or is at the array's end, that word must be readied before the next append. Marks below
# tail mean nothing.
ctypedef struct lru_log:
    uint32_t *entries            # owned; pages
    uint64_t *marks              # behind the entries; a bit for each: it is its page's latest
    uint32_t capacity            # entries, a multiple of 64
    uint32_t head                # where the next entry goes
    uint32_t tail                # no page's latest place lies below
    uint32_t live                # pages in the log
    uint32_t base                # stamp of place 0; base + capacity stays below LRU_DROPPED
    uint32_t pages               # whose stamps may be below the old end; 0: none is


# `pages`: how many have a stamp, where pages are taken out by lru_drop, else 0.
cdef inline int lru_open(lru_log *log, uint32_t capacity, uint32_t pages) noexcept nogil:
    log.head = log.tail = log.live = log.base = 0
    log.pages = pages
    log.capacity = (max(capacity, 256) + 63) & ~<uint32_t> 63
    # One block, so that both lie in huge pages, and what blocks of accesses write instead of marks (lrublock.pxd).
    log.entries = <uint32_t *> table_alloc(<size_t> log.capacity * sizeof(uint32_t) + log.capacity // 8 + LRU_SPARE)
    if log.entries == NULL:
        return ZSW_E_NOMEM
    log.marks = <uint64_t *> (log.entries + log.capacity)
    memset(log.marks, 0, log.capacity // 8)
    return ZSW_OK


cdef inline void lru_close(lru_log *log) noexcept nogil:
    free(log.entries)
    log.entries = NULL
    log.marks = NULL


# Whether this is the stamp of a page in the log.
cdef inline bint lru_holds(const lru_log *log, uint32_t stamp) noexcept nogil:
    return stamp - (log.base + log.tail) < log.head - log.tail


cdef inline void lru_unmark(lru_log *log, uint32_t place) noexcept nogil:
    log.marks[place >> 6] &= ~(<uint64_t> 1 << (place & 63))


# The first marked place from `place` on. There is one.
cdef inline uint32_t lru_marked(const lru_log *log, uint32_t place) noexcept nogil:
    cdef uint32_t word = place >> 6
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (place & 63))
    while marks == 0:
        word += 1
        marks = log.marks[word]
    return (word << 6) + <uint32_t> zsw_lowest_bit(marks)


# Asks for the stamps of a word's marked pages.
cdef inline void lru_fetch_word(const lru_log *log, const uint32_t *stamps, uint32_t word) noexcept nogil:
    cdef uint64_t marks
    if (<uint64_t> word << 6) + 64 > log.head:
        return
    marks = log.marks[word]
    while marks:
        zsw_prefetch(&stamps[log.entries[(word << 6) + <uint32_t> zsw_lowest_bit(marks)]])
        marks &= marks - 1


# Stamps that are nobody's place, and are about to be given out again, are taken back.
cdef inline void lru_forget_dropped(const lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t page
    for page in range(log.pages):
        if stamps[page] != LRU_NONE and not lru_holds(log, stamps[page]):
            stamps[page] = LRU_DROPPED


# Writes the marked entries of `log`, in their order, to the beginning of `into`, which may be the same log, and stamps
# them from `base` on.
cdef inline void lru_move(lru_log *into, const lru_log *log, uint32_t *stamps, uint32_t base) noexcept nogil:
    cdef uint32_t moved = 0, word = log.tail >> 6, page
    # The old end of an empty log may be that of the array.
    cdef uint64_t marks = log.marks[word] & (~<uint64_t> 0 << (log.tail & 63)) if log.live else 0
    while moved < log.live:
        lru_fetch_word(log, stamps, word + LRU_WORDS_AHEAD)
        while marks and moved < log.live:
            page = log.entries[(word << 6) + <uint32_t> zsw_lowest_bit(marks)]
            into.entries[moved] = page
            stamps[page] = base + moved
            moved += 1
            marks &= marks - 1
        word += 1
        marks = log.marks[word] if moved < log.live else 0


# Makes a log whose first `live` places are all marked, and no others.
cdef inline void lru_settle(lru_log *log, uint32_t base) noexcept nogil:
    cdef uint32_t words = log.live >> 6
    memset(log.marks, 0xFF, <size_t> words * 8)
    memset(log.marks + words, 0, log.capacity // 8 - <size_t> words * 8)
    if log.live & 63:
        log.marks[words] = ~<uint64_t> 0
    log.head = log.live
    log.tail = 0
    log.base = base


# Moves all live entries to the beginning of a log of twice the size. ZSW_E_NOMEM leaves it.
cdef inline int lru_grow(lru_log *log, uint32_t *stamps, uint32_t base) noexcept nogil:
    cdef lru_log grown
    cdef uint32_t capacity = log.capacity * 2 if log.capacity <= <uint32_t> LRU_MOST // 2 else <uint32_t> LRU_MOST
    if lru_open(&grown, capacity, log.pages) < 0:
        return ZSW_E_NOMEM
    grown.live = log.live
    lru_move(&grown, log, stamps, base)
    lru_settle(&grown, base)
    lru_close(log)
    log[0] = grown
    return ZSW_OK


# All stamps stay below LRU_SIGNED, unless the log is very long.
cdef inline uint64_t lru_end_of_stamps(const lru_log *log) noexcept nogil:
    return LRU_SIGNED if log.capacity < 1 << 28 else LRU_DROPPED


# Makes room for a word of entries in a full log: moves the marked ones together, or into a larger log when more than
# half are marked. ZSW_E_NOMEM leaves it as it was.
cdef inline int lru_make_room(lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef bint larger = log.live > log.capacity // 2
    cdef uint64_t end = <uint64_t> log.base + log.capacity
    cdef uint32_t base
    # Stamps begin anew in time; a log may grow to twice its size on the way.
    if end + 2 * <uint64_t> log.capacity >= lru_end_of_stamps(log):
        lru_forget_dropped(log, stamps)
        end = 0
    base = <uint32_t> end
    if larger and lru_grow(log, stamps, base) == ZSW_OK:
        return ZSW_OK
    if log.live > log.capacity - 128:
        return ZSW_E_NOMEM
    lru_move(log, log, stamps, base)
    lru_settle(log, base)
    return ZSW_OK


# Readies the word that head is at the beginning of. ZSW_E_NOMEM leaves the log as it was.
cdef inline int lru_ready(lru_log *log, uint32_t *stamps) noexcept nogil:
    if log.head == log.capacity and lru_make_room(log, stamps) < 0:
        return ZSW_E_NOMEM
    if log.head & 63 == 0:
        log.marks[log.head >> 6] = ~<uint64_t> 0
    return ZSW_OK


cdef inline void lru_put(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    log.entries[log.head] = page
    stamps[page] = log.base + log.head
    log.head += 1


# Moves a page of the log to its young end. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_touch(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_seldom(log.head & 63 == 0) and lru_ready(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_unmark(log, stamps[page] - log.base)
    lru_put(log, stamps, page)
    return ZSW_OK


# Enters a page that is in no log. O(1) amortised; 0 or ZSW_E_NOMEM.
cdef inline int lru_add(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    if zsw_seldom(log.head & 63 == 0) and lru_ready(log, stamps) < 0:
        return ZSW_E_NOMEM
    lru_put(log, stamps, page)
    log.live += 1
    return ZSW_OK


# Takes a page out. O(1).
cdef inline void lru_remove(lru_log *log, uint32_t *stamps, uint32_t page) noexcept nogil:
    lru_unmark(log, stamps[page] - log.base)
    stamps[page] = LRU_NONE
    log.live -= 1


# The page at the old end, which stays there; LRU_NONE where the log is empty. O(1) amortised.
cdef inline uint32_t lru_oldest(lru_log *log, uint32_t *stamps) noexcept nogil:
    cdef uint32_t place, word
    if log.live == 0:
        return LRU_NONE
    place = lru_marked(log, log.tail)
    for word in range((log.tail + 63) >> 6, (place >> 6) + 1):
        lru_fetch_word(log, stamps, word + LRU_WORDS_AHEAD)
    log.tail = place
    return log.entries[place]


# Takes the oldest page out, in a log that was opened for it and is not empty. Its stamp is not looked at.
cdef inline void lru_drop(lru_log *log) noexcept nogil:
    log.tail = lru_marked(log, log.tail) + 1
    log.live -= 1
