"""Store many pages in several threads: compress in any order, store in the given order."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.codec.codec cimport codec_ctx
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_mutex_init(pthread_mutex_t *, const void *)
    int pthread_mutex_lock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_mutex_destroy(pthread_mutex_t *)
    int pthread_cond_init(pthread_cond_t *, const void *)
    int pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *)
    int pthread_cond_broadcast(pthread_cond_t *)
    int pthread_cond_destroy(pthread_cond_t *)

cdef enum:
    BLOCK = 32      # pages that a thread claims at once: about 0.1 ms of lz4
    RING = 16       # blocks that may be compressed before they are stored


@final
cdef class StorePipeline:
    cdef SlotPool slots
    cdef int huge_size
    cdef bint verify
    cdef const uint32_t *numbers    # borrowed from the caller of set_input(), as are the pages and contexts
    cdef const uint8_t *pages
    cdef codec_ctx *contexts
    cdef Py_ssize_t count
    cdef Py_ssize_t blocks
    cdef Py_ssize_t claimed         # blocks claimed by threads; guarded by `lock`, as are the fields below
    cdef Py_ssize_t committed       # blocks in the pool
    cdef bint committing            # a thread is storing blocks
    cdef int code                   # error of the first page that failed, or 0
    cdef readonly Py_ssize_t done   # pages in the pool
    cdef int[16] ready              # by ring place; 1 once its block is compressed
    cdef uint8_t *staging           # owned; RING * BLOCK pages
    cdef encoded_page *encoded      # owned; RING * BLOCK
    cdef int *codes                 # owned; RING * BLOCK
    cdef pthread_mutex_t lock
    cdef pthread_cond_t committed_changed
    cdef bint sync_ready            # lock and condition are initialised

    cdef int set_input(
        self, const uint32_t *numbers, const uint8_t *pages, Py_ssize_t count, codec_ctx *contexts
    ) except -1
    cdef int run_threads(self, int threads) except? -1
    cdef int thread_loop(self, codec_ctx *ctx) noexcept nogil
    cdef Py_ssize_t claim_block(self) noexcept nogil
    cdef void compress(self, codec_ctx *ctx, Py_ssize_t block) noexcept nogil
    cdef void commit(self) noexcept nogil
    cdef int commit_block(self, Py_ssize_t block) noexcept nogil
