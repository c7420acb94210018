"""Compress large folios as one.

A folio is a combination of images that was not measured beforehand. So at sizes depth a folio is assembled from its
images and compressed each time it is swapped out, and its length is that of bytes depth.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from zswapsim._core.base.arguments cimport page_rows, uint8s, whole
from zswapsim._core.backend.backend cimport costs_charge, swap_costs
from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport Codec, codec_ctx, codec_ctx_close, codec_ctx_open
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE, raise_code
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.zsmalloc.slots cimport SlotPool, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError

FOLIO_CODECS = ("lz4", "lz4hc", "zstd", "deflate")
"""These codecs accept more than a page; they are those of the libraries. The others have tables for a page, or work on
lines."""


@final
cdef class FolioCodec:
    """Compress folios of 1 << `order` pages with `codec`. `images`: uint8[k, 4096], all images, at sizes depth.

    Raises InputError for a codec that accepts no more than a page, HostMemoryError.
    """

    def __cinit__(self):
        memset(&self.ctx, 0, sizeof(codec_ctx))
        self.pages = self.compressed = self.gather_buffer = self.decompressed = NULL
        self.loaded_first = NO_FOLIO_LOADED

    def __init__(self, Codec codec not None, order, images=None):
        cdef const uint8_t[:, ::1] rows = None if images is None else page_rows(images, "contents")
        if self.refs is not None:
            raise InputError("folio codec: already initialised")
        if codec.name not in FOLIO_CODECS:
            raise InputError(
                f"--folio-compress whole: {codec.name} takes a page at most: expected one of {', '.join(FOLIO_CODECS)}"
            )
        if images is not None and rows.shape[0] == 0:
            raise InputError(f"contents: expected pages of {ZSW_PAGE_SIZE} bytes")
        self.size = <uint32_t> 1 << <int> whole(order, "order of folios", 1, 5)
        self.buffer_bytes = <size_t> self.size * ZSW_PAGE_SIZE * 17 // 16 + 64
        codec_ctx_open(codec, &self.ctx)
        self.refs = (codec, rows)
        self.pages = <uint8_t *> mem_alloc(self.buffer_bytes)
        self.compressed = <uint8_t *> mem_alloc(self.buffer_bytes)
        self.gather_buffer = <uint8_t *> mem_alloc(self.buffer_bytes)
        self.decompressed = <uint8_t *> mem_alloc(self.buffer_bytes)
        if self.pages == NULL or self.compressed == NULL or self.gather_buffer == NULL or self.decompressed == NULL:
            raise HostMemoryError("folios: the host is out of memory")
        if images is not None:
            self.images = &rows[0, 0]
            self.image_count = <uint32_t> min(rows.shape[0], <Py_ssize_t> 0xFFFFFFFF)
        self.complete = True

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        mem_free(self.pages)
        mem_free(self.compressed)
        mem_free(self.gather_buffer)
        mem_free(self.decompressed)

    cdef int compress(
        self, const uint8_t **pages, const uint32_t *images, swap_costs *costs
    ) noexcept nogil:
        cdef size_t bytes = <size_t> self.size * ZSW_PAGE_SIZE
        cdef const uint8_t *page
        cdef uint64_t start
        cdef uint32_t i
        cdef int length
        for i in range(self.size):
            page = pages[i] if self.images == NULL else self.images + <size_t> images[i] * ZSW_PAGE_SIZE
            memcpy(self.pages + <size_t> i * ZSW_PAGE_SIZE, page, ZSW_PAGE_SIZE)
        start = now_ns()
        length = self.ctx.table.compress(self.ctx.ctx, self.pages, bytes, self.compressed, self.buffer_bytes)
        start = now_ns() - start
        costs_charge(costs, &costs.charged_compress_ns, <double> start)
        if self.images == NULL:
            costs.wall_compress += start
        if length == ZSW_E_NOMEM:
            return length
        if length <= 0 or <size_t> length >= bytes:
            return 0
        self.compressed_bytes = <uint32_t> length
        if self.images == NULL:
            return 1
        start = now_ns()
        if self.decompress(self.compressed, self.compressed_bytes) < 0:
            return ZSW_E_CORRUPT
        self.decompress_ns = <uint32_t> min(now_ns() - start, <uint64_t> 0xFFFFFFFF)
        return 1 if memcmp(self.decompressed, self.pages, bytes) == 0 else ZSW_E_CORRUPT

    cdef int decompress(self, const uint8_t *data, uint32_t length) noexcept nogil:
        cdef int bytes = <int> (self.size * ZSW_PAGE_SIZE)
        self.loaded_first = NO_FOLIO_LOADED
        if self.ctx.table.decompress(self.ctx.ctx, data, length, self.decompressed, bytes) != bytes:
            return ZSW_E_CORRUPT
        return ZSW_OK

    cdef int load_folio(self, SlotPool slots, uint32_t first, swap_costs *costs) noexcept nogil:
        cdef slot_entry *entry
        cdef const uint8_t *data
        cdef uint32_t slot, length = 0
        cdef uint64_t start = now_ns()
        cdef int code = ZSW_OK
        for slot in range(first, first + self.size):
            entry = slots.find(slot)
            if entry.length and self.images == NULL:
                data = slots.pool.read(entry.value, entry.length, self.gather_buffer + length)
                if data != self.gather_buffer + length:
                    memcpy(self.gather_buffer + length, data, entry.length)
            length += entry.length
        costs_charge(costs, &costs.charged_node_ns, costs.node_latency + costs.node_byte * length)
        if self.images != NULL:
            costs_charge(costs, &costs.charged_decompress_ns, slots.find(first).checksum)
        else:
            code = self.decompress(self.gather_buffer, length)
            start = now_ns() - start
            costs.wall_decompress += start
            costs_charge(costs, &costs.charged_decompress_ns, <double> start)
        self.loaded_first = first if code == ZSW_OK else <uint32_t> NO_FOLIO_LOADED
        return code

    def length(self, folio):
        """Return the number of bytes that a folio compresses to; its own size if it does not get smaller.

        Must not be called while a backend uses this object. Raises InputError, CorruptPageError.
        """
        cdef const uint8_t *pages[32]
        cdef swap_costs costs
        cdef uint32_t i
        cdef const uint8_t[::1] data = uint8s(folio, "folio")
        if not self.complete or self.images != NULL or data.shape[0] != <Py_ssize_t> self.size * ZSW_PAGE_SIZE:
            raise InputError(f"folio of {data.shape[0]} bytes: expected {self.size} pages, and a codec without images")
        for i in range(self.size):
            pages[i] = &data[<Py_ssize_t> i * ZSW_PAGE_SIZE]
        memset(&costs, 0, sizeof(costs))
        code = self.compress(pages, NULL, &costs)
        if code < 0:
            raise_code(code, "folio")
        if code == 0:
            return data.shape[0]
        if self.decompress(self.compressed, self.compressed_bytes) < 0 or \
                memcmp(self.decompressed, self.pages, data.shape[0]) != 0:
            raise_code(ZSW_E_CORRUPT, "folio")
        return self.compressed_bytes
