"""A backend that keeps pages compressed in a node's frames and writes the coldest ones on to a device."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.backend cimport Backend, measured_sizes
from zswapsim._core.codec cimport Codec, codec_ctx
from zswapsim._core.device cimport SwapDevice
from zswapsim._core.lru cimport lru_log, page_record
from zswapsim._core.slots cimport SlotPool, encoded_page

cdef enum:
    AT_NOWHERE = 0
    AT_POOL = 1
    AT_DEVICE = 2
    AT_MASK = 3
    REFERENCED = 4          # spared once by the shrinker
    WRITEBACK_BATCH = 32    # SWAP_CLUSTER_MAX


@final
cdef class PooledBackend(Backend):
    cdef SlotPool slots
    cdef SwapDevice device
    cdef Codec codec            # None at sizes depth
    cdef codec_ctx ctx
    cdef measured_sizes sizes   # size is NULL at bytes depth
    cdef uint32_t size_count    # contents in `sizes`
    cdef object keeps           # owner of the arrays behind `sizes`
    cdef uint8_t *page          # owned; a page on its way to the device, and 4096 bytes of bounce; NULL at sizes depth
    cdef page_record *records   # owned, one a slot: place in the writeback queue, and AT_* | REFERENCED
    cdef uint32_t slot_count
    cdef lru_log queue          # slots with an object, in the order they were stored
    cdef int raw_from           # compressed length (bytes) from which a page is kept as it is
    cdef uint64_t target        # frames in use that the shrinker stops at
    cdef bint exclusive         # a load drops the pool's copy

    cdef int enter(self) except -1
    cdef int open_codec(self, Codec codec) except -1
    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1
    cdef int encode(self, uint32_t slot, const uint8_t *page, encoded_page *out) noexcept nogil
    cdef int decode(self, uint32_t slot, uint8_t *page) noexcept nogil
    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef int shrink_for(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int write_back(self, int most) noexcept nogil
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
