"""Store many pages in several threads: compress in any order, store in the given order.

A thread claims a block of pages and compresses it into its place in a ring. If the next block to store is ready, the
thread stores it and all ready blocks after it. So the pool is the same as with one thread, no thread waits for a slow
block until the ring is full, and the pool needs no lock of its own.
"""

from cython cimport final

from concurrent.futures import ThreadPoolExecutor

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.codec.codec cimport codec_ctx, codec_pop_exception
from zswapsim._core.zsmalloc.encode cimport encode_page
from zswapsim._core.base.errors cimport ZSW_E_PLUGIN, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.zsmalloc.slots cimport SLOT_COMPRESSED, SlotPool, encoded_page
from zswapsim._core.base.errors import HostMemoryError, InputError, PluginError


@final
cdef class StorePipeline:
    """Run one call of PageStore.store_pages in several threads. Only that method uses it."""

    def __cinit__(self, SlotPool slots not None, huge_size, verify):
        self.slots = slots
        self.huge_size = whole(huge_size, "huge_size", 1, ZSW_PAGE_SIZE)
        self.verify = flag(verify, "verify")
        self.staging = <uint8_t *> mem_alloc(RING * BLOCK * ZSW_PAGE_SIZE)
        self.encoded = <encoded_page *> mem_alloc(RING * BLOCK * sizeof(encoded_page))
        self.codes = <int *> mem_alloc(RING * BLOCK * sizeof(int))
        if self.staging == NULL or self.encoded == NULL or self.codes == NULL:
            raise HostMemoryError("page store: the host is out of memory")
        pthread_mutex_init(&self.lock, NULL)
        pthread_cond_init(&self.committed_changed, NULL)
        self.sync_ready = True

    def __dealloc__(self):
        if self.sync_ready:
            pthread_cond_destroy(&self.committed_changed)
            pthread_mutex_destroy(&self.lock)
        mem_free(self.staging)
        mem_free(self.encoded)
        mem_free(self.codes)

    cdef int set_input(
        self, const uint32_t *numbers, const uint8_t *pages, Py_ssize_t count, codec_ctx *contexts
    ) except -1:
        """Set the pages to store and a context for each thread; all are borrowed until `run_threads` returns."""
        self.numbers = numbers
        self.pages = pages
        self.count = count
        self.contexts = contexts
        self.blocks = (count + BLOCK - 1) // BLOCK
        return 0

    cdef int run_threads(self, int threads) except? -1:
        """Store all pages. Return 0, or the code of the first page that failed; `done` pages are stored."""
        with ThreadPoolExecutor(threads) as pool:
            causes = [part for part in pool.map(self.run_thread, range(threads)) if part is not None]
        for cause in causes:
            if not isinstance(cause, Exception):
                raise cause  # KeyboardInterrupt is not the codec's error
        if causes:
            raise PluginError(f"page {self.done} (slot {self.numbers[self.done]}): {causes[0]}") from causes[0]
        return self.code

    def run_thread(self, worker):
        """Run one thread; called by `run_threads` only. Return the exception that a Python codec raised, or None."""
        if self.contexts == NULL:
            raise InputError("run_thread is called by the pipeline")
        cdef codec_ctx *ctx = &self.contexts[<int> worker]
        with nogil:
            code = self.thread_loop(ctx)
        return codec_pop_exception() if code == ZSW_E_PLUGIN else None

    cdef int thread_loop(self, codec_ctx *ctx) noexcept nogil:
        cdef Py_ssize_t block
        while True:
            block = self.claim_block()
            if block < 0:
                return self.code
            self.compress(ctx, block)
            pthread_mutex_lock(&self.lock)
            self.ready[block % RING] = 1
            self.commit()
            pthread_mutex_unlock(&self.lock)

    cdef Py_ssize_t claim_block(self) noexcept nogil:
        """Claim the next block to compress. Return -1 if none is left or a page failed."""
        cdef Py_ssize_t block = -1
        pthread_mutex_lock(&self.lock)
        while self.code == ZSW_OK and self.claimed < self.blocks and self.claimed - self.committed >= RING:
            pthread_cond_wait(&self.committed_changed, &self.lock)
        if self.code == ZSW_OK and self.claimed < self.blocks:
            block = self.claimed
            self.claimed += 1
        pthread_mutex_unlock(&self.lock)
        return block

    cdef void compress(self, codec_ctx *ctx, Py_ssize_t block) noexcept nogil:
        cdef Py_ssize_t first = block * BLOCK
        cdef Py_ssize_t place = block % RING * BLOCK
        cdef Py_ssize_t i
        cdef encoded_page *encoded
        for i in range(min(BLOCK, self.count - first)):
            encoded = &self.encoded[place + i]
            self.codes[place + i] = encode_page(
                ctx, self.pages + (first + i) * ZSW_PAGE_SIZE, self.huge_size, self.verify, encoded
            )
            if self.codes[place + i] < 0:
                return
            if encoded.kind == SLOT_COMPRESSED:
                memcpy(self.staging + (place + i) * ZSW_PAGE_SIZE, encoded.data, encoded.length)
                encoded.data = self.staging + (place + i) * ZSW_PAGE_SIZE

    cdef void commit(self) noexcept nogil:
        """Store ready blocks in order. Called with the lock held; unlocks while storing."""
        cdef int code
        if self.committing:
            return
        self.committing = True
        while self.code == ZSW_OK and self.ready[self.committed % RING]:
            pthread_mutex_unlock(&self.lock)
            code = self.commit_block(self.committed)
            pthread_mutex_lock(&self.lock)
            self.code = code
            self.ready[self.committed % RING] = 0
            self.committed += 1
            pthread_cond_broadcast(&self.committed_changed)
        self.committing = False

    cdef int commit_block(self, Py_ssize_t block) noexcept nogil:
        cdef Py_ssize_t first = block * BLOCK
        cdef Py_ssize_t place = block % RING * BLOCK
        cdef Py_ssize_t i
        cdef int code
        for i in range(min(BLOCK, self.count - first)):
            code = self.codes[place + i]
            if code == ZSW_OK:
                code = self.slots.store(self.numbers[first + i], &self.encoded[place + i])
            if code < 0:
                return code
            self.done += 1
        return ZSW_OK
