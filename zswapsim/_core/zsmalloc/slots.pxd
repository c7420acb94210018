"""Map slot numbers to the objects of a pool. Slots handle lengths and bytes, but no codec."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.zsmalloc.pool cimport ZsPool, zs_handle

cdef enum:
    SLOT_EMPTY = 0
    SLOT_SAME_FILLED = 1    # the page repeats one word; no object
    SLOT_COMPRESSED = 2
    SLOT_HUGE = 3           # the page itself, uncompressed, in a frame of its own
    SLOT_FOLIO_PIECE = 4    # a piece of a large folio that was compressed as one; possibly empty
    PIECE_STEP = 256        # bytes; remainders of folios are rounded up to it, so that they use few size classes
    SLOT_CHUNK_BITS = 14    # slots are allocated 16,384 at a time, 256 KiB
    SLOT_CHUNK = 1 << 14

ctypedef struct slot_entry:     # 16 bytes
    uint64_t value              # SLOT_SAME_FILLED: the word; otherwise the object's handle
    uint32_t checksum           # checksum of the page if enabled; otherwise the owner may use it
    uint16_t length             # bytes of the object, 4096 for SLOT_HUGE; 0 if there is none
    uint8_t kind                # SLOT_*
    uint8_t codec               # number of the owner's codec that compressed it; 0 is the first

# An encoded page, to be stored in a slot.
ctypedef struct encoded_page:
    const uint8_t *data         # `length` bytes, borrowed; NULL if the arena is not backed
    uint64_t word               # of SLOT_SAME_FILLED, the word
    uint32_t checksum
    uint16_t length
    uint8_t kind


@final
cdef class SlotPool:
    cdef readonly ZsPool pool
    cdef slot_entry **chunks    # owned; 2**18 pointers; NULL if no slot of a chunk was ever used
    cdef uint64_t stored        # slots in use
    cdef uint64_t same_filled   # of these, SLOT_SAME_FILLED
    cdef uint64_t huge              # of these, SLOT_HUGE
    cdef uint64_t huge_since        # pages ever stored as SLOT_HUGE
    cdef uint64_t compressed_bytes  # sum of the lengths of objects, bytes
    cdef uint32_t chunks_end        # all chunks from this one on are NULL

    # Return the slot's entry; NULL, or of kind SLOT_EMPTY, if nothing is stored. Valid until the pool is closed. O(1).
    cdef slot_entry *find(self, uint32_t slot) noexcept nogil
    # Store a page. The new object is allocated before the slot's old one is freed, as in zram. Return 0, ZSW_E_FULL or
    # ZSW_E_NOMEM; on failure the slot is unchanged.
    cdef int store(self, uint32_t slot, const encoded_page *page) noexcept nogil
    # Free a slot. Return 0 or ZSW_E_ABSENT.
    cdef int invalidate(self, uint32_t slot) noexcept nogil

    # Return the slot's entry, and allocate its chunk if needed; NULL if the host is out of memory.
    cdef slot_entry *find_or_alloc(self, uint32_t slot) noexcept nogil
    # Add (sign 1) or subtract (-1) an entry in the counters.
    cdef void account(self, const slot_entry *entry, int sign) noexcept nogil
    cdef int check_object(self, uint32_t slot, slot_entry *entry) except -1


# Return the bytes to allocate for a page. Remainders of folios are rounded up, handle included.
cdef inline uint32_t slot_object_bytes(const encoded_page *page) noexcept nogil:
    if page.kind != SLOT_FOLIO_PIECE:
        return page.length
    return min((page.length + 8 + PIECE_STEP - 1) // PIECE_STEP * PIECE_STEP - 8, <uint32_t> 4096)
