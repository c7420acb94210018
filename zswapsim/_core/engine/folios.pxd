"""The engine with large folios: aligned groups of pages that come into DRAM together, and go as one or page by page.

What Linux 6.18 does with anonymous memory in folios of one order (docs/folios.md). Pages are numbered so that a folio's
stand side by side: page p is of folio p >> order. A large folio in DRAM stands in the reclaimer's lists by its first
page; a page that came in alone, or was split off, by itself.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.reclaim.reclaimer cimport Evictor
from zswapsim._core.base.counters cimport folio_counters, replay_counters
from zswapsim._core.engine.replay cimport Replay

cdef enum:
    FOLIO_MAX_ORDER = 5     # 128 KiB

cdef enum:                  # how a folio's pages are held
    FORM_FRESH = 0          # none of them was touched yet
    FORM_LARGE = 1          # in DRAM, as one
    FORM_OUTSIDE = 2        # went as one, and all are still outside
    FORM_APART = 3          # each for itself, in DRAM or outside

ctypedef struct folio_record:   # 16 bytes
    uint32_t seen           # a bit for each page: the trace has accessed it; until then it is all zero
    uint32_t waiting        # a bit for each page that was split off and waits to be entered in a list
    uint32_t next           # the next folio with such pages, or NO_FOLIO
    uint8_t form


@final
cdef class FolioReplay(Evictor):
    cdef readonly Replay engine
    cdef readonly uint32_t order        # a large folio has 1 << order pages
    cdef readonly bint swaps_in_whole   # a fault brings in all of a folio that went as one
    cdef uint32_t *stamps               # the engine's, as are the next
    cdef uint16_t *states
    cdef replay_counters *shared
    cdef uint32_t size                  # pages of a large folio
    cdef const uint32_t *place          # by page of the trace: its page here; borrowed from `keeps`
    cdef uint32_t trace_pages
    cdef object keeps
    cdef folio_record *folios           # owned
    cdef uint32_t folio_count
    cdef uint32_t waiting               # the first folio with pages that wait, or NO_FOLIO
    cdef uint64_t used                  # frames of DRAM that hold pages
    cdef uint32_t zero_image            # a content that is all zero
    cdef const uint8_t *bytes[32]       # of a folio on its way out; NULL except at bytes depth
    cdef folio_counters counters
    cdef uint64_t whole_faults          # major faults that brought in all of a folio
    cdef double clear_ns

    # The number under which a page's folio stands in the lists.
    cdef uint32_t unit_of(self, uint32_t page) noexcept nogil
    cdef bint is_resident(self, uint32_t unit) noexcept nogil
    cdef int touch(self, uint32_t unit) noexcept nogil
    cdef void accessed(self, uint32_t page, bint write) noexcept nogil
    # The copies behind go, of all of a large folio: it has one dirty flag.
    cdef void disown(self, uint32_t page) noexcept nogil
    cdef void first_access(self, uint32_t page) noexcept nogil
    cdef int fault(self, uint32_t page) noexcept nogil
    cdef int enter_list(self, uint32_t unit, bint refault) noexcept nogil
    cdef void allocate(self, uint32_t first) noexcept nogil
    cdef int swap_in(self, uint32_t first, double before) noexcept nogil
    cdef bint is_short_of(self, uint32_t frames) noexcept nogil
    # Makes room, for the folio `coming`. 0; ZSW_E_FULL where no frame came free; any other negative code ends the run.
    cdef int reclaim(self, uint32_t coming) noexcept nogil
    cdef int reclaim_oldest(self) noexcept nogil
    cdef int enter_waiting(self) noexcept nogil
    # Sends a folio out. 0; ZSW_E_FULL where its first page stays; any other negative code ends the run.
    cdef int evict(self, uint32_t unit) noexcept nogil
    cdef int evict_one(self, uint32_t page) noexcept nogil
    cdef void give_frames(self, uint32_t first, uint32_t end) noexcept nogil
    cdef int evict_large(self, uint32_t first) noexcept nogil
    cdef int swap_out(self, uint32_t first) noexcept nogil
    cdef bint is_dirty(self, uint32_t first) noexcept nogil
    cdef bint is_zero(self, uint32_t first) noexcept nogil
    cdef void went(self, uint32_t first, uint32_t state) noexcept nogil
    cdef int evict_split(self, uint32_t first) noexcept nogil
    cdef int ready(self) except -1
    cdef int check_folio(self, uint32_t folio) except -1
