"""Direct reclaim: a fault evicts folios until there is room for its own."""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.hints cimport zsw_unlikely
from zswapsim._core.base.page_flags cimport ENGINE_STATE_MASK, LARGE, RESIDENT
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.folios cimport evict_folio, putback_split_pages
from zswapsim._core.engine.page_table cimport arena_lacks, clear_flags
from zswapsim._core.engine.swap_out cimport evict_page


# Evict a folio and clear the reclaimer's marks. Returns what EngineBase.evict() returns.
cdef inline int evict_unit(Engine engine, uint32_t unit) noexcept nogil:
    cdef int code
    if zsw_unlikely(engine.table.states[unit] & LARGE):
        code = evict_folio(engine, unit)
    else:
        code = evict_page(engine, unit)
    if code == ZSW_OK:
        clear_flags(engine.table, unit, RESIDENT | ~<uint32_t> ENGINE_STATE_MASK)
        engine.reclaimer.resident -= 1
    return code


# Run the backend's shrinker after a reclaim that succeeded, as shrink_slab() after the LRU. `code` is the reclaim's.
# 0 or a negative code, the reclaim's or the shrinker's.
cdef inline int notify_reclaim(Engine engine, int code) noexcept nogil:
    return engine.backend.shrink() if code == ZSW_OK and engine.backend.wants_shrink else code


# Put pages that were split off back after a reclaim that returned `code`. Return that code, or the one by which putting
# back ended the run.
cdef inline int code_after_putback(Engine engine, int code) noexcept nogil:
    cdef int putback = putback_split_pages(engine)
    return putback if putback < 0 and (code == ZSW_OK or code == ZSW_E_FULL) else code


# Reclaim a batch of pages to make room for the folio `unit`. 0; ZSW_E_FULL if no frame was freed; any other negative
# code ends the run.
cdef inline int reclaim_batch(Engine engine, uint32_t unit) noexcept nogil:
    cdef uint64_t before = engine.resident_pages
    cdef int code
    if zsw_unlikely(before == 0):
        return ZSW_E_FULL
    code = engine.reclaimer.reclaim(engine, unit, engine.batch)
    if zsw_unlikely(engine.table.order != 0):
        code = code_after_putback(engine, code)
    # If a folio was split, some of its pages may have been evicted although no folio was.
    if code == ZSW_E_FULL and engine.resident_pages < before:
        code = ZSW_OK
    return notify_reclaim(engine, code)


# Reclaim until `count` frames are free for the folio `unit`. 0, or a negative code: ZSW_E_FULL if none can be freed.
cdef inline int reclaim_for(Engine engine, uint32_t unit, uint32_t count) noexcept nogil:
    cdef int code
    while engine.resident_pages + count > engine.frames or arena_lacks(engine.table, count):
        code = reclaim_batch(engine, unit)
        if zsw_unlikely(code < 0):
            return code
    return ZSW_OK
