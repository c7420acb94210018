"""Slots of a pool: they map a slot number to an object. They handle lengths and bytes, but no codec."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.zsmalloc.pool cimport ZsPool, zs_handle

cdef enum:
    SLOT_EMPTY = 0
    SLOT_SAME = 1           # the page repeats one word; no object
    SLOT_COMPRESSED = 2
    SLOT_RAW = 3            # incompressible: the page itself, in a frame of its own
    SLOT_PART = 4           # a piece of a large folio that was compressed as one, possibly empty
    PART_STEP = 256         # bytes; remainders of folios are rounded up to it, so that they use few size classes
    SLOT_CHUNK_BITS = 14    # slots are allocated 16,384 at a time, 256 KiB
    SLOT_CHUNK = 1 << 14

ctypedef struct slot_entry:     # 16 bytes
    uint64_t value              # SLOT_SAME: the word; else the object's handle
    uint32_t checksum           # checksum of the page if enabled; otherwise free for the owner
    uint16_t length             # bytes of the object, 4096 for SLOT_RAW; 0 if there is none
    uint8_t kind                # SLOT_*
    uint8_t codec               # which of the owner's codecs compressed it; 0 is the first

# A page encoded for a slot.
ctypedef struct encoded_page:
    const uint8_t *data         # `length` bytes, borrowed; NULL if the arena is not backed
    uint64_t word               # SLOT_SAME
    uint32_t checksum
    uint16_t length
    uint8_t kind


@final
cdef class SlotPool:
    cdef readonly ZsPool pool
    cdef slot_entry **chunks    # owned; 2^18 pointers, NULL if no slot of a chunk was ever used
    cdef uint64_t stored        # slots in use
    cdef uint64_t same_filled   # of these, SLOT_SAME
    cdef uint64_t raw           # of these, SLOT_RAW
    cdef uint64_t raw_since     # pages ever stored as SLOT_RAW
    cdef uint64_t compressed_bytes  # sum of lengths

    # Return the slot's entry; NULL or SLOT_EMPTY if nothing is stored. Valid until the pool is closed. O(1).
    cdef slot_entry *find(self, uint32_t slot) noexcept nogil
    # Store a page. The new object is allocated before the slot's old one is freed, as in zram. On ZSW_E_FULL or
    # ZSW_E_NOMEM the slot is unchanged.
    cdef int put(self, uint32_t slot, const encoded_page *page) noexcept nogil
    # Empty a slot. Return 0 or ZSW_E_ABSENT.
    cdef int drop(self, uint32_t slot) noexcept nogil

    cdef slot_entry *place(self, uint32_t slot) noexcept nogil
    cdef void count(self, const slot_entry *entry, int sign) noexcept nogil
    cdef int check_object(self, uint32_t slot, slot_entry *entry) except -1


# Return the bytes to allocate: remainders of folios are rounded up, including the handle.
cdef inline uint32_t slot_room(const encoded_page *page) noexcept nogil:
    if page.kind != SLOT_PART:
        return page.length
    return min((page.length + 8 + PART_STEP - 1) // PART_STEP * PART_STEP - 8, <uint32_t> 4096)
