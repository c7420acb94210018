"""Prefetches: the processor is asked for a cache line before it is used.

`address` may be any, even one that is not mapped. The last argument of the builtin says how long the line will be used:
3 keeps it in all caches, 2 leaves out the first level.
"""

cdef extern from *:
    """
    #define zsw_prefetch(address) __builtin_prefetch((address), 1, 3)
    #define zsw_prefetch_read(address) __builtin_prefetch((address), 0, 2)
    """
    # The line will be written.
    void zsw_prefetch(const void *address) noexcept nogil
    # The line will be read once.
    void zsw_prefetch_read(const void *address) noexcept nogil
