"""SIEVE: Y. Zhang et al., SIEVE is Simpler than LRU, NSDI 2024.

A queue whose accessed pages keep their place: a hand walks from the oldest page to the youngest, clears the marks
that it meets, and takes the first page without one.

The queue is a ring. Pages that the hand has passed are moved together behind it, one step each, so that what it takes
leaves one gap, just behind the hand, and nothing is linked.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.reclaim.pagering cimport (
    page_ring, ring_append, ring_close, ring_count, ring_peek, ring_open, ring_pages,
)
from zswapsim._core.base.page_flags cimport HIT, HITS, IN_BLOCK
from zswapsim._core.reclaim.mark_block cimport mark_block, mask_if, state_after_scan
from zswapsim._core.reclaim.reclaimer cimport (
    STOPPED_IN_BLOCK, EngineBase, Reclaimer, evict_resident, folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError


# Pages from the ring's `tail` to `passed`, a gap, and pages from `hand` to its `head`.
ctypedef struct sieve_queue:
    page_ring ring
    uint32_t passed             # where the next page goes that the hand passes
    uint32_t hand               # place of the page that is looked at next; before `head`, unless there is none


# On to the next younger page; from the youngest to the oldest.
cdef inline void advance(sieve_queue *queue) noexcept nogil:
    queue.hand += 1
    if queue.hand == queue.ring.head:
        queue.ring.head = queue.passed
        queue.hand = queue.passed = queue.ring.tail


cdef inline void pass_page(sieve_queue *queue, uint32_t page) noexcept nogil:
    queue.ring.entries[queue.passed & queue.ring.mask] = page
    queue.passed += 1
    advance(queue)


# Room for one more page: where there is none, the pages that the hand has passed are moved up to it.
cdef inline void make_room(sieve_queue *queue) noexcept nogil:
    cdef uint32_t *entries = queue.ring.entries
    cdef uint32_t mask = queue.ring.mask
    cdef uint32_t into = queue.hand
    if ring_count(&queue.ring) <= mask:
        return
    while queue.passed != queue.ring.tail:
        queue.passed -= 1
        into -= 1
        entries[into & mask] = entries[queue.passed & mask]
    queue.ring.tail = into
    queue.passed = queue.hand


@final
cdef class SieveReclaimer(Reclaimer):
    """A page that must stay keeps its place, as if it had been accessed."""
    cdef sieve_queue queue

    def __cinit__(self):
        self.queue.ring.entries = NULL
        self.queue.passed = self.queue.hand = 0
        self.stops_in_block = True

    def __dealloc__(self):
        ring_close(&self.queue.ring)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        # With as much room again, closing the gap costs a step an eviction.
        if ring_open(&self.queue.ring, 2 * <uint64_t> min(pages, frames)) < 0:
            raise HostMemoryError(f"queue of {min(pages, frames)} frames: larger than can be reserved")
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        make_room(&self.queue)
        ring_append(&self.queue.ring, page)
        return ZSW_OK

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef uint32_t evicted = 0, remaining = self.resident
        cdef int code
        while evicted < wanted and remaining:
            page = ring_peek(&self.queue.ring, self.queue.hand, states)
            if states[page] & IN_BLOCK:
                return STOPPED_IN_BLOCK
            self.counters.pgscan += 1
            if states[page] & HITS:
                states[page] &= ~<uint32_t> HITS
                pass_page(&self.queue, page)
                continue
            code = evict_resident(self, engine, page)
            remaining -= 1
            if code == ZSW_OK:
                evicted += 1
                advance(&self.queue)
                continue
            states[page] |= HIT
            pass_page(&self.queue, page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef uint32_t replay_faults(
        self, EngineBase engine, const mark_block *block, const uint32_t *pages,
    ) noexcept nogil:
        """In a full DRAM, each step passes a page, or evicts it and lets one in that faults."""
        # Local copy: stores to states cannot alias it.
        cdef sieve_queue queue = self.queue
        cdef uint16_t *states = self.states
        cdef uint32_t done = 0, page, rotated
        if self.resident < self.frames:
            return Reclaimer.replay_faults(self, engine, block, pages)
        while done < block.misses:
            page = ring_peek(&queue.ring, queue.hand, states)
            if states[page] & IN_BLOCK:
                break
            rotated = mask_if(states[page] & HITS)
            queue.ring.entries[queue.passed & queue.ring.mask] = page
            queue.passed -= rotated
            states[page] = state_after_scan(states[page], rotated)
            advance(&queue)
            make_room(&queue)
            queue.ring.entries[queue.ring.head & queue.ring.mask] = pages[block.miss_index[done]]
            queue.ring.head += 1 + rotated
            done += 1 + rotated
            self.counters.pgscan += 1
        self.queue = queue
        engine.evicted += done
        return done

    def listed_pages(self):
        cdef page_ring ahead = self.queue.ring, behind = self.queue.ring
        behind.head = self.queue.passed
        ahead.tail = self.queue.hand
        return ring_pages(&behind) + ring_pages(&ahead)

    def check(self):
        """Assert every invariant of queue and hand. O(resident pages)."""
        Reclaimer.check(self)
        cdef const page_ring *ring = &self.queue.ring
        passed, hand = self.queue.passed - ring.tail, self.queue.hand - ring.tail
        assert passed <= hand <= ring_count(ring) <= ring.mask + 1, "the hand is outside of its queue"
        assert self.resident == 0 or self.queue.hand != ring.head, "the hand looks at nothing"
