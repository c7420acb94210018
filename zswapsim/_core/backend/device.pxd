"""Model the swap device: it counts its pages, and at bytes depth stores them in a file."""

from libc.stdint cimport uint8_t, uint32_t


cdef class SwapDevice:
    cdef readonly uint32_t capacity   # pages
    cdef readonly uint32_t used       # pages
    cdef readonly uint32_t peak       # largest number of pages ever used
    cdef readonly bint is_tier        # it is no device but the next tier
    cdef int fd                       # owned; an unlinked temporary file, or -1 if pages are only counted
    cdef uint32_t process             # number of the process that has opened it: a forked one must leave its file alone

    # Write a page to an empty slot. Return 0, ZSW_E_FULL, ZSW_E_IO or E_FORKED. `page` may be NULL if pages are only
    # counted.
    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Read the page of a slot. Return LOAD_KEPT; LOAD_DROPPED if the next tier did not keep it; or a negative code.
    cdef int read(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Free a slot that has a page.
    cdef void free_slot(self, uint32_t slot) noexcept nogil
