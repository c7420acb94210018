"""A compressing device behind swap, or as a second tier of mapped memory."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport cram_counters
from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.backend.cram_device cimport CramDevice
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.lru.log cimport lru_log

cdef enum:                  # where a slot's page is, and its flags
    AT_NOWHERE = 0
    AT_NODE = 1
    AT_DEVICE = 2
    AT_NO_PLACE = 3         # lost, as the shrinker found: its next reader is told
    AT_MASK = 3
    REFERENCED = 4          # spared once by the shrinker
    MAPPED = 8              # read without a fault
    WRITABLE = 16           # written without a fault, too

cdef enum:
    CONTROL_WATERMARKS = 0
    CONTROL_COUNTING = 1
    CONTROL_TOKENS = 2


@final
cdef class CramBackend(Backend):
    cdef CramDevice node
    cdef SwapDevice device
    cdef uint8_t owner          # of the node's frames
    cdef uint32_t *frame_of     # owned, one a slot; where it is AT_NODE
    cdef uint32_t *stamps       # owned, one a slot: place in the writeback queue
    cdef uint8_t *states        # owned, one a slot: AT_* with flags
    cdef lru_log queue          # slots at the node, in the order they were stored
    cdef uint8_t *page          # owned; a page on its way to the device or to a reader; NULL but at bytes depth
    cdef uint32_t slot_count
    cdef cram_counters moved
    cdef int control            # CONTROL_*
    cdef bint tier              # a stored page stays mapped, and may be written where it is
    cdef bint exclusive         # a load drops the copy
    cdef bint ends              # a bus error ends the run
    cdef uint32_t budget        # pages that may be writable at the node
    cdef readonly uint32_t writable_pages
    cdef readonly uint32_t stored
    cdef readonly uint32_t poisoned_pages   # lost, and nobody has been told yet
    cdef readonly bint refusing     # pressure as it is seen was high and is not yet low
    cdef uint64_t acted_at          # when the shrinker last wrote back for pressure
    cdef double tick_ns             # length of an access; 0 where the clock counts accesses

    cdef int open_slots(self, uint32_t slots, bint real) except -1
    cdef int attend(self) noexcept nogil
    cdef uint64_t time(self) noexcept nogil
    cdef bint admits(self) noexcept nogil
    cdef uint32_t frame_for_store(self) noexcept nogil
    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef bint lost(self, uint32_t slot) noexcept nogil
    cdef int tell(self, uint32_t slot) noexcept nogil
    cdef int drop_frame(self, uint32_t slot) noexcept nogil
    cdef int shrink_to_low_mark(self) noexcept nogil
    cdef int write_back(self, uint64_t most) noexcept nogil
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
    cdef CramDevice whole(self)
