"""Store compressed pages. It works without the simulator."""

from array import array
from concurrent.futures import ThreadPoolExecutor

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.codec.codec cimport Codec, codec_ctx, codec_ctx_close, codec_ctx_open, codec_raise
from zswapsim._core.zsmalloc.encode cimport decode_page, encode_page
from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.base.errors cimport ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_free, mem_realloc
from zswapsim._core.frames.arena cimport FrameArena
from zswapsim._core.zsmalloc.pipeline cimport StorePipeline
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page, slot_entry
from zswapsim._core.zsmalloc.pool cimport ZsPool
from zswapsim._core.base.errors import ClosedError, HostMemoryError, InputError
from zswapsim._core.zsmalloc.check import dump_pool

OWNER = "page store"


cdef class PageStore:
    """Store 4096-byte pages compressed in `node_bytes` bytes of frames, by slot (0 ... 2**32 - 1).

    Parameters
    ----------
    node_bytes: memory for the pool, in bytes, a multiple of 4096.
    compressor: a :class:`Codec`; ``zswapsim.PageStore`` also takes its name and parameters, as ``"zstd:level=3"``.
    chain_size: maximum number of frames of a zspage, 4 to 16.
    raw_from: compressed length in bytes from which a page is stored uncompressed, 1 to 4096; None is the pool's huge
    class size (zram's rule, 3625 at chain size 8); 4096 is zswap's rule.
    verify: keep a checksum of every page and verify it on load.

    Pages that repeat one machine word take no object. A call runs without the GIL; a second thread that calls during
    that time gets a BusyError. All methods raise ClosedError after :meth:`close`. Metadata takes 16 bytes a slot, in
    addition to the pool's own.
    """

    def __cinit__(self):
        self.contexts = NULL
        self.context_count = 0

    def __init__(self, node_bytes, Codec compressor not None, *, chain_size=8, raw_from=None, verify=False):
        if self.codec is not None:
            raise InputError("page store: already initialised")
        cdef FrameArena arena = FrameArena(node_bytes)
        cdef ZsPool pool = ZsPool(arena.grant(OWNER), chain_size)
        self.huge_size = pool.huge_class_size if raw_from is None else whole(raw_from, "raw_from", 1, ZSW_PAGE_SIZE)
        self.verify = flag(verify, "verify")
        self.codec = compressor
        self.open_contexts(1)
        self.slots = SlotPool(pool)

    def __dealloc__(self):
        cdef int i
        for i in range(self.context_count):
            codec_ctx_close(&self.contexts[i])
        mem_free(self.contexts)

    cdef int open_contexts(self, int count) except -1:
        """Open contexts until there are `count`, one for each thread."""
        cdef void *grown
        if count <= self.context_count:
            return 0
        grown = mem_realloc(self.contexts, count * sizeof(codec_ctx))
        if grown == NULL:
            raise HostMemoryError("page store: the host is out of memory")
        self.contexts = <codec_ctx *> grown
        while self.context_count < count:
            memset(&self.contexts[self.context_count], 0, sizeof(codec_ctx))
            codec_ctx_open(self.codec, &self.contexts[self.context_count])
            self.context_count += 1
        return 0

    cdef int begin_call(self) except -1:
        """Raise BusyError for a second thread, ClosedError for a closed store. Every call ends with end_call()."""
        busy_enter(&self.busy, "page store")
        if self.slots is None:
            self.end_call()
            raise ClosedError("page store: it is closed")
        return 0

    cdef void end_call(self) noexcept nogil:
        busy_leave(&self.busy)

    # -- one page ------------------------------------------------------------------------------------------------------

    def store(self, slot, page):
        """Store a page (a buffer of 4096 bytes) in a slot; the slot's old page is freed after that.

        Raises NodeFullError, which leaves the slot as it was, CodecError, InputError.
        """
        cdef uint32_t number = slot_number(slot)
        cdef Py_ssize_t done = 0
        cdef Py_buffer view
        cdef int code
        open_page(page, &view, PyBUF_SIMPLE)
        try:
            self.begin_call()
            with nogil:
                code = self.store_many(&number, <const uint8_t *> view.buf, 1, &done)
            self.end_call()
        finally:
            PyBuffer_Release(&view)
        if code < 0:
            codec_raise(code, f"slot {number}")

    def load(self, slot):
        """Return the page in a slot, 4096 bytes. The slot keeps it.

        Raises SlotEmptyError, CorruptPageError, CodecError.
        """
        cdef bytes page = PyBytes_FromStringAndSize(NULL, ZSW_PAGE_SIZE)
        self.load_page(slot_number(slot), <uint8_t *> PyBytes_AS_STRING(page))
        return page

    def load_into(self, slot, buffer):
        """Load a slot's page into a writable buffer of 4096 bytes. Raises the errors of :meth:`load`."""
        cdef uint32_t number = slot_number(slot)
        cdef Py_buffer view
        open_page(buffer, &view, PyBUF_WRITABLE)
        try:
            self.load_page(number, <uint8_t *> view.buf)
        finally:
            PyBuffer_Release(&view)

    cdef int load_page(self, uint32_t slot, uint8_t *page) except -1:
        cdef Py_ssize_t done = 0
        cdef int code
        self.begin_call()
        with nogil:
            code = self.load_many(self.contexts, &slot, page, 1, &done)
        self.end_call()
        if code < 0:
            codec_raise(code, f"slot {slot}")
        return 0

    def invalidate(self, slot):
        """Free a slot. Raises SlotEmptyError."""
        cdef uint32_t number = slot_number(slot)
        cdef int code
        self.begin_call()
        code = self.slots.invalidate(number)
        self.end_call()
        if code < 0:
            codec_raise(code, f"slot {number}")

    # -- many pages ----------------------------------------------------------------------------------------------------

    def store_pages(self, slots, buffer, *, threads=1):
        """Store page i of `buffer` (n * 4096 bytes) in slots[i], for n slots (uint32), in that order.

        With several threads, pages are compressed in parallel and stored in order, so the resulting pool is the same.
        Raises the errors of :meth:`store`, which name the slot; the pages before it are stored.
        """
        cdef const uint32_t[::1] numbers = slot_numbers(slots)
        cdef const uint8_t[::1] data = page_bytes(buffer, numbers.shape[0])
        cdef Py_ssize_t done = 0
        cdef int code, workers = thread_count(threads)
        cdef StorePipeline pipeline
        if numbers.shape[0] == 0:
            return
        self.begin_call()
        try:
            if workers == 1:
                with nogil:
                    code = self.store_many(&numbers[0], &data[0], numbers.shape[0], &done)
            else:
                self.open_contexts(workers)
                pipeline = StorePipeline(self.slots, self.huge_size, self.verify)
                pipeline.set_input(&numbers[0], &data[0], numbers.shape[0], self.contexts)
                code = pipeline.run_threads(workers)
                done = pipeline.done
        finally:
            self.end_call()
        if code < 0:
            codec_raise(code, f"page {done} (slot {numbers[done]})")

    def load_pages(self, slots, buffer, *, threads=1):
        """Load slots[i] into page i of a writable `buffer` (n * 4096 bytes), for n slots (uint32).

        Raises the errors of :meth:`load`, which name the slot.
        """
        cdef const uint32_t[::1] numbers = slot_numbers(slots)
        cdef uint8_t[::1] data = page_bytes(buffer, numbers.shape[0], True)
        cdef Py_ssize_t count = numbers.shape[0]
        cdef int workers = thread_count(threads)

        # Load a share of the pages; raises in the thread in which the codec failed.
        def load_share(int worker):
            cdef Py_ssize_t first = count * worker // workers
            cdef Py_ssize_t end = count * (worker + 1) // workers
            cdef Py_ssize_t done = 0
            cdef int code
            if first == end:
                return
            with nogil:
                code = self.load_many(
                    &self.contexts[worker], &numbers[first], &data[first * ZSW_PAGE_SIZE], end - first, &done
                )
            if code < 0:
                codec_raise(code, f"page {first + done} (slot {numbers[first + done]})")

        self.begin_call()
        try:
            if workers == 1:
                load_share(0)
                return
            self.open_contexts(workers)
            with ThreadPoolExecutor(workers) as pool:
                parts = [pool.submit(load_share, worker) for worker in range(workers)]
            for part in parts:
                part.result()
        finally:
            self.end_call()

    cdef int store_many(
        self, const uint32_t *slots, const uint8_t *pages, Py_ssize_t count, Py_ssize_t *done
    ) noexcept nogil:
        cdef encoded_page encoded
        cdef int code
        while done[0] < count:
            code = encode_page(self.contexts, pages + done[0] * ZSW_PAGE_SIZE, self.huge_size, self.verify, &encoded)
            if code == ZSW_OK:
                code = self.slots.store(slots[done[0]], &encoded)
            if code < 0:
                return code
            done[0] += 1
        return ZSW_OK

    cdef int load_many(
        self, codec_ctx *ctx, const uint32_t *slots, uint8_t *pages, Py_ssize_t count, Py_ssize_t *done
    ) noexcept nogil:
        cdef slot_entry *entry
        cdef int code
        while done[0] < count:
            entry = self.slots.find(slots[done[0]])
            code = decode_page(ctx, self.slots, entry, self.verify, ctx.scratch, pages + done[0] * ZSW_PAGE_SIZE)
            if code < 0:
                return code
            done[0] += 1
        return ZSW_OK

    # -- compaction, statistics, closing -------------------------------------------------------------------------------

    def compact(self):
        """Compact the pool. Return the number of frames freed."""
        cdef uint64_t freed
        self.begin_call()
        with nogil:
            freed = self.slots.pool.compact()
        self.end_call()
        return freed

    def stats(self):
        """Return the counters by the names of a Result: pages, and sizes in bytes."""
        self.begin_call()
        self.end_call()
        return self.slots.stats()

    def owners(self):
        """Count the frames of the arena by owner, one by one."""
        self.begin_call()
        self.end_call()
        return self.slots.pool.arena.owners()

    def check(self):
        """Assert every invariant of slots, pool and frames. O(slots + objects + frames)."""
        self.begin_call()
        try:
            self.slots.check()
            self.slots.pool.arena.check()
        finally:
            self.end_call()

    def dump(self):
        """Return the zspages: {class size: {fullness group: [objects in use of each, head of the list first]}}."""
        self.begin_call()
        self.end_call()
        return dump_pool(self.slots.pool)

    def inject_fault(self, slot, offset, mask):
        """Flip the bits of `mask` in byte `offset` of a slot's stored bytes, as failing memory would. For tests.

        Raises SlotEmptyError, and InputError if the slot has no such byte.
        """
        self.begin_call()
        self.end_call()
        self.slots.inject_fault(slot_number(slot), offset, mask)

    def close(self):
        """Free all memory. It may be called twice. Raises BusyError during a call."""
        busy_enter(&self.busy, "page store")
        self.slots = None
        self.end_call()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


cdef uint32_t slot_number(slot) except? 0xFFFFFFFF:
    """Return a slot's number from any integer. Raise InputError outside 0 ... 2**32 - 1."""
    return whole(slot, "slot", 0, 0xFFFFFFFF)


cdef int open_page(page, Py_buffer *view, int flags) except -1:
    """Open a buffer of one page, which the caller releases. Raise InputError if it is not one page."""
    try:
        PyObject_GetBuffer(page, view, flags)
    except (BufferError, TypeError, ValueError) as error:
        raise InputError(f"pages: expected a contiguous buffer of {ZSW_PAGE_SIZE} bytes: {error}") from None
    if view.len != ZSW_PAGE_SIZE:
        size = view.len
        PyBuffer_Release(view)
        raise InputError(f"pages: expected {ZSW_PAGE_SIZE} bytes for a page, got {size}")
    return 0


cdef object slot_numbers(slots):
    """Return a contiguous buffer of uint32 from an array of them or any iterable of integers."""
    try:
        view = memoryview(slots)
        if view.format == "I" and view.ndim == 1 and view.c_contiguous:
            return view
    except (BufferError, TypeError, ValueError):
        pass
    try:
        return memoryview(array("I", slots))
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"slots: expected whole numbers from 0 to {(1 << 32) - 1}: {error}") from None


cdef object page_bytes(buffer, Py_ssize_t count, bint writable=False):
    """Return a flat view of `count` pages. Raise InputError if the buffer has another size."""
    try:
        view = memoryview(buffer)
        view = view.cast("B") if view.nbytes else memoryview(bytearray())
    except (BufferError, TypeError, ValueError):
        raise InputError("pages: expected a contiguous buffer of bytes") from None
    if writable and view.readonly:
        raise InputError("pages: expected a buffer that can be written to")
    if view.nbytes != count * ZSW_PAGE_SIZE:
        raise InputError(f"pages: expected {count * ZSW_PAGE_SIZE} bytes for {count} pages, got {view.nbytes}")
    return view


cdef int thread_count(threads) except -1:
    return whole(threads, "threads", 1, MAX_THREADS)
