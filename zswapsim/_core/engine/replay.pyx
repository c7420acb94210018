"""The engine: a trace over DRAM frames, a reclaimer and a backend, at every depth.

One loop serves all depths of a run: at counts depth pages have no contents, at sizes depth they have a content's
number, at bytes depth they lie in real frames, go through the codec, and are compared when they return.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from zswapsim._core.base.arrays cimport all_below, count_set, highest
from zswapsim._core.backend.backend cimport (
    E_BUS_ERROR, LOAD_KEPT, LOAD_LOST, TOUCH_FAULT, TOUCH_MAPPED, TOUCH_WRITE, Backend,
)
from zswapsim._core.codec.codec cimport codec_raise
from zswapsim._core.base.counters cimport counters_dict, replay_counters, replay_counters_rows
from zswapsim._core.engine.contents cimport content_bytes, content_first, content_move_on, content_set
from zswapsim._core.reclaim.counting cimport count_lru
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_E_NOMEM, ZSW_E_RANGE, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.frames.arena cimport FrameArena, Grant
from zswapsim._core.base.histogram cimport histogram_add, histogram_add_many, histogram_quantile
from zswapsim._core.lru.log cimport (
    LRU_AHEAD, LRU_MOST, LRU_NONE, lru_add, lru_close, lru_drop, lru_holds, lru_log, lru_marked, lru_oldest, lru_open,
    lru_place, lru_remove, lru_touch, zsw_prefetch,
)
from zswapsim._core.base.memory cimport table_alloc, table_zeroed
from zswapsim._core.base.page cimport page_same_filled
from zswapsim._core.base.counters cimport readahead_counters
from zswapsim._core.readahead.readahead cimport Readahead, no_readahead_counters
from zswapsim._core.reclaim.reclaimer cimport (
    DIRTY, ENGINE_STATE, HIT, HITS, IN_SLOT, READ_AHEAD, RESIDENT, TOUCHED, WRITTEN, ZERO_MAPPED, Evictor, Reclaimer,
    counted_run, no_reclaim_counters,
)
from zswapsim._core.base.errors import BusyError, HostMemoryError, InputError

cdef enum:
    PIECE = 1 << 13             # accesses whose page numbers are looked at together
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


@final
cdef class Replay(Evictor):
    """Replays accesses to `pages` pages on `frames` frames of DRAM, with `backend` behind swap.

    Parameters
    ----------
    pages: the footprint; page numbers in the trace are below it (1 ... 2**32 - 2).
    frames: frames of DRAM, at least `batch`.
    backend: serves this replay alone.
    batch: pages evicted when no frame is free; 1 is exact LRU.
    reclaimer: which pages are evicted; None is least recently used first, exactly. Serves this replay alone.
    dram: a Grant for frames of DRAM, of an arena of at least `frames`: at bytes depth, and where others take of it.
    spare: frames of it that are left to those others while a page is on its way out.
    images: (k, 4096) uint8, the contents; only at bytes depth.
    next_image: uint32 of k; the content that a write makes of each. Absent at counts depth.
    zero: uint8 of k; 1 where a content is all zero. Absent at counts depth.
    first_image: the content that page 0 starts with; page p starts with (first_image + p) % k.
    zero_map: pages of zeros never reach the backend.
    verify: compare every page that is loaded with what was stored.
    ahead: what is read ahead at a major fault; None for nothing. Serves this replay alone.

    Raises InputError for values out of range, HostMemoryError.
    """

    def __cinit__(self):
        self.stamps = NULL
        self.states = NULL
        self.frame_of = NULL
        memset(&self.contents, 0, sizeof(self.contents))
        memset(&self.log, 0, sizeof(self.log))
        memset(&self.counters, 0, sizeof(self.counters))
        memset(&self.latency, 0, sizeof(self.latency))

    def __init__(
        self, pages, frames, Backend backend not None, *, batch=1, Reclaimer reclaimer=None, Grant dram=None,
        uint32_t spare=0, images=None, next_image=None, zero=None, uint32_t first_image=0, bint zero_map=True,
        bint verify=True, Readahead ahead=None,
    ):
        if self.backend is not None:
            raise InputError("replay: already initialised")
        if not 0 < pages < (1 << 32) - 1:
            raise InputError(f"{pages} pages: expected 1 to {(1 << 32) - 2}")
        if not 0 < batch <= frames < 1 << 32:
            raise InputError(f"{frames} frames of DRAM, reclaim batch of {batch}: expected at least a batch of frames")
        if (images is not None and dram is None) or (dram is not None and dram.arena is None) or \
                (images is None and dram is not None and dram.arena.base != NULL):
            raise InputError("replay: contents and frames of DRAM go together")
        if dram is not None and dram.arena.free_frames < min(frames, pages) + spare:
            raise InputError(
                f"replay: {dram.arena.free_frames} frames are free in DRAM, wanted: {min(frames, pages) + spare}"
            )
        self.pages = pages
        self.frames = frames
        self.batch = batch
        self.zero_map = zero_map
        self.verify = verify
        if next_image is not None:
            self.open_contents(images, next_image, zero, images is not None)
            self.contents.first = first_image % self.contents.count
        if dram is not None:
            if images is not None and dram.arena.base == NULL:
                raise InputError("replay: frames of DRAM must be real memory at bytes depth")
            self.dram = dram.arena
            self.spare = spare
            self.owner = dram.owner
        if ahead is not None:
            ahead.attach(self.pages)
        self.reserve(self.pages * (2 if ahead is not None and reclaimer is None else 1))
        if reclaimer is not None:
            reclaimer.attach(self.stamps, self.states, self.pages, self.frames)
            self.reclaimer = reclaimer
        else:
            self.reserve_log(self.pages * (1 if ahead is None else 2))
        backend.attach(self.pages, self.contents.image_of, self.contents.count, images is not None)
        self.backend = backend
        self.ahead = ahead
        self.counting = backend.counts_only and next_image is None and self.dram is None and ahead is None

    cdef int open_contents(self, images, next_image, zero, bint backed) except -1:
        cdef const uint32_t[::1] following = next_image
        cdef const uint8_t[::1] zeros = zero
        cdef const uint8_t[:, ::1] bytes_of
        cdef Py_ssize_t count = following.shape[0]
        if not 0 < count < 1 << 32 or zeros.shape[0] != count or highest(&following[0], count) >= count:
            raise InputError("contents: expected one next image, below their number, and one zero flag for each image")
        self.contents.count = <uint32_t> count
        self.contents.next_image = &following[0]
        self.contents.zero = &zeros[0]
        if backed:
            bytes_of = images
            if bytes_of.shape[0] != count or bytes_of.shape[1] != ZSW_PAGE_SIZE:
                raise InputError(f"contents: expected {count} pages of {ZSW_PAGE_SIZE} bytes")
            self.contents.images = &bytes_of[0, 0]
        self.keeps = (images, following, zeros)
        return 0

    cdef int reserve(self, uint32_t stamps) except -1:
        cdef size_t count = self.pages
        self.stamps = <uint32_t *> table_alloc(<size_t> stamps * sizeof(uint32_t))
        self.states = <uint16_t *> table_zeroed(count * sizeof(uint16_t))
        if self.contents.count:
            self.contents.image_of = <uint32_t *> calloc(count, sizeof(uint32_t))
        if self.dram is not None:
            self.frame_of = <uint32_t *> calloc(count, sizeof(uint32_t))
        if self.stamps == NULL or self.states == NULL or (self.contents.count and self.contents.image_of == NULL) or \
                (self.dram is not None and self.frame_of == NULL):
            raise HostMemoryError(f"page table of {count} pages: larger than can be reserved")
        memset(self.stamps, 0xFF, <size_t> stamps * sizeof(uint32_t))  # LRU_NONE
        return 0

    cdef int reserve_log(self, uint32_t stamps) except -1:
        cdef uint32_t resident = min(self.frames, self.pages)
        # With up to a half of the pages in DRAM, stamps and log take less than 12 bytes a page. Moving entries together
        # costs less than half a step an access with the least length, and a sixth with the longest.
        cdef uint64_t least = <uint64_t> resident * 15 // 4
        cdef uint64_t entries = max(least, min(2 * least, <uint64_t> self.pages * 15 // 8)) + 64
        if lru_open(&self.log, <uint32_t> min(entries, <uint64_t> LRU_MOST), stamps) < 0:
            raise HostMemoryError(f"log of {resident} frames: larger than can be reserved")
        return 0

    def __dealloc__(self):
        cdef uint32_t page
        # Frames go back to an arena that may live on, unless another thread is just taking some of it.
        if self.dram is not None and not self.dram.busy and self.frame_of != NULL and self.backend is not None:
            for page in range(self.pages):
                if self.is_resident(page):
                    self.dram.give(self.frame_of[page])
        lru_close(&self.log)
        free(self.stamps)
        free(self.states)
        free(self.contents.image_of)
        free(self.frame_of)

    # -- the trace ------------------------------------------------------------------------------------------------

    cdef int enter(self) except -1:
        """First in every call; the caller sets `busy` back at its end."""
        if self.backend is None:
            raise InputError("replay: not initialised")
        if self.busy:
            raise BusyError("replay: another thread is using it")
        self.busy = True
        return 0

    def feed(self, const uint32_t[::1] pages, const uint8_t[::1] ops):
        """Replay accesses: page numbers, and 0 for a read or 1 for a write, as many.

        Returns how many were replayed: fewer than given where the run can't go on because memory is full. Raises
        InputError for a page number out of range, and accesses before it may have been replayed; PluginError,
        CorruptPageError, DeviceError, HostMemoryError.
        """
        return self.lead(self, pages, ops, self.pages)

    cdef Py_ssize_t lead(
        self, Evictor walker, const uint32_t[::1] pages, const uint8_t[::1] ops, uint32_t limit
    ) except -1:
        """feed() for what walks the trace, this engine or one around it; its page numbers are below `limit`."""
        cdef Py_ssize_t count = pages.shape[0]
        cdef Py_ssize_t done = 0
        cdef int code
        if ops.shape[0] != count:
            raise InputError(f"replay: {count} pages and {ops.shape[0]} operations")
        self.enter()
        try:
            if self.code or count == 0:
                return 0
            self.hold()
            with nogil:
                code = self.lead_on(walker, &pages[0], &ops[0], count, limit, &done)
            self.release()
        finally:
            self.busy = False
        if code == ZSW_E_RANGE:
            raise InputError(f"replay: from access {self.counters.accesses} on: a page number is not below {limit}")
        self.code = code
        if code < 0 and code != ZSW_E_FULL and code != E_BUS_ERROR:
            codec_raise(code, f"page {self.at_page}, access {self.counters.accesses}")
        return done

    cdef int lead_on(
        self, Evictor walker, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t limit,
        Py_ssize_t *done,
    ) noexcept nogil:
        """By pieces that are looked at while they are in the cache. ZSW_E_RANGE where one has a number too high."""
        cdef Py_ssize_t size, walked
        cdef int code = ZSW_OK
        while code == ZSW_OK and done[0] < count:
            size = min(count - done[0], <Py_ssize_t> PIECE)
            if not all_below(pages + done[0], size, limit):
                return ZSW_E_RANGE
            code = walker.walk(pages + done[0], ops + done[0], size, &walked)
            done[0] += walked
        return code

    cdef int hold(self) except -1:
        """Both nodes' frames are this thread's until :meth:`release`."""
        cdef FrameArena node = self.backend.arena
        if self.dram is not None:
            self.dram.enter()
        if node is not None and node is not self.dram:
            try:
                node.enter()
            except BusyError:
                if self.dram is not None:
                    self.dram.leave()
                raise
        return 0

    cdef void release(self) noexcept:
        if self.dram is not None:
            self.dram.leave()
        if self.backend.arena is not None and self.backend.arena is not self.dram:
            self.backend.arena.leave()

    cdef int walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil:
        if self.counting:
            return self.run_counting(pages, ops, count, done)
        if self.reclaimer is None:
            return self.run(pages, ops, count, done)
        return self.run_marking(pages, ops, count, done)

    cdef int run(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done) noexcept nogil:
        cdef lru_log *log = &self.log
        cdef uint32_t *stamps = self.stamps
        cdef uint16_t *states = self.states
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t last = count - 1
        cdef uint64_t writes = 0
        cdef uint32_t page, before = LRU_NONE
        cdef int code = ZSW_OK
        while i < count:
            page = pages[min(i + LRU_AHEAD, last)]
            zsw_prefetch(&stamps[page])
            zsw_prefetch(&states[page])
            page = pages[i]
            if not lru_holds(log, stamps[page]):
                self.backend.clock = self.counters.accesses + i
                code = self.fault(page, ops[i] != 0)
            elif page != before:
                code = lru_touch(log, stamps, page)
            if code < 0:
                self.at_page = page
                break
            before = page
            writes += ops[i] != 0
            # One branch, on what is rare: whether an access is a write can't be predicted.
            if (ops[i] != 0) & (states[page] & WRITTEN == 0):
                self.first_write(page)
            i += 1
        done[0] = i
        self.counters.accesses += i
        self.counters.writes += writes
        return code

    cdef int run_counting(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil:
        """run() and run_marking() where pages are only counted."""
        cdef counted_run counted
        cdef uint64_t evicted = self.evicted
        cdef int code
        memset(&counted, 0, sizeof(counted))
        counted.stamps = self.stamps
        counted.states = self.states
        counted.ops = ops
        counted.frames = self.frames
        counted.batch = self.batch
        counted.accesses = self.counters.accesses
        if self.reclaimer is None:
            code = count_lru(&counted, &self.log, pages, count)
        else:
            code = self.reclaimer.count(&counted, self, pages, count)
            counted.evicted = self.evicted - evicted
        if code < 0:
            self.at_page = pages[counted.done]
        done[0] = counted.done
        self.counted(&counted, ops)
        return code

    cdef void counted(self, const counted_run *run, const uint8_t *ops) noexcept nogil:
        """Enters what follows from the faults."""
        self.counters.accesses += run.done
        self.counters.writes += count_set(ops, run.done)
        self.counters.pages += run.minor_faults
        self.counters.minor_faults += run.minor_faults
        self.counters.major_faults += run.major_faults
        self.counters.reclaimed_pages += run.evicted
        self.backend.count_swaps(run.evicted, run.major_faults)
        histogram_add_many(&self.latency, self.backend.costs.major_fault, run.major_faults)

    cdef int run_marking(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
    ) noexcept nogil:
        """run() for a reclaimer: a hit counts in the page's record, and that is all."""
        cdef uint16_t *states = self.states
        cdef uint16_t *state
        cdef uint32_t most = self.reclaimer.most * HIT
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t last = count - 1
        cdef uint64_t writes = 0
        cdef int code = ZSW_OK
        while i < count:
            zsw_prefetch(&states[pages[min(i + LRU_AHEAD, last)]])
            state = &states[pages[i]]
            if state[0] & RESIDENT:
                # Without a branch: whether a page has been accessed of late can't be predicted.
                state[0] += HIT * <uint32_t> (state[0] & HITS < most)
            else:
                self.backend.clock = self.reclaimer.clock = self.counters.accesses + i
                code = self.fault_marking(pages[i], ops[i] != 0)
                if code < 0:
                    self.at_page = pages[i]
                    break
            writes += ops[i] != 0
            if (ops[i] != 0) & (state[0] & WRITTEN == 0):
                self.first_write(pages[i])
            i += 1
        done[0] = i
        self.counters.accesses += i
        self.counters.writes += writes
        return code

    cdef inline void first_write(self, uint32_t page) noexcept nogil:
        """The first write since the page came in: its content moves on, and what the backend holds is stale."""
        cdef uint16_t *state = &self.states[page]
        if state[0] & IN_SLOT:
            self.backend.invalidate(page)
        state[0] &= ~<uint32_t> (IN_SLOT | ZERO_MAPPED)
        state[0] |= WRITTEN | DIRTY
        content_move_on(&self.contents, page, self.bytes_of(page))

    # -- faults ---------------------------------------------------------------------------------------------------

    cdef int fault(self, uint32_t page, bint write) noexcept nogil:
        cdef double before = self.spent()
        cdef int code
        if self.ahead is not None:
            code = self.look_ahead(page, write)
            if code != ZSW_OK:
                return min(code, ZSW_OK)
        if self.backend.maps and self.states[page] & IN_SLOT:
            code = self.touch_mapped(page, write)
            if code != TOUCH_FAULT:
                return min(code, ZSW_OK)
        code = self.make_room()
        if code < 0:
            return code
        code = self.come_in(page, write, before)
        return lru_add(&self.log, self.stamps, page) if code == ZSW_OK else code

    cdef int fault_marking(self, uint32_t page, bint write) noexcept nogil:
        """fault() for a reclaimer."""
        cdef double before = self.spent()
        cdef bint refault = self.states[page] & TOUCHED != 0
        cdef int code
        if self.ahead is not None:
            code = self.look_ahead(page, write)
            if code != ZSW_OK:
                return min(code, ZSW_OK)
        if self.backend.maps and self.states[page] & IN_SLOT:
            code = self.touch_mapped(page, write)
            if code != TOUCH_FAULT:
                return min(code, ZSW_OK)
        code = self.make_room_marking(page)
        if code < 0:
            return code
        code = self.come_in(page, write, before)
        if code == ZSW_OK:
            self.states[page] |= RESIDENT
            self.reclaimer.insert(page, refault)
            self.reclaimer.resident += 1
        return code

    cdef inline int make_room(self) noexcept nogil:
        """Reclaims until there is a frame for one more page. 0 or a negative code: ZSW_E_FULL where there is none."""
        cdef int code
        while self.log.live >= self.frames or self.dram_is_full():
            code = self.told(self.reclaim())
            if code < 0:
                return code
        return ZSW_OK

    cdef inline int make_room_marking(self, uint32_t page) noexcept nogil:
        """make_room() for a reclaimer, of which `page` is to come in."""
        cdef int code
        while self.reclaimer.resident >= self.frames or self.dram_is_full():
            if self.reclaimer.resident == 0:
                return ZSW_E_FULL
            code = self.told(self.reclaimer.reclaim(self, page, min(self.batch, self.reclaimer.resident)))
            if code < 0:
                return code
        return ZSW_OK

    cdef inline double spent(self) noexcept nogil:
        """What faults have waited for so far, modelled ns, without the faults' own constants."""
        return self.backend.costs.spent - self.background

    cdef inline bint dram_is_full(self) noexcept nogil:
        """Frames may go to others meanwhile: of the machine, or to a pool that grows with a page on its way out."""
        return self.dram is not None and self.dram.free_frames <= self.spare

    cdef inline int told(self, int code) noexcept nogil:
        """Tells the backend of a reclaim that came out so, if it wants to hear of it."""
        return self.backend.shrink() if code == ZSW_OK and self.backend.wants_shrink else code

    cdef inline int come_in(self, uint32_t page, bint write, double before) noexcept nogil:
        """A frame, and what the page holds. A negative code leaves it outside."""
        cdef int code
        self.take_frame(page)
        if self.states[page] & TOUCHED:
            code = self.major_fault(page, before)
        else:
            code = self.minor_fault(page)
        if code < 0:
            self.give_frame(page)
            return code
        self.states[page] &= ~<uint32_t> WRITTEN
        if self.ahead is not None:
            self.ahead.mapped(page, write)
        return ZSW_OK

    cdef int touch_mapped(self, uint32_t page, bint write) noexcept nogil:
        """An access to a page where the backend has it. TOUCH_FAULT where it must come to DRAM; or a negative code."""
        cdef double before = self.backend.costs.spent
        cdef const uint8_t *seen = NULL
        cdef int code = self.backend.touch(page, write, &seen)
        if code <= TOUCH_FAULT:
            return code
        if code == TOUCH_WRITE:
            return self.overwrite_mapped(page)
        if code == TOUCH_MAPPED:
            self.counters.major_faults += 1
            histogram_add(&self.latency, self.backend.costs.major_fault + self.backend.costs.spent - before)
        if seen != NULL and self.compare(page, seen) < 0:
            return ZSW_E_CORRUPT
        return code

    cdef int overwrite_mapped(self, uint32_t page) noexcept nogil:
        """A write to a page where it is. Each moves its content on, as each reaches what holds it."""
        cdef int code
        self.states[page] |= WRITTEN
        content_move_on(&self.contents, page, NULL)
        code = self.backend.overwrite(page, content_bytes(&self.contents, page))
        return code if code < 0 else TOUCH_WRITE

    cdef inline int minor_fault(self, uint32_t page) noexcept nogil:
        self.counters.minor_faults += 1
        self.counters.pages += 1
        self.states[page] = TOUCHED | DIRTY
        content_set(
            &self.contents, page, content_first(&self.contents, page, self.contents.count), self.bytes_of(page),
        )
        return ZSW_OK

    cdef inline int major_fault(self, uint32_t page, double before) noexcept nogil:
        cdef int code = self.swap_in(page)
        self.counters.major_faults += 1
        if code == ZSW_OK:
            histogram_add(&self.latency, self.backend.costs.major_fault + self.spent() - before)
        return code

    cdef inline int swap_in(self, uint32_t page) noexcept nogil:
        """What a page holds comes into its frame. 0 or a negative code."""
        cdef uint8_t *frame = self.bytes_of(page)
        cdef int code = ZSW_OK
        if self.states[page] & ZERO_MAPPED:
            self.counters.swpin_zero += 1
            if frame != NULL:
                memset(frame, 0, ZSW_PAGE_SIZE)
        else:
            code = self.bring(page, frame)
            if code < 0:
                return code
        # A lost page has been made anew: there is nothing to compare.
        if frame != NULL and code != LOAD_LOST and self.compare(page, frame) < 0:
            return ZSW_E_CORRUPT
        return ZSW_OK

    cdef inline int bring(self, uint32_t page, uint8_t *frame) noexcept nogil:
        """Loads a page from the backend, which keeps its copy, drops it, or has lost it. LOAD_* or a negative code."""
        cdef uint16_t *state = &self.states[page]
        cdef int code = self.backend.load(page, frame)
        if code < 0:
            return code
        if code != LOAD_KEPT:
            state[0] &= ~<uint32_t> IN_SLOT
            state[0] |= DIRTY
            if code == LOAD_LOST and frame != NULL:
                memcpy(frame, content_bytes(&self.contents, page), ZSW_PAGE_SIZE)
        return code

    cdef inline int compare(self, uint32_t page, const uint8_t *seen) noexcept nogil:
        """Whether what came back is what was stored: 0 or ZSW_E_CORRUPT."""
        if not self.verify:
            return ZSW_OK
        if memcmp(seen, content_bytes(&self.contents, page), ZSW_PAGE_SIZE) != 0:
            return ZSW_E_CORRUPT
        self.verified += 1
        return ZSW_OK

    # -- readahead ------------------------------------------------------------------------------------------------

    cdef int look_ahead(self, uint32_t page, bint write) noexcept nogil:
        """Before a fault, with readahead. MAPPED where the swap cache has the page; 0; or a negative code.

        Exact LRU has a page of the swap cache in its log by another number, its own and `pages`, with a stamp of its
        own: so that the loop takes it for a page outside of DRAM, and nothing looks at it but its fault.
        """
        cdef uint32_t state = self.states[page]
        if state & READ_AHEAD:
            self.ahead.hit(page)
            self.ahead.mapped(page, write)
            return self.map_cached(page)
        return self.read_ahead(page) if state & TOUCHED else ZSW_OK

    cdef int read_ahead(self, uint32_t page) noexcept nogil:
        """Brings the pages around one into the swap cache, as far as there is room. 0 or a negative code."""
        cdef uint32_t count = self.ahead.window(page)
        cdef uint32_t place, other
        cdef int code
        for place in range(count):
            other = self.ahead.candidate(place)
            if other == page or other >= self.pages or not self.is_swapped(other):
                continue
            code = self.make_room() if self.reclaimer is None else self.make_room_marking(other)
            if code == ZSW_OK:
                code = self.enter_cached(other)
            if code < 0:
                return ZSW_OK if code == ZSW_E_FULL else code
        return ZSW_OK

    cdef int enter_cached(self, uint32_t page) noexcept nogil:
        """A frame for a page that nobody has asked for. No fault waits for the device. 0 or a negative code."""
        cdef double device = self.backend.costs.spent_device
        cdef int code
        self.take_frame(page)
        code = self.swap_in(page)
        if code < 0:
            self.give_frame(page)
            return code
        self.background += self.backend.costs.spent_device - device
        self.ahead.counters.swap_ra += 1
        self.states[page] &= ~<uint32_t> WRITTEN
        self.states[page] |= READ_AHEAD
        if self.reclaimer is None:
            return lru_add(&self.log, self.stamps, self.pages + page)
        self.reclaimer.insert(page, True)
        self.states[page] &= ~<uint32_t> HITS
        self.reclaimer.resident += 1
        return ZSW_OK

    cdef int map_cached(self, uint32_t page) noexcept nogil:
        """The first access to a page of the swap cache. MAPPED or a negative code."""
        cdef uint16_t *state = &self.states[page]
        state[0] &= ~<uint32_t> READ_AHEAD
        if self.reclaimer is None:
            lru_remove(&self.log, self.stamps, self.pages + page)
            return MAPPED if lru_add(&self.log, self.stamps, page) == ZSW_OK else ZSW_E_NOMEM
        state[0] |= RESIDENT
        if state[0] & HITS < self.reclaimer.most * HIT:
            state[0] += self.reclaimer.map_hit
        return MAPPED

    # -- reclaim --------------------------------------------------------------------------------------------------

    cdef inline int reclaim(self) noexcept nogil:
        """Evicts a batch, the least recently used first. A page that must stay is passed over, once all round.

        ZSW_E_FULL where not one page could be evicted: the run is out of memory.
        """
        cdef uint32_t wanted = min(self.batch, self.log.live)
        cdef uint32_t left = self.log.live
        cdef uint32_t evicted = 0
        cdef uint32_t entry
        cdef int code
        while evicted < wanted and left:
            entry = lru_oldest(&self.log, self.stamps)
            code = self.evict(entry if entry < self.pages else entry - self.pages)
            if code == ZSW_OK:
                lru_drop(&self.log)
                evicted += 1
            elif code == ZSW_E_FULL:
                self.counters.kept_pages += 1
                code = lru_touch(&self.log, self.stamps, entry)
            if code < 0:
                return code
            left -= 1
        return ZSW_OK if evicted else ZSW_E_FULL

    cdef inline int evict(self, uint32_t page) noexcept nogil:
        cdef uint16_t *state = &self.states[page]
        cdef int code
        if state[0] & DIRTY:
            code = self.swap_out(page)
            if code < 0:
                return code
            state[0] &= ~<uint32_t> DIRTY
        else:
            self.counters.dropped_clean_pages += 1
        self.give_frame(page)
        self.counters.reclaimed_pages += 1
        if self.ahead is not None:
            self.ahead.evicted(page, state[0] & READ_AHEAD != 0)
            state[0] &= ~<uint32_t> READ_AHEAD
        return ZSW_OK

    cdef int evict_page(self, uint32_t page) noexcept nogil:
        """For a reclaimer, which forgets the page where it goes."""
        cdef int code = self.evict(page)
        if code == ZSW_OK:
            self.states[page] &= ENGINE_STATE & ~<uint32_t> RESIDENT
            self.reclaimer.resident -= 1
        elif code == ZSW_E_FULL:
            self.counters.kept_pages += 1
        return code

    cdef inline bint is_resident(self, uint32_t page) noexcept nogil:
        """In DRAM, mapped or in the swap cache."""
        if self.reclaimer is None:
            return lru_holds(&self.log, self.stamps[page]) or self.states[page] & READ_AHEAD != 0
        return self.states[page] & (RESIDENT | READ_AHEAD) != 0

    cdef inline bint is_swapped(self, uint32_t page) noexcept nogil:
        return self.states[page] & TOUCHED != 0 and not self.is_resident(page)

    cdef inline uint32_t resident(self) noexcept nogil:
        return self.log.live if self.reclaimer is None else self.reclaimer.resident

    cdef inline int swap_out(self, uint32_t page) noexcept nogil:
        """A dirty page has no copy in the backend: a write or an exclusive load took it away."""
        cdef uint16_t *state = &self.states[page]
        cdef int code
        if self.contents.image_of != NULL and self.zero_map and self.is_zero(page):
            self.counters.swpout_zero += 1
            state[0] |= ZERO_MAPPED
            return ZSW_OK
        code = self.backend.store(page, self.bytes_of(page))
        if code == ZSW_OK:
            state[0] |= IN_SLOT
        return code

    cdef inline void take_frame(self, uint32_t page) noexcept nogil:
        if self.dram is not None:
            self.frame_of[page] = self.dram.take(self.owner)

    cdef inline void give_frame(self, uint32_t page) noexcept nogil:
        if self.dram is not None:
            self.dram.give(self.frame_of[page])

    cdef inline uint8_t *bytes_of(self, uint32_t page) noexcept nogil:
        """A resident page's bytes; NULL except at bytes depth."""
        if self.contents.images == NULL:
            return NULL
        return self.dram.base + <size_t> self.frame_of[page] * ZSW_PAGE_SIZE

    cdef inline bint is_zero(self, uint32_t page) noexcept nogil:
        cdef uint64_t word
        if self.contents.images != NULL:
            return page_same_filled(self.bytes_of(page), &word) and word == 0
        return self.contents.zero[self.contents.image_of[page]]

    # -- looking in -----------------------------------------------------------------------------------------------

    @property
    def out_of_memory(self):
        """Whether the run ended because no page could be evicted."""
        return self.code == ZSW_E_FULL

    @property
    def bus_error(self):
        """Whether the run ended because a page was read that its backend had lost."""
        return self.code == E_BUS_ERROR

    @property
    def resident_pages(self):
        """Pages in DRAM now."""
        return self.resident()

    def swap_cache(self):
        """Pages in DRAM that were read ahead and not accessed yet. O(pages)."""
        self.enter()
        self.busy = False
        return [page for page in range(self.pages) if self.states[page] & READ_AHEAD]

    @property
    def verified_pages(self):
        """Pages that were compared with what was stored when they came back, and were the same."""
        return self.verified

    def counters_now(self):
        """Counters by the names of a Result; sizes in bytes. Those of the backend are included."""
        self.enter()
        self.busy = False
        found = counters_dict(replay_counters_rows, sizeof(replay_counters), &self.counters)
        found |= no_reclaim_counters() if self.reclaimer is None else self.reclaimer.stats()
        found |= no_readahead_counters() if self.ahead is None else self.ahead.stats()
        return found | {"resident_pages": self.resident()} | self.backend.stats()

    def times(self):
        """Measured codec time (`wall`) and `modelled` time by cause, in nanoseconds.

        Where pages are read ahead, `readahead` is the device's time for them; it is not in `device` and `total`.
        """
        self.enter()
        self.busy = False
        if self.ahead is None:
            return self.backend.times(self.counters.minor_faults, self.counters.major_faults)
        # A fault that finds its page in the swap cache has all of a major one but the read.
        hits = self.ahead.counters.swap_ra_hit
        found = self.backend.times(self.counters.minor_faults, self.counters.major_faults + hits)
        modelled = found["modelled"]
        waited = {name: modelled[name] - self.background for name in ("device", "total")}
        return found | {"modelled": modelled | waited | {"readahead": self.background}}

    def latencies(self):
        """Modelled latency of major faults so far, ns: mean, percentiles (within 3 %), max; zeros where none."""
        cdef double mean = self.latency.sum / self.latency.total if self.latency.total else 0.0
        found = {name: histogram_quantile(&self.latency, share) for name, share in QUANTILES.items()}
        return {"mean": mean} | found | {"max": self.latency.highest}

    def owners(self):
        """Frames by owner of every node, counted one by one; those of DRAM by number where they are not backed."""
        self.enter()
        self.busy = False
        if self.dram is not None:
            return {"dram": self.dram.owners()} | self.backend.owners()
        return {"dram": {"workload": self.resident(), "free": self.frames - self.resident()}} | self.backend.owners()

    def check(self):
        """Assert every invariant of pages, frames and backend. O(pages + slots)."""
        self.enter()
        try:
            resident = sum(self.check_page(page) for page in range(self.pages))
            assert resident == self.resident(), "resident pages are miscounted"
            assert resident <= self.frames, "more pages are resident than there are frames"
            swapped_in = self.counters.swpin_zero + self.backend.counters.zswpin + self.backend.counters.pswpin
            ahead = 0 if self.ahead is None else self.ahead.counters.swap_ra
            assert self.code or self.counters.major_faults + ahead == swapped_in, "major faults are not the swap-ins"
            if self.dram is not None:
                self.dram.check()
            if self.reclaimer is not None:
                self.reclaimer.check()
            if self.ahead is not None:
                self.check_cached()
            self.backend.check()
        finally:
            self.busy = False

    cdef int check_cached(self) except -1:
        cdef const readahead_counters *counters = &self.ahead.counters
        cached = sum([self.states[page] & READ_AHEAD != 0 for page in range(self.pages)])
        left = counters.swap_ra - counters.swap_ra_hit - counters.swap_ra_unused
        assert cached == left, "pages of the swap cache are miscounted"
        self.ahead.check()
        return 0

    cdef int check_page(self, uint32_t page) except -1:
        """Asserts one page's invariants; returns whether it is resident."""
        cdef uint32_t state = self.states[page]
        resident = self.is_resident(page)
        if self.counting and self.reclaimer is None:
            assert state == 0, f"page {page} was counted and has state {state}"
            state = TOUCHED if self.stamps[page] != LRU_NONE else 0
        if not state & TOUCHED:
            assert not resident and state == 0, f"page {page} was never touched and has state {state}"
            return 0
        if resident and self.reclaimer is None:
            entry = page + self.pages if state & READ_AHEAD else page
            stamp = self.stamps[entry]
            assert lru_marked(&self.log, stamp) == stamp, f"page {page} has no mark in the log"
            assert self.log.entries[lru_place(&self.log, stamp)] == entry, f"page {page} has another's place in the log"
        if self.counting and self.reclaimer is None:
            return resident
        assert resident or state & ENGINE_STATE == state, f"page {page} is not in DRAM and has state {state}"
        assert not (state & READ_AHEAD and state & RESIDENT), f"page {page} is mapped and has state {state}"
        elsewhere = bool(state & IN_SLOT) + bool(state & ZERO_MAPPED)
        assert elsewhere == (0 if state & DIRTY else 1), f"page {page} has state {state}"
        assert resident or not state & DIRTY, f"page {page} is dirty and not in DRAM"
        return resident
