"""Allocate large folios, swap them in and out, split them, and put them back into the lists.

do_anonymous_page() in mm/memory.c, shrink_folio_list() in mm/vmscan.c and swap_writeout() in mm/page_io.c of Linux 6.18
define the behaviour; folio_table.pxd has the records.
"""

from libc.stdint cimport uint32_t

from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.folio_table cimport folio_record


cdef inline folio_record *folio_of(Engine engine, uint32_t page) noexcept nogil:
    return &engine.folios.records[page >> engine.table.order]


# Allocate a folio of zeros.
cdef void alloc_folio(Engine engine, uint32_t first) noexcept nogil

# Handle the first access to a page of a large folio. The page has been all zero since its folio was allocated.
cdef void begin_page(Engine engine, uint32_t page) noexcept nogil

# Swap in all pages of a folio that was swapped out as one. 0 or a negative code, which leaves it outside.
cdef int swap_in_folio(Engine engine, uint32_t first) noexcept nogil

# Evict a large folio, or split it and evict its pages. Returns what EngineBase.evict() returns.
cdef int evict_folio(Engine engine, uint32_t first) noexcept nogil

# Add pages that were split off and had to stay to the lists, as young folios of one page. move_folios_to_lru(). 0 or
# a negative code.
cdef int putback_split_pages(Engine engine) noexcept nogil
