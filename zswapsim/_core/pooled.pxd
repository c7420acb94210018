"""A backend that keeps pages compressed in a node's frames: a private node's, or those of DRAM (zswap, zram)."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.backend cimport Backend, measured_sizes
from zswapsim._core.codec cimport Codec, codec_ctx
from zswapsim._core.device cimport SwapDevice
from zswapsim._core.lru cimport lru_log, page_record
from zswapsim._core.poolrules cimport pool_rules, pool_state
from zswapsim._core.slots cimport SlotPool, encoded_page

cdef enum:
    AT_NOWHERE = 0
    AT_POOL = 1
    AT_DEVICE = 2
    AT_MASK = 3
    REFERENCED = 4          # spared once by the shrinker
    IDLE = 8                # zram: not accessed since it was marked
    INCOMPRESSIBLE = 16     # zram: the strongest codec could not make it smaller
    WRITEBACK_BATCH = 32    # SWAP_CLUSTER_MAX
    REFUSED = 1             # of admit(): the pool takes no page now
    MAX_CODECS = 4          # zram: the first one and three for recompression
    SPARED = 0              # of shrink_one()
    WROTE = 1
    NOTHING_LEFT = 2

# A codec of a pool, and what it makes of every content.
ctypedef struct pool_codec:
    codec_ctx ctx           # closed at sizes depth
    measured_sizes sizes    # size is NULL at bytes depth


@final
cdef class PooledBackend(Backend):
    cdef SlotPool slots
    cdef SwapDevice device
    cdef pool_codec[4] codecs   # the first compresses pages that come; the others are for recompression
    cdef int codec_count
    cdef bint measured          # sizes depth
    cdef uint32_t size_count    # contents of which the sizes were measured
    cdef list keeps             # the codecs, or owners of the arrays behind the sizes
    cdef uint8_t *page          # owned; a page on its way to the device, and 4096 bytes of bounce; NULL at sizes depth
    cdef page_record *records   # owned, one a slot: place in the writeback queue, and AT_* with flags
    cdef uint32_t slot_count
    cdef lru_log queue          # slots with an object, in the order they were stored
    cdef int raw_from           # compressed length (bytes) from which a page is kept as it is
    cdef uint64_t target        # frames in use that a private node's shrinker stops at
    cdef bint exclusive         # a load drops the pool's copy
    cdef pool_rules rules
    cdef pool_state state
    cdef str node               # whose frames they are, for owners()

    cdef int enter(self) except -1
    cdef int open_rules(self, rules) except -1
    cdef int add_codec(self, Codec codec, measured) except -1
    cdef int open_codec(self, Codec codec) except -1
    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1
    cdef int admit(self, uint32_t slot) noexcept nogil
    cdef bint takes_too_much(self, const encoded_page *made) noexcept nogil
    cdef int encode(self, uint32_t slot, const uint8_t *page, encoded_page *out) noexcept nogil
    cdef int decode(self, uint32_t slot, uint8_t *page) noexcept nogil
    cdef int fetch(self, uint32_t slot, uint8_t *page) noexcept nogil
    cdef void forget(self, uint32_t slot) noexcept nogil
    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef int shrink_for(self, uint32_t slot, const encoded_page *made) noexcept nogil
    cdef int write_back(self, int most) noexcept nogil
    cdef int shrink_one(self) noexcept nogil
    cdef int work(self) noexcept nogil
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
    cdef int check_slot(self, uint32_t slot) except -1
