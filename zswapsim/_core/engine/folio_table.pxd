"""Keep a record of each large folio: an aligned group of pages that come into DRAM together.

They leave DRAM as one or page by page. This is anonymous memory in folios of one order, as in Linux 6.18
(docs/folios.md). The pages of a folio have consecutive numbers: page p belongs to folio p >> order. The reclaimer's
lists hold a large folio by its first page, and a page that came in alone, or was split off, by its own number.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport folio_counters

cdef enum:
    FOLIO_MAX_ORDER = 5     # 128 KiB
    FOLIO_MAX_PAGES = 32

cdef extern from *:
    """
    #define NO_FOLIO 0xFFFFFFFFu
    """
    const uint32_t NO_FOLIO

cdef enum:                  # how a folio's pages are kept
    FORM_UNTOUCHED = 0      # none of them was accessed yet
    FORM_LARGE = 1          # in DRAM as one
    FORM_SWAPPED_OUT = 2    # swapped out as one, and all are still outside DRAM
    FORM_SPLIT = 3          # page by page, each in DRAM or outside

ctypedef struct folio_record:   # 16 bytes
    uint32_t accessed_mask  # a bit for each page that the trace has accessed; until then the page is all zero
    uint32_t putback_mask   # a bit for each page that was split off, and is to be put back into a list
    uint32_t putback_next   # the next folio with such pages, or NO_FOLIO
    uint8_t form

ctypedef struct folio_table:    # all 0 and NULL if every folio is a page
    folio_record *records       # owned; by folio
    uint32_t count              # folios
    uint32_t size               # pages of a large folio
    const uint32_t *page_of     # borrowed; by page of the trace: its page here
    uint32_t trace_pages        # page numbers of the trace are below it
    uint32_t putback_head       # the first folio with pages to be put back, or NO_FOLIO
    uint32_t zero_image         # a content that is all zero
    int failed                  # the code by which a page that was split off ended the run, or 0
    bint swapin_folios          # a fault swaps in all of a folio that was swapped out as one
    double clear_ns             # to clear a page of a new folio, beyond the first
    const uint8_t *page_bytes[FOLIO_MAX_PAGES]  # scratch: the pages of a folio on its way out
    folio_counters counters
    uint64_t swapins            # major faults that swapped in a whole folio
