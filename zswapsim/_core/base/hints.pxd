"""Hints to the compiler and the processor: memory that is needed soon, and branches that are seldom taken.

The address of a prefetch may be any, even one that is not mapped. The last argument of the builtin says how long the
line is used: 3 keeps it in all caches, 2 leaves out the first level.
"""

cdef extern from *:
    """
    #define zsw_prefetch_write(address) __builtin_prefetch((address), 1, 3)
    #define zsw_prefetch_read(address) __builtin_prefetch((address), 0, 2)
    #define zsw_unlikely(condition) __builtin_expect(!!(condition), 0)
    """
    # The line will be written.
    void zsw_prefetch_write(const void *address) noexcept nogil
    # The line will be read once.
    void zsw_prefetch_read(const void *address) noexcept nogil
    bint zsw_unlikely(bint condition) noexcept nogil
