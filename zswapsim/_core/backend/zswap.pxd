"""Swap to zswap, a pool of compressed pages in DRAM in front of a swap device."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.backend.compressed cimport CompressedBackend
from zswapsim._core.backend.zswap_groups cimport ZswapGroups, zswap_group
from zswapsim._core.zsmalloc.slots cimport encoded_page


@final
cdef class ZswapBackend(CompressedBackend):
    cdef ZswapGroups groups         # the memory cgroups, claimed by this backend; at least one group
    cdef uint64_t max_pool_frames   # zswap_max_pages(), in frames: the pool is full; or unlimited (UINT64_MAX)
    cdef uint64_t accept_frames     # zswap_accept_thr_pages(), in frames: a full pool accepts pages again
    cdef bint reached_full          # zswap_pool_reached_full: the pool was full and has not shrunk to accept_frames
    cdef bint store_incompressible  # since 6.18, an incompressible page is stored uncompressed
    cdef int shrink_priority        # priority of the reclaim that calls the dynamic shrinker, 12 (DEF_PRIORITY) to 0
    cdef int max_retries            # MAX_RECLAIM_RETRIES of the shrink worker

    # Return True if the pool is full, with hysteresis. zswap_check_limits().
    cdef bint pool_is_full(self) noexcept nogil
    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil
    # Free frames until the pool accepts pages again. Return 0 or a negative code. shrink_worker().
    cdef int shrink_worker(self) noexcept nogil
    # Scan the oldest page of a group. Return WRITEBACK_* but WRITEBACK_FOUND, or a negative code. shrink_memcg().
    cdef int shrink_memcg(self, zswap_group *group) noexcept nogil
    # Run the dynamic shrinker for one group. Return 0 or a negative code. do_shrink_slab().
    cdef int shrink_slab(self, zswap_group *group) noexcept nogil
    # Scan `nr_to_scan` pages of a group. Return how many were written back. zswap_shrinker_scan().
    cdef int shrinker_scan(self, zswap_group *group, int nr_to_scan) noexcept nogil

    cdef int check_groups(self) except -1
    cdef int set_rules(self, rules) except -1
