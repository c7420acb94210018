"""First in, first out; and CLOCK, the same with a second chance.

CLOCK: F. J. Corbató, A Paging Experiment with the Multics System, 1968. A ring with a hand is a queue whose oldest page
goes back to the young end, which is how it is kept here.
"""

from cython cimport final

from libc.stdint cimport uint32_t

from zswapsim._core.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.lru cimport page_record
from zswapsim._core.pagelist cimport list_append, list_open, list_pop, page_list
from zswapsim._core.reclaim cimport HIT, HITS, Evictor, Reclaimer


@final
cdef class QueueReclaimer(Reclaimer):
    """One queue. `second_chance`: a page that was accessed since its last turn has another (CLOCK).

    A page that must stay goes to the young end, as if it had been accessed.
    """
    cdef page_list queue

    def __init__(self, *, bint second_chance=False):
        self.most = 1 if second_chance else 0
        list_open(&self.queue)

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        list_append(&self.queue, self.records, page)

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        cdef page_record *records = self.records
        cdef uint32_t evicted = 0, left = self.queue.count
        cdef int code
        while evicted < wanted and left:
            page = list_pop(&self.queue, records)
            self.counters.pgscan += 1
            if records[page].state & HITS:
                records[page].state &= ~<uint32_t> HITS
                list_append(&self.queue, records, page)
                continue
            code = engine.evict_page(page)
            left -= 1
            if code == ZSW_OK:
                evicted += 1
                continue
            records[page].state |= HIT * self.most
            list_append(&self.queue, records, page)
            if code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    def everyone(self):
        return self.members(&self.queue)
