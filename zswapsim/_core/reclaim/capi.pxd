"""The reclaimer interface of zsw_reclaimer.h, where each field and function is described."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from zswapsim._core.codec.codec cimport zsw_param

cdef extern from "zsw_reclaimer.h" nogil:
    enum:
        ZSW_RECLAIMER_ABI
    const char *ZSW_RECLAIMER_CAPSULE

    ctypedef struct zsw_reclaim_host:
        void *engine
        uint32_t pages
        uint32_t frames
        uint32_t (*accessed)(void *engine, uint32_t page) noexcept nogil
        uint32_t (*test_and_clear_accessed)(void *engine, uint32_t page) noexcept nogil
        int (*evict)(void *engine, uint32_t page) noexcept nogil
        uint64_t (*clock)(void *engine) noexcept nogil

    ctypedef struct zsw_reclaimer:
        uint32_t abi
        uint32_t max_hits
        uint32_t batch
        uint32_t reserved
        const char *name
        const zsw_param *params
        int (*create)(const int64_t *values, const zsw_reclaim_host *host, void **state) noexcept nogil
        void (*destroy)(void *state) noexcept nogil
        int (*insert)(void *state, uint32_t page, int refault) noexcept nogil
        int (*reclaim)(void *state, uint32_t page, uint32_t nr_to_reclaim) noexcept nogil
        int (*check)(void *state) noexcept nogil
