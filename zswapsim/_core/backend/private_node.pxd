"""Keep compressed pages on a private node, memory that the swap backend alone may use."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.backend.compressed cimport CompressedBackend
from zswapsim._core.backend.foliocodec cimport FolioCodec
from zswapsim._core.lru.log cimport lru_log
from zswapsim._core.zsmalloc.slots cimport encoded_page

cdef enum:
    WRITEBACK_BATCH = 32    # pages written back before the pool's size is checked again (SWAP_CLUSTER_MAX)
    INCOMPRESSIBLE_FOLIO = 1    # result of store_folio_compressed(): the folio is smaller if compressed page by page


@final
cdef class PrivateNodeBackend(CompressedBackend):
    cdef lru_log queue              # owned; slots that have an object; of a folio compressed as one, its first slot
    cdef FolioCodec folio_codec     # compresses large folios as one; None if their pages are compressed one by one
    cdef uint64_t shrink_target     # frames in use at which the shrinker stops

    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil
    cdef int shrink_and_insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil
    cdef int write_back_coldest(self, int max_pages) noexcept nogil
    cdef int store_folio_compressed(self, uint32_t first, const uint8_t **pages) noexcept nogil
    cdef int insert_folio(self, uint32_t first) noexcept nogil
    cdef int load_from_folio(self, uint32_t slot, uint8_t *page) noexcept nogil
    cdef int write_back_folio(self, uint32_t first) noexcept nogil
