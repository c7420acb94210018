"""SIEVE: Y. Zhang et al., SIEVE is Simpler than LRU, NSDI 2024.

Accessed pages keep their place in a queue: a hand walks from the oldest page to the youngest, clears the marks that it
finds, and evicts the first page without one.

The queue is a ring. A page that the hand passes is moved back to close the gap left by evictions. So there is one gap,
directly before the hand, and no links are needed.
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


# The ring has pages from `tail` to `passed_end`, a gap, and pages from `hand` to `head`.
ctypedef struct sieve_queue:
    page_ring ring
    uint32_t passed_end         # place of the next page that the hand passes
    uint32_t hand               # place of the page that is scanned next; below `head`, unless the queue is empty


# Advance the hand to the next younger page, or from the youngest to the oldest.
cdef inline void advance_hand(sieve_queue *queue) noexcept nogil:
    queue.hand += 1
    if queue.hand == queue.ring.head:
        queue.ring.head = queue.passed_end
        queue.hand = queue.passed_end = queue.ring.tail


cdef inline void keep_page(sieve_queue *queue, uint32_t page) noexcept nogil:
    queue.ring.entries[queue.passed_end & queue.ring.mask] = page
    queue.passed_end += 1
    advance_hand(queue)


# Reserve an entry. If the ring is full, move the passed pages up to the hand.
cdef inline void close_gap(sieve_queue *queue) noexcept nogil:
    cdef uint32_t *entries = queue.ring.entries
    cdef uint32_t mask = queue.ring.mask
    cdef uint32_t start = queue.hand
    if ring_count(&queue.ring) <= mask:
        return
    while queue.passed_end != queue.ring.tail:
        queue.passed_end -= 1
        start -= 1
        entries[start & mask] = entries[queue.passed_end & mask]
    queue.ring.tail = start
    queue.passed_end = queue.hand


@final
cdef class SieveReclaimer(Reclaimer):
    """Keep one queue and a hand. A page that can't be evicted keeps its place, as if it had been accessed."""
    cdef sieve_queue queue

    def __cinit__(self):
        self.queue.ring.entries = NULL
        self.queue.passed_end = self.queue.hand = 0
        self.stops_in_block = True

    def __dealloc__(self):
        ring_close(&self.queue.ring)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        # With twice the entries, closing the gap costs one step for each eviction.
        if ring_open(&self.queue.ring, 2 * <uint64_t> min(pages, frames)) < 0:
            raise HostMemoryError(f"queue of {min(pages, frames)} frames: larger than can be reserved")
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        close_gap(&self.queue)
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
                keep_page(&self.queue, page)
                continue
            code = evict_resident(self, engine, page)
            remaining -= 1
            if code == ZSW_OK:
                evicted += 1
                advance_hand(&self.queue)
                continue
            states[page] |= HIT
            keep_page(&self.queue, page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef uint32_t replay_faults(
        self, EngineBase engine, const mark_block *block, const uint32_t *pages,
    ) noexcept nogil:
        """Replay faults in a full DRAM. Each step keeps a page, or evicts it and adds the faulting one."""
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
            queue.ring.entries[queue.passed_end & queue.ring.mask] = page
            queue.passed_end -= rotated
            states[page] = state_after_scan(states[page], rotated)
            advance_hand(&queue)
            close_gap(&queue)
            queue.ring.entries[queue.ring.head & queue.ring.mask] = pages[block.miss_index[done]]
            queue.ring.head += 1 + rotated
            done += 1 + rotated
            self.counters.pgscan += 1
        self.queue = queue
        engine.evicted += done
        return done

    def listed_pages(self):
        cdef page_ring waiting = self.queue.ring, passed = self.queue.ring
        passed.head = self.queue.passed_end
        waiting.tail = self.queue.hand
        return ring_pages(&passed) + ring_pages(&waiting)

    def check(self):
        """Assert every invariant of queue and hand. O(resident pages)."""
        Reclaimer.check(self)
        cdef const page_ring *ring = &self.queue.ring
        passed_end, hand = self.queue.passed_end - ring.tail, self.queue.hand - ring.tail
        assert passed_end <= hand <= ring_count(ring) <= ring.mask + 1, "the hand is outside of its queue"
        assert self.resident == 0 or self.queue.hand != ring.head, "the hand looks at nothing"
