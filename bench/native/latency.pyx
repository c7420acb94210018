"""The time of one random access to memory. The replay's time for an access is measured beside it."""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.base.memory cimport table_alloc

from zswapsim._core.base.errors import HostMemoryError, InputError

# Constants of Knuth's MMIX generator (The Art of Computer Programming, 3.3.4).
cdef uint64_t FACTOR = 6364136223846793005
cdef uint64_t STEP = 1442695040888963407


# Walks the table. Each index depends on the value read before it, so no two accesses overlap.
cdef uint64_t walk(const uint64_t *table, uint64_t records, uint64_t steps) noexcept nogil:
    cdef uint64_t state = 1
    for _ in range(steps):
        state = state * FACTOR + STEP + table[((state >> 32) * records) >> 32]
    return state


def random_access_ns(records, steps):
    """Return the nanoseconds of one access to a table of 8-byte records, averaged over `steps` dependent accesses.

    Like a replay's page table, the table uses huge pages if the host has them. Raises InputError
    for a number below 1 or more than 2**32 - 1 records, HostMemoryError.
    """
    cdef uint64_t count, times, start, elapsed, last
    cdef uint64_t *table
    if not 1 <= records < 1 << 32 or not 1 <= steps < 1 << 62:
        raise InputError(f"{records} records, {steps} steps: expected at least 1, and fewer records than {1 << 32}")
    count, times = records, steps
    table = <uint64_t *> table_alloc(count * sizeof(uint64_t))
    if table == NULL:
        raise HostMemoryError(f"a table of {count} records: larger than can be reserved")
    with nogil:
        memset(table, 0, count * sizeof(uint64_t))
        start = now_ns()
        last = walk(table, count, times)
        elapsed = now_ns() - start
    free(table)
    assert last != 0
    return elapsed / times
