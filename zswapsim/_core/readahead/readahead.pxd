"""Swap readahead: which pages are brought in beside one that is faulted in (mm/swap_state.c of Linux 6.18)."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport readahead_counters
from zswapsim._core.readahead.swap_slots cimport swap_slots

cdef enum:
    FIRST_HITS = 4              # hits that a window is begun with, so that it starts small

ctypedef struct vma_info:       # vma->swap_readahead_info, unpacked
    uint64_t address            # of the last fault, in pages
    uint16_t window             # pages that it had
    uint16_t hits               # since then; at most SWAP_RA_HITS_MAX


cdef class Readahead:
    cdef readahead_counters counters
    cdef uint32_t pages             # the footprint; 0 before attach()
    cdef uint32_t most              # pages of the largest window

    # Readies it for one engine. Raises InputError where it serves one already or does not fit it, HostMemoryError.
    cdef int attach(self, uint32_t pages) except -1
    # A page outside of DRAM is accessed: how many pages are looked at, itself among them; 0 where none are.
    cdef uint32_t window(self, uint32_t page) noexcept nogil
    # The page at a place of the window that was asked for last, as things are now; LRU_NONE where there is none.
    cdef uint32_t candidate(self, uint32_t place) noexcept nogil
    # A page that was read ahead is accessed for the first time.
    cdef void hit(self, uint32_t page) noexcept nogil
    # A page has come into DRAM, or out of the swap cache, by a fault of that kind.
    cdef void mapped(self, uint32_t page, bint write) noexcept nogil
    # A page has left DRAM; `unused`: it had been read ahead, and not accessed since.
    cdef void evicted(self, uint32_t page, bint unused) noexcept nogil


# The counters of a run that reads nothing ahead.
cdef dict no_readahead_counters()
