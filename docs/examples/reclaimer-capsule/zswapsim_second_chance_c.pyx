# cython: language_level=3, cdivision=True
"""First in, first out, with a second chance for pages that were accessed: what `--reclaim clock` does."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, malloc

from zswapsim.reclaimers.capi cimport (
    ZSW_E_FULL, ZSW_E_NOMEM, ZSW_OK, ZSW_RECLAIMER_ABI, ZSW_RECLAIMER_CAPSULE, zsw_param, zsw_reclaim_host,
    zsw_reclaimer,
)

# The state of one replay: the pages in DRAM in a ring, the next to be looked at first.
cdef struct queue:
    const zsw_reclaim_host *host
    uint32_t *pages     # host.frames of them: there are never more
    uint32_t first
    uint32_t count


cdef int create(const int64_t *values, const zsw_reclaim_host *host, void **state) noexcept nogil:
    cdef queue *q = <queue *> calloc(1, sizeof(queue))
    state[0] = q
    if q == NULL:
        return ZSW_E_NOMEM
    q.host = host
    q.pages = <uint32_t *> malloc(host.frames * sizeof(uint32_t))
    if q.pages == NULL:
        free(q)
        state[0] = NULL
        return ZSW_E_NOMEM
    return ZSW_OK


cdef void destroy(void *state) noexcept nogil:
    if state != NULL:
        free((<queue *> state).pages)
        free(state)


cdef int insert(void *state, uint32_t page, int refault) noexcept nogil:
    cdef queue *q = <queue *> state
    q.pages[(q.first + q.count) % q.host.frames] = page
    q.count += 1
    return ZSW_OK


cdef int reclaim(void *state, uint32_t coming, uint32_t nr_to_reclaim) noexcept nogil:
    cdef queue *q = <queue *> state
    cdef uint32_t evicted = 0, left = q.count, page
    cdef int code
    while evicted < nr_to_reclaim and left:
        page = q.pages[q.first]
        q.first = (q.first + 1) % q.host.frames
        q.count -= 1
        if q.host.test_and_clear_accessed(q.host.engine, page):
            insert(state, page, 1)
            continue
        left -= 1
        code = q.host.evict(q.host.engine, page)
        if code == ZSW_OK:
            evicted += 1
            continue
        insert(state, page, 1)
        if code != ZSW_E_FULL:  # else it must stay
            return code
    return ZSW_OK if evicted else ZSW_E_FULL


cdef zsw_param parameters[1]
parameters[0].name = NULL
cdef zsw_reclaimer table = zsw_reclaimer(
    abi=ZSW_RECLAIMER_ABI, max_hits=1, batch=1, reserved=0, name="second-chance-c", params=&parameters[0],
    create=create, destroy=destroy, insert=insert, reclaim=reclaim, check=NULL,
)
reclaimer = PyCapsule_New(&table, ZSW_RECLAIMER_CAPSULE, NULL)
