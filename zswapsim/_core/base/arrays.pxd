"""Reduce whole arrays in loops that the compiler vectorizes."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


# Return the largest number, or 0 if there are none.
cdef inline uint32_t max_uint32(const uint32_t *numbers, Py_ssize_t count) noexcept nogil:
    cdef uint32_t largest = 0
    cdef Py_ssize_t i
    for i in range(count):
        largest = max(largest, numbers[i])
    return largest


# Return how many flags are not 0.
cdef inline uint64_t count_nonzero(const uint8_t *flags, Py_ssize_t count) noexcept nogil:
    cdef uint64_t total = 0
    cdef uint8_t partial
    cdef Py_ssize_t first, i
    # A sum of 64 flags fits a byte.
    for first in range(0, count - 63, 64):
        partial = 0
        for i in range(64):
            partial += flags[first + i] != 0
        total += partial
    for i in range(count & ~63, count):
        total += flags[i] != 0
    return total


# Return True if all numbers are below `limit`, which is at least 1.
cdef inline bint all_below(const uint32_t *numbers, Py_ssize_t count, uint32_t limit) noexcept nogil:
    cdef uint32_t signs = 0
    cdef Py_ssize_t i
    # Not every vector unit has an unsigned maximum. For limits up to 2**31 the sign of a difference decides.
    if limit <= <uint32_t> 1 << 31:
        for i in range(count):
            signs |= (limit - 1 - numbers[i]) | numbers[i]
        return signs >> 31 == 0
    return max_uint32(numbers, count) < limit
