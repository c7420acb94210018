"""Allocate swap slots as Linux's cluster allocator does (mm/swapfile.c of 6.18), for one CPU and order 0.

The area is divided into clusters of 512 slots. A CPU takes the free slots of its cluster in ascending order; then it
takes the cluster in which a slot was freed longest ago, a free cluster, or a fragmented one
(cluster_alloc_swap_entry()). Slot 0 is the area's header. The area holds all pages, so that a slot is always free.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport mem_calloc, mem_free

cdef enum:
    CLUSTER_SHIFT = 9           # SWAPFILE_CLUSTER is 512
    SWAPFILE_CLUSTER = 1 << 9
    NO_SLOT = 0                 # SWAP_ENTRY_INVALID
    LISTS = 3
    NONFULL = 0                 # CLUSTER_FLAG_*, and the list's number, in the order of search: a slot was freed
    FREE = 1                    # no slot is in use
    FRAG = 2                    # a slot was allocated since; not full
    FULL = 3                    # in no list, as OFF_LIST
    OFF_LIST = 4

cdef extern from *:
    """
    #define SWAP_NO_PAGE 0xFFFFFFFFu
    #define SWAP_HEADER 0xFFFFFFFEu
    """
    const uint32_t SWAP_NO_PAGE
    const uint32_t SWAP_HEADER

ctypedef struct swap_cluster:   # links are cluster numbers; SWAP_NO_PAGE is none
    uint32_t prev
    uint32_t next
    uint16_t count              # slots in use
    uint8_t flag

ctypedef struct cluster_list:
    uint32_t first
    uint32_t last

ctypedef struct swap_slots:
    uint32_t *slot_of           # owned; by page, its slot; NO_SLOT if it has none
    uint32_t *page_at           # owned; by slot, its page; SWAP_NO_PAGE if it is free
    swap_cluster *clusters      # owned
    uint32_t cluster_count
    uint32_t next               # slot at which the next search begins; NO_SLOT: in another cluster
    cluster_list[LISTS] lists


cdef inline void swap_slots_close(swap_slots *area) noexcept nogil:
    mem_free(area.slot_of)
    mem_free(area.page_at)
    mem_free(area.clusters)
    area.slot_of = area.page_at = NULL
    area.clusters = NULL


cdef inline void cluster_unlink(swap_slots *area, uint32_t number) noexcept nogil:
    cdef swap_cluster *cluster = &area.clusters[number]
    cdef cluster_list *links
    if cluster.flag < LISTS:
        links = &area.lists[cluster.flag]
        if cluster.prev == SWAP_NO_PAGE:
            links.first = cluster.next
        else:
            area.clusters[cluster.prev].next = cluster.next
        if cluster.next == SWAP_NO_PAGE:
            links.last = cluster.prev
        else:
            area.clusters[cluster.next].prev = cluster.prev
    cluster.flag = OFF_LIST


# Move a cluster to the end of a list, unless it is in that list. move_cluster().
cdef inline void cluster_move(swap_slots *area, uint32_t number, uint8_t flag) noexcept nogil:
    cdef swap_cluster *cluster = &area.clusters[number]
    cdef cluster_list *links
    if cluster.flag == flag:
        return
    cluster_unlink(area, number)
    cluster.flag = flag
    if flag >= LISTS:
        return
    links = &area.lists[flag]
    cluster.prev = links.last
    cluster.next = SWAP_NO_PAGE
    if links.last == SWAP_NO_PAGE:
        links.first = number
    else:
        area.clusters[links.last].next = number
    links.last = number


# Open an area for `pages` pages, below 2**31, with all slots free. Return 0, or ZSW_E_NOMEM; close the area then too.
cdef inline int swap_slots_open(swap_slots *area, uint32_t pages) noexcept nogil:
    cdef uint32_t number, slot
    area.cluster_count = (pages >> CLUSTER_SHIFT) + 1
    area.slot_of = <uint32_t *> mem_calloc(pages, sizeof(uint32_t))
    area.page_at = <uint32_t *> mem_calloc(<size_t> area.cluster_count << CLUSTER_SHIFT, sizeof(uint32_t))
    area.clusters = <swap_cluster *> mem_calloc(area.cluster_count, sizeof(swap_cluster))
    if area.slot_of == NULL or area.page_at == NULL or area.clusters == NULL:
        return ZSW_E_NOMEM
    for number in range(LISTS):
        area.lists[number].first = area.lists[number].last = SWAP_NO_PAGE
    for slot in range(area.cluster_count << CLUSTER_SHIFT):
        area.page_at[slot] = SWAP_NO_PAGE
    area.page_at[0] = SWAP_HEADER
    area.clusters[0].count = 1
    area.next = NO_SLOT
    for number in range(area.cluster_count):
        area.clusters[number].flag = OFF_LIST
        cluster_move(area, number, NONFULL if area.clusters[number].count else FREE)
    return ZSW_OK


# Allocate the first free slot of a cluster from `slot` on, and set `next` to the one to try after it. Return the slot,
# or NO_SLOT. alloc_swap_scan_cluster().
cdef inline uint32_t swap_slots_scan(swap_slots *area, uint32_t slot) noexcept nogil:
    cdef uint32_t number = slot >> CLUSTER_SHIFT
    cdef uint32_t end = (number + 1) << CLUSTER_SHIFT
    cdef swap_cluster *cluster = &area.clusters[number]
    cdef uint32_t found = NO_SLOT
    area.next = NO_SLOT
    if cluster.count == 0:
        slot = number << CLUSTER_SHIFT
    while slot < end and area.page_at[slot] != SWAP_NO_PAGE:
        slot += 1
    if slot < end:
        found = slot
        cluster.count += 1
        if cluster.count < SWAPFILE_CLUSTER and slot + 1 < end:
            area.next = slot + 1
    # relocate_cluster()
    cluster_move(area, number, FULL if cluster.count == SWAPFILE_CLUSTER else FRAG)
    return found


# Allocate a slot for a page, unless it has one. cluster_alloc_swap_entry().
cdef inline void swap_slot_alloc(swap_slots *area, uint32_t page) noexcept nogil:
    cdef uint32_t found = NO_SLOT
    cdef uint32_t number
    cdef int flag
    if area.slot_of[page] != NO_SLOT:
        return
    if area.next != NO_SLOT and area.clusters[area.next >> CLUSTER_SHIFT].flag != FULL:
        found = swap_slots_scan(area, area.next)
    for flag in range(LISTS):
        while found == NO_SLOT and area.lists[flag].first != SWAP_NO_PAGE:
            number = area.lists[flag].first
            cluster_unlink(area, number)
            found = swap_slots_scan(area, number << CLUSTER_SHIFT)
    area.slot_of[page] = found
    area.page_at[found] = page


# Free a page's slot, if it has one. swap_entries_free().
cdef inline void swap_slot_free(swap_slots *area, uint32_t page) noexcept nogil:
    cdef uint32_t slot = area.slot_of[page]
    cdef uint32_t number = slot >> CLUSTER_SHIFT
    if slot == NO_SLOT:
        return
    area.slot_of[page] = NO_SLOT
    area.page_at[slot] = SWAP_NO_PAGE
    area.clusters[number].count -= 1
    cluster_move(area, number, NONFULL if area.clusters[number].count else FREE)
