"""Allocate large folios, swap them in and out, split them, and put them back into the lists."""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.backend.backend cimport FOLIO_SPLIT
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.page_flags cimport DIRTY, FAULTED, IN_SLOT, LARGE, RESIDENT, ZERO_MAPPED
from zswapsim._core.engine.contents cimport content_begin, content_set
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.folio_table cimport FORM_SPLIT, FORM_SWAPPED_OUT, NO_FOLIO, folio_record
from zswapsim._core.engine.folios cimport folio_of
from zswapsim._core.engine.lists cimport add_to_lists
from zswapsim._core.engine.page_table cimport (
    alloc_frame, clear_flags, free_frame, page_bytes, page_is_zero, set_flags,
)
from zswapsim._core.engine.swap_in cimport swap_in_page
from zswapsim._core.engine.swap_out cimport drop_swap_copies, evict_page


cdef void alloc_folio(Engine engine, uint32_t first) noexcept nogil:
    cdef uint32_t page
    for page in range(first, first + engine.folios.size):
        alloc_frame(engine.table, page)
        engine.table.states[page] = FAULTED | DIRTY
        content_set(&engine.table.contents, page, engine.folios.zero_image, page_bytes(engine.table, page))
    engine.counters.minor_faults += 1
    engine.folios.counters.mthp_anon_fault_alloc += 1


cdef void begin_page(Engine engine, uint32_t page) noexcept nogil:
    engine.counters.pages += 1
    drop_swap_copies(engine, page)
    content_begin(&engine.table.contents, page, page_bytes(engine.table, page))


# -- swap in ----------------------------------------------------------------------------------------------------------


# Keep the pages of a folio before `end` in DRAM as single pages: the swap-in of page `end` failed, and the backend may
# have dropped theirs.
cdef inline void keep_brought_pages(Engine engine, uint32_t first, uint32_t end) noexcept nogil:
    cdef uint32_t page
    if end > first:
        folio_of(engine, first).form = FORM_SPLIT
    for page in range(first, end):
        engine.resident_pages += 1
        add_to_lists(engine, page, RESIDENT, True)


cdef int swap_in_folio(Engine engine, uint32_t first) noexcept nogil:
    cdef bint zero = engine.table.states[first] & ZERO_MAPPED != 0
    cdef uint32_t page
    cdef int code
    for page in range(first, first + engine.folios.size):
        code = swap_in_page(engine, page)
        if code < 0:
            keep_brought_pages(engine, first, page)
            return code
    engine.folios.swapins += 1
    engine.folios.counters.mthp_swpin += not zero
    return ZSW_OK


# -- swap out ---------------------------------------------------------------------------------------------------------


cdef inline bint folio_is_dirty(Engine engine, uint32_t first) noexcept nogil:
    cdef uint32_t page
    for page in range(first, first + engine.folios.size):
        if engine.table.states[page] & DIRTY:
            return True
    return False


# Return true if the zero map is in use and all pages of the folio are zero.
cdef inline bint folio_is_zero(Engine engine, uint32_t first) noexcept nogil:
    cdef uint32_t page
    if engine.table.contents.image_of == NULL or not engine.zero_map:
        return False
    for page in range(first, first + engine.folios.size):
        if not page_is_zero(engine.table, page):
            return False
    return True


# Mark all pages of a folio as swapped out to `place`: IN_SLOT or ZERO_MAPPED.
cdef inline void mark_swapped_out(Engine engine, uint32_t first, uint32_t place) noexcept nogil:
    cdef uint32_t page
    for page in range(first, first + engine.folios.size):
        clear_flags(engine.table, page, DIRTY | IN_SLOT | ZERO_MAPPED)
        set_flags(engine.table, page, place)


# Swap out, as one, a folio that has a dirty page. 0, FOLIO_SPLIT, ZSW_E_FULL or the negative code that ends the run.
cdef inline int swap_out_folio(Engine engine, uint32_t first) noexcept nogil:
    cdef uint64_t pooled = engine.backend.counters.zswpout
    cdef uint32_t i
    cdef int code
    if folio_is_zero(engine, first):
        engine.counters.swpout_zero += engine.folios.size
        mark_swapped_out(engine, first, ZERO_MAPPED)
        return ZSW_OK
    # If swap still holds copies of some pages, drop them: the whole folio gets new slots.
    drop_swap_copies(engine, first)
    for i in range(engine.folios.size):
        engine.folios.page_bytes[i] = page_bytes(engine.table, first + i)
    code = engine.backend.store_folio(first, engine.folios.size, engine.folios.page_bytes)
    if code == ZSW_OK:
        mark_swapped_out(engine, first, IN_SLOT)
        pooled = engine.backend.counters.zswpout - pooled
        engine.folios.counters.mthp_zswpout += pooled >= engine.folios.size
        engine.folios.counters.mthp_swpout += pooled < engine.folios.size
    return code


# -- eviction ---------------------------------------------------------------------------------------------------------


cdef int evict_folio(Engine engine, uint32_t first) noexcept nogil:
    cdef uint32_t size = engine.folios.size, page
    cdef int code = ZSW_OK
    if folio_is_dirty(engine, first):
        code = swap_out_folio(engine, first)
    else:
        engine.counters.dropped_clean_pages += size
    if code == FOLIO_SPLIT:
        return split_and_evict(engine, first)
    if code < 0:
        engine.counters.kept_pages += size if code == ZSW_E_FULL else 0
        return code
    for page in range(first, first + size):
        free_frame(engine.table, page)
    clear_flags(engine.table, first, LARGE)
    folio_of(engine, first).form = FORM_SWAPPED_OUT
    engine.counters.reclaimed_pages += size
    engine.resident_pages -= size
    return ZSW_OK


# Split a folio, and evict as many of its pages as can be evicted. Pages that stay are to be put back. Returns the first
# page's code, because the lists hold the folio by that page. If another page's code ends the run,
# putback_split_pages() returns it.
cdef inline int split_and_evict(Engine engine, uint32_t first) noexcept nogil:
    cdef folio_record *folio = folio_of(engine, first)
    cdef uint32_t i
    cdef int code, result
    engine.folios.counters.mthp_swpout_fallback += 1
    clear_flags(engine.table, first, LARGE)
    folio.form = FORM_SPLIT
    result = evict_page(engine, first)
    for i in range(1, engine.folios.size):
        code = evict_page(engine, first + i)
        if code < 0:
            folio.putback_mask |= <uint32_t> 1 << i
            engine.folios.failed = engine.folios.failed if code == ZSW_E_FULL else code
    if folio.putback_mask:
        folio.putback_next = engine.folios.putback_head
        engine.folios.putback_head = first >> engine.table.order
    return result


# -- the reclaimer's lists --------------------------------------------------------------------------------------------


cdef int putback_split_pages(Engine engine) noexcept nogil:
    cdef uint32_t order = engine.table.order, page
    cdef folio_record *folio
    cdef int code = ZSW_OK
    while engine.folios.putback_head != NO_FOLIO:
        folio = &engine.folios.records[engine.folios.putback_head]
        for page in range(engine.folios.putback_head << order, (engine.folios.putback_head + 1) << order):
            if folio.putback_mask >> (page & (engine.folios.size - 1)) & 1 == 0:
                continue
            if code == ZSW_OK:
                code = add_to_lists(engine, page, RESIDENT, False)
            else:
                set_flags(engine.table, page, RESIDENT)  # the run has ended, and the page is in no list
        folio.putback_mask = 0
        engine.folios.putback_head = folio.putback_next
    return engine.folios.failed if code == ZSW_OK else code
