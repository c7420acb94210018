"""Map page numbers to dense numbers without the GIL."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.busy cimport busy_flag
from zswapsim._core.trace.table cimport dense_table
from zswapsim._core.trace.direct cimport direct_table

cdef class DenseMap:
    cdef direct_table direct    # has all pages as long as `table` is empty
    cdef dense_table table
    cdef busy_flag busy         # a call is running

    # Write the numbers of `count` pages, `stride` bytes apart, to `out`. Return 0, ZSW_E_NOMEM or ZSW_E_RANGE. Only one
    # thread at a time may call it.
    cdef int map_pages(
        self, const uint8_t *pages, Py_ssize_t stride, uint32_t *out, Py_ssize_t count,
    ) noexcept nogil
    # Return the number of distinct pages.
    cdef uint64_t page_count(self) noexcept nogil
    # Count the places of every number in `numbers`, one byte for each.
    cdef int check_direct(self, uint8_t *numbers) except -1
    cdef int check_table(self, uint8_t *numbers) except -1
