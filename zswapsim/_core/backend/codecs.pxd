"""The codecs of a pool: what each makes of a page, really or as it was measured before."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from zswapsim._core.backend.backend cimport measured_sizes, swap_costs
from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page, slot_entry

cdef enum:
    MAX_CODECS = 4          # zram: the first one and three for recompression

# A codec of a pool, and what it makes of every content.
ctypedef struct pool_codec:
    codec_ctx ctx           # closed at sizes depth
    measured_sizes sizes    # size is NULL at bytes depth


@final
cdef class PoolCodecs:
    cdef pool_codec[4] codecs   # the first compresses pages that come; the others are for recompression
    cdef int count
    cdef bint measured          # sizes depth
    cdef uint32_t size_count    # contents of which the sizes were measured
    cdef list keeps             # the codecs, or owners of the arrays behind the sizes
    cdef uint8_t *page          # owned; a page on its way, and 4096 bytes of bounce; NULL at sizes depth
    cdef int raw_from           # compressed length (bytes) from which a page is kept as it is
    cdef bint same_filled       # a page that repeats one word takes no object
    cdef bint keeps_failed      # a page on which the codec fails is kept as it is

    # What the pool is to hold of a page, which is content `image`; ZSW_E_CODEC where the codec fails.
    cdef int encode(self, uint32_t image, const uint8_t *page, swap_costs *costs, encoded_page *out) noexcept nogil
    # The page of a slot, into `page` (NULL at sizes depth). 0 or a negative code.
    cdef int decode(self, SlotPool slots, slot_entry *entry, uint8_t *page, swap_costs *costs) noexcept nogil
    # What codec `number` makes of the page in `self.page`, content `image`: its length, 4096 where it fails; or a
    # negative code.
    cdef int compress_again(self, int number, uint32_t image, swap_costs *costs) noexcept nogil

    cdef int add(self, Codec codec, measured) except -1
    cdef int open_codec(self, Codec codec) except -1
    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1
    cdef int encode_measured(self, uint32_t image, swap_costs *costs, encoded_page *out) noexcept nogil
