"""The swap device: how many pages it holds and, at bytes depth, the pages themselves."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t


@final
cdef class SwapDevice:
    cdef readonly uint32_t capacity   # pages
    cdef readonly uint32_t used       # pages
    cdef readonly uint32_t peak       # most pages ever used
    cdef int fd                       # owned: an unlinked temporary file; -1 where pages are only counted

    # Writes a page to a slot that holds none: 0, ZSW_E_FULL, or ZSW_E_IO. `page` may be NULL where pages are counted.
    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Reads a slot's page back: 0 or ZSW_E_IO.
    cdef int read(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Frees a slot that holds a page.
    cdef void release(self) noexcept nogil
