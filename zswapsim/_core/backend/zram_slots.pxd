"""Choose zram's slots for writeback and recompression, largest object first."""

from libc.stdint cimport uint32_t

from zswapsim._core.backend.zram cimport ZramBackend

cdef enum:                  # conditions on a chosen slot; a choice is a sum of them, and 0 chooses every slot
    CHOOSE_IDLE = 1
    CHOOSE_HUGE = 2
    CHOOSE_INCOMPRESSIBLE = 4

cdef enum:
    ANY_CODEC = 0           # argument of choose_slots(): slots of any codec may be chosen

# The chosen slots. The caller of choose_slots() frees `order`.
ctypedef struct slot_list:
    uint32_t *order         # slots in the order of writeback or recompression
    uint32_t count


# Choose slots. With `codecs_end` recompression chooses: a slot must have a codec that a stronger one below that number
# follows. `ranges`: (first, last) each; None is all slots. Raises InputError, HostMemoryError.
cdef int choose_slots(ZramBackend zram, int choice, int codecs_end, ranges, slot_list *chosen) except -1

# Return a choice of slots from Python. Raises InputError.
cdef int slot_choice(choice) except -1

# Lock the arena, which the caller unlocks with zram.arena.unlock(). Raises InputError, BusyError.
cdef int lock_pool(ZramBackend zram) except -1

# Return True if a slot has an object in the pool: a same-filled page has none.
cdef bint has_object(ZramBackend zram, uint32_t slot) noexcept nogil
