"""A codec's functions alone, called in a loop: what the page store is measured against in `bench/`."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc

from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport CODEC_SCRATCH, Codec, codec_ctx, codec_ctx_close, codec_ctx_open
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_CORRUPT, ZSW_OK, raise_code
from zswapsim._core.base.page cimport PAGE_BYTES

from zswapsim._core.base.errors import HostMemoryError, InputError


cdef class BareCodec:
    """The functions of a codec's table over given pages, without the GIL, checks or anywhere to put the result.

    pages: uint8[n, 4096], at least one. The constructor compresses them once and keeps the results one behind the
    other, for :meth:`decompress`; there a page that doesn't get smaller is compressed too.
    Raises InputError for another shape, CodecError where a page can't be compressed.
    """

    cdef Codec codec
    cdef codec_ctx ctx              # freed by __dealloc__
    cdef const uint8_t[:, ::1] pages
    cdef uint8_t *packed            # all pages compressed; freed by __dealloc__
    cdef uint32_t *lengths          # of each, bytes; freed by __dealloc__

    def __cinit__(self):
        self.packed = NULL
        self.lengths = NULL
        self.ctx.table = NULL
        self.ctx.ctx = NULL
        self.ctx.scratch = NULL

    def __init__(self, Codec codec not None, const uint8_t[:, ::1] pages not None):
        cdef int code
        if self.codec is not None:
            raise InputError("bare codec: already initialised")
        if pages.shape[0] < 1 or pages.shape[1] != PAGE_BYTES:
            raise InputError(f"pages of shape {pages.shape[0]} x {pages.shape[1]}: expected n x {PAGE_BYTES}")
        self.codec = codec
        self.pages = pages
        self.packed = <uint8_t *> malloc(<size_t> pages.shape[0] * CODEC_SCRATCH)
        self.lengths = <uint32_t *> malloc(<size_t> pages.shape[0] * sizeof(uint32_t))
        if self.packed == NULL or self.lengths == NULL:
            raise HostMemoryError("bare codec: the host is out of memory")
        codec_ctx_open(codec, &self.ctx)
        with nogil:
            code = self.pack()
        if code < 0:
            codec_ctx_close(&self.ctx)
            raise_code(code, f"codec {codec.spec}")

    cdef int enter(self) except -1:
        """First in every call from Python but the constructor."""
        if self.ctx.table == NULL:
            raise InputError("bare codec: not initialised")
        return 0

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        free(self.packed)
        free(self.lengths)

    cdef int pack(self) noexcept nogil:
        cdef uint8_t *at = self.packed
        cdef uint8_t *smaller
        cdef Py_ssize_t i
        cdef int n
        for i in range(self.pages.shape[0]):
            n = self.ctx.table.compress(self.ctx.ctx, &self.pages[i, 0], PAGE_BYTES, at, CODEC_SCRATCH)
            if not 0 < n <= CODEC_SCRATCH:
                return ZSW_E_CODEC
            self.lengths[i] = n
            at += n
        smaller = <uint8_t *> realloc(self.packed, at - self.packed)
        if smaller != NULL:
            self.packed = smaller
        return ZSW_OK

    def compress(self):
        """Nanoseconds to compress all pages, one after the other, into the same scratch. Raises CodecError."""
        cdef uint64_t began
        cdef Py_ssize_t i
        cdef int n = ZSW_E_CODEC
        self.enter()
        with nogil:
            began = now_ns()
            for i in range(self.pages.shape[0]):
                n = self.ctx.table.compress(
                    self.ctx.ctx, &self.pages[i, 0], PAGE_BYTES, self.ctx.scratch, CODEC_SCRATCH
                )
                if n <= 0:
                    break
            began = now_ns() - began
        if n <= 0:
            raise_code(ZSW_E_CODEC, f"codec {self.codec.spec}")
        return began

    def decompress(self, uint8_t[:, ::1] out not None):
        """Nanoseconds to decompress all pages, each to its place in `out`, of the shape of the pages.

        Raises InputError for another shape, CorruptPageError where a page does not come out whole.
        """
        cdef const uint8_t *at = self.packed
        cdef uint64_t began
        cdef Py_ssize_t i
        cdef int n = ZSW_E_CORRUPT
        self.enter()
        if out.shape[0] != self.pages.shape[0] or out.shape[1] != PAGE_BYTES:
            raise InputError(f"out: expected {self.pages.shape[0]} x {PAGE_BYTES} bytes")
        with nogil:
            began = now_ns()
            for i in range(self.pages.shape[0]):
                n = self.ctx.table.decompress(self.ctx.ctx, at, self.lengths[i], &out[i, 0], PAGE_BYTES)
                if n != PAGE_BYTES:
                    break
                at += self.lengths[i]
            began = now_ns() - began
        if n != PAGE_BYTES:
            raise_code(ZSW_E_CORRUPT, f"codec {self.codec.spec}")
        return began
