"""Compute exact LRU stack distances of a trace in one pass: faults and swap-outs at every size of DRAM.

The distance of an access is the number of distinct pages accessed since the last access to its page, that one included:
the access misses in every smaller DRAM and hits in every other (Mattson, Gecsei, Slutz and Traiger, "Evaluation
techniques for storage hierarchies", IBM Systems Journal, 1970). As in the log of lru/log.pxd, each access takes the
next place and marks it, and clears the mark of its page's previous place; so the distance is the number of marks from
that place on.

Swap-outs are counted for backends that keep a page's copy after a load until the page is written (DIRTY and IN_SLOT in
base/page_flags.pxd). A page that became dirty, by its first access or a write, is stored when it is next evicted. It
was evicted from every DRAM smaller than the largest distance since then, and each stores it once, however often it is
faulted in and evicted. So each page keeps that distance, and a write counts and resets it.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

import numpy as np

from zswapsim._core.base.arguments cimport uint32s, uint32s_out, uint8s, whole
from zswapsim._core.curve.rankedbits cimport (
    RANK_MAX, rank_before, rank_close, rank_set_word, rank_open, rank_clear, rank_reset,
)
from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.lru.log cimport LRU_PREFETCH
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport mem_free, table_alloc
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    STACK_NONE = 0xFFFFFFFF
    BLOCK = 64                  # accesses whose distances are computed before they are counted
    PLACES_A_PAGE = 4           # compaction then costs a third of a step for each access
    MIN_PLACES = 4096

MAX_PAGES = 1 << 31


@final
cdef class StackDistances:
    """Compute stack distances of accesses to pages 0 … `pages` - 1 (1 ... 2**31). Raises InputError,
    HostMemoryError."""

    def __cinit__(self):
        self.records = NULL
        self.faults = NULL
        self.dirty_spans = NULL
        memset(&self.marks, 0, sizeof(self.marks))

    def __init__(self, pages):
        cdef uint32_t page
        cdef uint64_t wanted
        if self.pages:
            raise InputError("distances: already initialised")
        self.pages = whole(pages, "pages", 1, MAX_PAGES)
        wanted = max((<uint64_t> self.pages * PLACES_A_PAGE + BLOCK - 1) // BLOCK * BLOCK, <uint64_t> MIN_PLACES)
        self.places = <uint32_t> min(wanted, <uint64_t> <uint32_t> RANK_MAX)
        self.faults = <uint64_t *> table_alloc((<size_t> self.pages + 1) * sizeof(uint64_t))
        self.dirty_spans = <uint64_t *> table_alloc((<size_t> self.pages + 1) * sizeof(uint64_t))
        if self.faults == NULL or self.dirty_spans == NULL or rank_open(&self.marks, self.places) != ZSW_OK:
            raise HostMemoryError(f"distances of {pages} pages: larger than can be reserved")
        self.records = <stack_record *> table_alloc(<size_t> self.pages * sizeof(stack_record))
        if self.records == NULL:
            raise HostMemoryError(f"distances of {pages} pages: larger than can be reserved")
        memset(self.faults, 0, (<size_t> self.pages + 1) * sizeof(uint64_t))
        memset(self.dirty_spans, 0, (<size_t> self.pages + 1) * sizeof(uint64_t))
        for page in range(self.pages):
            self.records[page].stamp = STACK_NONE
            self.records[page].max_distance = 0

    def __dealloc__(self):
        rank_close(&self.marks)
        mem_free(self.records)
        mem_free(self.faults)
        mem_free(self.dirty_spans)

    cdef int begin_call(self) except -1:
        """Raise BusyError for a second thread. Every call begins with this and ends with end_call()."""
        if self.records == NULL:
            raise InputError("distances: not initialised")
        return busy_enter(&self.busy, "distances")

    cdef void end_call(self) noexcept nogil:
        busy_leave(&self.busy)

    # -- the trace -----------------------------------------------------------------------------------------------------

    def feed(self, pages, ops, out=None):
        """Process accesses: page numbers, and for each 0 for a read or 1 for a write. O(log pages) each.

        `out`: an array of the length of `pages`, to which their distances are written.

        Raises InputError for a page number out of range, or lengths that differ; then no access was processed.
        """
        cdef const uint32_t[::1] numbers = uint32s(pages, "pages")
        cdef const uint8_t[::1] writes = uint8s(ops, "ops")
        cdef uint32_t[::1] found = None if out is None else uint32s_out(out, "out")
        cdef Py_ssize_t count = numbers.shape[0]
        cdef Py_ssize_t i
        cdef uint32_t max_page = 0
        if writes.shape[0] != count:
            raise InputError(f"distances: {count} pages and {writes.shape[0]} operations")
        if out is not None and found.shape[0] != count:
            raise InputError(f"distances: {count} pages and room for {found.shape[0]} distances")
        self.begin_call()
        try:
            for i in range(count):
                max_page = max(max_page, numbers[i])
            if max_page >= self.pages:
                raise InputError(f"distances: page {max_page}: expected a number below {self.pages}")
            if count:
                with nogil:
                    self.walk(&numbers[0], &writes[0], count, NULL if found is None else &found[0])
        finally:
            self.end_call()

    cdef void walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t *out) noexcept nogil:
        cdef uint32_t results[2][2 * BLOCK]
        cdef Py_ssize_t done = 0, before = 0, length
        cdef int half = 0
        while done < count:
            # Reserve places for a whole block, so that the inner loop need not check.
            length = min(count - done, BLOCK - (self.next_place & (BLOCK - 1)))
            if self.next_place & (BLOCK - 1) == 0:
                if self.next_place == self.places:
                    self.compact_places()
                    continue
                rank_set_word(&self.marks, self.next_place >> 6)
            self.measure_word(pages + done, ops + done, length, count - done, results[half])
            if out != NULL:
                copy_distances(results[half], length, out + done)
            half ^= 1
            self.count_results(results[half], before)
            before = length
            done += length
        self.count_results(results[half ^ 1], before)

    cdef inline void measure_word(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t readable, uint32_t *results,
    ) noexcept nogil:
        """Compute distances of accesses within one word of marks, and the spans that writes end."""
        cdef stack_record *record
        cdef uint32_t head = self.next_place, live = self.live, distance, max_distance, ended
        cdef Py_ssize_t i
        for i in range(count):
            zsw_prefetch_write(&self.records[pages[min(i + LRU_PREFETCH, readable - 1)]])
            record = &self.records[pages[i]]
            distance = 0
            if record.stamp != <uint32_t> STACK_NONE:
                distance = live - rank_before(&self.marks, record.stamp)
                rank_clear(&self.marks, record.stamp)
            else:
                live += 1
            record.stamp = head
            head += 1
            max_distance = max(record.max_distance, distance)
            ended = max_distance if ops[i] else 0
            record.max_distance = 0 if ops[i] else max_distance
            zsw_prefetch_write(&self.faults[distance])
            zsw_prefetch_write(&self.dirty_spans[ended])
            results[2 * i] = distance
            results[2 * i + 1] = ended
        self.next_place = head
        self.live = live

    cdef inline void count_results(self, const uint32_t *results, Py_ssize_t count) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(count):
            self.faults[results[2 * i]] += 1
            self.dirty_spans[results[2 * i + 1]] += 1

    cdef void compact_places(self) noexcept nogil:
        """Compact the marked places, in order. O(pages)."""
        cdef uint32_t page
        for page in range(self.pages):
            if self.records[page].stamp != <uint32_t> STACK_NONE:
                self.records[page].stamp = rank_before(&self.marks, self.records[page].stamp)
        rank_reset(&self.marks, self.live)
        self.next_place = self.live

    # -- results -------------------------------------------------------------------------------------------------------

    cdef void add_open_spans(self, uint64_t *dst) noexcept nogil:
        """Add the span of each page that a write would end now."""
        cdef uint32_t page, distance
        for page in range(self.pages):
            if self.records[page].stamp != <uint32_t> STACK_NONE:
                distance = self.live - rank_before(&self.marks, self.records[page].stamp)
                dst[max(distance, self.records[page].max_distance)] += 1

    def accesses_by_distance(self):
        """Return uint64[pages + 1]: accesses so far by distance; [0] counts first accesses.

        A DRAM of c frames has as many major faults as there are accesses of a distance above c.
        """
        return self.copy_counts(self.faults, False)

    def stores_by_distance(self):
        """Return uint64[pages + 1]: dirty spans by their largest distance; [0] is 0.

        A DRAM of c frames has stored as many pages as there are of a distance above c, if copies stay in the backend
        after a load until a write. O(pages log pages).
        """
        return self.copy_counts(self.dirty_spans, True)

    def distances_now(self):
        """Return uint32[pages]: the distance that an access to each page would have now; 0 if it was never accessed.

        A page is in every DRAM of at least that many frames. O(pages log pages).
        """
        cdef uint32_t[::1] dst
        cdef uint32_t page
        self.begin_call()
        try:
            result = np.zeros(self.pages, np.uint32)
            dst = result
            with nogil:
                for page in range(self.pages):
                    if self.records[page].stamp != <uint32_t> STACK_NONE:
                        dst[page] = self.live - rank_before(&self.marks, self.records[page].stamp)
            return result
        finally:
            self.end_call()

    cdef copy_counts(self, const uint64_t *counts, bint with_open):
        cdef uint64_t[::1] dst
        self.begin_call()
        try:
            result = np.empty(self.pages + 1, np.uint64)
            dst = result
            with nogil:
                memcpy(&dst[0], counts, (<size_t> self.pages + 1) * sizeof(uint64_t))
                if with_open:
                    dst[0] = 0
                    self.add_open_spans(&dst[0])
            return result
        finally:
            self.end_call()

    @property
    def accessed_pages(self):
        """Return the number of distinct pages accessed so far."""
        return self.live

    @property
    def nbytes(self):
        """Return the bytes of memory in use."""
        per_page = sizeof(stack_record) + 2 * sizeof(uint64_t)
        return self.pages * per_page + 2 * sizeof(uint64_t) + self.marks.nbytes

    def check(self):
        """Assert every invariant. O(places)."""
        self.begin_call()
        try:
            stamps = sorted(
                self.records[page].stamp for page in range(self.pages) if self.records[page].stamp != STACK_NONE
            )
            assert len(stamps) == self.live == len(set(stamps)), "live pages are miscounted, or share a place"
            assert all(place < self.next_place for place in stamps), "a page has a place that no access took"
            for rank, place in enumerate(stamps):
                assert self.marks.marks[place >> 6] >> (place & 63) & 1, f"place {place} has no mark"
                assert rank_before(&self.marks, place) == rank, f"place {place} has a wrong rank"
        finally:
            self.end_call()


cdef void copy_distances(const uint32_t *results, Py_ssize_t count, uint32_t *out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        out[i] = results[2 * i]
