"""Define the contract of engine and reclaimer: a policy sees lists, marks and a clock, and of the engine four calls.

A reclaimer has, for each page, a 32-bit stamp of its own and the upper byte of the page's state (base/page_flags.pxd).
A hit counts in the state, up to `max_hits`, without a call: 1 makes it an accessed bit. A reclaimer for which that is
not enough sets `moves_on_hit`, and access() is called at every hit. To write one, derive from Reclaimer and override
insert(), reclaim() and listed_pages(); attach() too if it has tables of its own.

If large folios are in use, a folio stands in the lists by its first page, and all numbers of pages below are numbers
of folios, unless they say otherwise.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport reclaim_counters
from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.base.page_flags cimport FAULTED, IN_SLOT, LARGE
from zswapsim._core.reclaim.counting cimport counting_run
from zswapsim._core.reclaim.mark_block cimport mark_block
from zswapsim._core.reclaim.pagelist cimport page_list

cdef enum:
    SWAP_CLUSTER_MAX = 32
    DEF_PRIORITY = 12
    MAX_RECLAIM_RETRIES = 16    # of a charge, before it counts as out of memory
    STOPPED_IN_BLOCK = 1        # reclaim() stopped at a page IN_BLOCK, and goes on from there at its next call


cdef class EngineBase:
    """The engine, as a reclaimer sees it."""
    cdef bint counting              # pages are only counted: every eviction succeeds, and evict() need not be called
    cdef uint64_t evicted           # pages evicted while they are only counted
    cdef uint64_t accesses          # accesses of the trace before the present walk()
    cdef uint64_t resident_pages    # pages in DRAM, not folios

    # Evict a resident page, which is in no list at present. 0; ZSW_E_FULL if it must stay in DRAM; any other negative
    # code ends the run, and the page stays too.
    cdef int evict(self, uint32_t page) noexcept nogil
    # Put pages that were split off evicted folios into the lists. The engine does so after each reclaim(); a reclaimer
    # may do so earlier. 0 or a negative code, which ends the run.
    cdef int putback_split(self) noexcept nogil
    # Handle an access to a page that is not mapped in DRAM. 0 or a negative code, which ends the run.
    cdef int fault(self, uint32_t page, bint write) noexcept nogil
    # Handle the first write to a page since it came into DRAM.
    cdef void first_write(self, uint32_t page) noexcept nogil


cdef class Reclaimer:
    # Borrowed from the page table:
    cdef uint32_t *stamps           # by page; the reclaimer's own, LRU_NONE in the beginning
    cdef uint16_t *states           # by page
    cdef object tables              # the page table, which outlives both
    # Set by attach() and expect_folios():
    cdef uint32_t pages             # the footprint, pages
    cdef uint32_t frames            # of DRAM
    cdef uint32_t order             # a large folio has 1 << order pages; 0 if there are none
    cdef uint32_t common_order      # the order of most folios in DRAM
    # Set by the reclaimer when it is made:
    cdef uint32_t max_hits          # hits that are counted: 0, 1 or 3
    cdef uint32_t map_adds_hit      # added to a state by the access that maps a page of the swap cache: HIT, or 0
    cdef bint moves_on_hit          # access() is called at every hit
    cdef bint stops_in_block        # reclaim() returns STOPPED_IN_BLOCK at a page IN_BLOCK
    cdef bint reads_stamps          # insert() reads the page's stamp
    # Kept by the engine:
    cdef uint32_t resident          # folios in DRAM
    cdef uint64_t clock             # accesses before the one that faults
    # Kept by walk_counting():
    cdef bint use_blocks            # a branch could not have predicted the latest hits and misses
    cdef reclaim_counters counters

    # Prepare for one engine. Raises InputError if the reclaimer serves one already, HostMemoryError.
    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1
    # Add a page that has come into DRAM; `refault`: it has been there before. Its reclaimer's bits are 0. 0 or a
    # negative code, which ends the run.
    cdef int insert(self, uint32_t page, bint refault) noexcept nogil
    # Evict about `nr_to_reclaim` pages (not folios; at least 1), so that `page` can come in. 0; ZSW_E_FULL if none
    # could be evicted; any other negative code ends the run.
    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil
    # Note a hit. 0 or a negative code, which ends the run.
    cdef int access(self, uint32_t page) noexcept nogil
    # Note the first access to a page that was read ahead, and is mapped now. 0 or a negative code, which ends the run.
    cdef int map_cached(self, uint32_t page) noexcept nogil
    # Replay accesses to pages below `pages`, none of which is in a large folio; *done of them. 0 or the negative code
    # that ends the run.
    cdef int walk(
        self, EngineBase engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil

    # If pages are only counted: replay accesses. 0; ZSW_E_FULL if no page could be evicted; any other negative code
    # ends the run.
    cdef int walk_counting(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil
    cdef int walk_scalar_adaptive(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t end,
    ) noexcept nogil
    cdef int walk_scalar(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil
    cdef int walk_markblock(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, const uint32_t *next_pages,
    ) noexcept nogil
    # Replay the faults of a block. Returns how many: fewer than all if a page IN_BLOCK was scanned.
    cdef uint32_t replay_faults(
        self, EngineBase engine, const mark_block *block, const uint32_t *pages,
    ) noexcept nogil
    # Return a page's state as the engine would have set it, also if pages are only counted. For check().
    cdef uint32_t state_of(self, EngineBase engine, uint32_t page) noexcept nogil
    # Return the pages of a list, oldest first. Asserts that it is one.
    cdef list list_pages(self, const page_list *pages)


# Evict a page: EngineBase.evict(), without a call if pages are only counted.
cdef inline int evict_resident(Reclaimer reclaimer, EngineBase engine, uint32_t page) noexcept nogil:
    if not engine.counting:
        return engine.evict(page)
    reclaimer.states[page] = FAULTED | IN_SLOT
    reclaimer.resident -= 1
    engine.evicted += 1
    return ZSW_OK


# Return how many folios have about so many pages: at least one, at most all.
cdef inline uint32_t folios_to_reclaim(
    Reclaimer reclaimer, EngineBase engine, uint32_t nr_to_reclaim,
) noexcept nogil:
    cdef uint64_t folios = nr_to_reclaim
    if reclaimer.order:
        folios = max(folios * reclaimer.resident // engine.resident_pages, <uint64_t> 1)
    return <uint32_t> min(folios, <uint64_t> reclaimer.resident)


# Return the pages of the folio that stands in the lists by this page.
cdef inline uint32_t folio_pages(Reclaimer reclaimer, uint32_t page) noexcept nogil:
    return <uint32_t> 1 << (reclaimer.order if reclaimer.states[page] & LARGE else 0)
