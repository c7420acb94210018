"""Keep the codecs of a pool: they compress pages, or look up sizes that were measured before."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.backend cimport measured_sizes, swap_costs
from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page, slot_entry

cdef enum:
    MAX_CODECS = 4          # zram: the first one and three for recompression

# A codec of a pool.
ctypedef struct pool_codec:
    codec_ctx ctx           # owned; closed at sizes depth
    measured_sizes sizes    # by image; `size` is NULL at bytes depth


@final
cdef class PoolCodecs:
    cdef pool_codec[4] codecs   # the first compresses pages that are stored; the others are for recompression
    cdef int count              # codecs in use
    cdef bint sizes_only        # sizes depth: nothing is compressed
    cdef uint32_t size_count    # number of images whose sizes were measured
    cdef list refs              # the codecs, or the owners of the arrays of sizes
    cdef uint8_t *buffer        # owned; a decompressed page, and a page of bounce space; NULL at sizes depth
    cdef int huge_size          # a page that compresses to this many bytes or more is stored uncompressed
    cdef bint same_filled       # a page that repeats one word takes no object
    cdef bint store_on_compress_fail    # a page that the codec fails on is stored uncompressed

    # Encode a page that holds image number `image`. Return 0; ZSW_E_CODEC if the codec fails; or a negative code.
    cdef int encode(self, uint32_t image, const uint8_t *page, swap_costs *costs, encoded_page *out) noexcept nogil
    # Decode the page of a slot into `page` (NULL at sizes depth). Return 0 or a negative code.
    cdef int decode(self, SlotPool slots, slot_entry *entry, uint8_t *page, swap_costs *costs) noexcept nogil
    # Compress the page in `buffer`, image number `image`, with codec `number`. Return its length, 4096 if the
    # codec fails; or a negative code.
    cdef int recompress(self, int number, uint32_t image, swap_costs *costs) noexcept nogil

    cdef int add(self, codec) except -1
    cdef int open_codec(self, Codec codec) except -1
    cdef int open_sizes(self, columns) except -1
    cdef int encode_measured(self, uint32_t image, swap_costs *costs, encoded_page *out) noexcept nogil
