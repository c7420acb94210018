"""Handle a fault: an access to a page that is not mapped in DRAM. A page is a folio of order 0.

This follows handle_mm_fault(), do_anonymous_page() and do_swap_page() in mm/memory.c.
"""

from libc.stdint cimport uint32_t

from zswapsim._core.backend.backend cimport ACCESS_FAULT
from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.base.hints cimport zsw_unlikely
from zswapsim._core.base.histogram cimport histogram_add
from zswapsim._core.base.page_flags cimport DIRTY, FAULTED, IN_SLOT, LARGE, RESIDENT
from zswapsim._core.engine.contents cimport content_begin
from zswapsim._core.engine.direct_reclaim cimport reclaim_for
from zswapsim._core.engine.engine cimport Engine, waited_ns
from zswapsim._core.engine.folio_table cimport FORM_LARGE, FORM_SPLIT, FORM_SWAPPED_OUT, FORM_UNTOUCHED
from zswapsim._core.engine.folios cimport alloc_folio, folio_of, swap_in_folio
from zswapsim._core.engine.lists cimport add_to_lists
from zswapsim._core.engine.mapped cimport access_mapped
from zswapsim._core.engine.page_table cimport alloc_frame, page_bytes, set_flags
from zswapsim._core.engine.swap_cache cimport try_swap_cache
from zswapsim._core.engine.swap_in cimport swap_in_page

ctypedef struct fault_unit:     # the folio that a fault brings into DRAM
    uint32_t first
    uint32_t count              # pages
    bint untouched              # the folio has never been in DRAM


# Return the folio that a fault at `page` brings in: all of a large one, or the page alone.
cdef inline fault_unit unit_to_fault(Engine engine, uint32_t page) noexcept nogil:
    cdef fault_unit unit
    cdef uint32_t form
    unit.first = page
    unit.count = 1
    unit.untouched = engine.table.states[page] & FAULTED == 0
    if not zsw_unlikely(engine.table.order != 0):
        return unit
    form = folio_of(engine, page).form
    unit.untouched = form == FORM_UNTOUCHED
    if unit.untouched or (form == FORM_SWAPPED_OUT and engine.folios.swapin_folios):
        unit.first = page & ~(engine.folios.size - 1)
        unit.count = engine.folios.size
    return unit


# Allocate a frame for a page that was never accessed, and give the page its first content.
cdef inline void alloc_page(Engine engine, uint32_t page) noexcept nogil:
    alloc_frame(engine.table, page)
    engine.counters.minor_faults += 1
    engine.counters.pages += 1
    engine.table.states[page] = FAULTED | DIRTY
    content_begin(&engine.table.contents, page, page_bytes(engine.table, page))


# Swap in a folio by one major fault, which began when faults had waited for `before` ns. 0 or a negative code.
cdef inline int major_fault(Engine engine, const fault_unit *unit, double before) noexcept nogil:
    cdef int code
    engine.counters.major_faults += 1
    if zsw_unlikely(unit.count > 1):
        code = swap_in_folio(engine, unit.first)
    else:
        code = swap_in_page(engine, unit.first)
    if zsw_unlikely(code < 0):
        return code
    histogram_add(&engine.latency, engine.backend.costs.major_fault + waited_ns(engine) - before)
    return ZSW_OK


# Allocate or swap in a folio; DRAM has enough free frames. 0 or a negative code, which leaves the folio outside.
cdef inline int bring_in(Engine engine, const fault_unit *unit, double before) noexcept nogil:
    cdef int code = ZSW_OK
    if not unit.untouched:
        code = major_fault(engine, unit, before)
    elif zsw_unlikely(engine.table.order != 0):
        alloc_folio(engine, unit.first)
    else:
        alloc_page(engine, unit.first)
    if code == ZSW_OK:
        engine.resident_pages += unit.count
    return code


# Reclaim frames for the folio of `page`, bring it in and add it to the lists. 0 or a negative code.
cdef inline int fault_in(Engine engine, uint32_t page, bint write, double before) noexcept nogil:
    cdef fault_unit unit = unit_to_fault(engine, page)
    cdef int code = reclaim_for(engine, unit.first, unit.count)
    if zsw_unlikely(code < 0):
        return code
    code = bring_in(engine, &unit, before)
    if zsw_unlikely(code < 0):
        return code
    if zsw_unlikely(engine.readahead is not None):
        engine.readahead.note_mapped(page, write)
    if zsw_unlikely(unit.count > 1):
        folio_of(engine, page).form = FORM_LARGE
        set_flags(engine.table, unit.first, LARGE)
    elif zsw_unlikely(engine.table.order != 0):
        folio_of(engine, page).form = FORM_SPLIT
    return add_to_lists(engine, unit.first, RESIDENT, not unit.untouched)


# Handle an access to a page that is not mapped in DRAM. 0 or a negative code, which ends the run.
cdef inline int handle_fault(Engine engine, uint32_t page, bint write) noexcept nogil:
    cdef double before = waited_ns(engine)
    cdef int code
    engine.backend.clock = engine.reclaimer.clock
    if zsw_unlikely(engine.readahead is not None):
        code = try_swap_cache(engine, page, write)
        if code != ZSW_OK:
            return min(code, ZSW_OK)
    if zsw_unlikely(engine.backend.maps_pages and engine.table.states[page] & IN_SLOT):
        code = access_mapped(engine, page, write)
        if code != ACCESS_FAULT:
            return min(code, ZSW_OK)
    return fault_in(engine, page, write, before)
