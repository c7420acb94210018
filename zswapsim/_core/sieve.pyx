"""SIEVE: Y. Zhang et al., SIEVE is Simpler than LRU, NSDI 2024.

A queue whose accessed pages keep their place: a hand walks from the oldest page to the youngest, clears the marks
that it meets, and takes the first page without one.

The queue is a ring. Pages that the hand has passed are moved together behind it, one step each, so that what it takes
leaves one gap, just behind the hand, and nothing is linked.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.pagering cimport page_ring, ring_append, ring_close, ring_count, ring_look, ring_open, ring_pages
from zswapsim._core.reclaim cimport HIT, HITS, MET_SEEN, SEEN, Evictor, Reclaimer, send_out
from zswapsim._core.errors import HostMemoryError


@final
cdef class SieveReclaimer(Reclaimer):
    """A page that must stay keeps its place, as if it had been accessed."""
    cdef page_ring queue        # pages from `tail` to `passed`, a gap, and pages from `hand` to `head`
    cdef uint32_t passed        # where the next page goes that the hand passes
    cdef uint32_t hand          # place of the page that is looked at next; before `head`, unless there is none

    def __cinit__(self):
        self.queue.entries = NULL
        self.passed = self.hand = 0
        self.stops_at_seen = True

    def __dealloc__(self):
        ring_close(&self.queue)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        # With as much room again, closing the gap costs a step an eviction.
        if ring_open(&self.queue, 2 * <uint64_t> min(pages, frames)) < 0:
            raise HostMemoryError(f"queue of {min(pages, frames)} frames: larger than can be reserved")
        return 0

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        if ring_count(&self.queue) > self.queue.mask:
            self.close_gap()
        ring_append(&self.queue, page)

    cdef void close_gap(self) noexcept nogil:
        """Moves the pages that the hand has passed up to it."""
        cdef uint32_t *entries = self.queue.entries
        cdef uint32_t mask = self.queue.mask
        cdef uint32_t into = self.hand
        while self.passed != self.queue.tail:
            self.passed -= 1
            into -= 1
            entries[into & mask] = entries[self.passed & mask]
        self.queue.tail = into
        self.passed = self.hand

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t evicted = 0, left = self.resident
        cdef int code
        while evicted < wanted and left:
            page = ring_look(&self.queue, self.hand, states)
            if states[page] & SEEN:
                return MET_SEEN
            self.counters.pgscan += 1
            if states[page] & HITS:
                states[page] &= ~<uint32_t> HITS
                self.pass_page(page)
                continue
            code = send_out(self, engine, page)
            left -= 1
            if code == ZSW_OK:
                evicted += 1
                self.advance()
                continue
            states[page] |= HIT
            self.pass_page(page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef inline void pass_page(self, uint32_t page) noexcept nogil:
        self.queue.entries[self.passed & self.queue.mask] = page
        self.passed += 1
        self.advance()

    cdef inline void advance(self) noexcept nogil:
        """On to the next younger page; from the youngest to the oldest."""
        self.hand += 1
        if self.hand == self.queue.head:
            self.queue.head = self.passed
            self.hand = self.passed = self.queue.tail

    def everyone(self):
        cdef page_ring ahead = self.queue, behind = self.queue
        behind.head = self.passed
        ahead.tail = self.hand
        return ring_pages(&behind) + ring_pages(&ahead)

    def check(self):
        """Assert every invariant of queue and hand. O(resident pages)."""
        Reclaimer.check(self)
        passed, hand = self.passed - self.queue.tail, self.hand - self.queue.tail
        assert passed <= hand <= ring_count(&self.queue) <= self.queue.mask + 1, "the hand is outside of its queue"
        assert self.resident == 0 or self.hand != self.queue.head, "the hand looks at nothing"
