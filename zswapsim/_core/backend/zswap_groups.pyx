"""Group the pages of zswap as memory cgroups do: limits, counters and writeback queues of each group.

Limits follow obj_cgroup_may_zswap() and mem_cgroup_zswap_writeback_enabled() in mm/memcontrol.c of Linux 6.18. Both
check a group and all groups above it. A walk has the order of mem_cgroup_iter().
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, uint16s, whole
from zswapsim._core.base.counters cimport counters_dict, group_counters, group_counters_rows
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_calloc, mem_free
from zswapsim._core.lru.log cimport lru_close, lru_open
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef extern from "<stdint.h>" nogil:
    const uint64_t UINT64_MAX

cdef tuple EVENTS = tuple(counters_dict(group_counters_rows, sizeof(group_counters), NULL))


@final
cdef class ZswapGroups:
    """Hold groups in a tree.

    `groups`: (parent, max_pages, writeback) of each group, in the order of a walk. The first group has no parent
    (None); the parent of every other one lies before it. `max_pages`: memory.zswap.max in pages; None is unlimited
    (UINT64_MAX). `group_of`: uint16, the group of every slot; None if every slot is of the first group.

    Raises InputError if the groups are no tree, or if a slot has a group that does not exist.
    """

    def __cinit__(self):
        self.groups = NULL
        self.group_of = NULL
        self.next_shrink = NO_GROUP

    def __init__(self, groups, group_of=None):
        if self.groups != NULL:
            raise InputError("groups: already initialised")
        try:
            listed = list(groups)
        except ValueError as error:  # of a buffer that was released
            raise InputError(f"groups: {error}") from None
        if not 1 <= len(listed) < MAX_GROUPS:
            raise InputError(f"{len(listed)} groups: expected 1 to {MAX_GROUPS - 1}")
        self.groups = <zswap_group *> mem_calloc(len(listed), sizeof(zswap_group))
        if self.groups == NULL:
            raise HostMemoryError("groups: the host is out of memory")
        for row in listed:
            if not isinstance(row, tuple) or len(row) != 3:
                raise InputError(f"group {self.count}: expected (parent, max_pages, writeback)")
            self.add(row[0], row[1], row[2])
        if group_of is not None:
            self.open_slots(group_of)
        self.complete = True

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            lru_close(&self.groups[i].queue)
        mem_free(self.groups)

    cdef int add(self, parent, max_pages, writeback) except -1:
        """Add a group. Called by the constructor."""
        cdef zswap_group *group = &self.groups[self.count]
        if (parent is None) != (self.count == 0):
            raise InputError(f"group {self.count}: expected a parent before it, for all but the first")
        group.max_pages = UINT64_MAX if max_pages is None else whole(max_pages, "max_pages", 0, UINT64_MAX)
        group.parent = NO_GROUP if parent is None else whole(parent, f"group {self.count}: parent", 0, self.count - 1)
        group.writeback = flag(writeback, "writeback") and \
            (parent is None or self.groups[group.parent].writeback)
        if lru_open(&group.queue, 64, 0) < 0:
            raise HostMemoryError("groups: the host is out of memory")
        self.count += 1
        return 0

    cdef int open_slots(self, slot_groups) except -1:
        """Check and keep the group of every slot. Called by the constructor."""
        cdef const uint16_t[::1] group_of = uint16s(slot_groups, "group_of")
        cdef Py_ssize_t slot
        if not 0 < group_of.shape[0] < 1 << 32:
            raise InputError("groups: expected a group of each slot")
        for slot in range(group_of.shape[0]):
            if group_of[slot] >= self.count:
                raise InputError(f"slot {slot} is of group {group_of[slot]}: expected less than {self.count}")
        self.refs = group_of
        self.group_of = &group_of[0]
        self.slot_count = <uint32_t> group_of.shape[0]
        return 0

    cdef int claim(self) except -1:
        if not self.complete or self.claimed:
            raise InputError("groups: expected those of one pool alone")
        self.claimed = True
        return 0

    cdef bint limit_reached(self, zswap_group *group, uint64_t compressed_bytes) noexcept nogil:
        """Follow obj_cgroup_may_zswap() in mm/memcontrol.c."""
        cdef uint64_t charged
        while True:
            charged = compressed_bytes if group.parent == NO_GROUP else group.compressed_bytes
            if charged // ZSW_PAGE_SIZE >= group.max_pages:
                return True
            if group.parent == NO_GROUP:
                return False
            group = &self.groups[group.parent]

    cdef zswap_group *next_group(self) noexcept nogil:
        cdef uint32_t number = 0 if self.next_shrink == NO_GROUP else self.next_shrink + 1
        if number == self.count:
            self.next_shrink = NO_GROUP
            return NULL
        self.next_shrink = <uint16_t> number
        return &self.groups[number]

    # -- statistics ----------------------------------------------------------------------------------------------------

    cdef uint64_t queued_slots(self) noexcept nogil:
        cdef uint64_t total = 0
        cdef uint32_t number
        for number in range(self.count):
            total += self.groups[number].queue.live
        return total

    cdef uint64_t events_below(self, uint32_t number, int event) noexcept nogil:
        """Return how often an event was counted in a group and in the groups below it."""
        cdef uint64_t total = 0
        cdef uint32_t below, above
        for below in range(number, self.count):
            above = below
            while above > number:
                above = self.groups[above].parent
            if above == number:
                total += (<uint64_t *> &self.groups[below].events)[event]
        return total

    cdef list stats(self, uint64_t compressed_bytes, uint64_t stored):
        """Return a dict for each group with memory.stat's names, the groups below it included; `zswap` is in bytes.

        `compressed_bytes`, `stored`: those of the whole pool, which are the first group's.
        """
        cdef uint32_t number
        result = []
        for number in range(self.count):
            first = number == FIRST_GROUP
            usage = {
                "zswap": compressed_bytes if first else self.groups[number].compressed_bytes,
                "zswapped": stored if first else self.groups[number].stored,
            }
            result.append(usage | {name: self.events_below(number, event) for event, name in enumerate(EVENTS)})
        return result
