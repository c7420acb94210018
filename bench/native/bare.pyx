"""The functions of a codec alone, called in a loop. The page store is measured beside it."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc

from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport CODEC_SCRATCH, Codec, codec_ctx, codec_ctx_close, codec_ctx_open
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_CORRUPT, ZSW_OK, ZSW_PAGE_SIZE, raise_code

from zswapsim._core.base.errors import HostMemoryError, InputError


cdef class BareCodec:
    """Call the functions of a codec's table over given pages, without the GIL and without checks.

    pages: uint8[n, 4096], at least one. The constructor compresses all of them, incompressible ones too, and keeps the
    results one behind the other for :meth:`decompress`. Raises InputError for another shape, CodecError if a page can't
    be compressed.
    """

    cdef Codec codec
    cdef codec_ctx ctx              # freed by __dealloc__
    cdef const uint8_t[:, ::1] pages
    cdef uint8_t *compressed        # all pages compressed; freed by __dealloc__
    cdef uint32_t *lengths          # of each, bytes; freed by __dealloc__

    def __cinit__(self):
        self.compressed = NULL
        self.lengths = NULL
        self.ctx.table = NULL
        self.ctx.ctx = NULL
        self.ctx.scratch = NULL

    def __init__(self, Codec codec not None, const uint8_t[:, ::1] pages not None):
        cdef int code
        if self.codec is not None:
            raise InputError("bare codec: already initialised")
        if pages.shape[0] < 1 or pages.shape[1] != ZSW_PAGE_SIZE:
            raise InputError(f"pages of shape {pages.shape[0]} x {pages.shape[1]}: expected n x {<int> ZSW_PAGE_SIZE}")
        self.codec = codec
        self.pages = pages
        self.compressed = <uint8_t *> malloc(<size_t> pages.shape[0] * CODEC_SCRATCH)
        self.lengths = <uint32_t *> malloc(<size_t> pages.shape[0] * sizeof(uint32_t))
        if self.compressed == NULL or self.lengths == NULL:
            raise HostMemoryError("bare codec: the host is out of memory")
        codec_ctx_open(codec, &self.ctx)
        with nogil:
            code = self.compress_all()
        if code < 0:
            codec_ctx_close(&self.ctx)
            raise_code(code, f"codec {codec.spec}")

    cdef int ensure_open(self) except -1:
        """Raise InputError if the constructor has not run. Every other method calls it first."""
        if self.ctx.table == NULL:
            raise InputError("bare codec: not initialised")
        return 0

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        free(self.compressed)
        free(self.lengths)

    cdef int compress_all(self) noexcept nogil:
        cdef uint8_t *at = self.compressed
        cdef uint8_t *smaller
        cdef Py_ssize_t i
        cdef int n
        for i in range(self.pages.shape[0]):
            n = self.ctx.table.compress(self.ctx.ctx, &self.pages[i, 0], ZSW_PAGE_SIZE, at, CODEC_SCRATCH)
            if not 0 < n <= CODEC_SCRATCH:
                return ZSW_E_CODEC
            self.lengths[i] = n
            at += n
        smaller = <uint8_t *> realloc(self.compressed, at - self.compressed)
        if smaller != NULL:
            self.compressed = smaller
        return ZSW_OK

    def compress(self):
        """Return the nanoseconds to compress all pages, in order, into one scratch buffer. Raises CodecError."""
        cdef uint64_t start, elapsed
        cdef Py_ssize_t i
        cdef int n = ZSW_E_CODEC
        self.ensure_open()
        with nogil:
            start = now_ns()
            for i in range(self.pages.shape[0]):
                n = self.ctx.table.compress(
                    self.ctx.ctx, &self.pages[i, 0], ZSW_PAGE_SIZE, self.ctx.scratch, CODEC_SCRATCH
                )
                if n <= 0:
                    break
            elapsed = now_ns() - start
        if n <= 0:
            raise_code(ZSW_E_CODEC, f"codec {self.codec.spec}")
        return elapsed

    def decompress(self, uint8_t[:, ::1] out not None):
        """Return the nanoseconds to decompress all pages into `out`, which has the shape of the pages.

        Raises InputError for another shape, CorruptPageError if a page does not decompress.
        """
        cdef const uint8_t *at = self.compressed
        cdef uint64_t start, elapsed
        cdef Py_ssize_t i
        cdef int n = ZSW_E_CORRUPT
        self.ensure_open()
        if out.shape[0] != self.pages.shape[0] or out.shape[1] != ZSW_PAGE_SIZE:
            raise InputError(f"out: expected {self.pages.shape[0]} x {<int> ZSW_PAGE_SIZE} bytes")
        with nogil:
            start = now_ns()
            for i in range(self.pages.shape[0]):
                n = self.ctx.table.decompress(self.ctx.ctx, at, self.lengths[i], &out[i, 0], ZSW_PAGE_SIZE)
                if n != <int> ZSW_PAGE_SIZE:
                    break
                at += self.lengths[i]
            elapsed = now_ns() - start
        if n != <int> ZSW_PAGE_SIZE:
            raise_code(ZSW_E_CORRUPT, f"codec {self.codec.spec}")
        return elapsed
