"""Replay a trace on DRAM frames, a reclaimer and a backend, at every depth: the engine as Python sees it.

At counts depth pages have no contents, at sizes depth each has the number of its content. At bytes depth pages lie in
real frames, are compressed by the codec, and are compared with what was stored when they are loaded.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, number, uint32s, uint8s, whole
from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.backend.backend cimport E_BUS_ERROR, Backend
from zswapsim._core.base.arrays cimport all_below
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_RANGE
from zswapsim._core.base.memory cimport mem_calloc
from zswapsim._core.base.page_flags cimport IN_SWAP_CACHE
from zswapsim._core.codec.codec cimport codec_raise
from zswapsim._core.engine.direct_reclaim cimport evict_unit
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.fault cimport handle_fault
from zswapsim._core.engine.folio_table cimport FOLIO_MAX_ORDER, NO_FOLIO, folio_record
from zswapsim._core.engine.folios cimport putback_split_pages
from zswapsim._core.engine.page_table cimport PageTable
from zswapsim._core.engine.statistics cimport (
    check_engine, engine_counters, engine_latencies, engine_owners, engine_times,
)
from zswapsim._core.engine.swap_out cimport write_page
from zswapsim._core.engine.walk cimport walk_pieces
from zswapsim._core.frames.arena cimport FrameArena, Grant
from zswapsim._core.readahead.readahead cimport Readahead
from zswapsim._core.reclaim.reclaimer cimport Reclaimer
from zswapsim._core.base.errors import BusyError, HostMemoryError, InputError
from zswapsim._core.reclaim.lru import LruReclaimer


@final
cdef class Replay(Engine):
    """Replay accesses to `pages` pages on `frames` frames of DRAM, with `backend` for swap.

    Parameters
    ----------
    pages: the footprint; page numbers in the trace are below it (1 ... 2**32 - 2).
    frames: frames of DRAM, at least `batch`, and at least a folio.
    backend: stores the pages that are swapped out. Serves this replay alone.
    batch: pages to reclaim when no frame is free.
    reclaimer: chooses the pages that are evicted; exact LRU if None. Serves this replay alone.
    dram: a Grant for frames of an arena with at least `frames` frames: at bytes depth, and if a pool shares DRAM.
    reserved: free frames of `dram` that the workload leaves to the pool, which takes frames during a swap-out.
    images: (k, 4096) uint8, the bytes of the contents; only at bytes depth.
    next_image: uint32 of k; for each content the one that a write makes of it. None at counts depth.
    zero: uint8 of k; 1 if a content is all zero. None at counts depth.
    first_image: the content that page 0 begins with; page p begins with (first_image + p) % k.
    zero_map: pages of zeros never reach the backend.
    verify: compare every page that is loaded with what was stored.
    readahead: chooses the pages to read ahead at a major fault; None: none is read ahead. Serves this replay alone.
    order: folios have up to 1 << order pages, 32 (128 KiB) at most. 0: there are no large folios; leave out the rest.
    place: uint32 of t; for each of the trace's t pages its number here, folio << order | page in the folio.
    swaps_in_whole: a fault swaps in all of a folio that was swapped out as one, else one page.
    zero_image: the last content, which is all zero and which no page begins with; 0 without contents.
    clear_ns: time to clear a page of a new folio, beyond the first, which its minor fault includes.

    Raises InputError for values out of range or that do not fit each other, HostMemoryError.
    """
    cdef object page_of_ref         # of folios.page_of

    def __init__(
        self, pages, frames, Backend backend not None, *, batch=1, Reclaimer reclaimer=None, Grant dram=None,
        reserved=0, images=None, next_image=None, zero=None, first_image=0, zero_map=True, verify=True,
        Readahead readahead=None, order=0, place=None, swaps_in_whole=False, zero_image=0, clear_ns=0.0,
    ):
        if self.table is not None:
            raise InputError("replay: already initialised")
        cdef uint32_t last_image = whole(zero_image, "zero_image", 0, 0xFFFFFFFF)
        cdef uint32_t kept = whole(reserved, "reserved frames", 0, 0xFFFFFFFF)
        self.set_sizes(pages, frames, batch, order)
        check_dram(dram, images, min(self.frames, self.table.pages) + <uint64_t> kept)
        self.zero_map = flag(zero_map, "zero_map")
        self.verify = flag(verify, "verify")
        if next_image is not None:
            self.table.open_contents(
                images, next_image, zero, whole(first_image, "first_image", 0, 0xFFFFFFFF), last_image
            )
        if dram is not None:
            self.table.dram = dram.arena
            self.table.owner = dram.owner
            self.table.reserved_frames = kept
        if self.table.order:
            check_folios(backend, readahead, self.table.contents.count, last_image)
            self.open_folios(place, last_image, flag(swaps_in_whole, "swaps_in_whole"))
            self.folios.clear_ns = number(clear_ns, "clear_ns", 0, 1e12)
        if readahead is not None:
            readahead.attach(self.table.pages)
        self.table.reserve()
        self.open_reclaimer(LruReclaimer() if reclaimer is None else reclaimer)
        backend.attach(self.table.pages, self.table.contents.image_of, self.table.contents.count, images is not None)
        self.backend = backend
        self.readahead = readahead
        self.counting = backend.counts_only and next_image is None and dram is None and readahead is None and \
            self.table.order == 0

    cdef int set_sizes(self, pages, frames, batch, order) except -1:
        """Make the page table, and set the sizes of DRAM and batch."""
        cdef uint32_t count = whole(pages, "pages", 1, (1 << 32) - 2), fold = whole(order, "order", 0, FOLIO_MAX_ORDER)
        self.frames = whole(frames, "frames of DRAM", 1, 0xFFFFFFFF)
        self.batch = whole(batch, "reclaim batch", 1, self.frames)
        if count & ((<uint32_t> 1 << fold) - 1):
            raise InputError(f"folios of order {fold}: expected whole folios, got {count} pages")
        if self.frames >> fold == 0:
            raise InputError(f"{self.frames} frames of DRAM: expected at least a folio of {1 << fold} pages")
        self.table = PageTable(count, fold)
        return 0

    cdef int open_folios(self, place, uint32_t zero_image, bint swapin_folios) except -1:
        cdef const uint32_t[::1] page_of = uint32s(place, "place")
        if not 0 < page_of.shape[0] <= self.table.pages or \
                not all_below(&page_of[0], page_of.shape[0], self.table.pages):
            raise InputError(f"folios: expected a place below {self.table.pages} for each page")
        self.folios.size = <uint32_t> 1 << self.table.order
        self.folios.count = self.table.pages >> self.table.order
        self.folios.records = <folio_record *> mem_calloc(self.folios.count, sizeof(folio_record))
        if self.folios.records == NULL:
            raise HostMemoryError(f"{self.folios.count} folios: larger than can be reserved")
        self.folios.page_of = &page_of[0]
        self.folios.trace_pages = <uint32_t> page_of.shape[0]
        self.folios.putback_head = NO_FOLIO
        self.folios.zero_image = zero_image
        self.folios.swapin_folios = swapin_folios
        self.page_of_ref = page_of
        return 0

    cdef int open_reclaimer(self, Reclaimer reclaimer) except -1:
        if self.table.order:
            reclaimer.expect_folios(self.table.order, self.table.order if self.folios.swapin_folios else 0)
        reclaimer.tables = self.table  # a caller may keep the reclaimer longer than the replay
        reclaimer.attach(self.table.stamps, self.table.states, self.table.pages, self.frames)
        self.reclaimer = reclaimer
        return 0

    # -- calls from a reclaimer -----------------------------------------------------------------------------------

    cdef int evict(self, uint32_t page) noexcept nogil:
        return evict_unit(self, page)

    cdef int putback_split(self) noexcept nogil:
        return putback_split_pages(self)

    cdef int fault(self, uint32_t page, bint write) noexcept nogil:
        return handle_fault(self, page, write)

    cdef void first_write(self, uint32_t page) noexcept nogil:
        write_page(self, page)

    # -- the trace ------------------------------------------------------------------------------------------------

    cdef int begin_call(self) except -1:
        """Claim the engine for a call, which ends with end_call()."""
        if self.backend is None:
            raise InputError("replay: not initialised")
        return busy_enter(&self.busy, "replay")

    cdef void end_call(self) noexcept:
        busy_leave(&self.busy)

    def feed(self, pages, ops):
        """Replay accesses: page numbers, and 0 for a read or 1 for a write, as many.

        Returns how many were replayed: fewer than given if the run can't go on because memory is full. Raises
        InputError for a page number out of range; accesses before it may have been replayed then. Raises PluginError,
        CorruptPageError, DeviceError, HostMemoryError.
        """
        cdef const uint32_t[::1] numbers = uint32s(pages, "pages")
        cdef const uint8_t[::1] writes = uint8s(ops, "ops")
        if writes.shape[0] != numbers.shape[0]:
            raise InputError(f"replay: {numbers.shape[0]} pages and {writes.shape[0]} operations")
        self.begin_call()
        try:
            if self.code or numbers.shape[0] == 0:
                return 0
            return self.feed_pieces(&numbers[0], &writes[0], numbers.shape[0])
        finally:
            self.end_call()

    cdef Py_ssize_t feed_pieces(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count) except -1:
        cdef uint32_t limit = self.folios.trace_pages if self.table.order else self.table.pages
        cdef Py_ssize_t done = 0
        cdef int code
        self.lock_nodes()
        with nogil:
            code = walk_pieces(self, pages, ops, count, limit, &done)
        self.unlock_nodes()
        if code == ZSW_E_RANGE:
            raise InputError(f"replay: from access {self.counters.accesses} on: a page number is not below {limit}")
        self.code = code
        if code < 0 and code != ZSW_E_FULL and code != E_BUS_ERROR:
            codec_raise(code, f"page {self.stop_page}, access {self.counters.accesses}")
        return done

    cdef int lock_nodes(self) except -1:
        """Claim the frames of both nodes for this thread, until unlock_nodes()."""
        cdef FrameArena dram = self.table.dram
        cdef FrameArena node = self.backend.arena
        if dram is not None:
            dram.lock()
        if node is not None and node is not dram:
            try:
                node.lock()
            except BusyError:
                if dram is not None:
                    dram.unlock()
                raise
        return 0

    cdef void unlock_nodes(self) noexcept:
        if self.table.dram is not None:
            self.table.dram.unlock()
        if self.backend.arena is not None and self.backend.arena is not self.table.dram:
            self.backend.arena.unlock()

    # -- statistics and checks ------------------------------------------------------------------------------------

    @property
    def pages(self):
        """The footprint in pages, those of all folios included."""
        return 0 if self.table is None else self.table.pages

    @property
    def out_of_memory(self):
        """True if the run ended because no page could be evicted."""
        return self.code == ZSW_E_FULL

    @property
    def bus_error(self):
        """True if the run ended because a page was read that its backend had lost."""
        return self.code == E_BUS_ERROR

    @property
    def resident_pages(self):
        """Pages in DRAM now, those of large folios included that were not accessed."""
        return (<Engine> self).resident_pages

    @property
    def verified_pages(self):
        """Pages that were compared with what was stored when they came back, and were the same."""
        return self.verified_loads

    def swap_cache(self):
        """Return the pages in DRAM that were read ahead and not accessed yet. O(pages)."""
        cdef uint32_t page
        self.begin_call()
        self.end_call()
        return [page for page in range(self.table.pages) if self.table.states[page] & IN_SWAP_CACHE]

    def counters_now(self):
        """Return the counters by the names of a Result; sizes in bytes. Those of the backend are included."""
        self.begin_call()
        self.end_call()
        return engine_counters(self)

    def times(self):
        """Return measured codec time (`wall`) and `modelled` time by cause, in nanoseconds.

        If pages are read ahead, `readahead` is the device's time for them; it is not in `device` and `total`. If folios
        are large, a minor fault clears all pages of one.
        """
        self.begin_call()
        self.end_call()
        return engine_times(self)

    def latencies(self):
        """Return the modelled latency of major faults so far, ns: mean, percentiles (within 3 %), max; 0 without."""
        return engine_latencies(self)

    def owners(self):
        """Return the frames by owner of every node, counted one by one; those of DRAM by number if it is not backed."""
        self.begin_call()
        self.end_call()
        return engine_owners(self)

    def check(self):
        """Assert every invariant of pages, folios, frames, lists and backend. O(pages + slots)."""
        self.begin_call()
        try:
            check_engine(self)
        finally:
            self.end_call()


cdef int check_dram(Grant dram, images, uint64_t wanted) except -1:
    if (images is not None and dram is None) or (dram is not None and dram.arena is None) or \
            (images is None and dram is not None and dram.arena.base != NULL):
        raise InputError("replay: contents and frames of DRAM go together")
    if dram is not None and dram.arena.free_frames < wanted:
        raise InputError(f"replay: {dram.arena.free_frames} frames are free in DRAM, wanted: {wanted}")
    if images is not None and dram.arena.base == NULL:
        raise InputError("replay: frames of DRAM must be real memory at bytes depth")
    return 0


cdef int check_folios(Backend backend, Readahead readahead, uint32_t images, uint32_t zero_image) except -1:
    if readahead is not None or backend.maps_pages:
        raise InputError("folios: expected no readahead, and a backend that does not map pages")
    if images and zero_image != images - 1:
        raise InputError("folios: expected an image of zeros as the last one")
    return 0
