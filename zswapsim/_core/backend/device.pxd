"""The swap device: how many pages it holds and, at bytes depth, the pages themselves."""

from libc.stdint cimport uint8_t, uint32_t


cdef class SwapDevice:
    cdef readonly uint32_t capacity   # pages
    cdef readonly uint32_t used       # pages
    cdef readonly uint32_t peak       # most pages ever used
    cdef readonly bint is_pool        # not a device at all but the next tier
    cdef int fd                       # owned: an unlinked temporary file; -1 where pages are only counted

    # Writes a page to a slot that holds none: 0, ZSW_E_FULL, or ZSW_E_IO. `page` may be NULL where pages are counted.
    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Reads a slot's page back: LOAD_KEPT, LOAD_DROPPED where the next tier did not keep it, or a negative code.
    cdef int read(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Frees a slot that holds a page.
    cdef void release(self, uint32_t slot) noexcept nogil
