"""SIEVE: Y. Zhang et al., SIEVE is Simpler than LRU, NSDI 2024.

A queue whose accessed pages keep their place: a hand walks from the oldest page to the youngest, clears the marks
that it meets, and takes the first page without one.
"""

from cython cimport final

from libc.stdint cimport uint32_t

from zswapsim._core.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.lru cimport page_record, zsw_prefetch
from zswapsim._core.pagelist cimport LIST_END, list_append, list_open, list_remove, page_list
from zswapsim._core.reclaim cimport HIT, HITS, Evictor, Reclaimer


@final
cdef class SieveReclaimer(Reclaimer):
    """A page that must stay keeps its place, as if it had been accessed."""
    cdef page_list queue
    cdef uint32_t hand          # the page to be looked at next, or LIST_END: the oldest
    cdef uint32_t behind        # the next older page than the hand's, or LIST_END

    def __init__(self):
        list_open(&self.queue)
        self.hand = self.behind = LIST_END

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        list_append(&self.queue, self.records, page)

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        cdef page_record *records = self.records
        cdef uint32_t evicted = 0, left = self.queue.count
        cdef int code
        while evicted < wanted and left:
            if self.hand == LIST_END:
                self.behind = LIST_END
                self.hand = self.queue.oldest
            self.counters.pgscan += 1
            if records[self.hand].state & HITS:
                records[self.hand].state &= ~<uint32_t> HITS
                self.advance()
                continue
            code = self.evict_at_hand(engine)
            left -= 1
            if code == ZSW_OK:
                evicted += 1
            elif code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef inline void advance(self) noexcept nogil:
        self.behind = self.hand
        self.hand = self.records[self.hand].stamp
        if self.hand != LIST_END:
            zsw_prefetch(&self.records[self.hand])

    cdef inline int evict_at_hand(self, Evictor engine) noexcept nogil:
        cdef uint32_t page = self.hand
        cdef uint32_t younger = self.records[page].stamp
        cdef int code
        list_remove(&self.queue, self.records, page, self.behind)
        code = engine.evict_page(page)
        if code == ZSW_OK:
            self.hand = younger
            return ZSW_OK
        self.put_back(page, younger)
        self.records[page].state |= HIT
        self.advance()
        return code

    cdef inline void put_back(self, uint32_t page, uint32_t younger) noexcept nogil:
        """Undoes list_remove() of the page at the hand."""
        if self.behind == LIST_END:
            self.queue.oldest = page
        else:
            self.records[self.behind].stamp = page
        if younger == LIST_END:
            self.queue.youngest = page
        self.records[page].stamp = younger
        self.queue.count += 1

    def everyone(self):
        return self.members(&self.queue)

    def check(self):
        """Assert every invariant of queue and hand. O(resident pages)."""
        Reclaimer.check(self)
        queue = self.everyone()
        if self.hand != LIST_END:
            place = queue.index(self.hand)
            assert self.behind == (queue[place - 1] if place else LIST_END), "the hand has lost the page behind it"
