"""Linux's classic reclaim of anonymous pages: an active and an inactive list (mm/vmscan.c), refaults (mm/workingset.c).

The rules are shrink_inactive_list(), shrink_active_list() and workingset_refault() for a memory-limited group of
anonymous pages, each mapped once; what this means for a page is told in docs/reclaim.md. A turn isolates up to 32 pages
before it looks at them, which for one process differs in nothing from looking at them one by one.
"""

from cython cimport final

from libc.math cimport sqrt
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport table_alloc
from zswapsim._core.base.page_flags cimport HIT, HITS, RECLAIM_ACTIVE, RECLAIM_REFERENCED, RECLAIM_WORKINGSET
from zswapsim._core.reclaim.pagelist cimport list_append, list_init, list_pop, page_list
from zswapsim._core.reclaim.reclaimer cimport (
    DEF_PRIORITY, MAX_RECLAIM_RETRIES, SWAP_CLUSTER_MAX, EngineBase, Reclaimer, evict_resident, folio_pages,
    folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    GIB_SHIFT = 18              # pages in a GiB
    SHADOW_WORKINGSET = 1       # of a shadow; the rest is the age at eviction
    MOST_CPUS = 8192            # CONFIG_NR_CPUS at most
    MEMCG_CHARGE_BATCH = 64     # updates of the statistics
    # Of statistics and events, which count alike; about so many. A fault: PGMAJFAULT, PGFAULT, PSWPIN, PGPGIN, the
    # list's size, NR_ANON_MAPPED, WORKINGSET_REFAULT, MEMCG_SWAP. An eviction: PGSCAN, PGSTEAL, PSWPOUT, PGPGOUT, the
    # list's size, NR_ANON_MAPPED, MEMCG_SWAP, and NR_SWAPCACHE twice.
    FAULT_UPDATES = 8
    EVICT_UPDATES = 9


@final
cdef class TwoListReclaimer(Reclaimer):
    """Active and inactive list. A page that must stay is activated, as the kernel does where swap is full.

    Parameters
    ----------
    fault_access: the access that faults a page in sets its accessed bit.
    stats_every: accesses between two readings of the group's statistics, by which the kernel judges whether the
        inactive list is low, refaults activated pages, and a refault was near; 0: they are always exact.
    stats_cpus: processors; a reading flushes the statistics where more than 64 updates a processor are waiting. 0:
        each does.

    What a kernel does is told in docs/reclaim.md. Raises InputError for a value out of range.
    """
    cdef page_list active
    cdef page_list inactive
    cdef uint32_t age           # evictions and activations so far, modulo 2**31
    cdef uint32_t *shadows      # owned, one a page: age << 1 | SHADOW_WORKINGSET at its last eviction
    cdef uint64_t refaults_seen     # workingset_activate_anon at the end of the last reclaim, as it was known
    cdef uint32_t fault_hit     # HIT where fault_access, else 0
    # The statistics as they were flushed last
    cdef uint32_t stats_every
    cdef uint32_t stats_cpus
    cdef uint64_t readings      # that there have been
    cdef uint64_t updates       # of the statistics since they were flushed
    cdef uint32_t stat_active   # pages
    cdef uint32_t stat_inactive
    cdef uint64_t stat_activated    # workingset_activate_anon
    # Of the reclaim that is going on
    cdef uint32_t evicted       # pages
    cdef bint may_deactivate
    cdef bint skipped           # the active list was left alone
    cdef int failed             # the code that ends the run, or 0

    def __cinit__(self):
        self.shadows = NULL
        list_init(&self.active)
        list_init(&self.inactive)

    def __init__(self, *, bint fault_access=False, int stats_every=0, int stats_cpus=0):
        if stats_every < 0 or not 0 <= stats_cpus <= MOST_CPUS:
            raise InputError(
                f"stats_every {stats_every}, stats_cpus {stats_cpus}: expected at least 0, and at most "
                f"{<int> MOST_CPUS} processors"
            )
        self.fault_hit = self.map_adds_hit = HIT if fault_access else 0
        self.stats_every = stats_every
        self.stats_cpus = stats_cpus

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        self.shadows = <uint32_t *> table_alloc(<size_t> pages * sizeof(uint32_t))
        if self.shadows == NULL:
            raise HostMemoryError(f"shadows of {pages} pages: larger than can be reserved")
        return 0

    def __dealloc__(self):
        free(self.shadows)

    # -- pages that come in ---------------------------------------------------------------------------------------

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        self.flush()
        self.updates += FAULT_UPDATES
        self.states[page] |= self.fault_hit
        if refault:
            self.refault(page)
        if self.states[page] & RECLAIM_ACTIVE:
            list_append(&self.active, self.stamps, page)
        else:
            list_append(&self.inactive, self.stamps, page)
        return ZSW_OK

    cdef inline void refault(self, uint32_t page) noexcept nogil:
        """Activates a page that was evicted so recently that the active list could have held it."""
        cdef uint32_t shadow = self.shadows[page]
        cdef uint32_t distance = (self.age - (shadow >> 1)) & 0x7FFFFFFF
        self.counters.workingset_refault_anon += 1
        self.look_up()
        # The file lists, which the kernel adds to the active one, are empty here.
        if distance > self.stat_active:
            return
        self.states[page] |= RECLAIM_ACTIVE
        self.age += 1
        self.counters.workingset_activate_anon += 1
        if shadow & SHADOW_WORKINGSET:
            self.states[page] |= RECLAIM_WORKINGSET
            self.counters.workingset_restore_anon += 1

    # -- pages that go --------------------------------------------------------------------------------------------

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef int _
        cdef bint force = False
        self.evicted = 0
        self.failed = ZSW_OK
        self.flush()
        for _ in range(MAX_RECLAIM_RETRIES):
            self.skipped = False
            self.try_to_free(engine, wanted, force)
            if self.failed != ZSW_OK:
                return self.failed
            if self.evicted:
                return ZSW_OK
            force = self.skipped
        return ZSW_E_FULL

    cdef inline void read_stats(self) noexcept nogil:
        self.stat_active = self.active.count
        self.stat_inactive = self.inactive.count
        self.stat_activated = self.counters.workingset_activate_anon

    cdef inline void flush(self) noexcept nogil:
        """At the start of a fault and of a reclaim: what was read since the last one, as nothing has changed since."""
        if self.stats_every and self.clock // self.stats_every != self.readings:
            self.readings = self.clock // self.stats_every
            # Of one processor's updates only whole batches wait where a reading sees them.
            if self.stats_cpus == 0 or self.updates // MEMCG_CHARGE_BATCH > self.stats_cpus:
                self.updates = 0
                self.read_stats()

    cdef inline void look_up(self) noexcept nogil:
        """Before every use of the statistics: where they are exact, they are read anew."""
        if self.stats_every == 0:
            self.read_stats()

    cdef void try_to_free(self, EngineBase engine, uint32_t wanted, bint force) noexcept nogil:
        """Looks at more and more of the lists until enough pages are evicted, or everything was looked at."""
        cdef int priority = DEF_PRIORITY
        while priority >= 0 and self.evicted < wanted and self.failed == ZSW_OK:
            self.may_deactivate = force or self.inactive_is_low() or self.refaults_seen != self.stat_activated
            self.shrink(engine, priority, wanted)
            priority -= 1
        self.look_up()
        self.refaults_seen = self.stat_activated

    cdef void shrink(self, EngineBase engine, int priority, uint32_t wanted) noexcept nogil:
        cdef uint32_t from_inactive = self.inactive.count >> priority
        cdef uint32_t from_active = self.active.count >> priority
        cdef uint32_t before = self.evicted
        while from_inactive and self.evicted - before < wanted:
            self.shrink_inactive(engine, min(from_inactive, <uint32_t> SWAP_CLUSTER_MAX))
            from_inactive -= min(from_inactive, <uint32_t> SWAP_CLUSTER_MAX)
            if self.failed != ZSW_OK:
                return
            if self.may_deactivate:
                self.shrink_active(min(from_active, <uint32_t> SWAP_CLUSTER_MAX))
            elif from_active:
                self.skipped = True
            from_active -= min(from_active, <uint32_t> SWAP_CLUSTER_MAX)
        # Whatever came of it, the lists are kept in balance.
        if self.inactive_is_low():
            self.shrink_active(SWAP_CLUSTER_MAX)

    cdef inline bint inactive_is_low(self) noexcept nogil:
        self.look_up()
        cdef uint64_t gib = (<uint64_t> self.stat_inactive + self.stat_active) >> GIB_SHIFT
        cdef uint64_t ratio = <uint64_t> sqrt(<double> (10 * gib)) if gib else 1
        return self.stat_inactive * ratio < self.stat_active

    cdef void shrink_inactive(self, EngineBase engine, uint32_t turn) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t page, state, left = min(turn, self.inactive.count)
        while left and self.failed == ZSW_OK:
            left -= 1
            page = list_pop(&self.inactive, self.stamps)
            self.counters.pgscan += 1
            state = states[page]
            if state & HITS == 0:
                self.evict(engine, page)
            elif state & RECLAIM_REFERENCED:
                states[page] &= ~<uint32_t> HITS
                self.activate(page)
            else:
                states[page] = (state & ~<uint32_t> HITS) | RECLAIM_REFERENCED
                list_append(&self.inactive, self.stamps, page)

    cdef inline void evict(self, EngineBase engine, uint32_t page) noexcept nogil:
        cdef uint32_t workingset = self.states[page] & RECLAIM_WORKINGSET
        cdef uint32_t each
        cdef int code
        # Before it goes: a large folio may be split on the way, and only some of its pages go.
        for each in range(page, page + folio_pages(self, page)):
            self.shadows[each] = (self.age << 1) | (SHADOW_WORKINGSET if workingset else 0)
        code = evict_resident(self, engine, page)
        if code == ZSW_OK:
            self.evicted += 1
            self.updates += EVICT_UPDATES
            self.age += 1
            return
        self.activate(page)
        if code != ZSW_E_FULL:
            self.failed = code

    cdef inline void activate(self, uint32_t page) noexcept nogil:
        self.states[page] |= RECLAIM_ACTIVE
        list_append(&self.active, self.stamps, page)
        self.age += 1
        self.counters.pgactivate += 1

    cdef void shrink_active(self, uint32_t turn) noexcept nogil:
        cdef uint32_t page, left = min(turn, self.active.count)
        while left:
            left -= 1
            page = list_pop(&self.active, self.stamps)
            self.states[page] &= ~<uint32_t> (HITS | RECLAIM_ACTIVE)
            self.states[page] |= RECLAIM_WORKINGSET
            list_append(&self.inactive, self.stamps, page)
            self.counters.pgrefill += 1
            self.counters.pgdeactivate += 1

    # -- statistics and checks ----------------------------------------------------------------------------------

    def listed_pages(self):
        return self.list_pages(&self.active) + self.list_pages(&self.inactive)

    def check(self):
        """Assert every invariant of both lists. O(resident pages)."""
        Reclaimer.check(self)
        for page in self.list_pages(&self.active):
            assert self.states[page] & RECLAIM_ACTIVE, f"page {page} is on the active list and not active"
        for page in self.list_pages(&self.inactive):
            assert not self.states[page] & RECLAIM_ACTIVE, f"page {page} is active and on the inactive list"
