"""The choice of zram's slots for writeback and recompression, largest object first."""

from libc.stdint cimport uint32_t

from zswapsim._core.backend.zram cimport ZramBackend

cdef enum:                  # what a chosen slot must be; a sum of these, 0 chooses every slot
    CHOOSE_IDLE = 1
    CHOOSE_HUGE = 2
    CHOOSE_INCOMPRESSIBLE = 4

cdef enum:
    ANY_CODEC = 0           # of choose_slots(): the codec of a slot does not matter

# The chosen slots. Whoever asked for them frees `order`.
ctypedef struct slot_list:
    uint32_t *order         # slots in the order in which they are worked on
    uint32_t count


# Choose slots. With `codecs_end` recompression chooses: a slot must have a codec that a stronger one below that number
# follows. `ranges`: (first, last) each; None is all slots. Raises InputError, HostMemoryError.
cdef int choose_slots(ZramBackend zram, int choice, int codecs_end, ranges, slot_list *chosen) except -1

# Lock the arena for the caller, who calls zram.arena.leave() afterwards. Raises InputError, BusyError.
cdef int lock_pool(ZramBackend zram) except -1

# Return True if a slot has an object in the pool: a same-filled page has none.
cdef bint has_object(ZramBackend zram, uint32_t slot) noexcept nogil
