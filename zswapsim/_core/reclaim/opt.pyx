"""The reclaimer that nobody can beat: it evicts the page whose next access is the farthest.

L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5(2), 1966. With a
batch of one page and a backend that takes every page, no reclaimer has fewer major faults.
"""

from cython cimport final

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport uint32s, whole
from zswapsim._core.base.arrays cimport all_below
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_PLUGIN, ZSW_OK
from zswapsim._core.base.memory cimport mem_free, table_alloc
from zswapsim._core.codec.plugin cimport keep_exception
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer, evict_resident, folios_to_reclaim
from zswapsim._core.reclaim.time_set cimport (
    NO_TIME, time_set, times_add, times_before, times_close, times_from, times_open, times_remove,
)

from zswapsim._core.base.errors import HostMemoryError, InputError

cdef uint64_t MOST_TIMES = 0xFFFFFFFF


cdef class NextAccesses:
    """For every access of a trace, the time of the next one to its page. Takes 4 bytes an access, and keeps `pages`.

    Times are numbers of accesses, from 0 on. A page that is not accessed again has a time behind all of them, its own:
    the number of accesses plus the page's. Any number of reclaimers can share it.

    Raises InputError for a page that is not below `footprint`, and for too many accesses; HostMemoryError.
    """
    cdef object keeps
    cdef const uint32_t *page_at        # borrowed: the page of each access
    cdef uint32_t *following            # owned
    cdef readonly uint64_t accesses
    cdef readonly uint64_t footprint    # pages

    def __cinit__(self):
        self.following = NULL

    def __init__(self, pages, footprint):
        cdef const uint32_t[::1] trace = uint32s(pages, "pages")
        cdef uint64_t count = trace.shape[0], distinct = whole(footprint, "footprint", 1, MOST_TIMES)
        cdef uint32_t *times
        if self.following != NULL:
            raise InputError("opt: the next accesses are known already")
        if count + distinct >= MOST_TIMES:
            raise InputError(f"opt: {count} accesses to {distinct} pages: expected fewer than {MOST_TIMES} in all")
        if count == 0 or not all_below(&trace[0], count, <uint32_t> distinct):
            raise InputError(f"opt: expected accesses to pages below {distinct}")
        self.following = <uint32_t *> table_alloc(count * sizeof(uint32_t))
        times = <uint32_t *> table_alloc(distinct * sizeof(uint32_t))
        if self.following == NULL or times == NULL:
            mem_free(times)
            raise HostMemoryError(f"next accesses of {count} accesses: larger than can be reserved")
        with nogil:
            find_next(&trace[0], self.following, times, count, distinct)
        mem_free(times)
        self.keeps = trace
        self.page_at = &trace[0]
        self.accesses = count
        self.footprint = distinct

    def __dealloc__(self):
        mem_free(self.following)


# Fill in `following` from the last access on; `times`: room for the next access to each page.
cdef void find_next(
    const uint32_t *pages, uint32_t *following, uint32_t *times, uint64_t count, uint64_t footprint,
) noexcept nogil:
    cdef uint64_t page, i = count
    for page in range(footprint):
        times[page] = <uint32_t> (count + page)
    while i:
        i -= 1
        following[i] = times[pages[i]]
        times[pages[i]] = <uint32_t> i


@final
cdef class OptReclaimer(Reclaimer):
    """Evicts the pages whose next accesses are the farthest, by `future`, for a replay of those very accesses.

    A hit takes no notice of itself: `future` tells that it came. So the times of resident pages are moved on when pages
    are looked for, all at once. A page that must stay is passed over.
    """
    cdef NextAccesses future
    cdef time_set times     # the next accesses of resident pages, one each; those before `caught_up` mean nothing
    cdef uint64_t caught_up

    def __cinit__(self, NextAccesses future not None):
        self.times.words[0] = NULL
        self.future = future
        self.max_hits = 0
        self.map_adds_hit = 0

    def __dealloc__(self):
        times_close(&self.times)

    def expect_folios(self, order, common_order):
        """Raise InputError: a page's next access says nothing of its folio's."""
        raise InputError("--reclaim opt: knows the accesses to pages, not to folios: expected --folio 4KiB")

    cdef int attach(self, uint32_t *stamps, uint16_t *states, uint32_t pages, uint32_t frames) except -1:
        if pages != self.future.footprint:
            raise InputError(f"opt: {pages} pages, and the accesses known to it are to {self.future.footprint}")
        Reclaimer.attach(self, stamps, states, pages, frames)
        if times_open(&self.times, self.future.accesses + pages) < 0:
            raise HostMemoryError(f"times of {self.future.accesses} accesses: larger than can be reserved")
        return 0

    cdef int insert(self, uint32_t page, bint refault) noexcept nogil:
        cdef uint64_t time = self.next_access(page)
        if time == NO_TIME:
            return blame_lost()
        times_add(&self.times, time)
        return ZSW_OK

    cdef inline uint64_t next_access(self, uint32_t page) noexcept nogil:
        """Return when a page that comes in is accessed next; NO_TIME if that is not known.

        A page that faults is accessed now. One that is read ahead has the time that it was evicted with.
        """
        cdef uint64_t time
        if self.clock >= self.future.accesses:
            return NO_TIME
        if self.future.page_at[self.clock] == page:
            return self.future.following[self.clock]
        time = self.stamps[page]
        while time <= self.clock:
            time = self.future.following[time]
        return time if time < self.times.end else NO_TIME

    cdef inline void catch_up(self) noexcept nogil:
        """Move the times of pages on that were accessed before the access that faults."""
        cdef uint64_t now = min(self.clock, self.future.accesses)
        cdef uint64_t time = times_from(&self.times, self.caught_up, now)
        while time < now:
            times_add(&self.times, self.future.following[time])
            time = times_from(&self.times, time + 1, now)
        self.caught_up = now

    cdef int reclaim(self, EngineBase engine, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil:
        cdef uint64_t time = self.times.end
        cdef uint32_t wanted = folios_to_reclaim(self, engine, nr_to_reclaim)
        cdef uint32_t evicted = 0
        cdef int code
        self.catch_up()
        while evicted < wanted:
            time = times_before(&self.times, time)
            if time == NO_TIME or time < self.caught_up:
                break
            page = self.page_of(time)
            self.counters.pgscan += 1
            code = evict_resident(self, engine, page)
            if code == ZSW_OK:
                times_remove(&self.times, time)
                self.stamps[page] = <uint32_t> time
                evicted += 1
            elif code != ZSW_E_FULL:
                return code
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef inline uint32_t page_of(self, uint64_t time) noexcept nogil:
        """Return whose time it is."""
        cdef uint64_t accesses = self.future.accesses
        return self.future.page_at[time] if time < accesses else <uint32_t> (time - accesses)

    def listed_pages(self):
        """Return the resident pages, the one that is accessed next first."""
        found = []
        cdef uint64_t time = times_from(&self.times, self.caught_up, self.times.end)
        while time < self.times.end:
            found.append(self.page_of(time))
            time = times_from(&self.times, time + 1, self.times.end)
        return found


# Record that other accesses are replayed, which is the caller's mistake. Only a code can be returned from here.
cdef int blame_lost() noexcept with gil:
    keep_exception(InputError("opt: other accesses are replayed than those known to it"))
    return ZSW_E_PLUGIN
