"""Allocate large tables in huge pages, so that a random access costs no walk of the host's page tables."""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, malloc
from posix.mman cimport MADV_HUGEPAGE, madvise

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **memory, size_t alignment, size_t size)

cdef enum:
    HUGE_PAGE_BYTES = 1 << 21


# Allocate memory for a table, freed by free(). Return NULL if the host has none.
cdef inline void *table_alloc(size_t size) noexcept nogil:
    cdef void *memory = NULL
    if size < HUGE_PAGE_BYTES:
        return malloc(size)
    if posix_memalign(&memory, HUGE_PAGE_BYTES, size) != 0:
        return NULL
    madvise(memory, size, MADV_HUGEPAGE)
    return memory


# Allocate a zeroed table. Pages that are never accessed are never faulted in.
cdef inline void *table_calloc(size_t size) noexcept nogil:
    cdef void *memory = calloc(size, 1)
    cdef uintptr_t first = (<uintptr_t> memory + HUGE_PAGE_BYTES - 1) & ~<uintptr_t> (HUGE_PAGE_BYTES - 1)
    if memory != NULL and first + HUGE_PAGE_BYTES <= <uintptr_t> memory + size:
        madvise(<void *> first, <uintptr_t> memory + size - first, MADV_HUGEPAGE)
    return memory
