"""Read the monotonic clock."""

from libc.stdint cimport uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec


# Return the time in nanoseconds.
cdef inline uint64_t now_ns() noexcept nogil:
    cdef timespec at
    clock_gettime(CLOCK_MONOTONIC, &at)
    return <uint64_t> at.tv_sec * 1000000000 + <uint64_t> at.tv_nsec
