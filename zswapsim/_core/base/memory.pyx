"""Allocate memory: the one place of the core that does.

It counts what is allocated, and a test can make any allocation fail. Both cost a few instructions an allocation, and no
allocation is made for every page or access; so every build has them, and tests look at the code that users run.
"""

from libc.stdint cimport uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from posix.mman cimport (
    MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap, munmap,
)

cdef extern from *:
    """
    #include <malloc.h>
    #include <stdlib.h>
    /* Several threads may allocate at once. Their order is of no interest, only that no step is lost. */
    #define zsw_counter_add(counter, amount) __atomic_add_fetch((counter), (amount), __ATOMIC_RELAXED)
    """
    uint64_t zsw_counter_add(uint64_t *counter, uint64_t amount) nogil
    size_t malloc_usable_size(void *memory) nogil
    int posix_memalign(void **memory, size_t alignment, size_t size) nogil

cdef enum:
    HUGE_PAGE_BYTES = 1 << 21

cdef uint64_t live = 0          # allocations and mappings that are not freed
cdef uint64_t live_bytes = 0
cdef uint64_t seen = 0          # allocations since fail(); counted while `armed`
cdef uint64_t first_failure = 0     # of those, the first and the last one that fails
cdef uint64_t last_failure = 0
cdef size_t largest = <size_t> -1   # an allocation of more bytes fails
cdef bint armed = False


# Return True if an allocation of `size` bytes is to fail.
cdef bint must_fail(size_t size) noexcept nogil:
    cdef uint64_t number
    if not armed:
        return size > largest
    number = zsw_counter_add(&seen, 1)
    return size > largest or first_failure <= number <= last_failure


cdef void *counted(void *memory) noexcept nogil:
    if memory != NULL:
        zsw_counter_add(&live, 1)
        zsw_counter_add(&live_bytes, malloc_usable_size(memory))
    return memory


cdef void *mem_alloc(size_t size) noexcept nogil:
    return NULL if must_fail(size) else counted(malloc(size))


cdef void *mem_calloc(size_t count, size_t size) noexcept nogil:
    return NULL if must_fail(count * size) else counted(calloc(count, size))


cdef void *mem_aligned(size_t alignment, size_t size) noexcept nogil:
    cdef void *memory = NULL
    if must_fail(size) or posix_memalign(&memory, alignment, size) != 0:
        return NULL
    return counted(memory)


cdef void *mem_realloc(void *memory, size_t size) noexcept nogil:
    cdef uint64_t before = malloc_usable_size(memory) if memory != NULL else 0
    cdef void *grown = NULL if must_fail(size) else realloc(memory, size)
    if grown != NULL:
        zsw_counter_add(&live, memory == NULL)
        zsw_counter_add(&live_bytes, malloc_usable_size(grown) - before)
    return grown


cdef void mem_free(void *memory) noexcept nogil:
    if memory != NULL:
        zsw_counter_add(&live, <uint64_t> -1)
        zsw_counter_add(&live_bytes, 0 - <uint64_t> malloc_usable_size(memory))
        free(memory)


cdef void *mem_map(size_t size, bint reserve) noexcept nogil:
    cdef int flags = MAP_PRIVATE | MAP_ANONYMOUS | (0 if reserve else MAP_NORESERVE)
    cdef void *memory = MAP_FAILED if must_fail(size) else mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0)
    if memory == MAP_FAILED:
        return NULL
    zsw_counter_add(&live, 1)
    zsw_counter_add(&live_bytes, size)
    return memory


cdef void mem_unmap(void *memory, size_t size) noexcept nogil:
    if memory != NULL:
        zsw_counter_add(&live, <uint64_t> -1)
        zsw_counter_add(&live_bytes, 0 - <uint64_t> size)
        munmap(memory, size)


cdef void *table_alloc(size_t size) noexcept nogil:
    cdef void *memory
    if size < HUGE_PAGE_BYTES:
        return mem_alloc(size)
    memory = mem_aligned(HUGE_PAGE_BYTES, size)
    if memory != NULL:
        madvise(memory, size, MADV_HUGEPAGE)
    return memory


cdef void *table_calloc(size_t size) noexcept nogil:
    cdef void *memory = mem_calloc(size, 1)
    cdef uintptr_t first = (<uintptr_t> memory + HUGE_PAGE_BYTES - 1) & ~<uintptr_t> (HUGE_PAGE_BYTES - 1)
    if memory != NULL and first + HUGE_PAGE_BYTES <= <uintptr_t> memory + size:
        madvise(<void *> first, <uintptr_t> memory + size - first, MADV_HUGEPAGE)
    return memory


# -- for tests --------------------------------------------------------------------------------------------------------

def fail(uint64_t first=0, last=None):
    """Make the allocations numbered `first` ... `last` fail, counted from 1 and from this call on; 0 ends that.

    Without `last` only the first one fails.

    Return how many allocations were made since the call before.
    """
    global armed, seen, first_failure, last_failure
    before = seen
    armed, seen, first_failure, last_failure = first != 0, 0, first, first if last is None else last
    return before


def fail_above(size=None):
    """Make every allocation of more than `size` bytes fail; None ends that."""
    global largest
    largest = <size_t> -1 if size is None else size


def allocated():
    """Return the number of allocations that are not freed, and their bytes."""
    return live, live_bytes
