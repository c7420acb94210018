"""Read pages ahead into the swap cache, and map them at their first access."""

from libc.stdint cimport uint16_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.page_flags cimport FAULTED, HITS, IN_SWAP_CACHE, RESIDENT
from zswapsim._core.engine.direct_reclaim cimport reclaim_for
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.lists cimport add_to_lists
from zswapsim._core.engine.page_table cimport clear_flags, is_swapped_out
from zswapsim._core.engine.swap_cache cimport MAPPED_FROM_CACHE
from zswapsim._core.engine.swap_in cimport swap_in_page


# Read a page ahead into the swap cache. No fault waits for the device. 0 or a negative code.
cdef inline int add_to_swap_cache(Engine engine, uint32_t page) noexcept nogil:
    cdef double device = engine.backend.costs.charged_device_ns
    cdef int code = swap_in_page(engine, page)
    if code < 0:
        return code
    engine.background_ns += engine.backend.costs.charged_device_ns - device
    engine.readahead.counters.swap_ra += 1
    engine.resident_pages += 1
    code = add_to_lists(engine, page, IN_SWAP_CACHE, True)
    clear_flags(engine.table, page, HITS)
    return code


# Read the pages around one ahead, as long as frames can be freed for them. 0 or a negative code.
cdef inline int swapin_readahead(Engine engine, uint32_t page) noexcept nogil:
    cdef uint32_t count = engine.readahead.window(page)
    cdef uint32_t place, other
    cdef int code
    for place in range(count):
        other = engine.readahead.candidate(place)
        if other == page or other >= engine.table.pages or not is_swapped_out(engine.table, other):
            continue
        code = reclaim_for(engine, other, 1)
        if code == ZSW_OK:
            code = add_to_swap_cache(engine, other)
        if code < 0:
            return ZSW_OK if code == ZSW_E_FULL else code
    return ZSW_OK


# Map a page of the swap cache at its first access. MAPPED_FROM_CACHE or a negative code.
cdef inline int map_cached_page(Engine engine, uint32_t page, bint write) noexcept nogil:
    cdef uint16_t *state = &engine.table.states[page]
    cdef int code
    engine.readahead.note_hit(page)
    engine.readahead.note_mapped(page, write)
    state[0] = (state[0] & ~<uint32_t> IN_SWAP_CACHE) | RESIDENT
    code = engine.reclaimer.map_cached(page)
    return code if code < 0 else MAPPED_FROM_CACHE


cdef int try_swap_cache(Engine engine, uint32_t page, bint write) noexcept nogil:
    if engine.table.states[page] & IN_SWAP_CACHE:
        return map_cached_page(engine, page, write)
    return swapin_readahead(engine, page) if engine.table.states[page] & FAULTED else ZSW_OK
