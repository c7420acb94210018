"""Sums over all of an array, in loops that the compiler makes vectors of."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef inline uint32_t highest(const uint32_t *numbers, Py_ssize_t count) noexcept nogil:
    cdef uint32_t found = 0
    cdef Py_ssize_t i
    for i in range(count):
        found = max(found, numbers[i])
    return found


# How many are not 0.
cdef inline uint64_t count_set(const uint8_t *flags, Py_ssize_t count) noexcept nogil:
    cdef uint64_t found = 0
    cdef uint8_t some
    cdef Py_ssize_t first, i
    # Sums of bytes, as long as they fit.
    for first in range(0, count - 63, 64):
        some = 0
        for i in range(64):
            some += flags[first + i] != 0
        found += some
    for i in range(count & ~63, count):
        found += flags[i] != 0
    return found


# Whether all numbers are below `limit`, which is at least 1.
cdef inline bint all_below(const uint32_t *numbers, Py_ssize_t count, uint32_t limit) noexcept nogil:
    cdef uint32_t signs = 0
    cdef Py_ssize_t i
    # In every vector unit, unlike an unsigned maximum: up to 2**31 a difference tells by its sign.
    if limit <= <uint32_t> 1 << 31:
        for i in range(count):
            signs |= (limit - 1 - numbers[i]) | numbers[i]
        return signs >> 31 == 0
    return highest(numbers, count) < limit
