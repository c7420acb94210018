"""Linux's multi-generational LRU (Yu Zhao, Linux 6.1), as of 6.18, for a memory-limited group of anonymous pages.

The rules are those of mm/vmscan.c from `the aging` on and of lru_gen_refault() in mm/workingset.c; docs/reclaim.md
describes what they mean for a page. Page tables are walked in regions of 512 dense page numbers. Pages that are
accessed through page tables have only the first and the last of the four tiers. Pages that the kernel promotes
immediately in lru_gen_look_around() are promoted lazily here.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport flag
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport mem_calloc, mem_free, table_alloc
from zswapsim._core.base.page_flags cimport (
    HIT, HITS, RECLAIM_GEN_SHIFT, RECLAIM_ISOLATED, RECLAIM_REFERENCED, RECLAIM_WORKINGSET, RESIDENT,
)
from zswapsim._core.reclaim.pagelist cimport list_append, list_init, list_pop, page_list
from zswapsim._core.reclaim.reclaimer cimport (
    DEF_PRIORITY, MAX_RECLAIM_RETRIES, EngineBase, Reclaimer, evict_resident, folio_pages, folios_to_reclaim,
)
from zswapsim._core.base.errors import HostMemoryError

cdef enum:
    MIN_NR_GENS = 2
    MAX_NR_GENS = 4
    GEN = 3 << RECLAIM_GEN_SHIFT  # bits of a page's generation: its sequence number modulo MAX_NR_GENS
    MIN_LRU_BATCH = 64
    MAX_LRU_BATCH = 4096
    REGION_SHIFT = 9            # pages that one page table maps
    YOUNG_SHARE = 8             # a region is walked again if one in eight of its pages was accessed
    SHADOW_WORKINGSET = 1       # bit of a shadow; the rest is min_seq at eviction
    BASE = 0                    # tier of pages accessed once or never
    PROTECTED = 1               # tier of pages accessed again (PG_workingset)

# Averages and current counts of a tier, for the PID controller that decides if the tier is protected.
ctypedef struct ctrl_pos:
    uint64_t avg_refaulted      # exponential averages over past generations
    uint64_t avg_total
    uint64_t refaulted
    uint64_t evicted
    uint64_t protected_         # pages moved to the next generation instead of evicted


cdef inline uint64_t tier_refaulted(const ctrl_pos *tier) noexcept nogil:
    return tier.avg_refaulted + tier.refaulted


cdef inline uint64_t tier_total(const ctrl_pos *tier) noexcept nogil:
    return tier.avg_total + tier.evicted + tier.protected_


@final
cdef class MglruReclaimer(Reclaimer):
    """Keep two to four generations. A page that can't be evicted goes to the second youngest, like a page just faulted
    in.

    `fault_access`: the access that faults a page in sets its accessed bit, as in Linux.
    """
    cdef page_list[4] lists     # by generation, sorted lazily: a page may already have a younger generation
    cdef uint32_t min_seq       # sequence number of the oldest generation
    cdef uint32_t max_seq       # sequence number of the youngest generation
    cdef uint32_t *shadows      # owned; by page, min_seq << 1 | SHADOW_WORKINGSET at its last eviction
    cdef uint8_t *filters       # owned; by region, 1 if it must be walked; one half for even max_seq, one for odd
    cdef uint32_t regions       # of 512 pages
    cdef bint[2] filter_valid   # that half of the filters was filled
    cdef ctrl_pos[2] tiers      # BASE and PROTECTED
    cdef uint32_t fault_hit     # HIT if fault_access, otherwise 0
    cdef uint32_t[64] isolated  # pages that are temporarily in no list
    cdef uint32_t nr_isolated   # entries of `isolated`
    cdef uint32_t evicted       # folios evicted by the current reclaim
    cdef int stop_code          # the code that ends the run, or 0

    def __cinit__(self):
        cdef int gen
        self.shadows = NULL
        self.filters = NULL
        self.min_seq = 0
        self.max_seq = MIN_NR_GENS + 1
        memset(&self.tiers, 0, sizeof(self.tiers))
        for gen in range(MAX_NR_GENS):
            list_init(&self.lists[gen])

    def __init__(self, *, fault_access=True):
        self.fault_hit = self.map_adds_hit = HIT if flag(fault_access, "fault_access") else 0

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        Reclaimer.attach(self, stamps, states, pages, frames)
        self.regions = ((pages - 1) >> REGION_SHIFT) + 1
        self.shadows = <uint32_t *> table_alloc(<size_t> pages * sizeof(uint32_t))
        self.filters = <uint8_t *> mem_calloc(2, self.regions)
        if self.shadows == NULL or self.filters == NULL:
            raise HostMemoryError(f"shadows of {pages} pages: larger than can be reserved")
        return 0

    def __dealloc__(self):
        mem_free(self.shadows)
        mem_free(self.filters)

    cdef inline page_list *generation_list(self, uint32_t seq) noexcept nogil:
        return &self.lists[seq % MAX_NR_GENS]

    cdef inline uint32_t gen_of(self, uint32_t page) noexcept nogil:
        return (self.states[page] & GEN) >> RECLAIM_GEN_SHIFT

    cdef inline void set_gen(self, uint32_t page, uint32_t seq) noexcept nogil:
        self.states[page] &= ~<uint32_t> GEN
        self.states[page] |= (seq % MAX_NR_GENS) << RECLAIM_GEN_SHIFT

    # -- faults and refaults -------------------------------------------------------------------------------------------

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        self.states[page] |= self.fault_hit
        if refault:
            self.refault(page)
        self.add_page(page)
        return ZSW_OK

    cdef inline void add_page(self, uint32_t page) noexcept nogil:
        """Add a page that was faulted in or is put back. Working-set pages enter the youngest generation."""
        cdef uint32_t seq = self.max_seq - (0 if self.states[page] & RECLAIM_WORKINGSET else 1)
        self.set_gen(page, seq)
        list_append(self.generation_list(seq), self.stamps, page)

    cdef inline void refault(self, uint32_t page) noexcept nogil:
        cdef uint32_t shadow = self.shadows[page]
        self.counters.workingset_refault_anon += 1
        if self.max_seq - (shadow >> 1) >= MAX_NR_GENS:
            return
        self.counters.workingset_activate_anon += 1
        if shadow & SHADOW_WORKINGSET:
            self.tiers[PROTECTED].refaulted += 1
            self.states[page] |= RECLAIM_WORKINGSET
            self.counters.workingset_restore_anon += 1
        else:
            self.tiers[BASE].refaulted += 1

    # -- the aging -----------------------------------------------------------------------------------------------------

    cdef inline bint set_refs(self, uint32_t page) noexcept nogil:
        """Note that the page was accessed. Return True if it is now in the working set; the first access only sets the
        referenced flag. lru_gen_set_refs()."""
        cdef uint16_t *state = &self.states[page]
        if state[0] & (RECLAIM_REFERENCED | RECLAIM_WORKINGSET):
            state[0] &= ~<uint32_t> RECLAIM_REFERENCED
            state[0] |= RECLAIM_WORKINGSET
            return True
        state[0] |= RECLAIM_REFERENCED
        return False

    cdef inline uint32_t walk_ptes(self, uint32_t first, uint32_t end) noexcept nogil:
        """Clear the accessed bits of pages and promote the working set. Return how many bits were set."""
        cdef uint16_t *state
        cdef uint32_t page, young = 0
        for page in range(first, end):
            state = &self.states[page]
            if state[0] & RESIDENT == 0 or state[0] & HITS == 0 or state[0] & RECLAIM_ISOLATED:
                continue
            state[0] &= ~<uint32_t> HITS
            young += folio_pages(self, page)
            if self.set_refs(page):
                self.set_gen(page, self.max_seq)
        return young

    cdef void inc_max_seq(self) noexcept nogil:
        """Walk the regions that pass the filter and start a generation. try_to_inc_max_seq()."""
        cdef uint32_t now = self.max_seq % 2
        cdef uint8_t *filter = self.filters + <size_t> now * self.regions
        cdef uint8_t *next_filter = self.filters + <size_t> (1 - now) * self.regions
        cdef uint32_t region, first, end
        memset(next_filter, 0, self.regions)
        self.filter_valid[1 - now] = True
        for region in range(self.regions):
            if self.filter_valid[now] and not filter[region]:
                continue
            first = region << REGION_SHIFT
            end = min(first + (1 << REGION_SHIFT), self.pages)
            next_filter[region] = self.walk_ptes(first, end) * YOUNG_SHARE >= end - first
        self.max_seq += 1

    cdef inline void look_around(self, uint32_t page) noexcept nogil:
        """Scan the neighbours of an accessed page. lru_gen_look_around()."""
        cdef uint32_t region = page >> REGION_SHIFT
        cdef uint32_t first = region << REGION_SHIFT
        cdef uint32_t end = min(first + (1 << REGION_SHIFT), self.pages)
        if end - first > MIN_LRU_BATCH:
            if page - first < MIN_LRU_BATCH // 2:
                end = first + MIN_LRU_BATCH
            elif end - page < MIN_LRU_BATCH // 2:
                first = end - MIN_LRU_BATCH
            else:
                first = page - MIN_LRU_BATCH // 2
                end = page + MIN_LRU_BATCH // 2
        if (1 + self.walk_ptes(first, end)) * YOUNG_SHARE >= end - first:
            self.filters[<size_t> (self.max_seq % 2) * self.regions + region] = 1

    # -- the eviction --------------------------------------------------------------------------------------------------

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef int _, priority
        nr_to_reclaim = folios_to_reclaim(self, engine, nr_to_reclaim)
        self.evicted = 0
        self.stop_code = ZSW_OK
        for _ in range(MAX_RECLAIM_RETRIES):
            priority = DEF_PRIORITY
            while priority >= 0 and self.evicted < nr_to_reclaim and self.stop_code == ZSW_OK:
                self.shrink(engine, priority)
                priority -= 1
            if self.stop_code != ZSW_OK:
                return self.stop_code
            if self.evicted:
                return ZSW_OK
        return ZSW_E_FULL

    cdef void shrink(self, EngineBase engine, int priority) noexcept nogil:
        """Scan a share of all pages. Age them instead if too few generations are left to evict from."""
        cdef uint32_t scanned = 0, batch, share
        while True:
            share = self.resident if self.min_seq + MIN_NR_GENS <= self.max_seq else 0
            if self.min_seq + MIN_NR_GENS >= self.max_seq and priority != DEF_PRIORITY:
                self.inc_max_seq()
                return
            if share >> priority == 0:
                return
            batch = self.evict_pages(engine)
            scanned += batch
            if batch == 0 or scanned >= share >> priority or self.stop_code != ZSW_OK:
                return

    cdef uint32_t evict_pages(self, EngineBase engine) noexcept nogil:
        """Evict from the oldest generation. Return the number of pages scanned, or 0 if none can be evicted."""
        cdef uint32_t scanned = self.isolate_pages()
        scanned += self.inc_min_seq()
        if self.min_seq + MIN_NR_GENS > self.max_seq:
            scanned = 0
        self.shrink_isolated(engine)
        return scanned

    cdef uint32_t isolate_pages(self) noexcept nogil:
        """Isolate up to 64 pages of the oldest list, and sort those that belong elsewhere. Return the pages scanned."""
        cdef page_list *oldest = self.generation_list(self.min_seq)
        cdef bint protect = self.tier_is_protected()
        cdef uint32_t page, scanned = 0, moved = 0
        self.nr_isolated = 0
        if self.min_seq + MIN_NR_GENS > self.max_seq:
            return 0
        while oldest.count and scanned < MAX_LRU_BATCH and self.nr_isolated < MIN_LRU_BATCH:
            page = list_pop(oldest, self.stamps)
            scanned += 1
            if self.sort_page(page, protect):
                moved += 1
                continue
            self.states[page] |= RECLAIM_ISOLATED
            self.isolated[self.nr_isolated] = page
            self.nr_isolated += 1
        self.counters.pgscan += self.nr_isolated
        self.counters.pgrefill += moved
        return scanned if self.nr_isolated or scanned == MAX_LRU_BATCH else 0

    cdef inline bint sort_page(self, uint32_t page, bint protect) noexcept nogil:
        """Move a promoted page to its own generation, or a protected page to the next one. Return False if it stays."""
        if self.gen_of(page) != self.min_seq % MAX_NR_GENS:
            list_append(&self.lists[self.gen_of(page)], self.stamps, page)
            return True
        if protect and self.states[page] & RECLAIM_WORKINGSET:
            self.tiers[PROTECTED].protected_ += 1
            self.states[page] &= ~<uint32_t> RECLAIM_REFERENCED
            self.set_gen(page, self.min_seq + 1)
            list_append(self.generation_list(self.min_seq + 1), self.stamps, page)
            return True
        return False

    cdef inline bint tier_is_protected(self) noexcept nogil:
        """Return True if the working set's refault rate exceeds that of the other pages, with gains 2 and 3."""
        cdef const ctrl_pos *base = &self.tiers[BASE]
        cdef const ctrl_pos *other = &self.tiers[PROTECTED]
        if tier_refaulted(other) < MIN_LRU_BATCH:
            return False
        return tier_refaulted(other) * (tier_total(base) + MIN_LRU_BATCH) * 2 > \
            (tier_refaulted(base) + 1) * tier_total(other) * 3

    cdef bint inc_min_seq(self) noexcept nogil:
        """Drop empty oldest generations and update the averages. Return True if there were any.
        try_to_inc_min_seq()."""
        cdef uint32_t before = self.min_seq
        cdef ctrl_pos *tier
        cdef int number
        while self.min_seq + MIN_NR_GENS <= self.max_seq and self.generation_list(self.min_seq).count == 0:
            self.min_seq += 1
        if self.min_seq == before:
            return False
        for number in range(2):
            tier = &self.tiers[number]
            tier.avg_refaulted = tier_refaulted(tier) // 2
            tier.avg_total = tier_total(tier) // 2
            tier.refaulted = tier.evicted = tier.protected_ = 0
        return True

    cdef void shrink_isolated(self, EngineBase engine) noexcept nogil:
        cdef uint32_t i, page, kept = 0
        for i in range(self.nr_isolated):
            page = self.isolated[i]
            if self.stop_code != ZSW_OK or not self.evict(engine, page):
                self.isolated[kept] = page
                kept += 1
        for i in range(kept):
            page = self.isolated[i]
            self.states[page] &= ~<uint32_t> RECLAIM_ISOLATED
            # A page put back into the oldest generation loses its referenced flag.
            if self.states[page] & RECLAIM_WORKINGSET == 0 and self.max_seq - 1 == self.min_seq:
                self.states[page] &= ~<uint32_t> RECLAIM_REFERENCED
            self.add_page(page)
        self.nr_isolated = 0

    cdef inline bint evict(self, EngineBase engine, uint32_t page) noexcept nogil:
        """Evict an isolated page. Return False if it must be put back."""
        cdef uint32_t workingset = self.states[page] & RECLAIM_WORKINGSET
        cdef uint32_t i
        cdef int code
        if self.states[page] & HITS:
            self.states[page] &= ~<uint32_t> HITS
            self.look_around(page)
            if self.set_refs(page):
                self.counters.pgactivate += 1
            return False
        # Set shadows first: a large folio may be split, and only some of its pages evicted.
        for i in range(page, page + folio_pages(self, page)):
            self.shadows[i] = (self.min_seq << 1) | (SHADOW_WORKINGSET if workingset else 0)
        code = evict_resident(self, engine, page)
        if code == ZSW_OK:
            self.evicted += 1
            self.tiers[PROTECTED if workingset else BASE].evicted += 1
            return True
        self.counters.pgactivate += 1
        if code != ZSW_E_FULL:
            self.stop_code = code
        return False

    # -- statistics and checks -----------------------------------------------------------------------------------------

    def listed_pages(self):
        return [page for gen in range(MAX_NR_GENS) for page in self.list_pages(&self.lists[gen])]

    def check(self):
        """Assert every invariant of the generations. O(resident pages)."""
        Reclaimer.check(self)
        assert self.max_seq - self.min_seq < MAX_NR_GENS, "there are too many generations"
        assert self.max_seq - self.min_seq >= MIN_NR_GENS - 1, "there are too few generations"
        for seq in range(self.min_seq, self.min_seq + MAX_NR_GENS):
            members = self.list_pages(self.generation_list(seq))
            assert seq <= self.max_seq or not members, "pages of a generation that has not begun"
            for page in members:
                own = self.min_seq + (self.gen_of(page) - self.min_seq) % MAX_NR_GENS
                assert seq <= own <= self.max_seq, f"page {page} is of an older generation than its list"
                assert not self.states[page] & RECLAIM_ISOLATED, f"page {page} is in a list and isolated"
