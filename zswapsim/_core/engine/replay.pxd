"""The engine: a trace over DRAM frames, a reclaimer and a backend, at every depth."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.base.counters cimport replay_counters
from zswapsim._core.engine.contents cimport page_contents
from zswapsim._core.frames.arena cimport FrameArena
from zswapsim._core.base.histogram cimport histogram
from zswapsim._core.lru.log cimport lru_log
from zswapsim._core.readahead.readahead cimport Readahead
from zswapsim._core.reclaim.reclaimer cimport Evictor, Reclaimer, counted_run

cdef enum:
    MAPPED = 1                  # of look_ahead(): the page was in the swap cache


@final
cdef class Replay(Evictor):
    cdef readonly Backend backend
    cdef readonly uint32_t pages        # the footprint: page numbers are below it
    cdef readonly uint32_t frames       # of DRAM
    cdef uint32_t batch                 # pages evicted when no frame is free
    cdef uint32_t *stamps               # owned, one a page: its place in the log, or the reclaimer's own
    cdef uint16_t *states               # owned, one a page: flags; unused where LRU only counts pages
    cdef lru_log log                    # resident pages, where there is no reclaimer
    cdef readonly Reclaimer reclaimer   # None for exact LRU
    cdef readonly Readahead ahead       # None where nothing is read ahead
    cdef double background              # of what the backend's device spent, for reads that no fault waits for
    cdef page_contents contents         # all of it but `image_of` is borrowed from `keeps`
    cdef uint32_t *frame_of             # owned, one a page: its frame while resident; NULL where `dram` is None
    cdef FrameArena dram                # None except at bytes depth, or where a pool shares it
    cdef uint32_t spare                 # frames of it that are not for the workload
    cdef uint8_t owner                  # of the workload's frames
    cdef object keeps
    cdef bint zero_map
    cdef bint verify
    cdef bint busy
    cdef int code                       # why the run ended, or 0
    cdef uint32_t at_page               # the page at which it did
    cdef uint64_t verified              # loads that were compared with what was stored
    cdef replay_counters counters
    cdef histogram latency              # of major faults, modelled ns

    cdef Py_ssize_t lead(
        self, Evictor walker, const uint32_t[::1] pages, const uint8_t[::1] ops, uint32_t limit
    ) except -1
    cdef int lead_on(
        self, Evictor walker, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t limit,
        Py_ssize_t *done,
    ) noexcept nogil
    cdef int hold(self) except -1
    cdef void release(self) noexcept
    cdef int run(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil
    cdef int run_counting(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil
    cdef void counted(self, const counted_run *run, const uint8_t *ops) noexcept nogil
    cdef int run_marking(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil
    cdef int fault(self, uint32_t page, bint write) noexcept nogil
    cdef int fault_marking(self, uint32_t page, bint write) noexcept nogil
    cdef int come_in(self, uint32_t page, bint write, double before) noexcept nogil
    cdef int make_room(self) noexcept nogil
    cdef int make_room_marking(self, uint32_t page) noexcept nogil
    cdef int look_ahead(self, uint32_t page, bint write) noexcept nogil
    cdef int read_ahead(self, uint32_t page) noexcept nogil
    cdef int enter_cached(self, uint32_t page) noexcept nogil
    cdef int map_cached(self, uint32_t page) noexcept nogil
    cdef double spent(self) noexcept nogil
    cdef bint dram_is_full(self) noexcept nogil
    cdef int touch_mapped(self, uint32_t page, bint write) noexcept nogil
    cdef int overwrite_mapped(self, uint32_t page) noexcept nogil
    cdef int compare(self, uint32_t page, const uint8_t *seen) noexcept nogil
    cdef int minor_fault(self, uint32_t page) noexcept nogil
    cdef int major_fault(self, uint32_t page, double before) noexcept nogil
    cdef int swap_in(self, uint32_t page) noexcept nogil
    cdef int bring(self, uint32_t page, uint8_t *frame) noexcept nogil
    cdef int told(self, int code) noexcept nogil
    cdef int reclaim(self) noexcept nogil
    cdef int evict(self, uint32_t page) noexcept nogil
    cdef bint is_resident(self, uint32_t page) noexcept nogil
    cdef bint is_swapped(self, uint32_t page) noexcept nogil
    cdef uint32_t resident(self) noexcept nogil
    cdef int swap_out(self, uint32_t page) noexcept nogil
    cdef void first_write(self, uint32_t page) noexcept nogil
    cdef void take_frame(self, uint32_t page) noexcept nogil
    cdef void give_frame(self, uint32_t page) noexcept nogil
    cdef uint8_t *bytes_of(self, uint32_t page) noexcept nogil
    cdef bint is_zero(self, uint32_t page) noexcept nogil
    cdef int open_contents(self, images, next_image, zero, bint backed) except -1
    cdef int reserve(self, uint32_t stamps) except -1
    cdef int reserve_log(self, uint32_t stamps) except -1
    cdef int enter(self) except -1
    cdef int check_page(self, uint32_t page) except -1
    cdef int check_cached(self) except -1
