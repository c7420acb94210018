"""Select the pages to read beside a faulting one: swap readahead (mm/swap_state.c of Linux 6.18).

Windows equal those of the kernel, page by page. The engine reads their pages into the swap cache: they get a frame and
are on the reclaimer's list, but are mapped only by a fault.
"""

from cython cimport final

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport uint32s, uint64s, whole
from zswapsim._core.base.counters cimport counters_dict, readahead_counters, readahead_counters_rows
from zswapsim._core.base.memory cimport mem_alloc, mem_calloc, mem_free
from zswapsim._core.lru.log cimport LRU_NONE
from zswapsim._core.readahead.swap_slots cimport (
    CLUSTER_SHIFT, FULL, LISTS, NO_SLOT, SWAP_NO_PAGE, SWAPFILE_CLUSTER, swap_slot_alloc, swap_slot_free,
    swap_slots_close, swap_slots_open,
)
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    SWAP_RA_ORDER_CEILING = 5
    SWAP_RA_HITS_MAX = 63       # (1 << PAGE_SHIFT / 2) - 1
    PMD_PAGES = 512             # pages that one page table maps; a window stays within them
    MAX_PAGES = 0x7FFFFFFF


cdef dict no_readahead_counters():
    return counters_dict(readahead_counters_rows, sizeof(readahead_counters), NULL)


cdef inline uint32_t swapin_nr_pages(
    uint64_t prev, uint64_t now, uint32_t hits, uint32_t max_window, uint32_t last
) noexcept nogil:
    """Return the size of the next window, from the offset, hits and size of the last one. __swapin_nr_pages()."""
    cdef uint32_t pages = 4
    if hits == 0:
        # Without hits, an access next to the last one counts as sequential, so that readahead can start.
        pages = 2 if now == prev + 1 or now == prev - 1 else 1
    while hits and pages < hits + 2:
        pages *= 2
    return max(min(pages, max_window), last // 2)


cdef class Readahead:
    """Hold the counters of both kinds of readahead, for one replay. `page_cluster`: log2 of the largest window, 0 to 9.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.counters, 0, sizeof(self.counters))

    def __init__(self, *, page_cluster=3):
        self.max_window = <uint32_t> 1 << <int> whole(page_cluster, "page_cluster", 0, CLUSTER_SHIFT)

    cdef int attach(self, uint32_t pages) except -1:
        if self.pages or self.max_window == 0:
            raise InputError("readahead: it serves one replay")
        if pages > <uint32_t> MAX_PAGES:
            raise InputError(f"readahead over {pages} pages: expected at most {<uint32_t> MAX_PAGES}")
        self.pages = pages
        return 0

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        return 0

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        return LRU_NONE

    cdef void note_hit(self, uint32_t page) noexcept nogil:
        self.counters.swap_ra_hit += 1

    cdef void note_mapped(self, uint32_t page, bint write) noexcept nogil:
        pass

    cdef void note_evicted(self, uint32_t page, bint unused) noexcept nogil:
        self.counters.swap_ra_unused += unused

    def stats(self):
        """Return the counters by the names of a Result, in pages."""
        return counters_dict(readahead_counters_rows, sizeof(readahead_counters), &self.counters)

    def check(self):
        """Assert every invariant."""
        assert self.counters.swap_ra >= self.counters.swap_ra_hit + self.counters.swap_ra_unused


@final
cdef class ClusterReadahead(Readahead):
    """Read pages in neighbouring swap slots: pages evicted together are read together.

    A page gets a slot when it is evicted, and keeps it while it is in DRAM unless it was faulted in by a write
    (should_try_to_free_swap()). Takes 8 bytes a page. swap_cluster_readahead().
    """
    cdef swap_slots area
    cdef uint32_t hits              # swapin_readahead_hits
    cdef uint32_t last_readahead_pages
    cdef uint64_t prev_offset
    cdef uint32_t first             # first slot of the window

    def __cinit__(self):
        memset(&self.area, 0, sizeof(self.area))
        self.hits = FIRST_HITS

    def __dealloc__(self):
        swap_slots_close(&self.area)

    cdef int attach(self, uint32_t pages) except -1:
        Readahead.attach(self, pages)
        if swap_slots_open(&self.area, pages) < 0:
            raise HostMemoryError(f"swap slots of {pages} pages: larger than can be reserved")
        return 0

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        """Select the aligned block of slots around a page's. swapin_nr_pages()."""
        cdef uint32_t slot = self.area.slot_of[page]
        cdef uint32_t hits = self.hits
        cdef uint32_t pages
        if self.max_window == 1:
            return 0
        self.hits = 0
        pages = swapin_nr_pages(self.prev_offset, slot, hits, self.max_window, self.last_readahead_pages)
        if hits == 0:
            self.prev_offset = slot
        self.last_readahead_pages = pages
        # The area's header is in the first block, although it is no page.
        self.first = slot & ~(pages - 1)
        return 0 if pages == 1 else pages

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        cdef uint32_t found = self.area.page_at[self.first + place]
        return found if found < self.pages else LRU_NONE

    cdef void note_hit(self, uint32_t page) noexcept nogil:
        self.counters.swap_ra_hit += 1
        self.hits += 1

    cdef void note_mapped(self, uint32_t page, bint write) noexcept nogil:
        if write:
            swap_slot_free(&self.area, page)

    cdef void note_evicted(self, uint32_t page, bint unused) noexcept nogil:
        self.counters.swap_ra_unused += unused
        swap_slot_alloc(&self.area, page)

    def slots(self):
        """Return the slot of every page; 0 if it has none. O(pages)."""
        return [self.area.slot_of[page] for page in range(self.pages)]

    def check(self):
        """Assert every invariant of windows and slots. O(slots)."""
        cdef uint32_t page, slot, number, listed = 0
        cdef int flag
        Readahead.check(self)
        if self.area.clusters == NULL:
            raise InputError("readahead: it serves no replay yet")
        for page in range(self.pages):
            slot = self.area.slot_of[page]
            assert slot == NO_SLOT or self.area.page_at[slot] == page, f"slot {slot} is not of page {page}"
        for number in range(self.area.cluster_count):
            held = [slot for slot in range(number << CLUSTER_SHIFT, (number + 1) << CLUSTER_SHIFT)
                    if self.area.page_at[slot] != SWAP_NO_PAGE]
            assert len(held) == self.area.clusters[number].count, f"cluster {number} is miscounted"
            full = self.area.clusters[number].flag == FULL
            assert full == (len(held) == SWAPFILE_CLUSTER), f"cluster {number} is in a wrong list"
            listed += not full
        for flag in range(LISTS):
            number = self.area.lists[flag].first
            while number != SWAP_NO_PAGE:
                assert self.area.clusters[number].flag == flag, f"cluster {number} is in a wrong list"
                listed -= 1
                number = self.area.clusters[number].next
        assert listed == 0, "a cluster is in no list"


@final
cdef class VmaReadahead(Readahead):
    """Read pages at neighbouring addresses. Takes 16 bytes a page. swap_vma_readahead().

    Parameters
    ----------
    pages: uint32, the pages in the order of their addresses, one mapping after the other.
    addresses: uint64, the address of each of these in pages; ascending within a mapping.
    mappings: uint32, the place in that order at which each mapping begins; ascending from 0.

    Raises InputError for values out of range, HostMemoryError.
    """
    cdef const uint32_t[::1] pages_by_address
    cdef const uint64_t[::1] addresses
    cdef const uint32_t[::1] mapping_starts
    cdef uint32_t *index_of         # owned; by page, its place in the order
    cdef vma_info *infos            # owned, by mapping
    cdef uint32_t first             # first place of the window

    def __cinit__(self):
        self.index_of = NULL
        self.infos = NULL

    def __init__(
        self, pages, addresses, mappings, *, page_cluster=3,
    ):
        cdef Py_ssize_t mapping
        if self.index_of != NULL:
            raise InputError("readahead: already initialised")
        Readahead.__init__(self, page_cluster=page_cluster)
        self.max_window = min(self.max_window, <uint32_t> 1 << SWAP_RA_ORDER_CEILING)
        self.pages_by_address = uint32s(pages, "pages")
        self.addresses = uint64s(addresses, "addresses")
        self.mapping_starts = uint32s(mappings, "mappings")
        self.check_order()
        self.index_pages()
        self.infos = <vma_info *> mem_calloc(self.mapping_starts.shape[0], sizeof(vma_info))
        if self.infos == NULL:
            raise HostMemoryError(f"{self.mapping_starts.shape[0]} mappings: more than can be reserved")
        for mapping in range(self.mapping_starts.shape[0]):
            self.infos[mapping].hits = FIRST_HITS

    cdef int check_order(self) except -1:
        cdef Py_ssize_t count = self.pages_by_address.shape[0], mappings = self.mapping_starts.shape[0], number
        if not 0 < count <= <Py_ssize_t> MAX_PAGES or self.addresses.shape[0] != count or not 0 < mappings <= count:
            raise InputError("readahead: expected an address for each page, and from one mapping to as many as pages")
        if self.mapping_starts[0] != 0 or self.mapping_starts[mappings - 1] >= count:
            raise InputError("readahead: expected mappings from the first page on")
        for number in range(1, mappings):
            if self.mapping_starts[number] <= self.mapping_starts[number - 1]:
                raise InputError("readahead: expected mappings in the order of their pages")
        return 0

    cdef int index_pages(self) except -1:
        cdef Py_ssize_t count = self.pages_by_address.shape[0], place
        self.index_of = <uint32_t *> mem_alloc(count * sizeof(uint32_t))
        if self.index_of == NULL:
            raise HostMemoryError(f"addresses of {count} pages: larger than can be reserved")
        for place in range(count):
            self.index_of[place] = LRU_NONE
        for place in range(count):
            if self.pages_by_address[place] >= count or self.index_of[self.pages_by_address[place]] != LRU_NONE:
                raise InputError("readahead: expected every page once")
            self.index_of[self.pages_by_address[place]] = <uint32_t> place
        return 0

    def __dealloc__(self):
        mem_free(self.index_of)
        mem_free(self.infos)

    cdef int attach(self, uint32_t pages) except -1:
        if self.infos == NULL or self.pages_by_address.shape[0] != pages:
            raise InputError(f"readahead: expected the addresses of {pages} pages")
        return Readahead.attach(self, pages)

    cdef uint32_t mapping_of(self, uint32_t place) noexcept nogil:
        """Return the mapping of a place. O(log mappings)."""
        cdef uint32_t low = 0, high = <uint32_t> self.mapping_starts.shape[0], middle
        while high - low > 1:
            middle = (low + high) // 2
            if self.mapping_starts[middle] <= place:
                low = middle
            else:
                high = middle
        return low

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        """Select pages around the faulting one, or on one side of it if faults are sequential. swap_vma_ra_win()."""
        cdef uint32_t place = self.index_of[page]
        cdef uint32_t mapping = self.mapping_of(place)
        cdef vma_info *info = &self.infos[mapping]
        cdef uint64_t address = self.addresses[place]
        cdef uint64_t prev = info.address
        cdef uint32_t pages, left
        if self.max_window == 1:
            return 0
        pages = swapin_nr_pages(prev, address, info.hits, self.max_window, info.window)
        info.address = address
        info.window = <uint16_t> pages
        info.hits = 0
        if pages == 1:
            return 0
        if address == prev + 1:
            left = 0
        elif prev == address + 1:
            left = pages - 1
        else:
            left = (pages - 1) // 2
        return self.set_window(mapping, place, left, pages - left)

    cdef uint32_t set_window(self, uint32_t mapping, uint32_t place, uint32_t left, uint32_t right) noexcept nogil:
        """Set the window to `left` addresses before a place's and `right` from it on, within one page table. Return its
        pages."""
        cdef uint64_t address = self.addresses[place]
        cdef uint32_t in_table = address & (PMD_PAGES - 1)
        cdef uint32_t start = self.mapping_starts[mapping]
        cdef uint32_t last = place
        cdef uint32_t end = <uint32_t> self.pages_by_address.shape[0]
        if mapping + 1 < <uint32_t> self.mapping_starts.shape[0]:
            end = self.mapping_starts[mapping + 1]
        left = min(left, in_table)
        right = min(right, PMD_PAGES - in_table)
        self.first = place
        while self.first > start and address - self.addresses[self.first - 1] <= left:
            self.first -= 1
        while last + 1 < end and self.addresses[last + 1] - address < right:
            last += 1
        return last - self.first + 1

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        return self.pages_by_address[self.first + place]

    cdef void note_hit(self, uint32_t page) noexcept nogil:
        """Count a hit for the page's mapping. swap_update_readahead()."""
        cdef uint32_t place = self.index_of[page]
        cdef vma_info *info = &self.infos[self.mapping_of(place)]
        self.counters.swap_ra_hit += 1
        info.address = self.addresses[place]
        info.hits = <uint16_t> min(info.hits + 1, <int> SWAP_RA_HITS_MAX)
