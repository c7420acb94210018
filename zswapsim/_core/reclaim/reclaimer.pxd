"""What every reclaimer but exact LRU has in common: marks that a hit leaves in a page's state, and how pages go.

A hit counts in the page's state, up to the reclaimer's `most`, and touches nothing else: 1 is an accessed bit.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport reclaim_counters
from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.reclaim.pagelist cimport page_list

# Of a page's state, the engine has the lowest byte; the rest is the reclaimer's, and 0 when the page comes in.
cdef enum:
    TOUCHED = 1                 # has had a minor fault
    WRITTEN = 2                 # written since it came into DRAM
    DIRTY = 4                   # what the backend holds, if anything, is not this page
    IN_SLOT = 8                 # the backend holds this page
    ZERO_MAPPED = 16            # swap knows that the page is all zero
    RESIDENT = 32               # in DRAM; where there is no reclaimer, the log tells
    READ_AHEAD = 64             # in DRAM too, but in the swap cache alone: read ahead, and not accessed yet
    LARGE = 128                 # the first page of a large folio that is in DRAM
    ENGINE_STATE = 0xFF
    HIT = 1 << 8
    HITS = 3 << 8               # accesses since the page came in, or since it was last looked at
    RECLAIM_REFERENCED = 1 << 10
    RECLAIM_WORKINGSET = 1 << 11
    RECLAIM_ACTIVE = 1 << 12
    RECLAIM_ISOLATED = 1 << 13
    SEEN = RECLAIM_ISOLATED     # in a block of accesses at work (markblock.pxd), where the reclaimer stops at it
    RECLAIM_GEN_SHIFT = 14
    SWAP_CLUSTER_MAX = 32
    DEF_PRIORITY = 12
    MET_SEEN = 1                # of Reclaimer.reclaim(): it stopped, and goes on from there when it is called again
    MAX_RECLAIM_RETRIES = 16    # of a charge, before it counts as out of memory

# Of one call: what it works on, and what came of it.
ctypedef struct counted_run:
    uint32_t *stamps
    uint16_t *states
    const uint8_t *ops          # of the accesses, which are counted afterwards
    uint32_t frames             # of DRAM
    uint32_t batch              # pages evicted when no frame is free
    uint64_t accesses           # of the trace before these
    Py_ssize_t done             # accesses that were replayed
    uint64_t minor_faults
    uint64_t major_faults
    uint64_t evicted

# Accesses that are taken together (markblock.pxd).
cdef enum:
    MARK_BLOCK = 64

ctypedef struct mark_block:
    uint16_t before[MARK_BLOCK]         # each page's state before its access
    uint32_t missed[MARK_BLOCK]         # accesses to pages that were not in DRAM
    uint32_t misses


cdef class Evictor:
    cdef bint counting              # pages are only counted: any can go, and `evict` sees to it
    cdef uint64_t evicted           # pages that went so
    # Sends a resident page, which is in no list now, out of DRAM. 0; ZSW_E_FULL where it must stay; any other
    # negative code ends the run, and the page stays too.
    cdef int evict_page(self, uint32_t page) noexcept nogil
    # Replays accesses to pages that are known to be in range; *done of them. 0 or the negative code that ends the run.
    cdef int walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil


cdef class Reclaimer:
    cdef uint32_t *stamps           # by page, the reclaimer's own; borrowed from the engine
    cdef uint16_t *states           # by page; borrowed from the engine
    cdef uint32_t pages             # of them
    cdef uint32_t frames            # of DRAM
    cdef uint32_t most              # hits that are counted; one of 0, 1, 3
    cdef uint32_t map_hit           # what the access that maps a page of the swap cache adds: HIT, or 0
    cdef uint32_t resident          # folios in DRAM; kept by the engine
    cdef bint stops_at_seen         # whether it returns MET_SEEN at a page that is SEEN
    cdef bint mixed                 # whether a branch could not have told the latest hits and misses
    cdef bint stamped               # whether `insert` looks at the page's stamp
    cdef uint32_t order             # a large folio has 1 << order pages; 0 where there are none
    cdef uint32_t mostly            # the order of most folios in DRAM
    cdef uint64_t clock             # accesses before the one that faults; kept by the engine
    cdef reclaim_counters counters

    # Readies it for one engine. Raises InputError where it serves one already, HostMemoryError.
    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1
    # A page has come into DRAM; `refault`: it has been there before. Its state is the engine's alone.
    cdef void insert(self, uint32_t page, bint refault) noexcept nogil
    # Evicts `wanted` pages (at least 1, at most those resident) so that `page` can come in, or fewer where others must
    # stay. ZSW_E_FULL where not one could go; any other negative code ends the run.
    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil
    # Replays accesses where pages are only counted. 0; ZSW_E_FULL where no page could go; any other negative code ends
    # the run.
    cdef int count(self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t count) noexcept nogil
    cdef int count_alone_mixed(
        self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t end,
    ) noexcept nogil
    cdef int count_alone(
        self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil
    cdef int count_block(
        self, counted_run *run, Evictor engine, const uint32_t *pages, const uint32_t *following,
    ) noexcept nogil
    # Works off the faults of a block, whose pages are SEEN. How many: fewer where such a page comes to its turn.
    cdef uint32_t work_off(self, Evictor engine, const mark_block *block, const uint32_t *pages) noexcept nogil
    # The pages of a list, oldest first; asserts that it is one.
    cdef list members(self, const page_list *pages)


# Evictor.evict_page(), without a call where pages are only counted.
cdef inline int send_out(Reclaimer reclaimer, Evictor engine, uint32_t page) noexcept nogil:
    if not engine.counting:
        return engine.evict_page(page)
    reclaimer.states[page] = TOUCHED | IN_SLOT
    reclaimer.resident -= 1
    engine.evicted += 1
    return ZSW_OK


# Pages of the folio that stands in the lists by this page.
cdef inline uint32_t folio_pages(Reclaimer reclaimer, uint32_t page) noexcept nogil:
    return <uint32_t> 1 << (reclaimer.order if reclaimer.states[page] & LARGE else 0)


# The counters of a run whose reclaimer counts none of these.
cdef dict no_reclaim_counters()
