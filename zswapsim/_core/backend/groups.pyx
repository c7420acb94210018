"""Groups of pages in a pool, as memory cgroups are: what each may hold, and what of it goes to the device first.

Limits as in obj_cgroup_may_zswap() and mem_cgroup_zswap_writeback_enabled() in mm/memcontrol.c of Linux 6.18, both of
which look at a group and at all above it; the order of a walk is mem_cgroup_iter()'s.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from zswapsim._core.base.counters cimport counters_dict, group_counters, group_counters_rows
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.lru.log cimport lru_close, lru_open
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef tuple EVENTS = tuple(counters_dict(group_counters_rows, sizeof(group_counters), NULL))


@final
cdef class PoolGroups:
    """Groups in a tree.

    `groups`: (parent, most pages of compressed bytes or None, writeback) of each, in the order of a walk; the first has
    no parent (None), each other one that comes before it. `group_of`: uint16 of every slot, its group; None where all
    are of the first.

    Raises InputError for a tree that is none, and for a slot of no group.
    """

    def __cinit__(self):
        self.groups = NULL
        self.group_of = NULL
        self.next_shrink = NO_GROUP

    def __init__(self, groups, group_of=None):
        if self.groups != NULL:
            raise InputError("groups: already initialised")
        listed = list(groups)
        if not 1 <= len(listed) < MOST_GROUPS:
            raise InputError(f"{len(listed)} groups: expected 1 to {MOST_GROUPS - 1}")
        self.groups = <pool_group *> calloc(len(listed), sizeof(pool_group))
        if self.groups == NULL:
            raise HostMemoryError("groups: the host is out of memory")
        for parent, most_pages, writeback in listed:
            self.add(parent, most_pages, writeback)
        if group_of is not None:
            self.open_slots(group_of)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.count):
            lru_close(&self.groups[i].queue)
        free(self.groups)

    cdef int add(self, parent, most_pages, bint writeback) except -1:
        """Part of the constructor."""
        cdef pool_group *group = &self.groups[self.count]
        if (parent is None) != (self.count == 0) or parent is not None and not 0 <= parent < self.count:
            raise InputError(f"group {self.count}: expected a parent before it, for all but the first")
        group.most_pages = ~<uint64_t> 0 if most_pages is None else most_pages
        group.parent = NO_GROUP if parent is None else parent
        group.writeback = writeback and (parent is None or self.groups[group.parent].writeback)
        if lru_open(&group.queue, 64, 0) < 0:
            raise HostMemoryError("groups: the host is out of memory")
        self.count += 1
        return 0

    cdef int open_slots(self, const uint16_t[::1] group_of) except -1:
        """Part of the constructor: the group of every slot."""
        cdef Py_ssize_t slot
        if not 0 < group_of.shape[0] < 1 << 32:
            raise InputError("groups: expected a group of each slot")
        for slot in range(group_of.shape[0]):
            if group_of[slot] >= self.count:
                raise InputError(f"slot {slot} is of group {group_of[slot]}: expected less than {self.count}")
        self.keeps = group_of
        self.group_of = &group_of[0]
        self.slot_count = <uint32_t> group_of.shape[0]
        return 0

    cdef int take(self) except -1:
        """For the pool whose groups they are to be: its alone."""
        if self.groups == NULL or self.taken:
            raise InputError("groups: expected those of one pool alone")
        self.taken = True
        return 0

    cdef pool_group *of(self, uint32_t slot) noexcept nogil:
        return &self.groups[FIRST_GROUP if self.group_of == NULL else self.group_of[slot]]

    cdef bint over_limit(self, pool_group *group, uint64_t compressed_bytes) noexcept nogil:
        cdef uint64_t held
        while True:
            held = compressed_bytes if group.parent == NO_GROUP else group.compressed_bytes
            if held // ZSW_PAGE_SIZE >= group.most_pages:
                return True
            if group.parent == NO_GROUP:
                return False
            group = &self.groups[group.parent]

    cdef void charge(self, pool_group *group, int length, int sign) noexcept nogil:
        while group.parent != NO_GROUP:
            group.compressed_bytes += sign * length
            group.stored += sign
            group = &self.groups[group.parent]

    cdef pool_group *next(self) noexcept nogil:
        cdef uint32_t number = 0 if self.next_shrink == NO_GROUP else self.next_shrink + 1
        if number == self.count:
            self.next_shrink = NO_GROUP
            return NULL
        self.next_shrink = <uint16_t> number
        return &self.groups[number]

    # -- looking in -----------------------------------------------------------------------------------------------

    cdef uint64_t events_below(self, uint32_t number, int event) noexcept nogil:
        """How often an event was seen in a group and in those below it."""
        cdef uint64_t found = 0
        cdef uint32_t each, up
        for each in range(number, self.count):
            up = each
            while up > number:
                up = self.groups[up].parent
            if up == number:
                found += (<uint64_t *> &self.groups[each].events)[event]
        return found

    cdef list stats(self, uint64_t compressed_bytes, uint64_t stored):
        """Of each group, by memory.stat's names, those below it included: a dict; `zswap` in bytes, the rest pages.

        `compressed_bytes`, `stored`: the whole pool's, which are the first group's.
        """
        cdef uint32_t number
        found = []
        for number in range(self.count):
            first = number == FIRST_GROUP
            held = {
                "zswap": compressed_bytes if first else self.groups[number].compressed_bytes,
                "zswapped": stored if first else self.groups[number].stored,
            }
            found.append(held | {name: self.events_below(number, event) for event, name in enumerate(EVENTS)})
        return found
