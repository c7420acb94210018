"""Swap in: a page's bytes come from the zero map or the backend into its frame, and are compared with what was stored.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from zswapsim._core.backend.backend cimport LOAD_KEPT, LOAD_LOST
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.hints cimport zsw_unlikely
from zswapsim._core.base.histogram cimport histogram_add
from zswapsim._core.base.page_flags cimport DIRTY, IN_SLOT, WRITTEN, ZERO_MAPPED
from zswapsim._core.engine.contents cimport content_bytes
from zswapsim._core.engine.engine cimport Engine, waited_ns
from zswapsim._core.engine.page_table cimport alloc_frame, free_frame, page_bytes, clear_flags


# Compare what came back with what was stored. 0 or ZSW_E_CORRUPT.
cdef inline int verify_page(Engine engine, uint32_t page, const uint8_t *data) noexcept nogil:
    if not engine.verify:
        return ZSW_OK
    if memcmp(data, content_bytes(&engine.table.contents, page), ZSW_PAGE_SIZE) != 0:
        return ZSW_E_CORRUPT
    engine.verified_loads += 1
    return ZSW_OK


# Load a page from the backend, which keeps its copy, drops it, or has lost it. LOAD_* or a negative code.
cdef inline int load_page(Engine engine, uint32_t page, uint8_t *frame) noexcept nogil:
    cdef uint16_t *state = &engine.table.states[page]
    cdef int code = engine.backend.load(page, frame)
    if zsw_unlikely(code < 0):
        return code
    if code != LOAD_KEPT:
        state[0] &= ~<uint32_t> IN_SLOT
        state[0] |= DIRTY
        if code == LOAD_LOST and frame != NULL:
            memcpy(frame, content_bytes(&engine.table.contents, page), ZSW_PAGE_SIZE)
    return code


# Bring what a page holds into its frame. 0 or a negative code.
cdef inline int swap_in_page(Engine engine, uint32_t page) noexcept nogil:
    cdef uint8_t *frame = page_bytes(engine.table, page)
    cdef int code = ZSW_OK
    if engine.table.states[page] & ZERO_MAPPED:
        engine.counters.swpin_zero += 1
        if frame != NULL:
            memset(frame, 0, ZSW_PAGE_SIZE)
    else:
        code = load_page(engine, page, frame)
        if zsw_unlikely(code < 0):
            return code
    # Its process has made a lost page anew: there is nothing to compare.
    if frame != NULL and code != LOAD_LOST and verify_page(engine, page, frame) < 0:
        return ZSW_E_CORRUPT
    clear_flags(engine.table, page, WRITTEN)
    return ZSW_OK


# Give so many pages from `first` on a frame each, and bring in what they hold. 0, or a negative code: all of them stay
# outside then.
cdef inline int swap_in_pages(Engine engine, uint32_t first, uint32_t count) noexcept nogil:
    cdef uint32_t page, brought
    cdef int code
    for page in range(first, first + count):
        alloc_frame(engine.table, page)
        code = swap_in_page(engine, page)
        if zsw_unlikely(code < 0):
            for brought in range(first, page + 1):
                free_frame(engine.table, brought)
            return code
    return ZSW_OK


# Swap in a folio by one major fault, which began when faults had waited for `before` ns. 0 or a negative code.
cdef inline int swap_in_unit(Engine engine, uint32_t first, uint32_t count, double before) noexcept nogil:
    cdef bint zero = engine.table.states[first] & ZERO_MAPPED != 0
    cdef int code
    engine.counters.major_faults += 1
    code = swap_in_pages(engine, first, count)
    if zsw_unlikely(code < 0):
        return code
    if zsw_unlikely(count > 1):
        engine.folios.swapins += 1
        engine.folios.counters.mthp_swpin += not zero
    histogram_add(&engine.latency, engine.backend.costs.major_fault + waited_ns(engine) - before)
    return ZSW_OK
