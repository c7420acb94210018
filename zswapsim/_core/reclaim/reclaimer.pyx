"""What every reclaimer but exact LRU has in common. What they do is told in docs/reclaim.md."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.reclaim.counting cimport count_fault, count_hits, fetch_soon
from zswapsim._core.base.counters cimport counters_dict, reclaim_counters, reclaim_counters_rows
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.reclaim.marks cimport (
    MARK_ALONE, MARK_BLOCK_FRAMES, MARK_CONFLICT, marks_enter, marks_fetch_stamps, marks_leave,
    marks_minor, marks_mixed, marks_undo,
)
from zswapsim._core.reclaim.pagelist cimport LIST_END, page_list
from zswapsim._core.base.errors import InputError


cdef dict no_reclaim_counters():
    return counters_dict(reclaim_counters_rows, sizeof(reclaim_counters), NULL)


cdef class Evictor:
    """Base of the engine, as a reclaimer sees it."""

    cdef int evict_page(self, uint32_t page) noexcept nogil:
        return ZSW_E_FULL

    cdef int walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil:
        return ZSW_E_FULL


cdef class Reclaimer:
    """Base of all reclaimers. One serves one replay, which chooses it once; without one, a replay is exact LRU."""

    def __cinit__(self):
        self.stamps = NULL
        self.states = NULL
        self.most = 1
        self.map_hit = HIT
        memset(&self.counters, 0, sizeof(self.counters))

    def expect_folios(self, uint32_t order, uint32_t mostly):
        """Before it serves a replay: folios of 1 << order pages will stand in its lists by their first pages.

        `mostly`: the order of most of them. Raises InputError for one above 5, and where it serves a replay.
        """
        if self.states != NULL or max(order, mostly) > 5:
            raise InputError(f"reclaimer: folios of order {order}: expected 0 to 5, before it serves a replay")
        self.order = order
        self.mostly = mostly

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        if self.states != NULL:
            raise InputError("reclaimer: it serves one replay")
        self.stamps = stamps
        self.states = states
        self.pages = pages
        self.frames = frames
        return 0

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        pass

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        return ZSW_E_FULL

    cdef int count(self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t count) noexcept nogil:
        """A hit counts in the page's state, and that is all."""
        cdef bint able = self.stops_at_seen and run.batch == 1 and run.frames >= MARK_BLOCK_FRAMES
        cdef Py_ssize_t alone
        cdef int code = ZSW_OK
        while code == ZSW_OK and run.done < count:
            while code == ZSW_OK and able and self.mixed and count - run.done >= MARK_BLOCK:
                fetch_soon(run, pages, count)
                code = self.count_block(
                    run, engine, pages + run.done, pages + min(run.done + 2 * MARK_BLOCK, count - MARK_BLOCK),
                )
            if code >= ZSW_OK:
                alone = MARK_CONFLICT if code == MET_SEEN else MARK_ALONE
                code = self.count_alone_mixed(run, engine, pages, min(run.done + alone, count))
        return code

    cdef int count_alone_mixed(
        self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t end,
    ) noexcept nogil:
        """count_alone(), which tells whether blocks would have been faster."""
        cdef uint64_t misses = run.minor_faults + run.major_faults
        cdef Py_ssize_t first = run.done
        cdef int code = self.count_alone(run, engine, pages, end)
        self.mixed = marks_mixed(run.minor_faults + run.major_faults - misses, run.done - first)
        return code

    cdef int count_alone(
        self, counted_run *run, Evictor engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil:
        cdef uint32_t page
        cdef int code = ZSW_OK
        while code == ZSW_OK and count_hits(run, self, pages, count):
            page = pages[run.done]
            self.clock = run.accesses + run.done
            if self.resident >= run.frames:
                code = self.reclaim(engine, page, min(run.batch, self.resident))
            if code == ZSW_OK:
                self.insert(page, count_fault(run, self, page))
        return code

    cdef int count_block(
        self, counted_run *run, Evictor engine, const uint32_t *pages, const uint32_t *following,
    ) noexcept nogil:
        """A block, up to a fault that must be worked off by itself. MET_SEEN where there is one."""
        cdef mark_block block
        cdef uint32_t faults, minor, done = MARK_BLOCK
        marks_enter(&block, self.states, self.most, pages)
        if self.stamped:
            marks_fetch_stamps(&block, self.stamps, pages)
        faults = self.work_off(engine, &block, pages)
        if faults < block.misses:
            done = block.missed[faults]
            marks_undo(&block, self.states, pages, done)
        minor = marks_minor(&block, faults)
        run.minor_faults += minor
        run.major_faults += faults - minor
        marks_leave(self.states, pages, done, following)
        run.done += done
        self.mixed = marks_mixed(block.misses, MARK_BLOCK)
        return MET_SEEN if faults < block.misses else ZSW_OK

    cdef uint32_t work_off(self, Evictor engine, const mark_block *block, const uint32_t *pages) noexcept nogil:
        cdef uint32_t each = 0, access
        while each < block.misses:
            access = block.missed[each]
            if self.resident >= self.frames and self.reclaim(engine, pages[access], 1) != ZSW_OK:
                break
            self.insert(pages[access], block.before[access] != 0)
            self.resident += 1
            each += 1
        return each

    cdef list members(self, const page_list *pages):
        cdef uint32_t page = pages.oldest
        found = []
        while page != LIST_END:
            found.append(page)
            assert len(found) <= pages.count, "a list is longer than its count"
            page = self.stamps[page]
        assert len(found) == pages.count, "a list is shorter than its count"
        last = found[len(found) - 1] if found else LIST_END
        assert pages.youngest == last, "a list does not end with its youngest page"
        return found

    def stats(self):
        """Counters by the kernel's names."""
        return counters_dict(reclaim_counters_rows, sizeof(reclaim_counters), &self.counters)

    def check(self):
        """Assert every invariant of the lists. O(resident pages)."""
        members = self.everyone()
        assert len(members) == len(set(members)) == self.resident, "the lists do not hold the resident pages"

    def everyone(self):
        """The resident pages by the lists, each list from its oldest on."""
        return []
