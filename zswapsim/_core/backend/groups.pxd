"""Groups of pages in a pool, as memory cgroups are: what each may hold, and what of it goes to the device first."""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport group_counters
from zswapsim._core.lru.log cimport lru_log

cdef enum:
    FIRST_GROUP = 0         # holds all others, and the pages of none of them
    NO_GROUP = 0xFFFF       # the parent of the first; behind the last
    MOST_GROUPS = 0xFFFF

ctypedef struct pool_group:
    lru_log queue           # owned; its slots with an object, in the order they were stored
    uint64_t most_pages     # memory.zswap.max in pages of compressed bytes; all ones: none
    uint64_t compressed_bytes   # of the pages stored, its own and those of groups below; not kept in the first
    uint64_t stored         # pages, the same
    uint64_t disk_swapins   # nr_disk_swapins: since the shrinker last took account of them
    uint64_t deferred       # entries that the shrinker has left for its next call
    group_counters events   # of the group's own pages
    uint16_t parent         # comes before it; its limits hold too
    bint writeback          # pages may go on to the device: its own setting and those above it


@final
cdef class PoolGroups:
    cdef pool_group *groups         # owned; parents first, so this is the order of a walk down the tree
    cdef uint32_t count
    cdef const uint16_t *group_of   # by slot, borrowed from `keeps`; NULL: all are of the first
    cdef uint32_t slot_count        # entries of group_of
    cdef object keeps
    cdef bint taken                 # some pool's
    cdef uint16_t next_shrink       # zswap_next_shrink: the group that the worker looked at last, or NO_GROUP

    cdef int take(self) except -1
    # A slot's group.
    cdef pool_group *of(self, uint32_t slot) noexcept nogil
    # Whether a limit of the group or of one above it is reached; `compressed_bytes` are the whole pool's.
    cdef bint over_limit(self, pool_group *group, uint64_t compressed_bytes) noexcept nogil
    # A page of a group came (sign 1) or went (-1).
    cdef void charge(self, pool_group *group, int length, int sign) noexcept nogil
    # The next group of the worker's walk; NULL at its end.
    cdef pool_group *next(self) noexcept nogil

    cdef int open_slots(self, const uint16_t[::1] group_of) except -1
    cdef list stats(self, uint64_t compressed_bytes, uint64_t stored)
    cdef int add(self, parent, most_pages, bint writeback) except -1
    cdef uint64_t events_below(self, uint32_t number, int event) noexcept nogil
