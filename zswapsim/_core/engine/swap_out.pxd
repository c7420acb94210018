"""Swap out a dirty page to the zero map or the backend, and invalidate that copy when the page is written.

Large folios are swapped out in folios.pyx, where one that finds no room is split.
"""

from libc.stdint cimport uint16_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.hints cimport zsw_unlikely
from zswapsim._core.base.page_flags cimport DIRTY, IN_SLOT, IN_SWAP_CACHE, LARGE, WRITTEN, ZERO_MAPPED
from zswapsim._core.engine.contents cimport content_write
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.page_table cimport free_frame, page_bytes, page_is_zero, set_flags, unit_of


# Swap out a dirty page. The backend has no copy: a write or an exclusive load invalidated it. 0; ZSW_E_FULL if
# the page must stay in DRAM; any other negative code ends the run.
cdef inline int swap_out_page(Engine engine, uint32_t page) noexcept nogil:
    cdef uint16_t *state = &engine.table.states[page]
    cdef int code
    if engine.table.contents.image_of != NULL and engine.zero_map and page_is_zero(engine.table, page):
        engine.counters.swpout_zero += 1
        state[0] = (state[0] & ~<uint32_t> DIRTY) | ZERO_MAPPED
        return ZSW_OK
    code = engine.backend.store(page, page_bytes(engine.table, page))
    if code == ZSW_OK:
        state[0] = (state[0] & ~<uint32_t> DIRTY) | IN_SLOT
    return code


# Evict a page that is no part of a large folio: swap it out if it is dirty, and free its frame. Returns what
# EngineBase.evict() returns.
cdef inline int evict_page(Engine engine, uint32_t page) noexcept nogil:
    cdef uint16_t *state = &engine.table.states[page]
    cdef int code
    if state[0] & DIRTY:
        code = swap_out_page(engine, page)
        if zsw_unlikely(code < 0):
            engine.counters.kept_pages += code == ZSW_E_FULL
            return code
    else:
        engine.counters.dropped_clean_pages += 1
    free_frame(engine.table, page)
    engine.counters.reclaimed_pages += 1
    engine.resident_pages -= 1
    if zsw_unlikely(engine.readahead is not None):
        engine.readahead.note_evicted(page, state[0] & IN_SWAP_CACHE != 0)
        state[0] &= ~<uint32_t> IN_SWAP_CACHE
    return ZSW_OK


# Invalidate the copy of a page in swap.
cdef inline void drop_swap_copy(Engine engine, uint32_t page) noexcept nogil:
    cdef uint16_t *state = &engine.table.states[page]
    if state[0] & IN_SLOT:
        engine.backend.invalidate(page)
    state[0] &= ~<uint32_t> (IN_SLOT | ZERO_MAPPED)
    state[0] |= DIRTY


# Invalidate the copies in swap of all pages of a page's folio: a folio has one dirty flag.
cdef inline void drop_swap_copies(Engine engine, uint32_t page) noexcept nogil:
    cdef uint32_t first
    if not zsw_unlikely(engine.table.order != 0):
        drop_swap_copy(engine, page)
        return
    first = unit_of(engine.table, page)
    if engine.table.states[first] & LARGE == 0:
        drop_swap_copy(engine, page)
        return
    for page in range(first, first + engine.folios.size):
        drop_swap_copy(engine, page)


# Handle the first write since a page came in: invalidate its copies in swap, and change its content.
cdef inline void write_page(Engine engine, uint32_t page) noexcept nogil:
    drop_swap_copies(engine, page)
    set_flags(engine.table, page, WRITTEN)
    content_write(&engine.table.contents, page, page_bytes(engine.table, page))
