"""Give hints to the compiler and the processor: memory that is needed soon, and branches that are seldom taken.

A prefetch accepts any address, even one that is not mapped. The last argument of the builtin is the locality: 3 keeps
the line in all caches, 2 leaves out the first level.
"""

cdef extern from *:
    """
    #define zsw_prefetch_write(address) __builtin_prefetch((address), 1, 3)
    #define zsw_prefetch_read(address) __builtin_prefetch((address), 0, 2)
    #define zsw_unlikely(condition) __builtin_expect(!!(condition), 0)
    """
    # Prefetch a line that will be written.
    void zsw_prefetch_write(const void *address) noexcept nogil
    # Prefetch a line that will be read once.
    void zsw_prefetch_read(const void *address) noexcept nogil
    bint zsw_unlikely(bint condition) noexcept nogil
