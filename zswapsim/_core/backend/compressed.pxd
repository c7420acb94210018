"""Define the base class of the backends that keep pages compressed in frames: private node, zswap and zram."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.backend.codecs cimport PoolCodecs
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport slot_table
from zswapsim._core.lru.log cimport lru_log
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page, slot_entry

cdef extern from "<stdint.h>" nogil:
    const uint64_t UINT64_MAX

cdef enum:
    REJECTED = 1            # result of check_limits() and store_page(): the pool does not store the page


cdef class CompressedBackend(Backend):
    cdef SlotPool slots             # the compressed pages by slot
    cdef SwapDevice device          # the device to which pages are written back; its capacity is 0 if there is none
    cdef PoolCodecs codecs
    cdef slot_table table           # owned; opened by attach()
    cdef uint64_t max_slots         # limit of pages in the pool and on the device together, or unlimited (UINT64_MAX)
    cdef bint exclusive             # a load frees the slot
    cdef str node_name              # name of the node in owners()

    # -- what each backend does in its own way ------------------------------------------------------------------------

    # Check the limits that hold before a folio is compressed. Return 0; REJECTED; ZSW_E_FULL if it must stay in DRAM.
    cdef int check_limits(self, uint32_t first, uint32_t count) noexcept nogil
    # Compress a page and store it in an empty slot. Return 0, REJECTED or a negative code.
    cdef int store_page(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Handle a folio that the pool rejected. Return 0 if it is on the device now; ZSW_E_FULL if it must stay in DRAM.
    cdef int reject(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    # Undo store_page() for the first pages of a folio, which were not swapped out.
    cdef void undo_stores(self, uint32_t first, uint32_t count) noexcept nogil
    # Free a slot that has a page.
    cdef void free_slot(self, uint32_t slot) noexcept nogil
    # Decompress a page of the pool into `page` (NULL except at bytes depth). Return 0 or a negative code.
    cdef int decompress_page(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Read a page of the device, which keeps it. Return LOAD_* or a negative code.
    cdef int load_from_device(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Write a page of the pool back to the device. Return 0; ZSW_E_FULL, ZSW_E_IO; or the code of the decompression.
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
    # Count a page that was loaded from the pool.
    cdef void account_load(self, uint32_t slot) noexcept nogil
    # Count pages of one folio that were written back to a device that is no tier.
    cdef void account_writeback(self, uint32_t first, uint32_t count) noexcept nogil
    # Return the number of slots in all queues.
    cdef uint64_t queued_slots(self) noexcept nogil
    # Return True if a slot with this entry belongs in a queue.
    cdef bint belongs_in_queue(self, uint32_t slot, const slot_entry *entry) noexcept nogil

    # -- what they share ----------------------------------------------------------------------------------------------

    # Return the number of the slot's image; 0 if there are no images.
    cdef uint32_t image(self, uint32_t slot) noexcept nogil
    # Check that max_slots leaves slots for a folio. Return 0; otherwise REJECTED before another tier, else ZSW_E_FULL.
    cdef int check_max_slots(self, uint32_t first, uint32_t count) noexcept nogil
    # Insert an encoded page into the pool, and into `queue` if that is not NULL and the page has an object. The page
    # that the slot had before is freed. On failure (ZSW_E_FULL, ZSW_E_NOMEM) the slot has no page, or its old one.
    cdef int insert_page(self, uint32_t slot, const encoded_page *encoded, lru_log *queue) noexcept nogil
    # Free a slot. Remove a page of the pool from `queue` if that is not NULL.
    cdef void remove_page(self, uint32_t slot, lru_log *queue) noexcept nogil
    # Write a folio uncompressed to the device, all pages or none. Return 0 or a negative code.
    cdef int write_to_device(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    # Free pages that were written to the device from the pool, and account them.
    cdef void move_to_device(self, uint32_t first, uint32_t count) noexcept nogil
    # Scan the oldest page of a queue. Return WRITEBACK_* but WRITEBACK_FOUND, or a negative code.
    cdef int shrink_one(self, lru_log *queue) noexcept nogil

    cdef int ensure_open(self) except -1
    cdef int check_slot(self, uint32_t slot) except -1


# Return a field of an object with the rules of a backend. Raises InputError if it has none of that name.
cdef object rule(rules, str name)
