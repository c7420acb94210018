"""Swap in a page from the zero map or the backend, and compare its bytes with what was stored.

The zero map's swap-ins are counted here, those from the pool or the device by the backend, major faults in fault.pxd.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from zswapsim._core.backend.backend cimport LOAD_KEPT, LOAD_LOST
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.hints cimport zsw_unlikely
from zswapsim._core.base.page_flags cimport DIRTY, IN_SLOT, WRITTEN, ZERO_MAPPED
from zswapsim._core.engine.contents cimport content_bytes
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.page_table cimport alloc_frame, clear_flags, free_frame, page_bytes


# Compare a page's bytes with what was stored. 0 or ZSW_E_CORRUPT.
cdef inline int verify_page(Engine engine, uint32_t page, const uint8_t *data) noexcept nogil:
    if not engine.verify:
        return ZSW_OK
    if memcmp(data, content_bytes(&engine.table.contents, page), ZSW_PAGE_SIZE) != 0:
        return ZSW_E_CORRUPT
    engine.verified_loads += 1
    return ZSW_OK


# Load a page from the backend, which may keep its copy, drop it, or have lost it. LOAD_* or a negative code.
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


# Fill a page's frame, which may be NULL, with its content. 0 or a negative code.
cdef inline int fill_frame(Engine engine, uint32_t page, uint8_t *frame) noexcept nogil:
    cdef int code = ZSW_OK
    if engine.table.states[page] & ZERO_MAPPED:
        engine.counters.swpin_zero += 1
        if frame != NULL:
            memset(frame, 0, ZSW_PAGE_SIZE)
    else:
        code = load_page(engine, page, frame)
        if zsw_unlikely(code < 0):
            return code
    # The process has filled a lost page anew: there is nothing to compare.
    if frame != NULL and code != LOAD_LOST:
        return verify_page(engine, page, frame)
    return ZSW_OK


# Allocate a frame for a page and swap the page in. 0, or a negative code, which leaves it outside.
cdef inline int swap_in_page(Engine engine, uint32_t page) noexcept nogil:
    cdef int code
    alloc_frame(engine.table, page)
    code = fill_frame(engine, page, page_bytes(engine.table, page))
    if zsw_unlikely(code < 0):
        free_frame(engine.table, page)
        return code
    clear_flags(engine.table, page, WRITTEN)
    return ZSW_OK
