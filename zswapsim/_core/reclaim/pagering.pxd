"""Pages in order, oldest first, in a ring: what is kept of pages that only ever leave at the old end.

A queue that is linked tells which page comes next only when the one before has arrived. A ring tells
of many ahead, and they are fetched in time.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.base.memory cimport table_alloc

cdef enum:
    RING_PREFETCH = 16              # states fetched ahead of their turn

# Places are counted on and on, modulo 2**32; `mask` makes an index of one.
ctypedef struct page_ring:
    uint32_t *entries            # owned; pages
    uint32_t mask                # entries less 1, which are a power of two
    uint32_t tail                # place of the oldest
    uint32_t head                # where the next goes


# Room for `count` pages, at most 2**31. 0 or ZSW_E_NOMEM.
cdef inline int ring_open(page_ring *ring, uint64_t count) noexcept nogil:
    cdef uint64_t entries = 64
    while entries < count:
        entries *= 2
    ring.mask = <uint32_t> (entries - 1)
    ring.tail = ring.head = 0
    ring.entries = NULL if entries > <uint64_t> 1 << 31 else <uint32_t *> table_alloc(entries * sizeof(uint32_t))
    return ZSW_E_NOMEM if ring.entries == NULL else ZSW_OK


cdef inline void ring_close(page_ring *ring) noexcept nogil:
    free(ring.entries)
    ring.entries = NULL


cdef inline uint32_t ring_count(const page_ring *ring) noexcept nogil:
    return ring.head - ring.tail


# Enters a page at the young end. There is room.
cdef inline void ring_append(page_ring *ring, uint32_t page) noexcept nogil:
    ring.entries[ring.head & ring.mask] = page
    ring.head += 1


# The page some places on, or `page` where there are not as many.
cdef inline uint32_t ring_peek_ahead(const page_ring *ring, uint32_t place, uint32_t page) noexcept nogil:
    if place + RING_PREFETCH - ring.tail < ring.head - ring.tail:
        return ring.entries[(place + RING_PREFETCH) & ring.mask]
    return page


# The page at a place; the state of one further on is fetched.
cdef inline uint32_t ring_peek(const page_ring *ring, uint32_t place, const uint16_t *states) noexcept nogil:
    cdef uint32_t page = ring.entries[place & ring.mask]
    zsw_prefetch_write(&states[ring_peek_ahead(ring, place, page)])
    return page


# The pages from the oldest to the youngest, as a list.
cdef inline list ring_pages(const page_ring *ring):
    return [ring.entries[(ring.tail + i) & ring.mask] for i in range(ring_count(ring))]
