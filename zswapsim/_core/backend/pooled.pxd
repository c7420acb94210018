"""A backend that keeps pages compressed in a node's frames: a private node's, or those of DRAM (zswap, zram)."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.compressed cimport CompressedPool
from zswapsim._core.backend.groups cimport pool_group
from zswapsim._core.zsmalloc.slots cimport encoded_page

cdef enum:
    WRITEBACK_BATCH = 32    # SWAP_CLUSTER_MAX
    REFUSED = 1             # of admit(): the pool takes no page now
    NO_GAIN = 2             # of take_whole(): the folio is better compressed page by page


@final
cdef class PooledBackend(CompressedPool):
    cdef bint full              # zswap_pool_reached_full

    cdef int admit(self, uint32_t slot, uint32_t count) noexcept nogil
    cdef int take(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef int take_whole(self, uint32_t first, const uint8_t **pages) noexcept nogil
    cdef int put_in(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int settle_folio(self, uint32_t first) noexcept nogil
    cdef void drop_pieces(self, uint32_t first, uint32_t count) noexcept nogil
    cdef int load_piece(self, uint32_t slot, uint8_t *page) noexcept nogil
    cdef void take_back(self, uint32_t first, uint32_t count) noexcept nogil
    cdef bint takes_too_much(self, const encoded_page *made) noexcept nogil
    cdef bint keeps_poor(self, uint32_t slot) noexcept nogil
    cdef int refuse(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    cdef int write_out(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    cdef int shrink_for(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int write_back(self, int most) noexcept nogil
    cdef int work(self) noexcept nogil
    cdef int shrink_group(self, pool_group *group) noexcept nogil
    cdef int scan(self, pool_group *group, int count) noexcept nogil
