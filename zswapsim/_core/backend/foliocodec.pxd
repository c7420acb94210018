"""A codec for large folios as a whole: what it makes of one that goes, and the one that was opened last."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.backend cimport swap_costs
from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool

cdef enum:
    NO_FIRST = 0xFFFFFFFF


@final
cdef class FolioCodec:
    cdef codec_ctx ctx
    cdef object keeps           # the codec, and the images
    cdef readonly uint32_t size     # pages of a folio
    cdef size_t room            # bytes of `packed` and `gathered`
    cdef uint8_t *pages         # owned; a folio that goes
    cdef uint8_t *packed        # owned; what became of it
    cdef uint8_t *gathered      # owned; a compressed folio whose pieces lie apart
    cdef uint8_t *opened        # owned; the folio that was decompressed last
    cdef uint32_t opened_first  # its first slot, or NO_FIRST
    cdef uint32_t packed_bytes  # in `packed`
    cdef uint32_t decompress_ns     # sizes depth: of that folio
    cdef const uint8_t *images  # sizes depth: borrowed from `keeps`; NULL at bytes depth
    cdef uint32_t image_count

    # Compresses a folio: pages of so many pointers, or at sizes depth these contents. 1 where `packed` is shorter than
    # the folio, 0 where nothing is gained or the codec fails; or ZSW_E_CORRUPT.
    cdef int compress(
        self, const uint8_t **pages, const uint32_t *images, swap_costs *costs
    ) noexcept nogil
    # Opens the folio whose pieces lie in slots from `first` on. 0 or a negative code.
    cdef int open(self, SlotPool slots, uint32_t first, swap_costs *costs) noexcept nogil
    cdef int decompress(self, const uint8_t *data, uint32_t length) noexcept nogil
