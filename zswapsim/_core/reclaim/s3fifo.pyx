"""S3-FIFO: J. Yang et al., FIFO Queues are All You Need for Cache Eviction, SOSP 2023.

New pages enter a small queue, a tenth of DRAM, and move to the main queue only if they are accessed at least twice
before they are scanned. The others are evicted and remembered as ghosts; a ghost that refaults soon enters the main
queue. As in the authors' second version (libCacheSim), until DRAM is first full, pages enter the main queue once the
small one is full.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.page_flags cimport HIT, HITS, IN_BLOCK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.lru.log cimport (
    LRU_NONE, lru_add, lru_close, lru_contains, lru_log, lru_open, lru_pop_oldest, lru_remove,
)
from zswapsim._core.reclaim.pagering cimport (
    page_ring, ring_append, ring_close, ring_count, ring_open, ring_pages, ring_peek, ring_peek_ahead,
)
from zswapsim._core.reclaim.reclaimer cimport (
    STOPPED_IN_BLOCK, EngineBase, Reclaimer, evict_resident, folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError

cdef enum:
    SMALL_PERCENT = 10
    GHOST_PERCENT = 90
    PROMOTE_HITS = 2 * HIT           # hits at which a page moves from the small queue to the main one


@final
cdef class S3FifoReclaimer(Reclaimer):
    """Keep a small and a main queue. A page that can't be evicted is rotated with the maximum number of hits."""
    cdef page_ring small
    cdef page_ring main
    cdef uint32_t small_size    # frames of the small queue; the main one has the others
    cdef uint32_t ghost_size    # maximum number of ghosts
    cdef lru_log ghost          # the ghosts; a page has a ghost if its stamp is in this log
    cdef uint32_t returning_ghost   # the faulting page if it was a ghost, otherwise LRU_NONE
    cdef bint been_full         # DRAM was full at least once
    cdef bint resume_in_small   # the last scan stopped in the small queue at an IN_BLOCK page; resume there
    cdef uint32_t remaining_small   # pages of each queue that this reclaim has not tried to evict yet
    cdef uint32_t remaining_main

    def __cinit__(self):
        self.small.entries = self.main.entries = NULL
        self.ghost.entries = NULL
        self.max_hits = 3
        self.stops_in_block = True
        self.reads_stamps = True
        self.returning_ghost = LRU_NONE

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        cdef uint32_t room = min(pages, frames)
        cdef uint64_t folios = frames >> self.common_order
        Reclaimer.attach(self, stamps, states, pages, frames)
        self.small_size = max(<uint32_t> (folios * SMALL_PERCENT // 100), <uint32_t> 1)
        self.ghost_size = <uint32_t> (folios * GHOST_PERCENT // 100)
        # There are at most as many ghosts as pages. With twice the places the log never grows; with four times it is
        # seldom compacted.
        if ring_open(&self.small, room) < 0 or ring_open(&self.main, room) < 0 or \
                lru_open(&self.ghost, <uint32_t> (min(min(self.ghost_size, pages), 1 << 29) * 4 + 256), pages) < 0:
            raise HostMemoryError(f"queues of {room} frames and ghosts: larger than can be reserved")
        return 0

    def __dealloc__(self):
        ring_close(&self.small)
        ring_close(&self.main)
        lru_close(&self.ghost)

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        self.remove_ghost(page)
        if self.returning_ghost == page or (not self.been_full and ring_count(&self.small) >= self.small_size):
            ring_append(&self.main, page)
        else:
            ring_append(&self.small, page)
        self.returning_ghost = LRU_NONE
        return ZSW_OK

    cdef inline void remove_ghost(self, uint32_t page) noexcept nogil:
        """Remove a faulting page's ghost and remember that there was one."""
        if lru_contains(&self.ghost, self.stamps[page]):
            lru_remove(&self.ghost, self.stamps, page)
            self.returning_ghost = page

    cdef inline void add_ghost(self, uint32_t page) noexcept nogil:
        if self.ghost_size == 0:
            return
        if self.ghost.live >= self.ghost_size:
            lru_pop_oldest(&self.ghost)
        lru_add(&self.ghost, self.stamps, page)

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef uint32_t evicted = 0
        cdef bint from_main
        cdef int code
        # Do this first: an eviction could drop this page's ghost.
        self.remove_ghost(page)
        self.been_full = True
        self.remaining_small = ring_count(&self.small)
        self.remaining_main = ring_count(&self.main)
        while evicted < wanted and self.remaining_small + self.remaining_main:
            from_main = not self.resume_in_small and self.main_is_due()
            code = self.evict_main(engine) if from_main else self.evict_small(engine)
            self.resume_in_small = code == STOPPED_IN_BLOCK and not from_main
            if code == ZSW_OK:
                evicted += 1
            elif code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef inline bint main_is_due(self) noexcept nogil:
        """Return True to evict from the main queue. A queue whose pages all must stay is skipped."""
        if self.remaining_small == 0 or self.remaining_main == 0:
            return self.remaining_small == 0
        return ring_count(&self.main) + self.small_size > self.frames >> self.common_order

    cdef inline int evict_small(self, EngineBase engine) noexcept nogil:
        """Evict from the small queue. Return ZSW_E_FULL if a page must stay, or all were moved to the main queue."""
        cdef uint32_t page
        cdef int code
        while self.remaining_small:
            page = ring_peek(&self.small, self.small.tail, self.states)
            if self.states[page] & IN_BLOCK:
                return STOPPED_IN_BLOCK
            # add_ghost() writes the page's stamp, so prefetch that of a later page.
            zsw_prefetch_write(&self.stamps[ring_peek_ahead(&self.small, self.small.tail, page)])
            self.small.tail += 1
            self.counters.pgscan += 1
            self.remaining_small -= 1
            if self.states[page] & HITS >= PROMOTE_HITS:
                self.states[page] &= ~<uint32_t> HITS
                ring_append(&self.main, page)
                self.remaining_main += 1
                continue
            code = evict_resident(self, engine, page)
            if code == ZSW_OK:
                self.add_ghost(page)
                return ZSW_OK
            self.states[page] |= HITS
            ring_append(&self.small, page)
            return code
        return ZSW_E_FULL

    cdef inline int evict_main(self, EngineBase engine) noexcept nogil:
        """Evict from the main queue, which is not empty. Return ZSW_E_FULL if a page must stay."""
        cdef uint32_t page
        cdef int code
        while True:
            page = ring_peek(&self.main, self.main.tail, self.states)
            if self.states[page] & IN_BLOCK:
                return STOPPED_IN_BLOCK
            self.main.tail += 1
            self.counters.pgscan += 1
            if self.states[page] & HITS == 0:
                break
            self.states[page] -= HIT
            ring_append(&self.main, page)
        self.remaining_main -= 1
        code = evict_resident(self, engine, page)
        if code != ZSW_OK:
            self.states[page] |= HITS
            ring_append(&self.main, page)
        return code

    def listed_pages(self):
        return ring_pages(&self.small) + ring_pages(&self.main)

    def check(self):
        """Assert every invariant of queues and ghosts. O(pages)."""
        Reclaimer.check(self)
        ghosts = {page for page in range(self.pages) if lru_contains(&self.ghost, self.stamps[page])}
        assert len(ghosts) == self.ghost.live <= self.ghost_size, "the ghosts are miscounted"
        assert not ghosts & set(self.listed_pages()), "a resident page has a ghost"
