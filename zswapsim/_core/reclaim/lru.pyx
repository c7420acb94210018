"""Exact LRU: pages are evicted in the order of their latest access (lru/log.pxd).

An access to a page in DRAM moves it to the log's young end, which no mark in a state can express; so this reclaimer has
loops of its own. A hit raises `accesses`, which engine/walk.pxd counts, and no other counter. If pages are only
counted, this reclaimer leaves their states alone: stamps tell which pages are in DRAM.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.page_flags cimport DIRTY, FAULTED, IN_SLOT, RESIDENT, is_first_write
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.lru.block cimport LRU_BLOCK, LRU_BLOCK_FRAMES, lru_block, lrublock_walk
from zswapsim._core.lru.log cimport (
    LRU_MAX_CAPACITY, LRU_NONE, LRU_PREFETCH, LRU_SIGNED, lru_add, lru_append, lru_close, lru_contains,
    lru_drop_found, lru_index, lru_log, lru_next_marked, lru_oldest_prefetching, lru_open, lru_open_word,
    lru_pop_oldest, lru_touch, lru_unmark,
)
from zswapsim._core.reclaim.counting cimport counting_run, prefetch_accesses
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer
from zswapsim._core.base.errors import HostMemoryError


# Return true if stamps and places of the next block are in order as signed numbers.
cdef inline bint stamps_fit_signed(const lru_log *log) noexcept nogil:
    return log.head < LRU_SIGNED - 64 and log.capacity < LRU_SIGNED


cdef inline void drop_batch(lru_log *log, uint32_t batch) noexcept nogil:
    cdef uint32_t remaining = min(batch, log.live)
    while remaining:
        lru_pop_oldest(log)
        remaining -= 1


@final
cdef class LruReclaimer(Reclaimer):
    """Least recently used first, exactly. A page that must stay becomes the most recently used."""

    cdef lru_log log            # folios in DRAM, the least recently used first

    def __cinit__(self):
        memset(&self.log, 0, sizeof(self.log))
        self.max_hits = 0
        self.map_adds_hit = 0
        self.moves_on_hit = True

    def __dealloc__(self):
        lru_close(&self.log)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        cdef uint32_t resident = min(frames, pages)
        # With up to a half of the pages in DRAM, stamps and log take less than 12 bytes a page. Moving entries together
        # costs less than half a step an access with the least length, and a sixth with the longest.
        cdef uint64_t least = <uint64_t> resident * 15 // 4
        cdef uint64_t entries = max(least, min(2 * least, <uint64_t> pages * 15 // 8)) + 64
        Reclaimer.attach(self, stamps, states, pages, frames)
        if lru_open(&self.log, <uint32_t> min(entries, <uint64_t> LRU_MAX_CAPACITY), pages) < 0:
            raise HostMemoryError(f"log of {resident} frames: larger than can be reserved")
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        return lru_add(&self.log, self.stamps, page)

    cdef int access(self, uint32_t page) noexcept nogil:
        return lru_touch(&self.log, self.stamps, page)

    cdef int map_cached(self, uint32_t page) noexcept nogil:
        return lru_touch(&self.log, self.stamps, page)

    cdef int walk(
        self, EngineBase engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil:
        """A hit moves the page to the young end of the log."""
        cdef lru_log *log = &self.log
        cdef uint32_t *stamps = self.stamps
        cdef uint16_t *states = self.states
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t last = count - 1
        cdef uint32_t page, before = LRU_NONE
        cdef int code = ZSW_OK
        while i < count:
            page = pages[min(i + LRU_PREFETCH, last)]
            zsw_prefetch_write(&stamps[page])
            zsw_prefetch_write(&states[page])
            page = pages[i]
            if states[page] & RESIDENT == 0:
                self.clock = engine.accesses + i
                code = engine.fault(page, ops[i] != 0)
            elif page != before:
                code = lru_touch(log, stamps, page)
            if code < 0:
                break
            before = page
            if is_first_write(states[page], ops[i]):
                engine.first_write(page)
            i += 1
        done[0] = i
        return code

    # -- reclaim --------------------------------------------------------------------------------------------------

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        """Evict the least recently used first. A page that must stay is passed over, once all round."""
        cdef uint64_t before = engine.resident_pages
        cdef uint64_t target = before - min(<uint64_t> nr_to_reclaim, before)
        cdef uint32_t remaining = self.log.live
        cdef int code
        while engine.resident_pages > target and remaining:
            code = self.evict_oldest(engine)
            if code < 0:
                return code
            remaining -= 1
        return ZSW_OK if engine.resident_pages < before else ZSW_E_FULL

    cdef inline int evict_oldest(self, EngineBase engine) noexcept nogil:
        # An eviction reads a page's state, and not its stamp.
        cdef uint32_t page = lru_oldest_prefetching(&self.log, self.states, sizeof(uint16_t))
        cdef int code = engine.evict(page)
        if code == ZSW_OK:
            lru_drop_found(&self.log)
        elif code == ZSW_E_FULL:
            code = lru_touch(&self.log, self.stamps, page)
        # Pages that were split off a folio are younger than those that are evicted next.
        return engine.putback_split() if code == ZSW_OK and self.order else code

    # -- pages that are only counted ------------------------------------------------------------------------------

    cdef int walk_counting(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil:
        """An eviction moves the log's old end. 0 or ZSW_E_NOMEM."""
        cdef lru_log *log = &self.log
        cdef uint32_t before = log.live
        cdef bint blocks = run.batch == 1 and run.frames >= LRU_BLOCK_FRAMES
        cdef Py_ssize_t end
        cdef int code = ZSW_OK
        while run.done < count:
            if log.head & 63 == 0:
                code = lru_open_word(log, run.stamps)
                if code < 0:
                    break
            end = min(count, run.done + 64 - (log.head & 63))
            if blocks and end - run.done == LRU_BLOCK and stamps_fit_signed(log):
                prefetch_accesses(run, pages, count)
                self.walk_block(run, pages + run.done, pages + min(run.done + 2 * LRU_BLOCK, count - LRU_BLOCK))
            else:
                self.walk_word(run, pages + run.done, end - run.done, count - run.done)
            run.done = end
        engine.evicted += before + run.minor_faults + run.major_faults - log.live
        self.resident = log.live
        return code

    cdef inline void walk_block(
        self, counting_run *run, const uint32_t *pages, const uint32_t *next_pages,
    ) noexcept nogil:
        cdef lru_block block
        lrublock_walk(&block, &self.log, run.stamps, run.frames, pages, next_pages)
        run.minor_faults += block.minor
        run.major_faults += block.misses - block.minor

    cdef inline void walk_word(
        self, counting_run *run, const uint32_t *pages, Py_ssize_t count, Py_ssize_t readable,
    ) noexcept nogil:
        """Replay the accesses that fit into head's word of marks. `readable`: accesses that may be read ahead."""
        # Local copies: stores to stamps and entries cannot alias them.
        cdef lru_log log = self.log
        cdef uint32_t *stamps = run.stamps
        cdef uint32_t page, stamp, frames = run.frames
        cdef uint64_t minor = 0, misses = 0
        cdef Py_ssize_t i
        for i in range(count):
            zsw_prefetch_write(&stamps[pages[min(i + LRU_PREFETCH, readable - 1)]])
            page = pages[i]
            stamp = stamps[page]
            if lru_contains(&log, stamp):
                lru_unmark(&log, stamp)
            else:
                misses += 1
                minor += stamp == LRU_NONE
                if log.live >= frames:
                    drop_batch(&log, run.batch)
                log.live += 1
            lru_append(&log, stamps, page)
        self.log = log
        run.minor_faults += minor
        run.major_faults += misses - minor

    # -- statistics and checks ------------------------------------------------------------------------------------

    cdef uint32_t state_of(self, EngineBase engine, uint32_t page) noexcept nogil:
        if not engine.counting:
            return self.states[page]
        if lru_contains(&self.log, self.stamps[page]):
            return FAULTED | DIRTY | RESIDENT
        return 0 if self.stamps[page] == LRU_NONE else FAULTED | IN_SLOT

    def listed_pages(self):
        cdef uint32_t stamp = self.log.tail, i
        pages = []
        for i in range(self.log.live):
            stamp = lru_next_marked(&self.log, stamp)
            pages.append(self.log.entries[lru_index(&self.log, stamp)])
            assert self.stamps[pages[i]] == stamp, f"page {pages[i]} has another's place in the log"
            stamp += 1
        return pages

    def check(self):
        """Assert every invariant of the log. O(resident pages)."""
        assert self.log.live == self.resident, "the log does not hold the resident pages"
        Reclaimer.check(self)
