"""Serve swap from a device that compresses by itself (cram), as a backend or as a second tier of mapped memory."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.backend.cram_device cimport CramDevice
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport slot_table
from zswapsim._core.base.counters cimport cram_counters
from zswapsim._core.lru.log cimport lru_log

cdef enum:                  # bits of a slot's state, beside SLOT_AT_* and SLOT_REFERENCED
    PTE_MAPPED = 8          # reads need no fault
    PTE_WRITABLE = 16       # writes need no fault either

cdef enum:
    CONTROL_WATERMARKS = 0
    CONTROL_COUNTING = 1
    CONTROL_TOKENS = 2


@final
cdef class CramBackend(Backend):
    cdef CramDevice node
    cdef SwapDevice device      # the device to which pages are written back; its capacity is 0 if there is none
    cdef uint8_t owner          # owner of the node's frames
    cdef slot_table table       # owned; opened by attach()
    cdef uint32_t *frame_of     # owned; by slot, its frame; valid while the slot is SLOT_AT_POOL
    cdef lru_log queue          # owned; slots on the node, in the order in which they were stored
    cdef uint8_t *page          # owned; a page read from the node; NULL except at bytes depth
    cdef cram_counters cram_counts
    cdef int control            # CONTROL_*
    cdef bint mapped_tier       # a stored page stays mapped, and may be written in place
    cdef bint exclusive         # a load frees the slot
    cdef bint fatal_bus_error   # a bus error ends the run
    cdef uint32_t max_writable  # limit of writable_pages
    cdef readonly uint32_t writable_pages   # writable pages on the node; at most max_writable
    cdef readonly uint32_t stored           # slots on the node
    cdef readonly uint32_t poisoned_pages   # lost pages whose reader did not get the bus error yet
    cdef readonly bint rejecting    # the pressure of the reading was high and is not yet low
    cdef uint64_t last_shrink       # the device's clock when pressure last made the shrinker write back
    cdef double tick_ns             # time of an access, ns; 0: the clock counts accesses

    cdef int open_slots(self, uint32_t slots, bint with_bytes) except -1
    cdef void close_slots(self) noexcept
    cdef int update_pressure(self) noexcept nogil
    cdef uint64_t device_time(self) noexcept nogil
    cdef bint may_store(self) noexcept nogil
    cdef int alloc_store_frame(self, uint32_t *frame) noexcept nogil
    cdef int write_node(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef int reject(self, uint32_t slot, const uint8_t *page) noexcept nogil
    cdef bint is_lost(self, uint32_t slot) noexcept nogil
    cdef int deliver_bus_error(self, uint32_t slot) noexcept nogil
    cdef int free_node_frame(self, uint32_t slot) noexcept nogil
    cdef int shrink_to_low_mark(self) noexcept nogil
    cdef int write_back(self, uint64_t max_pages) noexcept nogil
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
    cdef CramDevice ensure_open(self)
