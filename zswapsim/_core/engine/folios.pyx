"""The engine with large folios: aligned groups of pages that come into DRAM together, and go as one or page by page.

It keeps its own order of events and borrows all else, what a page holds, its frame, its way to the backend and back,
from a Replay, which it drives. do_anonymous_page() and do_swap_page() in mm/memory.c, shrink_folio_list() in
mm/vmscan.c and swap_writeout() in mm/page_io.c of Linux 6.18 say what happens.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from zswapsim._core.base.arrays cimport all_below
from zswapsim._core.base.counters cimport counters_dict, folio_counters, folio_counters_rows
from zswapsim._core.backend.backend cimport FOLIO_SPLIT
from zswapsim._core.engine.contents cimport content_first, content_set, page_contents
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.histogram cimport histogram_add
from zswapsim._core.lru.log cimport (
    LRU_AHEAD, lru_add, lru_drop, lru_holds, lru_log, lru_marked, lru_oldest, lru_touch, zsw_prefetch,
)
from zswapsim._core.reclaim.reclaimer cimport (
    DIRTY, ENGINE_STATE, HIT, HITS, IN_SLOT, LARGE, RESIDENT, TOUCHED, WRITTEN, ZERO_MAPPED, Evictor,
)
from zswapsim._core.engine.replay cimport Replay
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    NO_FOLIO = 0xFFFFFFFF


@final
cdef class FolioReplay(Evictor):
    """Replays accesses with memory in folios of 1 << `order` pages, over `engine`, which serves this one alone.

    Parameters
    ----------
    engine: of as many pages as all folios have, with a reclaimer that expects them.
    place: uint32 of t; the engine's page for each of the trace's t pages, folio << order | page in the folio.
    order: 1 (8 KiB) to 5 (128 KiB).
    swaps_in_whole: a fault brings in all of a folio that went as one, else one page.
    clear_ns: clearing a page of a folio that is allocated, beyond the first, whose minor fault includes it.
    zero_image: the engine's last content, which is all zero and no page's from the beginning; 0 without contents.

    Raises InputError where one does not fit the other, HostMemoryError.
    """

    def __cinit__(self):
        self.folios = NULL
        memset(&self.counters, 0, sizeof(self.counters))

    def __init__(
        self, Replay engine not None, const uint32_t[::1] place not None, uint32_t order, *,
        bint swaps_in_whole=False, uint32_t zero_image=0, double clear_ns=0.0,
    ):
        if self.engine is not None or engine.backend is None or engine.counters.accesses:
            raise InputError("folios: expected a replay that has not begun")
        if not 1 <= order <= FOLIO_MAX_ORDER or engine.pages & ((<uint32_t> 1 << order) - 1):
            raise InputError(f"folios of order {order}: expected 1 to {FOLIO_MAX_ORDER}, and whole folios")
        if engine.frames >> order == 0:
            raise InputError(f"{engine.frames} frames of DRAM: expected at least a folio of {1 << order} pages")
        if engine.ahead is not None or engine.backend.maps or \
                (engine.reclaimer is not None and engine.reclaimer.order != order):
            raise InputError("folios: expected no readahead, a backend that does not map, a reclaimer for this order")
        if not 0 < place.shape[0] <= engine.pages or not all_below(&place[0], place.shape[0], engine.pages):
            raise InputError(f"folios: expected a place below {engine.pages} for each page")
        if engine.contents.count and zero_image != engine.contents.count - 1:
            raise InputError("folios: expected an image of zeros as the last one")
        self.size = <uint32_t> 1 << order
        self.folio_count = engine.pages >> order
        self.folios = <folio_record *> calloc(self.folio_count, sizeof(folio_record))
        if self.folios == NULL:
            raise HostMemoryError(f"{self.folio_count} folios: larger than can be reserved")
        self.order = order
        self.swaps_in_whole = swaps_in_whole
        self.zero_image = zero_image
        self.clear_ns = clear_ns
        self.waiting = NO_FOLIO
        self.place = &place[0]
        self.trace_pages = <uint32_t> place.shape[0]
        self.keeps = place
        self.stamps = engine.stamps
        self.states = engine.states
        self.shared = &engine.counters
        self.engine = engine

    def __dealloc__(self):
        cdef uint32_t first
        # The engine gives back frames of pages that stand in its lists; these are of all others.
        if self.engine is not None and self.engine.dram is not None and not self.engine.dram.busy:
            for first in range(0, self.folio_count << self.order, self.size):
                if self.folios[first >> self.order].form == FORM_LARGE:
                    self.give_frames(first + 1, first + self.size)
        free(self.folios)

    # -- the trace ------------------------------------------------------------------------------------------------

    def feed(self, const uint32_t[::1] pages, const uint8_t[::1] ops):
        """As Replay.feed(), with the trace's numbers of pages."""
        if self.engine is None:
            raise InputError("folios: not initialised")
        return self.engine.lead(self, pages, ops, self.trace_pages)

    cdef int walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil:
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t last = count - 1
        cdef uint32_t page, unit
        cdef int code = ZSW_OK
        while i < count:
            zsw_prefetch(&self.stamps[self.place[pages[min(i + LRU_AHEAD, last)]]])
            zsw_prefetch(&self.states[self.place[pages[min(i + LRU_AHEAD, last)]]])
            page = self.place[pages[i]]
            unit = self.unit_of(page)
            if self.is_resident(unit):
                code = self.touch(unit)
            else:
                self.engine.backend.clock = self.shared.accesses
                if self.engine.reclaimer is not None:
                    self.engine.reclaimer.clock = self.shared.accesses
                code = self.fault(page)
            if code < 0:
                self.engine.at_page = pages[i]
                break
            self.accessed(page, ops[i] != 0)
            i += 1
        done[0] = i
        return code

    cdef inline uint32_t unit_of(self, uint32_t page) noexcept nogil:
        if self.folios[page >> self.order].form == FORM_LARGE:
            return page & ~(self.size - 1)
        return page

    cdef inline bint is_resident(self, uint32_t unit) noexcept nogil:
        cdef uint16_t *state = &self.states[unit]
        if self.engine.reclaimer is None:
            return lru_holds(&self.engine.log, self.stamps[unit])
        return state[0] & RESIDENT != 0

    cdef inline int touch(self, uint32_t unit) noexcept nogil:
        cdef uint16_t *state = &self.states[unit]
        if self.engine.reclaimer is None:
            return lru_touch(&self.engine.log, self.stamps, unit)
        state[0] += HIT * <uint32_t> (state[0] & HITS < self.engine.reclaimer.most * HIT)
        return ZSW_OK

    cdef inline void accessed(self, uint32_t page, bint write) noexcept nogil:
        """What an access does to a page that is in DRAM."""
        cdef folio_record *folio = &self.folios[page >> self.order]
        cdef uint32_t bit = <uint32_t> 1 << (page & (self.size - 1))
        self.shared.accesses += 1
        self.shared.writes += write
        if folio.seen & bit == 0:
            folio.seen |= bit
            self.first_access(page)
        if write and self.states[page] & WRITTEN == 0:
            self.disown(page)
            self.engine.first_write(page)

    cdef void disown(self, uint32_t page) noexcept nogil:
        cdef uint32_t first = self.unit_of(page)
        cdef uint32_t each
        cdef uint16_t *state
        for each in range(first, first + (self.size if self.folios[page >> self.order].form == FORM_LARGE else 1)):
            state = &self.states[each]
            if state[0] & IN_SLOT:
                self.engine.backend.invalidate(each)
            state[0] &= ~<uint32_t> (IN_SLOT | ZERO_MAPPED)
            state[0] |= DIRTY

    cdef void first_access(self, uint32_t page) noexcept nogil:
        """The page gets what it holds. It has been all zero since its folio was allocated."""
        cdef page_contents *contents = &self.engine.contents
        self.shared.pages += 1
        self.disown(page)
        content_set(contents, page, content_first(contents, page, self.zero_image), self.engine.bytes_of(page))

    # -- faults ---------------------------------------------------------------------------------------------------

    cdef int fault(self, uint32_t page) noexcept nogil:
        cdef double before = self.engine.spent()
        cdef folio_record *folio = &self.folios[page >> self.order]
        cdef bint fresh = folio.form == FORM_FRESH
        cdef bint large = fresh or (folio.form == FORM_OUTSIDE and self.swaps_in_whole)
        cdef uint32_t unit = page & ~(self.size - 1) if large else page
        cdef int code = ZSW_OK
        while self.is_short_of(self.size if large else 1):
            code = self.reclaim(unit)
            if code < 0:
                return code
        if fresh:
            self.allocate(unit)
        elif large:
            code = self.swap_in(unit, before)
        else:
            code = self.engine.come_in(page, False, before)
        if code < 0:
            return code
        self.used += self.size if large else 1
        folio.form = FORM_LARGE if large else FORM_APART
        if large:
            self.states[unit] |= LARGE
        return self.enter_list(unit, not fresh)

    cdef int enter_list(self, uint32_t unit, bint refault) noexcept nogil:
        """Enters a folio that is in DRAM in the reclaimer's lists."""
        if self.engine.reclaimer is None:
            return lru_add(&self.engine.log, self.stamps, unit)
        self.states[unit] |= RESIDENT
        self.engine.reclaimer.insert(unit, refault)
        self.engine.reclaimer.resident += 1
        return ZSW_OK

    cdef void allocate(self, uint32_t first) noexcept nogil:
        """A folio of zeros."""
        cdef uint32_t page
        for page in range(first, first + self.size):
            self.engine.take_frame(page)
            self.states[page] = TOUCHED | DIRTY
            content_set(&self.engine.contents, page, self.zero_image, self.engine.bytes_of(page))
        self.shared.minor_faults += 1
        self.counters.mthp_anon_fault_alloc += 1

    cdef int swap_in(self, uint32_t first, double before) noexcept nogil:
        """All pages of a folio come back by one fault."""
        cdef bint zero = self.states[first] & ZERO_MAPPED != 0
        cdef uint32_t page
        cdef int code
        self.shared.major_faults += 1
        for page in range(first, first + self.size):
            self.engine.take_frame(page)
            code = self.engine.swap_in(page)
            if code < 0:
                self.give_frames(first, page + 1)
                return code
            self.states[page] &= ~<uint32_t> WRITTEN
        self.whole_faults += 1
        self.counters.mthp_swpin += not zero
        histogram_add(&self.engine.latency, self.engine.backend.costs.major_fault + self.engine.spent() - before)
        return ZSW_OK

    # -- reclaim --------------------------------------------------------------------------------------------------

    cdef inline bint is_short_of(self, uint32_t frames) noexcept nogil:
        if self.used + frames > self.engine.frames:
            return True
        return self.engine.dram is not None and self.engine.dram.free_frames < <uint64_t> self.engine.spare + frames

    cdef int reclaim(self, uint32_t coming) noexcept nogil:
        cdef uint64_t used = self.used
        cdef uint64_t wanted
        cdef int code
        if used == 0:
            return ZSW_E_FULL
        if self.engine.reclaimer is None:
            code = self.reclaim_oldest()
        else:
            # As many folios as hold a batch of pages, on the average.
            wanted = <uint64_t> self.engine.batch * self.engine.reclaimer.resident // used
            wanted = min(max(wanted, <uint64_t> 1), <uint64_t> self.engine.reclaimer.resident)
            code = self.engine.reclaimer.reclaim(self, coming, <uint32_t> wanted)
            if self.enter_waiting() < 0:
                return ZSW_E_FULL
        if code == ZSW_E_FULL and self.used < used:
            code = ZSW_OK
        return self.engine.told(code)

    cdef int reclaim_oldest(self) noexcept nogil:
        """Replay.reclaim(), a folio at a time."""
        cdef lru_log *log = &self.engine.log
        cdef uint64_t target = self.used - min(<uint64_t> self.engine.batch, self.used)
        cdef uint64_t used = self.used
        cdef uint32_t left = log.live
        cdef uint32_t unit
        cdef int code
        while self.used > target and left:
            unit = lru_oldest(log, self.stamps)
            code = self.evict(unit)
            if code == ZSW_OK:
                lru_drop(log)
            elif code == ZSW_E_FULL:
                code = lru_touch(log, self.stamps, unit)
            if code == ZSW_OK:
                code = self.enter_waiting()
            if code < 0:
                return code
            left -= 1
        return ZSW_OK if self.used < used else ZSW_E_FULL

    cdef int enter_waiting(self) noexcept nogil:
        """Pages that were split off a folio and had to stay are young folios of their own from now on."""
        cdef folio_record *folio
        cdef uint32_t page
        cdef int code
        while self.waiting != NO_FOLIO:
            folio = &self.folios[self.waiting]
            for page in range(self.waiting << self.order, (self.waiting + 1) << self.order):
                if folio.waiting >> (page & (self.size - 1)) & 1:
                    code = self.enter_list(page, False)
                    if code < 0:
                        return code
            folio.waiting = 0
            self.waiting = folio.next
        return ZSW_OK

    cdef int evict_page(self, uint32_t page) noexcept nogil:
        """For a reclaimer, which forgets the folio where it goes."""
        cdef int code = self.evict(page)
        if code == ZSW_OK:
            self.states[page] &= ENGINE_STATE & ~<uint32_t> RESIDENT
            self.engine.reclaimer.resident -= 1
        return code

    cdef int evict(self, uint32_t unit) noexcept nogil:
        if self.folios[unit >> self.order].form == FORM_LARGE:
            return self.evict_large(unit)
        return self.evict_one(unit)

    cdef int evict_one(self, uint32_t page) noexcept nogil:
        cdef int code = self.engine.evict(page)
        if code == ZSW_OK:
            self.used -= 1
        elif code == ZSW_E_FULL:
            self.shared.kept_pages += 1
        return code

    cdef void give_frames(self, uint32_t first, uint32_t end) noexcept nogil:
        cdef uint32_t page
        for page in range(first, end):
            self.engine.give_frame(page)

    cdef int evict_large(self, uint32_t first) noexcept nogil:
        cdef int code = ZSW_OK
        if self.is_dirty(first):
            code = self.swap_out(first)
        else:
            self.shared.dropped_clean_pages += self.size
        if code == FOLIO_SPLIT:
            return self.evict_split(first)
        if code < 0:
            self.shared.kept_pages += self.size if code == ZSW_E_FULL else 0
            return code
        self.give_frames(first, first + self.size)
        self.states[first] &= ~<uint32_t> LARGE
        self.folios[first >> self.order].form = FORM_OUTSIDE
        self.shared.reclaimed_pages += self.size
        self.used -= self.size
        return ZSW_OK

    cdef int swap_out(self, uint32_t first) noexcept nogil:
        """A folio with a dirty page goes out whole. 0, FOLIO_SPLIT, ZSW_E_FULL or what ends the run."""
        cdef uint64_t pooled = self.engine.backend.counters.zswpout
        cdef uint32_t i
        cdef int code
        if self.is_zero(first):
            self.shared.swpout_zero += self.size
            self.went(first, ZERO_MAPPED)
            return ZSW_OK
        # Where only some pages were still in swap, the folio gets slots anew.
        self.disown(first)
        for i in range(self.size):
            self.bytes[i] = self.engine.bytes_of(first + i)
        code = self.engine.backend.store_folio(first, self.size, self.bytes)
        if code == ZSW_OK:
            self.went(first, IN_SLOT)
            pooled = self.engine.backend.counters.zswpout - pooled
            self.counters.mthp_zswpout += pooled >= self.size
            self.counters.mthp_swpout += pooled < self.size
        return code

    cdef inline void went(self, uint32_t first, uint32_t state) noexcept nogil:
        """What is behind swap is now what each page holds."""
        cdef uint32_t page
        for page in range(first, first + self.size):
            self.states[page] &= ~<uint32_t> (DIRTY | IN_SLOT | ZERO_MAPPED)
            self.states[page] |= state

    cdef inline bint is_dirty(self, uint32_t first) noexcept nogil:
        cdef uint32_t page
        for page in range(first, first + self.size):
            if self.states[page] & DIRTY:
                return True
        return False

    cdef inline bint is_zero(self, uint32_t first) noexcept nogil:
        """Whether the zero map takes the folio: it takes none of which a page is not zero."""
        cdef uint32_t page
        if self.engine.contents.image_of == NULL or not self.engine.zero_map:
            return False
        for page in range(first, first + self.size):
            if not self.engine.is_zero(page):
                return False
        return True

    cdef int evict_split(self, uint32_t first) noexcept nogil:
        """The folio is split, and its pages go one by one as far as they can; those that stay wait for a list."""
        cdef uint32_t number = first >> self.order
        cdef folio_record *folio = &self.folios[number]
        cdef uint32_t i
        cdef int code, found = ZSW_OK
        self.counters.mthp_swpout_fallback += 1
        self.states[first] &= ~<uint32_t> LARGE
        folio.form = FORM_APART
        for i in range(self.size):
            code = self.evict_one(first + i)
            if code < 0 and code != ZSW_E_FULL:
                found = code
            if i == 0 and found == ZSW_OK:
                found = code
            elif code < 0:
                folio.waiting |= <uint32_t> 1 << i
        if folio.waiting:
            folio.next = self.waiting
            self.waiting = number
        return found

    # -- looking in -----------------------------------------------------------------------------------------------

    cdef int ready(self) except -1:
        if self.engine is None:
            raise InputError("folios: not initialised")
        return 0

    @property
    def backend(self):
        self.ready()
        return self.engine.backend

    @property
    def frames(self):
        """Frames of DRAM."""
        self.ready()
        return self.engine.frames

    @property
    def out_of_memory(self):
        """As Replay's."""
        self.ready()
        return self.engine.out_of_memory

    @property
    def bus_error(self):
        """As Replay's."""
        self.ready()
        return self.engine.bus_error

    @property
    def resident_pages(self):
        """Pages in DRAM now, those of large folios included that nobody touched."""
        return self.used

    @property
    def verified_pages(self):
        """As Replay's."""
        self.ready()
        return self.engine.verified_pages

    def counters_now(self):
        """As Replay's, and those of large folios."""
        self.ready()
        found = self.engine.counters_now()
        own = counters_dict(folio_counters_rows, sizeof(folio_counters), &self.counters)
        return found | {"resident_pages": self.used} | own

    def times(self):
        """As Replay's; a minor fault clears all pages of a folio."""
        self.ready()
        found = self.engine.times()
        clearing = self.clear_ns * (self.size - 1) * self.counters.mthp_anon_fault_alloc
        modelled = found["modelled"]
        more = {"fault": modelled["fault"] + clearing, "total": modelled["total"] + clearing}
        return found | {"modelled": modelled | more}

    def latencies(self):
        """As Replay's."""
        self.ready()
        return self.engine.latencies()

    def owners(self):
        """As Replay's."""
        self.ready()
        if self.engine.dram is not None:
            return self.engine.owners()
        held = {"workload": self.used, "free": self.engine.frames - self.used}
        return self.engine.owners() | {"dram": held}

    def check(self):
        """Assert every invariant of folios, pages, frames and backend. O(pages + slots)."""
        cdef uint32_t folio
        self.ready()
        self.engine.enter()
        try:
            assert self.waiting == NO_FOLIO or self.engine.code, "pages that were split off wait for a list"
            used = sum(self.check_folio(folio) for folio in range(self.folio_count))
            assert used == self.used, "frames are miscounted"
            assert used <= self.engine.frames, "more pages are resident than there are frames"
            swap = self.engine.backend.counters
            back = self.engine.counters.swpin_zero + swap.zswpin + swap.pswpin
            faults = self.engine.counters.major_faults + self.whole_faults * (self.size - 1)
            assert self.engine.code or back == faults, "pages that came back are miscounted"
            if self.engine.dram is not None:
                self.engine.dram.check()
            if self.engine.reclaimer is not None:
                self.engine.reclaimer.check()
            self.engine.backend.check()
        finally:
            self.engine.busy = False

    cdef int check_folio(self, uint32_t folio) except -1:
        """Asserts one folio's invariants; returns how many of its pages are resident."""
        cdef uint32_t first = folio << self.order
        cdef uint32_t page, state
        form, found = self.folios[folio].form, 0
        assert form != FORM_LARGE or self.is_resident(first), f"folio {folio} is in DRAM and in no list"
        for page in range(first, first + self.size):
            state = self.states[page]
            listed = self.is_resident(page)
            resident = listed or form == FORM_LARGE
            assert listed == (form == FORM_LARGE and page == first) or form == FORM_APART, f"page {page} is misplaced"
            assert (state & LARGE != 0) == (form == FORM_LARGE and page == first), f"page {page} is wrongly large"
            if form == FORM_FRESH:
                assert state == 0, f"page {page} was never touched and has state {state}"
                continue
            if listed and self.engine.reclaimer is None:
                stamp = self.stamps[page]
                assert lru_marked(&self.engine.log, stamp) == stamp, f"page {page} has no mark in the log"
            elsewhere = bool(state & IN_SLOT) + bool(state & ZERO_MAPPED)
            assert elsewhere == (0 if state & DIRTY else 1), f"page {page} has state {state}"
            assert resident or not state & DIRTY, f"page {page} is dirty and not in DRAM"
            found += resident
        return found
