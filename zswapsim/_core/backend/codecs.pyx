"""Keep the codecs of a pool: they compress pages, or look up sizes that were measured before."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport flag, uint16s, uint32s, uint8s, whole
from zswapsim._core.backend.backend cimport costs_charge, measured_sizes, swap_costs
from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport Codec, codec_compress, codec_ctx_close, codec_ctx_open
from zswapsim._core.zsmalloc.encode cimport decode_page, encode_compressed, encode_page
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.zsmalloc.huge cimport is_huge
from zswapsim._core.zsmalloc.slots cimport (
    SLOT_COMPRESSED, SLOT_HUGE, SLOT_SAME_FILLED, SlotPool, encoded_page, slot_entry,
)
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class PoolCodecs:
    """Hold up to four codecs, weakest first; the first one compresses pages that are stored.

    Each is a Codec, or at sizes depth (size uint16, same_filled uint8, compress_ns uint32, decompress_ns uint32) by
    image. `huge_size`: a page that compresses to this many bytes or more is stored uncompressed. `same_filled`: a page
    that repeats one word takes no object. `store_on_compress_fail`: a page that the codec fails on is stored
    uncompressed.

    Raises InputError for more than four codecs, and for sizes of another number of images than the first codec's.
    """

    def __cinit__(self):
        memset(self.codecs, 0, sizeof(self.codecs))
        self.refs = []
        self.buffer = NULL

    def __init__(self, codecs, huge_size, *, same_filled=True, store_on_compress_fail=False):
        if self.count:
            raise InputError("backend: already initialised")
        self.huge_size = whole(huge_size, "huge_size", 1, ZSW_PAGE_SIZE)
        self.same_filled = flag(same_filled, "same_filled")
        self.store_on_compress_fail = flag(store_on_compress_fail, "store_on_compress_fail")
        for codec in codecs:
            self.sizes_only = self.sizes_only or not isinstance(codec, Codec)
            self.add(codec)

    def __dealloc__(self):
        cdef int i
        for i in range(MAX_CODECS):
            codec_ctx_close(&self.codecs[i].ctx)
        mem_free(self.buffer)

    cdef int add(self, codec) except -1:
        """Add a codec, or the sizes measured with it. Called by the constructor."""
        if self.count == MAX_CODECS:
            raise InputError(f"backend: expected at most {MAX_CODECS - 1} codecs for recompression")
        if self.sizes_only:
            self.open_sizes(codec)
        else:
            self.open_codec(codec)
        self.count += 1
        return 0

    cdef int open_codec(self, Codec codec) except -1:
        codec_ctx_open(codec, &self.codecs[self.count].ctx)
        self.refs.append(codec)
        if self.buffer == NULL:
            self.buffer = <uint8_t *> mem_alloc(2 * ZSW_PAGE_SIZE)
        if self.buffer == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        return 0

    cdef int open_sizes(self, columns) except -1:
        arrays = tuple(columns)
        if len(arrays) != 4:
            raise InputError(f"backend: expected four arrays of measured sizes, got {len(arrays)}")
        cdef const uint16_t[::1] size = uint16s(arrays[0], "measured size")
        cdef const uint8_t[::1] same_filled = uint8s(arrays[1], "measured same_filled")
        cdef const uint32_t[::1] compress_ns = uint32s(arrays[2], "measured compress_ns")
        cdef const uint32_t[::1] decompress_ns = uint32s(arrays[3], "measured decompress_ns")
        cdef measured_sizes *sizes = &self.codecs[self.count].sizes
        cdef uint32_t count = <uint32_t> min(size.shape[0], <Py_ssize_t> 0xFFFFFFFF)
        if not 0 < size.shape[0] == same_filled.shape[0] == compress_ns.shape[0] == decompress_ns.shape[0] \
                or self.count and count != self.size_count:
            raise InputError("backend: expected four arrays of one length, one entry a content")
        self.refs.append((size, same_filled, compress_ns, decompress_ns))
        self.size_count = count
        sizes.size = &size[0]
        sizes.same_filled = &same_filled[0]
        sizes.compress_ns = &compress_ns[0]
        sizes.decompress_ns = &decompress_ns[0]
        return 0

    # -- pages ---------------------------------------------------------------------------------------------------------

    cdef int encode(self, uint32_t image, const uint8_t *page, swap_costs *costs, encoded_page *out) noexcept nogil:
        cdef uint64_t start
        cdef int code
        if self.sizes_only:
            return self.encode_measured(image, costs, out)
        start = now_ns()
        if self.same_filled:
            code = encode_page(&self.codecs[0].ctx, page, self.huge_size, False, out)
        else:
            code = encode_compressed(&self.codecs[0].ctx, page, self.huge_size, False, out)
        start = now_ns() - start
        costs.wall_compress += start
        costs_charge(costs, &costs.charged_compress_ns, <double> start)
        if code == ZSW_E_CODEC and self.store_on_compress_fail:
            memset(out, 0, sizeof(encoded_page))
            out.kind = SLOT_HUGE
            out.length = ZSW_PAGE_SIZE
            out.data = page
            code = ZSW_OK
        return code

    cdef int encode_measured(self, uint32_t image, swap_costs *costs, encoded_page *out) noexcept nogil:
        cdef measured_sizes *sizes = &self.codecs[0].sizes
        memset(out, 0, sizeof(encoded_page))
        out.checksum = image
        costs_charge(costs, &costs.charged_compress_ns, sizes.compress_ns[image])
        if sizes.same_filled[image]:
            out.kind = SLOT_SAME_FILLED
        elif is_huge(sizes.size[image], self.huge_size):
            out.kind = SLOT_HUGE
            out.length = ZSW_PAGE_SIZE
        else:
            out.kind = SLOT_COMPRESSED
            out.length = sizes.size[image]
        return ZSW_OK

    cdef int decode(self, SlotPool slots, slot_entry *entry, uint8_t *page, swap_costs *costs) noexcept nogil:
        cdef pool_codec *codec = &self.codecs[entry.codec]
        cdef uint64_t start
        cdef int code
        costs_charge(costs, &costs.charged_node_ns, costs.node_latency + costs.node_byte * entry.length)
        if self.sizes_only:
            costs_charge(costs, &costs.charged_decompress_ns, codec.sizes.decompress_ns[entry.checksum])
            return ZSW_OK
        start = now_ns()
        code = decode_page(&codec.ctx, slots, entry, False, self.buffer + ZSW_PAGE_SIZE, page)
        start = now_ns() - start
        costs.wall_decompress += start
        costs_charge(costs, &costs.charged_decompress_ns, <double> start)
        return code

    cdef int recompress(self, int number, uint32_t image, swap_costs *costs) noexcept nogil:
        cdef pool_codec *codec = &self.codecs[number]
        cdef uint64_t start
        cdef int length
        if self.sizes_only:
            costs_charge(costs, &costs.charged_compress_ns, codec.sizes.compress_ns[image])
            return codec.sizes.size[image]
        start = now_ns()
        length = codec_compress(&codec.ctx, self.buffer)
        start = now_ns() - start
        costs.wall_compress += start
        costs_charge(costs, &costs.charged_compress_ns, <double> start)
        return ZSW_PAGE_SIZE if length == ZSW_E_CODEC else length
