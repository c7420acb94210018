"""Group the pages of zswap as memory cgroups do: limits, counters and writeback queues of each group."""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport group_counters
from zswapsim._core.lru.log cimport lru_log

cdef enum:
    FIRST_GROUP = 0         # ancestor of all others; without group_of it has every page
    NO_GROUP = 0xFFFF       # parent of the first group; the position before the first
    MAX_GROUPS = 0xFFFF

ctypedef struct zswap_group:
    lru_log queue           # owned; its slots that have an object, in the order in which they were stored
    uint64_t max_pages      # memory.zswap.max in pages of compressed bytes, or unlimited (UINT64_MAX)
    uint64_t compressed_bytes   # compressed bytes in it and in groups below; not kept for the first group
    uint64_t stored         # stored pages in it and in groups below; not kept for the first group
    uint64_t disk_swapins   # nr_disk_swapins, since the shrinker last subtracted them
    uint64_t nr_deferred    # entries that the shrinker left for its next call
    group_counters events   # events of the group's own pages
    uint16_t parent         # number of its parent, which is lower; the parent's limits hold too
    bint writeback          # pages may be written back: memory.zswap.writeback of the group and of all above it


@final
cdef class ZswapGroups:
    cdef zswap_group *groups        # owned; parents first, which is the order of a walk down the tree
    cdef uint32_t count             # number of groups, at least 1
    cdef const uint16_t *group_of   # by slot, its group; borrowed from `refs`; NULL if every slot is of the first group
    cdef uint32_t slot_count        # number of entries of group_of
    cdef object refs                # owner of the array of group_of
    cdef bint complete              # the constructor has added all of them
    cdef bint claimed               # a backend has claimed them
    cdef uint16_t next_shrink       # zswap_next_shrink: the group that the worker scanned last, or NO_GROUP

    # Claim the groups for one backend. Raises InputError if another has them.
    cdef int claim(self) except -1
    # Return True if a limit of the group, or of one above it, is reached. `compressed_bytes`: of the whole pool.
    cdef bint limit_reached(self, zswap_group *group, uint64_t compressed_bytes) noexcept nogil
    # Return the next group of the worker's walk; NULL at its end.
    cdef zswap_group *next_group(self) noexcept nogil
    # Return the number of slots in the queues of all groups.
    cdef uint64_t queued_slots(self) noexcept nogil

    cdef int open_slots(self, group_of) except -1
    cdef list stats(self, uint64_t compressed_bytes, uint64_t stored)
    cdef int add(self, parent, max_pages, writeback) except -1
    cdef uint64_t events_below(self, uint32_t number, int event) noexcept nogil


# Return the group of a slot.
cdef inline zswap_group *group_of_slot(ZswapGroups groups, uint32_t slot) noexcept nogil:
    return &groups.groups[FIRST_GROUP if groups.group_of == NULL else groups.group_of[slot]]


# Charge a group and those above it for a page of `length` bytes that was stored (sign 1) or freed (-1).
cdef inline void group_charge(ZswapGroups groups, zswap_group *group, int length, int sign) noexcept nogil:
    while group.parent != NO_GROUP:
        group.compressed_bytes += sign * length
        group.stored += sign
        group = &groups.groups[group.parent]
