"""First in, first out; and CLOCK, the same with a second chance.

CLOCK: F. J. Corbató, A Paging Experiment with the Multics System, 1968. A ring with a hand is a queue whose oldest page
goes back to the young end, which is how it is kept here.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.reclaim.pagering cimport (
    RING_AHEAD, page_ring, ring_append, ring_close, ring_count, ring_look, ring_open, ring_pages,
)
from zswapsim._core.base.prefetch cimport zsw_prefetch
from zswapsim._core.reclaim.marks cimport all_ones_if, looked_at
from zswapsim._core.reclaim.reclaimer cimport HIT, HITS, MET_SEEN, SEEN, Evictor, Reclaimer, mark_block, send_out
from zswapsim._core.base.errors import HostMemoryError


@final
cdef class QueueReclaimer(Reclaimer):
    """One queue. `second_chance`: a page that was accessed since its last turn has another (CLOCK).

    A page that must stay goes to the young end, as if it had been accessed.
    """
    cdef page_ring queue

    def __cinit__(self):
        self.queue.entries = NULL

    def __init__(self, *, bint second_chance=False):
        self.most = 1 if second_chance else 0
        self.stops_at_seen = True

    def __dealloc__(self):
        ring_close(&self.queue)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        if ring_open(&self.queue, min(pages, frames)) < 0:
            raise HostMemoryError(f"queue of {min(pages, frames)} frames: larger than can be reserved")
        return 0

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        ring_append(&self.queue, page)

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t evicted = 0, left = ring_count(&self.queue)
        cdef int code
        while evicted < wanted and left:
            page = ring_look(&self.queue, self.queue.tail, states)
            if states[page] & SEEN:
                return MET_SEEN
            self.queue.tail += 1
            self.counters.pgscan += 1
            if states[page] & HITS:
                states[page] &= ~<uint32_t> HITS
                ring_append(&self.queue, page)
                continue
            code = send_out(self, engine, page)
            left -= 1
            if code == ZSW_OK:
                evicted += 1
                continue
            states[page] |= HIT * self.most
            ring_append(&self.queue, page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef uint32_t work_off(self, Evictor engine, const mark_block *block, const uint32_t *pages) noexcept nogil:
        """In a full DRAM, each step takes a page out of the queue and puts one in: that one, or one that faults."""
        # A copy, which no write to a state can be taken to change.
        cdef page_ring queue = self.queue
        cdef uint16_t *states = self.states
        cdef uint32_t done = 0, page, spared
        if self.resident < self.frames:
            return Reclaimer.work_off(self, engine, block, pages)
        while done < block.misses:
            page = queue.entries[queue.tail & queue.mask]
            # There is one so far ahead: DRAM is full, and not small.
            zsw_prefetch(&states[queue.entries[(queue.tail + RING_AHEAD) & queue.mask]])
            if states[page] & SEEN:
                break
            spared = all_ones_if(states[page] & HITS)
            queue.entries[queue.head & queue.mask] = (page & spared) | (pages[block.missed[done]] & ~spared)
            states[page] = looked_at(states[page], spared)
            queue.head += 1
            queue.tail += 1
            done += 1 + spared
        self.counters.pgscan += queue.tail - self.queue.tail
        self.queue = queue
        engine.evicted += done
        return done

    def everyone(self):
        return ring_pages(&self.queue)
