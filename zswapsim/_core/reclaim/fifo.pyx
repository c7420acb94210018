"""Reclaim first in, first out; and CLOCK, which gives accessed pages a second chance.

CLOCK: F. J. Corbató, A Paging Experiment with the Multics System, 1968. A ring with a hand equals a queue whose oldest
page is rotated, and is implemented as one.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t

from zswapsim._core.base.arguments cimport flag
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.reclaim.pagering cimport (
    RING_PREFETCH, page_ring, ring_append, ring_close, ring_count, ring_peek, ring_open, ring_pages,
)
from zswapsim._core.base.page_flags cimport HIT, HITS, IN_BLOCK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.reclaim.mark_block cimport mark_block, mask_if, state_after_scan
from zswapsim._core.reclaim.reclaimer cimport (
    STOPPED_IN_BLOCK, EngineBase, Reclaimer, evict_resident, folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError


@final
cdef class QueueReclaimer(Reclaimer):
    """Keep one queue. `second_chance`: a page that was accessed since it was last scanned is rotated (CLOCK).

    A page that can't be evicted is rotated, as if it had been accessed.
    """
    cdef page_ring queue

    def __cinit__(self):
        self.queue.entries = NULL

    def __init__(self, *, second_chance=False):
        self.max_hits = 1 if flag(second_chance, "second_chance") else 0
        self.stops_in_block = True

    def __dealloc__(self):
        ring_close(&self.queue)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        if ring_open(&self.queue, min(pages, frames)) < 0:
            raise HostMemoryError(f"queue of {min(pages, frames)} frames: larger than can be reserved")
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        ring_append(&self.queue, page)
        return ZSW_OK

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef uint32_t evicted = 0, remaining = ring_count(&self.queue)
        cdef int code
        while evicted < wanted and remaining:
            page = ring_peek(&self.queue, self.queue.tail, states)
            if states[page] & IN_BLOCK:
                return STOPPED_IN_BLOCK
            self.queue.tail += 1
            self.counters.pgscan += 1
            if states[page] & HITS:
                states[page] &= ~<uint32_t> HITS
                ring_append(&self.queue, page)
                continue
            code = evict_resident(self, engine, page)
            remaining -= 1
            if code == ZSW_OK:
                evicted += 1
                continue
            states[page] |= HIT * self.max_hits
            ring_append(&self.queue, page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef uint32_t replay_faults(
        self, EngineBase engine, const mark_block *block, const uint32_t *pages,
    ) noexcept nogil:
        """Replay faults in a full DRAM. Each step removes a page and appends one: the same page, or the faulting
        one."""
        # Local copy: stores to states cannot alias it.
        cdef page_ring queue = self.queue
        cdef uint16_t *states = self.states
        cdef uint32_t done = 0, page, rotated
        if self.resident < self.frames:
            return Reclaimer.replay_faults(self, engine, block, pages)
        while done < block.misses:
            page = queue.entries[queue.tail & queue.mask]
            # The queue has at least that many pages: DRAM is full, and not small.
            zsw_prefetch_write(&states[queue.entries[(queue.tail + RING_PREFETCH) & queue.mask]])
            if states[page] & IN_BLOCK:
                break
            rotated = mask_if(states[page] & HITS)
            queue.entries[queue.head & queue.mask] = (page & rotated) | (pages[block.miss_index[done]] & ~rotated)
            states[page] = state_after_scan(states[page], rotated)
            queue.head += 1
            queue.tail += 1
            done += 1 + rotated
        self.counters.pgscan += queue.tail - self.queue.tail
        self.queue = queue
        engine.evicted += done
        return done

    def listed_pages(self):
        return ring_pages(&self.queue)
