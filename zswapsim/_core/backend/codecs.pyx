"""The codecs of a pool: what each makes of a page, really or as it was measured before."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from zswapsim._core.backend.backend cimport costs_charge, measured_sizes, swap_costs
from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport Codec, codec_compress, codec_ctx_close, codec_ctx_open
from zswapsim._core.zsmalloc.encode cimport decode_page, encode_bytes, encode_page
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.zsmalloc.slots cimport SLOT_COMPRESSED, SLOT_RAW, SLOT_SAME, SlotPool, encoded_page, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class PoolCodecs:
    """Codecs from weak to strong, the first of which compresses pages that come.

    Each is a Codec, or at sizes depth (size uint16, same_filled uint8, compress_ns uint32, decompress_ns uint32) by
    content. `raw_from`: bytes from which a page is kept as it is; `same_filled`: a page of one word takes no object;
    `keeps_failed`: a page on which the codec fails is kept as it is.

    Raises InputError for more than four of them, and sizes of other contents than the first's.
    """

    def __cinit__(self):
        memset(self.codecs, 0, sizeof(self.codecs))
        self.keeps = []
        self.page = NULL

    def __init__(self, codecs, int raw_from, *, bint same_filled=True, bint keeps_failed=False):
        if self.count:
            raise InputError("backend: already initialised")
        self.raw_from = raw_from
        self.same_filled = same_filled
        self.keeps_failed = keeps_failed
        for each in codecs:
            self.measured = self.measured or not isinstance(each, Codec)
            self.add(None if self.measured else each, each if self.measured else None)

    def __dealloc__(self):
        cdef int i
        for i in range(MAX_CODECS):
            codec_ctx_close(&self.codecs[i].ctx)
        free(self.page)

    cdef int add(self, Codec codec, measured) except -1:
        """Part of the constructor: a codec, or what it makes of every content."""
        if self.count == MAX_CODECS:
            raise InputError(f"backend: expected at most {MAX_CODECS - 1} codecs for recompression")
        if codec is not None:
            self.open_codec(codec)
        else:
            size, same_filled, compress_ns, decompress_ns = measured
            self.open_sizes(size, same_filled, compress_ns, decompress_ns)
        self.count += 1
        return 0

    cdef int open_codec(self, Codec codec) except -1:
        codec_ctx_open(codec, &self.codecs[self.count].ctx)
        self.keeps.append(codec)
        if self.page == NULL:
            self.page = <uint8_t *> malloc(2 * ZSW_PAGE_SIZE)
        if self.page == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        return 0

    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1:
        cdef measured_sizes *sizes = &self.codecs[self.count].sizes
        cdef uint32_t count = <uint32_t> min(size.shape[0], <Py_ssize_t> 0xFFFFFFFF)
        if not 0 < size.shape[0] == same_filled.shape[0] == compress_ns.shape[0] == decompress_ns.shape[0] \
                or self.count and count != self.size_count:
            raise InputError("backend: expected four arrays of one length, one entry a content")
        self.keeps.append((size, same_filled, compress_ns, decompress_ns))
        self.size_count = count
        sizes.size = &size[0]
        sizes.same_filled = &same_filled[0]
        sizes.compress_ns = &compress_ns[0]
        sizes.decompress_ns = &decompress_ns[0]
        return 0

    # -- pages ----------------------------------------------------------------------------------------------------

    cdef int encode(self, uint32_t image, const uint8_t *page, swap_costs *costs, encoded_page *out) noexcept nogil:
        cdef uint64_t start
        cdef int code
        if self.measured:
            return self.encode_measured(image, costs, out)
        start = now_ns()
        if self.same_filled:
            code = encode_page(&self.codecs[0].ctx, page, self.raw_from, False, out)
        else:
            code = encode_bytes(&self.codecs[0].ctx, page, self.raw_from, False, out)
        start = now_ns() - start
        costs.wall_compress += start
        costs_charge(costs, &costs.spent_compress, <double> start)
        if code == ZSW_E_CODEC and self.keeps_failed:
            memset(out, 0, sizeof(encoded_page))
            out.kind = SLOT_RAW
            out.length = ZSW_PAGE_SIZE
            out.data = page
            code = ZSW_OK
        return code

    cdef int encode_measured(self, uint32_t image, swap_costs *costs, encoded_page *out) noexcept nogil:
        cdef measured_sizes *sizes = &self.codecs[0].sizes
        memset(out, 0, sizeof(encoded_page))
        out.checksum = image
        costs_charge(costs, &costs.spent_compress, sizes.compress_ns[image])
        if sizes.same_filled[image]:
            out.kind = SLOT_SAME
        elif sizes.size[image] >= self.raw_from:
            out.kind = SLOT_RAW
            out.length = ZSW_PAGE_SIZE
        else:
            out.kind = SLOT_COMPRESSED
            out.length = sizes.size[image]
        return ZSW_OK

    cdef int decode(self, SlotPool slots, slot_entry *entry, uint8_t *page, swap_costs *costs) noexcept nogil:
        cdef pool_codec *codec = &self.codecs[entry.codec]
        cdef uint64_t start
        cdef int code
        costs_charge(costs, &costs.spent_node, costs.node_latency + costs.node_byte * entry.length)
        if self.measured:
            costs_charge(costs, &costs.spent_decompress, codec.sizes.decompress_ns[entry.checksum])
            return ZSW_OK
        start = now_ns()
        code = decode_page(&codec.ctx, slots, entry, False, self.page + ZSW_PAGE_SIZE, page)
        start = now_ns() - start
        costs.wall_decompress += start
        costs_charge(costs, &costs.spent_decompress, <double> start)
        return code

    cdef int compress_again(self, int number, uint32_t image, swap_costs *costs) noexcept nogil:
        cdef pool_codec *codec = &self.codecs[number]
        cdef uint64_t start
        cdef int length
        if self.measured:
            costs_charge(costs, &costs.spent_compress, codec.sizes.compress_ns[image])
            return codec.sizes.size[image]
        start = now_ns()
        length = codec_compress(&codec.ctx, self.page)
        start = now_ns() - start
        costs.wall_compress += start
        costs_charge(costs, &costs.spent_compress, <double> start)
        return ZSW_PAGE_SIZE if length == ZSW_E_CODEC else length
