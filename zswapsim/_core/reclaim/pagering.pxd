"""Keep a ring of pages, oldest first, for queues that remove pages only at the old end.

In a linked queue the next page is known only once the previous one is cached. In a ring the pages ahead are known, and
can be prefetched.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport mem_free, table_alloc

cdef enum:
    RING_PREFETCH = 16           # distance, in pages, at which states are prefetched

# Places count up modulo 2**32; place & mask is an index of `entries`.
ctypedef struct page_ring:
    uint32_t *entries            # owned; pages
    uint32_t mask                # number of entries, a power of two, less 1
    uint32_t tail                # place of the oldest page
    uint32_t head                # place of the next page


# Open a ring for `count` pages, at most 2**31. Return 0 or ZSW_E_NOMEM.
cdef inline int ring_open(page_ring *ring, uint64_t count) noexcept nogil:
    cdef uint64_t entries = 64
    while entries < count:
        entries *= 2
    ring.mask = <uint32_t> (entries - 1)
    ring.tail = ring.head = 0
    ring.entries = NULL if entries > <uint64_t> 1 << 31 else <uint32_t *> table_alloc(entries * sizeof(uint32_t))
    return ZSW_E_NOMEM if ring.entries == NULL else ZSW_OK


cdef inline void ring_close(page_ring *ring) noexcept nogil:
    mem_free(ring.entries)
    ring.entries = NULL


cdef inline uint32_t ring_count(const page_ring *ring) noexcept nogil:
    return ring.head - ring.tail


# Append a page at the young end. The ring is not full.
cdef inline void ring_append(page_ring *ring, uint32_t page) noexcept nogil:
    ring.entries[ring.head & ring.mask] = page
    ring.head += 1


# Return the page RING_PREFETCH places on, or `page` if there is none.
cdef inline uint32_t ring_peek_ahead(const page_ring *ring, uint32_t place, uint32_t page) noexcept nogil:
    if place + RING_PREFETCH - ring.tail < ring.head - ring.tail:
        return ring.entries[(place + RING_PREFETCH) & ring.mask]
    return page


# Return the page at a place. Prefetch the state of a later one.
cdef inline uint32_t ring_peek(const page_ring *ring, uint32_t place, const uint16_t *states) noexcept nogil:
    cdef uint32_t page = ring.entries[place & ring.mask]
    zsw_prefetch_write(&states[ring_peek_ahead(ring, place, page)])
    return page


# Return the pages from the oldest to the youngest, as a list.
cdef inline list ring_pages(const page_ring *ring):
    return [ring.entries[(ring.tail + i) & ring.mask] for i in range(ring_count(ring))]
