"""Look up the dense numbers of small keys in an array with an entry for each key, without a hash or a branch.

The whole array is mapped at once and its pages are faulted in on use. So it takes 4 bytes for each key up to the
largest one, rounded up to a page. A large array uses huge pages.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.mman cimport MADV_HUGEPAGE, madvise

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport mem_map, mem_unmap

cdef enum:
    HUGE_PAGE_KEYS = 1 << 20     # number of keys from which on an array is large
    KEYS_PREFETCH = 32         # distance, in keys, at which numbers are prefetched

ctypedef struct direct_table:
    uint32_t *numbers       # owned, mapped; by key, its number from 1, or 0 for a new key; NULL before the first key
    uint64_t capacity           # keys below it have an entry
    uint64_t end            # above the largest key so far
    uint64_t used           # number of distinct keys


# Map the array. Return 0 or ZSW_E_NOMEM.
cdef inline int direct_open(direct_table *direct) noexcept nogil:
    cdef size_t size = direct.capacity * sizeof(uint32_t)
    cdef void *memory = mem_map(size, False)
    if memory == NULL:
        return ZSW_E_NOMEM
    if direct.capacity >= HUGE_PAGE_KEYS:
        madvise(memory, size, MADV_HUGEPAGE)
    direct.numbers = <uint32_t *> memory
    return ZSW_OK


cdef inline void direct_close(direct_table *direct) noexcept nogil:
    mem_unmap(direct.numbers, direct.capacity * sizeof(uint32_t))
    direct.numbers = NULL
    direct.capacity = direct.end = direct.used = 0


cdef inline void direct_add(direct_table *direct, uint64_t key) noexcept nogil:
    direct.used += 1
    direct.numbers[key] = <uint32_t> direct.used
    direct.end = max(direct.end, key + 1)


# Map keys until one is out of range. Return how many were mapped.
cdef inline Py_ssize_t direct_map_keys(
    direct_table *direct, const uint8_t *keys, Py_ssize_t stride, uint32_t *out, Py_ssize_t count,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint64_t key
    for i in range(count):
        memcpy(&key, keys + min(i + KEYS_PREFETCH, count - 1) * stride, 8)
        if key < direct.capacity:
            zsw_prefetch_write(direct.numbers + key)
        memcpy(&key, keys + i * stride, 8)
        if key >= direct.capacity:
            return i
        if direct.numbers[key] == 0:
            direct_add(direct, key)
        out[i] = direct.numbers[key] - 1
    return count


# Write every key to keys[number - 1].
cdef inline void direct_invert(const direct_table *direct, uint64_t *keys) noexcept nogil:
    cdef uint64_t key
    for key in range(direct.end):
        if direct.numbers[key]:
            keys[direct.numbers[key] - 1] = key
