"""Store compressed pages. It works without the simulator."""

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.base.busy cimport busy_flag
from zswapsim._core.codec.codec cimport Codec, codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool

cdef enum:
    MAX_THREADS = 256


cdef class PageStore:
    cdef readonly Codec codec
    cdef SlotPool slots             # None if closed
    cdef codec_ctx *contexts        # owned; `context_count` of them; the first is that of the calling thread
    cdef int context_count
    cdef int huge_size              # a page that compresses to this many bytes or more is stored uncompressed
    cdef bint verify                # pages have a checksum, which is verified when they are loaded
    cdef busy_flag busy             # a call is running

    cdef int begin_call(self) except -1
    cdef void end_call(self) noexcept nogil
    cdef int load_page(self, uint32_t slot, uint8_t *page) except -1
    cdef int open_contexts(self, int count) except -1
    cdef int store_many(
        self, const uint32_t *slots, const uint8_t *pages, Py_ssize_t count, Py_ssize_t *done
    ) noexcept nogil
    cdef int load_many(
        self, codec_ctx *ctx, const uint32_t *slots, uint8_t *pages, Py_ssize_t count, Py_ssize_t *done
    ) noexcept nogil
