"""Swap to zram, a block device in DRAM."""

from cython cimport final

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.backend.compressed cimport CompressedBackend
from zswapsim._core.zsmalloc.slots cimport encoded_page

cdef enum:                          # bits of a slot's state, beside SLOT_AT_* and SLOT_REFERENCED
    ZRAM_IDLE = 8                   # not accessed since it was marked
    ZRAM_INCOMPRESSIBLE = 16        # recompression with the strongest codec did not make it smaller


@final
cdef class ZramBackend(CompressedBackend):
    cdef uint64_t mem_limit         # limit of frames; a page that needs more is rejected; or unlimited (UINT64_MAX)
    cdef bint keep_slots            # a slot is not freed if its page is written in DRAM, but overwritten later
    cdef uint64_t *access_time      # owned; by slot, the clock at its last access; NULL without access tracking
    cdef bint tracks_access         # CONFIG_ZRAM_TRACK_ENTRY_ACTIME

    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil
    # Return True if the page would exceed mem_limit. zram_can_store_page().
    cdef bint exceeds_mem_limit(self, const encoded_page *encoded) noexcept nogil
    # Note an access to a slot that has a page. mark_slot_accessed().
    cdef void mark_slot_accessed(self, uint32_t slot) noexcept nogil
