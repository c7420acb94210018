"""Allocate memory: the one place of the core that does. Built-in codecs come here too (cext/zsw_memory.h).

Every function that allocates returns NULL if the host has no memory, or if a test makes it fail (memory.pyx). Memory is
freed by mem_free(), a mapping by mem_unmap(). Callers see that sizes do not overflow.
"""

# malloc()
cdef void *mem_alloc(size_t size) noexcept nogil
# calloc()
cdef void *mem_calloc(size_t count, size_t size) noexcept nogil
# aligned_alloc(); `size` is a multiple of `alignment`.
cdef void *mem_aligned(size_t alignment, size_t size) noexcept nogil
# realloc() to a size above 0. On failure `memory` is as it was.
cdef void *mem_realloc(void *memory, size_t size) noexcept nogil
# free(). NULL is allowed.
cdef void mem_free(void *memory) noexcept nogil

# Map zeroed anonymous memory, which is faulted in on use. `reserve`: it counts against the host's limit on commitments.
cdef void *mem_map(size_t size, bint reserve) noexcept nogil
# Unmap all of a mapping. NULL is allowed.
cdef void mem_unmap(void *memory, size_t size) noexcept nogil

# Allocate memory for a table, in huge pages if it is large, so that a random access costs no walk of the host's page
# tables.
cdef void *table_alloc(size_t size) noexcept nogil
# Allocate a zeroed table. Pages that are never accessed are never faulted in.
cdef void *table_calloc(size_t size) noexcept nogil
