"""What every reclaimer but exact LRU has in common. What they do is told in docs/reclaim.md."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.errors cimport ZSW_E_FULL
from zswapsim._core.lru cimport page_record
from zswapsim._core.pagelist cimport LIST_END, page_list
from zswapsim._core.errors import InputError

cdef tuple COUNTERS = (
    "pgscan", "pgrefill", "pgactivate", "pgdeactivate", "workingset_refault_anon", "workingset_activate_anon",
    "workingset_restore_anon",
)
RECLAIM_COUNTERS = COUNTERS


cdef class Evictor:
    """Base of the engine, as a reclaimer sees it."""

    cdef int evict_page(self, uint32_t page) noexcept nogil:
        return ZSW_E_FULL

    cdef int walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil:
        return ZSW_E_FULL


cdef class Reclaimer:
    """Base of all reclaimers. One serves one replay, which chooses it once; without one, a replay is exact LRU."""

    def __cinit__(self):
        self.records = NULL
        self.most = 1
        self.map_hit = HIT
        memset(&self.counters, 0, sizeof(self.counters))

    def expect_folios(self, uint32_t order, uint32_t mostly):
        """Before it serves a replay: folios of 1 << order pages will stand in its lists by their first pages.

        `mostly`: the order of most of them. Raises InputError for one above 5, and where it serves a replay.
        """
        if self.records != NULL or max(order, mostly) > 5:
            raise InputError(f"reclaimer: folios of order {order}: expected 0 to 5, before it serves a replay")
        self.order = order
        self.mostly = mostly

    cdef int attach(self, page_record *records, uint32_t pages, uint32_t frames) except -1:
        if self.records != NULL:
            raise InputError("reclaimer: it serves one replay")
        self.records = records
        self.pages = pages
        self.frames = frames
        return 0

    cdef void insert(self, uint32_t page, bint refault) noexcept nogil:
        pass

    cdef int reclaim(self, Evictor engine, uint32_t page, uint32_t wanted) noexcept nogil:
        return ZSW_E_FULL

    cdef list members(self, const page_list *pages):
        cdef uint32_t page = pages.oldest
        found = []
        while page != LIST_END:
            found.append(page)
            assert len(found) <= pages.count, "a list is longer than its count"
            page = self.records[page].stamp
        assert len(found) == pages.count, "a list is shorter than its count"
        last = found[len(found) - 1] if found else LIST_END
        assert pages.youngest == last, "a list does not end with its youngest page"
        return found

    def stats(self):
        """Counters by the kernel's names."""
        cdef const uint64_t *values = <const uint64_t *> &self.counters
        return {name: values[number] for number, name in enumerate(COUNTERS)}

    def check(self):
        """Assert every invariant of the lists. O(resident pages)."""
        members = self.everyone()
        assert len(members) == len(set(members)) == self.resident, "the lists do not hold the resident pages"

    def everyone(self):
        """The resident pages by the lists, each list from its oldest on."""
        return []
