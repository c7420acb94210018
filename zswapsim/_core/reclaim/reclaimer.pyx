"""The base of all reclaimers: a hit counts in the page's state. docs/reclaim.md says what each of them does."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.base.counters cimport counters_dict, reclaim_counters, reclaim_counters_rows
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.page_flags cimport HIT, HITS, RESIDENT, is_first_write
from zswapsim._core.base.hints cimport zsw_prefetch_write, zsw_unlikely
from zswapsim._core.reclaim.counting cimport (
    WALK_AHEAD, account_fault, counting_run, prefetch_accesses, skip_hits, undo_fault,
)
from zswapsim._core.reclaim.mark_block cimport (
    MARK_BLOCK, MARK_BLOCK_FRAMES, SCALAR_RUN, SCALAR_RUN_CONFLICT, blocks_are_faster, mark_block, markblock_apply,
    markblock_finish, markblock_minor_faults, markblock_prefetch_stamps, markblock_undo,
)
from zswapsim._core.reclaim.pagelist cimport LIST_END, page_list
from zswapsim._core.base.errors import InputError

cdef enum:
    MAX_ORDER = 5               # folios of 128 KiB


cdef class EngineBase:

    cdef int evict(self, uint32_t page) noexcept nogil:
        return ZSW_E_FULL

    cdef int putback_split(self) noexcept nogil:
        return ZSW_OK

    cdef int fault(self, uint32_t page, bint write) noexcept nogil:
        return ZSW_E_FULL

    cdef void first_write(self, uint32_t page) noexcept nogil:
        pass


cdef class Reclaimer:
    """The base of all reclaimers. A reclaimer serves one replay."""

    def __cinit__(self):
        self.stamps = NULL
        self.states = NULL
        self.max_hits = 1
        self.map_adds_hit = HIT
        memset(&self.counters, 0, sizeof(self.counters))

    def expect_folios(self, order, common_order):
        """Prepare for folios of 1 << order pages, most of which are of `common_order`, before a replay begins.

        Raises InputError for an order above 5, or if the reclaimer serves a replay already.
        """
        if self.states != NULL:
            raise InputError("reclaimer: expected the order of folios before it serves a replay")
        self.order = whole(order, "order", 0, MAX_ORDER)
        self.common_order = whole(common_order, "common_order", 0, MAX_ORDER)

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        if self.states != NULL:
            raise InputError("reclaimer: it serves one replay")
        self.stamps = stamps
        self.states = states
        self.pages = pages
        self.frames = frames
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        return ZSW_OK

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        return ZSW_E_FULL

    cdef int access(self, uint32_t page) noexcept nogil:
        return ZSW_OK

    cdef int map_cached(self, uint32_t page) noexcept nogil:
        cdef uint16_t *state = &self.states[page]
        if state[0] & HITS < self.max_hits * HIT:
            state[0] += self.map_adds_hit
        return ZSW_OK

    cdef int walk(
        self, EngineBase engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil:
        """A hit counts in the page's state."""
        cdef uint16_t *states = self.states
        cdef uint16_t *state
        cdef uint32_t max_hits = self.max_hits * HIT
        cdef bint moves_on_hit = self.moves_on_hit
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t last = count - 1
        cdef int code = ZSW_OK
        while i < count:
            zsw_prefetch_write(&states[pages[min(i + WALK_AHEAD, last)]])
            state = &states[pages[i]]
            if state[0] & RESIDENT:
                # Without a branch: whether a page has been accessed of late can't be predicted.
                state[0] += HIT * <uint32_t> (state[0] & HITS < max_hits)
                if moves_on_hit:
                    code = self.access(pages[i])
                    if code < 0:
                        break
            else:
                self.clock = engine.accesses + i
                code = engine.fault(pages[i], ops[i] != 0)
                if code < 0:
                    break
            if is_first_write(state[0], ops[i]):
                engine.first_write(pages[i])
            i += 1
        done[0] = i
        return code

    # -- pages that are only counted ------------------------------------------------------------------------------

    cdef int walk_counting(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil:
        """Replay accesses in blocks as long as these are faster, and one by one otherwise."""
        cdef bint blocks_allowed = self.stops_in_block and run.batch == 1 and run.frames >= MARK_BLOCK_FRAMES
        cdef Py_ssize_t scalar
        cdef int code = ZSW_OK
        while code == ZSW_OK and run.done < count:
            while code == ZSW_OK and blocks_allowed and self.use_blocks and count - run.done >= MARK_BLOCK:
                prefetch_accesses(run, pages, count)
                code = self.walk_markblock(
                    run, engine, pages + run.done, pages + min(run.done + 2 * MARK_BLOCK, count - MARK_BLOCK),
                )
            if code >= ZSW_OK:
                scalar = SCALAR_RUN_CONFLICT if code == STOPPED_IN_BLOCK else SCALAR_RUN
                code = self.walk_scalar_adaptive(run, engine, pages, min(run.done + scalar, count))
        return code

    cdef int walk_scalar_adaptive(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t end,
    ) noexcept nogil:
        """Replay accesses one by one, and note if blocks would have been faster."""
        cdef uint64_t misses = run.minor_faults + run.major_faults
        cdef Py_ssize_t first = run.done
        cdef int code = self.walk_scalar(run, engine, pages, end)
        self.use_blocks = blocks_are_faster(run.minor_faults + run.major_faults - misses, run.done - first)
        return code

    cdef int walk_scalar(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, Py_ssize_t count,
    ) noexcept nogil:
        cdef uint32_t page
        cdef bint refault
        cdef int code = ZSW_OK
        while code == ZSW_OK and skip_hits(run, self.max_hits, self.reads_stamps, pages, count):
            page = pages[run.done]
            self.clock = run.accesses + run.done
            if self.resident >= run.frames:
                code = self.reclaim(engine, page, run.batch)
            if code == ZSW_OK:
                refault = account_fault(run, page)
                code = self.insert(page, refault)
                if zsw_unlikely(code < 0):
                    undo_fault(run, page, refault)
                else:
                    self.resident += 1
        return code

    cdef int walk_markblock(
        self, counting_run *run, EngineBase engine, const uint32_t *pages, const uint32_t *next_pages,
    ) noexcept nogil:
        """Replay a block, up to a fault that must be replayed by itself. STOPPED_IN_BLOCK if there is one."""
        cdef mark_block block
        cdef uint32_t faults, minor, done = MARK_BLOCK
        markblock_apply(&block, self.states, self.max_hits, pages)
        if self.reads_stamps:
            markblock_prefetch_stamps(&block, self.stamps, pages)
        faults = self.replay_faults(engine, &block, pages)
        if faults < block.misses:
            done = block.miss_index[faults]
            markblock_undo(&block, self.states, pages, done)
        minor = markblock_minor_faults(&block, faults)
        run.minor_faults += minor
        run.major_faults += faults - minor
        markblock_finish(self.states, pages, done, next_pages)
        run.done += done
        self.use_blocks = blocks_are_faster(block.misses, MARK_BLOCK)
        return STOPPED_IN_BLOCK if faults < block.misses else ZSW_OK

    cdef uint32_t replay_faults(
        self, EngineBase engine, const mark_block *block, const uint32_t *pages,
    ) noexcept nogil:
        cdef uint32_t done = 0, access
        while done < block.misses:
            access = block.miss_index[done]
            if self.resident >= self.frames and self.reclaim(engine, pages[access], 1) != ZSW_OK:
                break
            if self.insert(pages[access], block.before[access] != 0) < 0:
                break
            self.resident += 1
            done += 1
        return done

    # -- statistics and checks ------------------------------------------------------------------------------------

    cdef uint32_t state_of(self, EngineBase engine, uint32_t page) noexcept nogil:
        return self.states[page]

    cdef list list_pages(self, const page_list *pages):
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
        """Return the counters by the kernel's names."""
        return counters_dict(reclaim_counters_rows, sizeof(reclaim_counters), &self.counters)

    def check(self):
        """Assert every invariant of the lists. O(resident pages)."""
        listed = self.listed_pages()
        assert len(listed) == len(set(listed)) == self.resident, "the lists do not hold the resident pages"

    def listed_pages(self):
        """Return the resident pages by the lists, each list from its oldest page on."""
        return []
