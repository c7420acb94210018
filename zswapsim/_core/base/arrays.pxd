"""Reduce whole arrays in loops that the compiler vectorizes."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef inline uint32_t highest(const uint32_t *numbers, Py_ssize_t count) noexcept nogil:
    cdef uint32_t found = 0
    cdef Py_ssize_t i
    for i in range(count):
        found = max(found, numbers[i])
    return found


# Return how many flags are not 0.
cdef inline uint64_t count_set(const uint8_t *flags, Py_ssize_t count) noexcept nogil:
    cdef uint64_t found = 0
    cdef uint8_t some
    cdef Py_ssize_t first, i
    # A sum of 64 flags fits a byte.
    for first in range(0, count - 63, 64):
        some = 0
        for i in range(64):
            some += flags[first + i] != 0
        found += some
    for i in range(count & ~63, count):
        found += flags[i] != 0
    return found


# Return True if all numbers are below `limit`, which is at least 1.
cdef inline bint all_below(const uint32_t *numbers, Py_ssize_t count, uint32_t limit) noexcept nogil:
    cdef uint32_t signs = 0
    cdef Py_ssize_t i
    # An unsigned maximum is not in every vector unit. Up to 2**31 the sign of a difference decides.
    if limit <= <uint32_t> 1 << 31:
        for i in range(count):
            signs |= (limit - 1 - numbers[i]) | numbers[i]
        return signs >> 31 == 0
    return highest(numbers, count) < limit
