"""Keep the page table: for each page its state, the reclaimer's stamp, its frame and its content."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.page cimport page_same_filled
from zswapsim._core.base.page_flags cimport FAULTED, IN_SWAP_CACHE, LARGE, RESIDENT
from zswapsim._core.engine.contents cimport page_contents
from zswapsim._core.frames.arena cimport FrameArena, Grant


@final
cdef class PageTable:
    cdef uint32_t pages             # the footprint: page numbers are below it
    cdef uint32_t order             # a large folio has 1 << order pages, side by side; 0 if there are none
    cdef uint32_t *stamps           # owned; by page: the reclaimer's own data
    cdef uint16_t *states           # owned; by page: base/page_flags.pxd; unused if exact LRU only counts pages
    cdef uint32_t *frame_of         # owned; by page: its frame while it is in DRAM; NULL if `dram` is None
    cdef page_contents contents     # all of it but `image_of` is borrowed from `refs`
    cdef FrameArena dram            # None unless it is real memory (bytes depth) or shared with a pool
    cdef uint8_t owner              # the workload's number in `dram`
    cdef uint32_t reserved_frames   # free frames of `dram` that the workload must leave to others
    cdef object refs

    # Set the contents; `images` is None except at bytes depth. Raises InputError.
    cdef int open_contents(self, images, next_image, zero, uint32_t first_image, uint32_t initial_count) except -1
    # Allocate the tables, after contents and DRAM are set. Raises HostMemoryError.
    cdef int reserve(self) except -1


cdef inline void set_flags(PageTable table, uint32_t page, uint32_t flags) noexcept nogil:
    table.states[page] |= flags


cdef inline void clear_flags(PageTable table, uint32_t page, uint32_t flags) noexcept nogil:
    table.states[page] &= ~flags


# Return the page by which the lists hold a page's folio: the first one of a large folio, else the page itself.
cdef inline uint32_t unit_of(PageTable table, uint32_t page) noexcept nogil:
    cdef uint32_t first = page >> table.order << table.order
    return first if table.states[first] & LARGE else page


# Return true if a page is in DRAM, mapped or in the swap cache.
cdef inline bint is_resident(PageTable table, uint32_t page) noexcept nogil:
    return table.states[unit_of(table, page)] & (RESIDENT | IN_SWAP_CACHE) != 0


# Return true if a page has been in DRAM, and is not now.
cdef inline bint is_swapped_out(PageTable table, uint32_t page) noexcept nogil:
    return table.states[page] & FAULTED != 0 and not is_resident(table, page)


cdef inline void alloc_frame(PageTable table, uint32_t page) noexcept nogil:
    if table.dram is not None:
        table.frame_of[page] = table.dram.alloc_frame(table.owner)


cdef inline void free_frame(PageTable table, uint32_t page) noexcept nogil:
    if table.dram is not None:
        table.dram.free_frame(table.frame_of[page])


# Return true if DRAM has fewer than `frames` free frames for the workload. An eviction may have freed none: a pool in
# the same DRAM takes frames when a page is stored.
cdef inline bint arena_lacks(PageTable table, uint32_t frames) noexcept nogil:
    return table.dram is not None and table.dram.free_frames < <uint64_t> table.reserved_frames + frames


# Return the bytes of a page in DRAM; NULL except at bytes depth.
cdef inline uint8_t *page_bytes(PageTable table, uint32_t page) noexcept nogil:
    if table.contents.images == NULL:
        return NULL
    return table.dram.base + <size_t> table.frame_of[page] * ZSW_PAGE_SIZE


# Return true if a page in DRAM is all zero. There must be contents.
cdef inline bint page_is_zero(PageTable table, uint32_t page) noexcept nogil:
    cdef uint64_t word
    if table.contents.images != NULL:
        return page_same_filled(page_bytes(table, page), &word) and word == 0
    return table.contents.zero[table.contents.image_of[page]]
