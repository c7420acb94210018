"""Select the pages to read beside a faulting one: swap readahead (mm/swap_state.c of Linux 6.18)."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport readahead_counters
from zswapsim._core.readahead.swap_slots cimport swap_slots

cdef enum:
    FIRST_HITS = 4              # hits of a new mapping or area, so that its first windows are small

ctypedef struct vma_info:       # vma->swap_readahead_info, unpacked
    uint64_t address            # address of the last fault, in pages
    uint16_t window             # pages of its window
    uint16_t hits               # hits since then; at most SWAP_RA_HITS_MAX


cdef class Readahead:
    cdef readahead_counters counters
    cdef uint32_t pages             # the footprint; 0 before attach()
    cdef uint32_t max_window        # pages of the largest window

    # Prepare readahead for one engine. Raises InputError if it already has one or does not fit it, HostMemoryError.
    cdef int attach(self, uint32_t pages) except -1
    # Set the window for a fault on a page outside of DRAM. Return its pages, the faulting one included; 0 if there are
    # none.
    cdef uint32_t window(self, uint32_t page) noexcept nogil
    # Return the page that is now at a place of the last window, or LRU_NONE.
    cdef uint32_t candidate(self, uint32_t place) noexcept nogil
    # Note the first access to a page that was read ahead.
    cdef void note_hit(self, uint32_t page) noexcept nogil
    # Note that a page was mapped by a fault, from the backend or from the swap cache. `write`: the fault was a write.
    cdef void note_mapped(self, uint32_t page, bint write) noexcept nogil
    # Note that a page was evicted. `unused`: it was read ahead and never accessed.
    cdef void note_evicted(self, uint32_t page, bint unused) noexcept nogil


# Return the counters of a run without readahead.
cdef dict no_readahead_counters()
