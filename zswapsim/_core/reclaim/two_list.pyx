"""Linux's classic reclaim of anonymous pages: an active and an inactive list (mm/vmscan.c), refaults (mm/workingset.c).

The rules are shrink_inactive_list(), shrink_active_list() and workingset_refault() for a memory-limited group of
anonymous pages, each mapped once; docs/reclaim.md describes what they mean for a page. The kernel isolates up to 32
pages before it scans them; for one process that equals scanning them one by one.
"""

from cython cimport final

from libc.math cimport sqrt
from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport mem_free, table_alloc
from zswapsim._core.base.page_flags cimport HIT, HITS, RECLAIM_ACTIVE, RECLAIM_REFERENCED, RECLAIM_WORKINGSET
from zswapsim._core.reclaim.pagelist cimport list_append, list_init, list_pop, page_list
from zswapsim._core.reclaim.reclaimer cimport (
    DEF_PRIORITY, MAX_RECLAIM_RETRIES, SWAP_CLUSTER_MAX, EngineBase, Reclaimer, evict_resident, folio_pages,
    folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError

cdef enum:
    GIB_SHIFT = 18              # pages in a GiB
    SHADOW_WORKINGSET = 1       # bit of a shadow; the rest is the age at eviction
    MAX_CPUS = 8192             # largest CONFIG_NR_CPUS
    MEMCG_CHARGE_BATCH = 64     # updates of a processor that are flushed together
    # Updates of statistics and events, approximately. A fault: PGMAJFAULT, PGFAULT, PSWPIN, PGPGIN, the list's size,
    # NR_ANON_MAPPED, WORKINGSET_REFAULT, MEMCG_SWAP. An eviction: PGSCAN, PGSTEAL, PSWPOUT, PGPGOUT, the list's size,
    # NR_ANON_MAPPED, MEMCG_SWAP, and NR_SWAPCACHE twice.
    FAULT_UPDATES = 8
    EVICT_UPDATES = 9


@final
cdef class TwoListReclaimer(Reclaimer):
    """Keep an active and an inactive list. A page that can't be evicted is activated, as in the kernel when swap is
    full.

    Parameters
    ----------
    fault_access: the access that faults a page in sets its accessed bit.
    stats_every: accesses between two flushes of the group's statistics, from which the kernel decides if the inactive
    list is low, if refaults activated pages, and if a refault was recent; 0: they are always exact.
    stats_cpus: number of processors; a reading flushes the statistics if more than 64 updates for each processor are
    pending; 0: each reading does.

    docs/reclaim.md describes the kernel's behaviour. Raises InputError for a value out of range.
    """
    cdef page_list active
    cdef page_list inactive
    cdef uint32_t nonresident_age   # number of evictions and activations, modulo 2**31
    cdef uint32_t *shadows      # owned; by page, nonresident_age << 1 | SHADOW_WORKINGSET at its last eviction
    cdef uint64_t last_refaults     # stat_activated at the end of the last reclaim
    cdef uint32_t fault_hit     # HIT if fault_access, otherwise 0
    # Statistics as of the last flush
    cdef uint32_t stats_every
    cdef uint32_t stats_cpus
    cdef uint64_t flushes           # flushes that were due so far
    cdef uint64_t updates           # updates since the last flush
    cdef uint32_t stat_active       # pages of the active list
    cdef uint32_t stat_inactive     # pages of the inactive list
    cdef uint64_t stat_activated    # workingset_activate_anon
    # State of the current reclaim
    cdef uint32_t evicted           # folios evicted
    cdef bint may_deactivate
    cdef bint skipped_deactivate    # the active list was not scanned
    cdef int stop_code              # the code that ends the run, or 0

    def __cinit__(self):
        self.shadows = NULL
        list_init(&self.active)
        list_init(&self.inactive)

    def __init__(self, *, fault_access=False, stats_every=0, stats_cpus=0):
        self.fault_hit = self.map_adds_hit = HIT if flag(fault_access, "fault_access") else 0
        self.stats_every = whole(stats_every, "stats_every", 0, 0x7FFFFFFF)
        self.stats_cpus = whole(stats_cpus, "stats_cpus", 0, MAX_CPUS)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        self.shadows = <uint32_t *> table_alloc(<size_t> pages * sizeof(uint32_t))
        if self.shadows == NULL:
            raise HostMemoryError(f"shadows of {pages} pages: larger than can be reserved")
        return 0

    def __dealloc__(self):
        mem_free(self.shadows)

    # -- faults and refaults -------------------------------------------------------------------------------------------

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        self.flush_stats()
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
        """Count a refault. Activate the page if its reuse distance is at most the size of the active list."""
        cdef uint32_t shadow = self.shadows[page]
        cdef uint32_t distance = (self.nonresident_age - (shadow >> 1)) & 0x7FFFFFFF
        self.counters.workingset_refault_anon += 1
        self.refresh_stats()
        # The file lists, which the kernel adds to the active one, are empty here.
        if distance > self.stat_active:
            return
        self.states[page] |= RECLAIM_ACTIVE
        self.nonresident_age += 1
        self.counters.workingset_activate_anon += 1
        if shadow & SHADOW_WORKINGSET:
            self.states[page] |= RECLAIM_WORKINGSET
            self.counters.workingset_restore_anon += 1

    # -- reclaim -------------------------------------------------------------------------------------------------------

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef int _
        cdef bint force_deactivate = False
        nr_to_reclaim = folios_to_reclaim(self, engine, nr_to_reclaim)
        self.evicted = 0
        self.stop_code = ZSW_OK
        self.flush_stats()
        for _ in range(MAX_RECLAIM_RETRIES):
            self.skipped_deactivate = False
            self.try_to_free_pages(engine, nr_to_reclaim, force_deactivate)
            if self.stop_code != ZSW_OK:
                return self.stop_code
            if self.evicted:
                return ZSW_OK
            force_deactivate = self.skipped_deactivate
        return ZSW_E_FULL

    cdef inline void copy_stats(self) noexcept nogil:
        self.stat_active = self.active.count
        self.stat_inactive = self.inactive.count
        self.stat_activated = self.counters.workingset_activate_anon

    cdef inline void flush_stats(self) noexcept nogil:
        """Flush the statistics if a reading was due since the last fault or reclaim. Nothing has changed in between."""
        if self.stats_every and self.clock // self.stats_every != self.flushes:
            self.flushes = self.clock // self.stats_every
            # A reader sees only whole batches of a processor's updates.
            if self.stats_cpus == 0 or self.updates // MEMCG_CHARGE_BATCH > self.stats_cpus:
                self.updates = 0
                self.copy_stats()

    cdef inline void refresh_stats(self) noexcept nogil:
        """Refresh the statistics before use, if they are exact."""
        if self.stats_every == 0:
            self.copy_stats()

    cdef void try_to_free_pages(self, EngineBase engine, uint32_t nr_to_reclaim, bint force_deactivate) noexcept nogil:
        """Scan an increasing share of the lists until enough pages are evicted or all were scanned."""
        cdef int priority = DEF_PRIORITY
        while priority >= 0 and self.evicted < nr_to_reclaim and self.stop_code == ZSW_OK:
            self.may_deactivate = (
                force_deactivate or self.inactive_is_low() or self.last_refaults != self.stat_activated
            )
            self.shrink(engine, priority, nr_to_reclaim)
            priority -= 1
        self.refresh_stats()
        self.last_refaults = self.stat_activated

    cdef void shrink(self, EngineBase engine, int priority, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint32_t from_inactive = self.inactive.count >> priority
        cdef uint32_t from_active = self.active.count >> priority
        cdef uint32_t before = self.evicted
        while from_inactive and self.evicted - before < nr_to_reclaim:
            self.shrink_inactive(engine, min(from_inactive, <uint32_t> SWAP_CLUSTER_MAX))
            from_inactive -= min(from_inactive, <uint32_t> SWAP_CLUSTER_MAX)
            if self.stop_code != ZSW_OK:
                return
            if self.may_deactivate:
                self.shrink_active(min(from_active, <uint32_t> SWAP_CLUSTER_MAX))
            elif from_active:
                self.skipped_deactivate = True
            from_active -= min(from_active, <uint32_t> SWAP_CLUSTER_MAX)
        # Rebalance the lists in any case.
        if self.inactive_is_low():
            self.shrink_active(SWAP_CLUSTER_MAX)

    cdef inline bint inactive_is_low(self) noexcept nogil:
        self.refresh_stats()
        cdef uint64_t gib = (<uint64_t> self.stat_inactive + self.stat_active) >> GIB_SHIFT
        cdef uint64_t ratio = <uint64_t> sqrt(<double> (10 * gib)) if gib else 1
        return self.stat_inactive * ratio < self.stat_active

    cdef void shrink_inactive(self, EngineBase engine, uint32_t nr_to_scan) noexcept nogil:
        cdef uint16_t *states = self.states
        cdef uint32_t page, state, remaining = min(nr_to_scan, self.inactive.count)
        while remaining and self.stop_code == ZSW_OK:
            remaining -= 1
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
        cdef uint32_t i
        cdef int code
        # Set shadows first: a large folio may be split, and only some of its pages evicted.
        for i in range(page, page + folio_pages(self, page)):
            self.shadows[i] = (self.nonresident_age << 1) | (SHADOW_WORKINGSET if workingset else 0)
        code = evict_resident(self, engine, page)
        if code == ZSW_OK:
            self.evicted += 1
            self.updates += EVICT_UPDATES
            self.nonresident_age += 1
            return
        self.activate(page)
        if code != ZSW_E_FULL:
            self.stop_code = code

    cdef inline void activate(self, uint32_t page) noexcept nogil:
        self.states[page] |= RECLAIM_ACTIVE
        list_append(&self.active, self.stamps, page)
        self.nonresident_age += 1
        self.counters.pgactivate += 1

    cdef void shrink_active(self, uint32_t nr_to_scan) noexcept nogil:
        cdef uint32_t page, remaining = min(nr_to_scan, self.active.count)
        while remaining:
            remaining -= 1
            page = list_pop(&self.active, self.stamps)
            self.states[page] &= ~<uint32_t> (HITS | RECLAIM_ACTIVE)
            self.states[page] |= RECLAIM_WORKINGSET
            list_append(&self.inactive, self.stamps, page)
            self.counters.pgrefill += 1
            self.counters.pgdeactivate += 1

    # -- statistics and checks -----------------------------------------------------------------------------------------

    def listed_pages(self):
        return self.list_pages(&self.active) + self.list_pages(&self.inactive)

    def check(self):
        """Assert every invariant of both lists. O(resident pages)."""
        Reclaimer.check(self)
        for page in self.list_pages(&self.active):
            assert self.states[page] & RECLAIM_ACTIVE, f"page {page} is on the active list and not active"
        for page in self.list_pages(&self.inactive):
            assert not self.states[page] & RECLAIM_ACTIVE, f"page {page} is active and on the inactive list"
