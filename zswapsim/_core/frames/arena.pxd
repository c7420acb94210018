"""Keep the frames of one node: an arena of real memory, a free list, and an owner for every frame."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.base.busy cimport busy_flag

cdef enum:
    NO_FRAME = 0xFFFFFFFF
    FREE_FRAME = 0        # the owner of a free frame
    MAX_OWNERS = 255


@final
cdef class FrameArena:
    cdef uint8_t *base           # `frames` * 4096 bytes, mapped; NULL if frames are only counted
    cdef uint32_t *next_free     # link of a free frame below `first_untaken`; owned
    cdef uint8_t *owner_of       # FREE_FRAME or an owner's number; owned
    cdef uint32_t free_head      # the frame freed last, or NO_FRAME
    cdef uint32_t first_untaken  # frames from here on were never allocated
    cdef readonly uint32_t frames       # frames of the node
    cdef readonly uint32_t free_frames  # frames without an owner
    cdef list owner_names        # by owner number - 1, its name
    cdef busy_flag busy          # a thread allocates or frees frames

    cdef int reserve(self, uint32_t frames, bint backed) except -1
    cdef void release(self) noexcept
    # Allocate a frame for `owner`, most recently freed first. Return NO_FRAME if none is free. O(1).
    cdef uint32_t alloc_frame(self, uint8_t owner) noexcept nogil
    # Free an allocated frame. O(1).
    cdef void free_frame(self, uint32_t frame) noexcept nogil
    # Lock the arena while frames are allocated or freed. It does not wait: raises BusyError if another thread has the
    # arena.
    cdef int lock(self) except -1
    cdef void unlock(self) noexcept
    cdef uint32_t find_free_block(self, uint32_t size) noexcept nogil
    cdef void alloc_block(self, uint32_t first, uint32_t size, uint8_t owner) noexcept nogil


@final
cdef class Grant:
    """Permit one owner to allocate frames of one arena."""
    cdef readonly FrameArena arena
    cdef uint8_t owner

    cdef FrameArena ensure_open(self)
