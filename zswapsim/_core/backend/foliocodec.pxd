"""Compress large folios as one."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.backend cimport swap_costs
from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool

cdef enum:
    NO_FOLIO_LOADED = 0xFFFFFFFF


@final
cdef class FolioCodec:
    cdef codec_ctx ctx
    cdef bint complete              # the constructor has run
    cdef object refs                # the codec, and the images
    cdef readonly uint32_t size     # number of pages of a folio
    cdef size_t buffer_bytes        # size of `compressed` and of `gather_buffer`
    cdef uint8_t *pages             # owned; the folio that is compressed
    cdef uint8_t *compressed        # owned; the compressed folio
    cdef uint8_t *gather_buffer     # owned; a compressed folio, gathered from its pieces
    cdef uint8_t *decompressed      # owned; the folio that was decompressed last
    cdef uint32_t loaded_first      # first slot of that folio, or NO_FOLIO_LOADED
    cdef uint32_t compressed_bytes  # bytes in `compressed`
    cdef uint32_t decompress_ns     # at sizes depth, measured for that folio
    cdef const uint8_t *images      # at sizes depth, the images; borrowed from `refs`; NULL at bytes depth
    cdef uint32_t image_count

    # Compress a folio, given by pointers to its pages, or at sizes depth by the numbers of its images. Return 1 if
    # `compressed` is shorter than the folio; 0 if it is not shorter or the codec fails; ZSW_E_CORRUPT or ZSW_E_NOMEM.
    cdef int compress(
        self, const uint8_t **pages, const uint32_t *images, swap_costs *costs
    ) noexcept nogil
    # Decompress the folio whose pieces are in the slots from `first` on. Return 0 or a negative code.
    cdef int load_folio(self, SlotPool slots, uint32_t first, swap_costs *costs) noexcept nogil
    cdef int decompress(self, const uint8_t *data, uint32_t length) noexcept nogil
