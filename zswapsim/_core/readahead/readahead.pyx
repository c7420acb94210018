"""Swap readahead: which pages are brought in beside one that is faulted in (mm/swap_state.c of Linux 6.18).

Windows are those of the kernel, to the page. What is done with them, the replay says: pages outside of DRAM come into
the swap cache, that is into a frame and on the reclaimer's list, but are mapped by the fault that accesses them.
"""

from cython cimport final

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from zswapsim._core.base.counters cimport counters_dict, readahead_counters, readahead_counters_rows
from zswapsim._core.lru.log cimport LRU_NONE
from zswapsim._core.readahead.swap_slots cimport (
    CLUSTER_SHIFT, FULL, LISTS, NO_SLOT, SWAP_NO_PAGE, SWAPFILE_CLUSTER, slots_close, slots_give, slots_open,
    slots_take,
)
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    SWAP_RA_ORDER_CEILING = 5
    SWAP_RA_HITS_MAX = 63       # (1 << PAGE_SHIFT / 2) - 1
    PMD_PAGES = 512             # a window stays in what one page table maps
    MOST_PAGES = 0x7FFFFFFF


cdef dict no_readahead_counters():
    return counters_dict(readahead_counters_rows, sizeof(readahead_counters), NULL)


cdef inline uint32_t swapin_pages(
    uint64_t before, uint64_t now, uint32_t hits, uint32_t most, uint32_t last
) noexcept nogil:
    """Pages of the next window, from where the last one was, its hits and its pages. __swapin_nr_pages()."""
    cdef uint32_t pages = 4
    if hits == 0:
        # So that it begins at all: an access next to the last one stands for a hit.
        pages = 2 if now == before + 1 or now == before - 1 else 1
    while hits and pages < hits + 2:
        pages *= 2
    return max(min(pages, most), last // 2)


cdef class Readahead:
    """Base of both kinds. `page_cluster`: the largest window is 1 << page_cluster pages, 0 to 9. Serves one replay.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.counters, 0, sizeof(self.counters))

    def __init__(self, *, int page_cluster=3):
        if not 0 <= page_cluster <= CLUSTER_SHIFT:
            raise InputError(f"page_cluster {page_cluster}: expected 0 to {<int> CLUSTER_SHIFT}")
        self.most = <uint32_t> 1 << page_cluster

    cdef int attach(self, uint32_t pages) except -1:
        if self.pages or self.most == 0:
            raise InputError("readahead: it serves one replay")
        if pages > <uint32_t> MOST_PAGES:
            raise InputError(f"readahead over {pages} pages: expected at most {<uint32_t> MOST_PAGES}")
        self.pages = pages
        return 0

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        return 0

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        return LRU_NONE

    cdef void hit(self, uint32_t page) noexcept nogil:
        self.counters.swap_ra_hit += 1

    cdef void mapped(self, uint32_t page, bint write) noexcept nogil:
        pass

    cdef void evicted(self, uint32_t page, bint unused) noexcept nogil:
        self.counters.swap_ra_unused += unused

    def stats(self):
        """Counters by the names of a Result; pages."""
        return counters_dict(readahead_counters_rows, sizeof(readahead_counters), &self.counters)

    def check(self):
        """Assert every invariant."""
        assert self.counters.swap_ra >= self.counters.swap_ra_hit + self.counters.swap_ra_unused


@final
cdef class ClusterReadahead(Readahead):
    """Pages in neighbouring slots of the swap area: what was evicted together is read together.

    A page gets a slot when it is evicted, and keeps it while it is in DRAM unless the fault that brought it was a
    write (should_try_to_free_swap()). Takes 8 bytes a page. swap_cluster_readahead().
    """
    cdef swap_slots area
    cdef uint32_t hits              # swapin_readahead_hits
    cdef uint32_t last_pages        # last_readahead_pages
    cdef uint64_t before            # prev_offset
    cdef uint32_t first             # slot of the window

    def __cinit__(self):
        memset(&self.area, 0, sizeof(self.area))
        self.hits = FIRST_HITS

    def __dealloc__(self):
        slots_close(&self.area)

    cdef int attach(self, uint32_t pages) except -1:
        Readahead.attach(self, pages)
        if slots_open(&self.area, pages) < 0:
            raise HostMemoryError(f"swap slots of {pages} pages: larger than can be reserved")
        return 0

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        """An aligned block of slots. swapin_nr_pages()."""
        cdef uint32_t slot = self.area.slot_of[page]
        cdef uint32_t hits = self.hits
        cdef uint32_t pages
        if self.most == 1:
            return 0
        self.hits = 0
        pages = swapin_pages(self.before, slot, hits, self.most, self.last_pages)
        if hits == 0:
            self.before = slot
        self.last_pages = pages
        # The header is no page, but in the block.
        self.first = slot & ~(pages - 1)
        return 0 if pages == 1 else pages

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        cdef uint32_t found = self.area.page_at[self.first + place]
        return found if found < self.pages else LRU_NONE

    cdef void hit(self, uint32_t page) noexcept nogil:
        self.counters.swap_ra_hit += 1
        self.hits += 1

    cdef void mapped(self, uint32_t page, bint write) noexcept nogil:
        if write:
            slots_give(&self.area, page)

    cdef void evicted(self, uint32_t page, bint unused) noexcept nogil:
        self.counters.swap_ra_unused += unused
        slots_take(&self.area, page)

    def slots(self):
        """The slot of every page; 0 where it has none. O(pages)."""
        return [self.area.slot_of[page] for page in range(self.pages)]

    def check(self):
        """Assert every invariant of windows and slots. O(slots)."""
        cdef uint32_t page, slot, number, listed = 0
        cdef int which
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
        for which in range(LISTS):
            number = self.area.lists[which].first
            while number != SWAP_NO_PAGE:
                assert self.area.clusters[number].flag == which, f"cluster {number} is in a wrong list"
                listed -= 1
                number = self.area.clusters[number].after
        assert listed == 0, "a cluster is in no list"


@final
cdef class VmaReadahead(Readahead):
    """Pages at neighbouring addresses. Takes 16 bytes a page. swap_vma_readahead().

    Parameters
    ----------
    pages: uint32, the pages in the order of their addresses, one mapping after the other.
    addresses: uint64 of each of these, in pages; ascending in a mapping.
    mappings: uint32, where in that order each mapping begins; ascending from 0.

    Raises InputError for values out of range, HostMemoryError.
    """
    cdef const uint32_t[::1] order
    cdef const uint64_t[::1] addresses
    cdef const uint32_t[::1] starts
    cdef uint32_t *place_of         # owned, by page: its place in the order
    cdef vma_info *infos            # owned, by mapping
    cdef uint32_t first             # place of the window

    def __cinit__(self):
        self.place_of = NULL
        self.infos = NULL

    def __init__(
        self, const uint32_t[::1] pages not None, const uint64_t[::1] addresses not None,
        const uint32_t[::1] mappings not None, *, int page_cluster=3,
    ):
        cdef Py_ssize_t mapping
        if self.place_of != NULL:
            raise InputError("readahead: already initialised")
        Readahead.__init__(self, page_cluster=min(page_cluster, <int> SWAP_RA_ORDER_CEILING))
        self.order = pages
        self.addresses = addresses
        self.starts = mappings
        self.check_order()
        self.give_places()
        self.infos = <vma_info *> calloc(mappings.shape[0], sizeof(vma_info))
        if self.infos == NULL:
            raise HostMemoryError(f"{mappings.shape[0]} mappings: more than can be reserved")
        for mapping in range(mappings.shape[0]):
            self.infos[mapping].hits = FIRST_HITS

    cdef int check_order(self) except -1:
        cdef Py_ssize_t count = self.order.shape[0], mappings = self.starts.shape[0], number
        if not 0 < count <= <Py_ssize_t> MOST_PAGES or self.addresses.shape[0] != count or not 0 < mappings <= count:
            raise InputError("readahead: expected an address for each page, and from one mapping to as many as pages")
        if self.starts[0] != 0 or self.starts[mappings - 1] >= count:
            raise InputError("readahead: expected mappings from the first page on")
        for number in range(1, mappings):
            if self.starts[number] <= self.starts[number - 1]:
                raise InputError("readahead: expected mappings in the order of their pages")
        return 0

    cdef int give_places(self) except -1:
        cdef Py_ssize_t count = self.order.shape[0], place
        self.place_of = <uint32_t *> malloc(count * sizeof(uint32_t))
        if self.place_of == NULL:
            raise HostMemoryError(f"addresses of {count} pages: larger than can be reserved")
        for place in range(count):
            self.place_of[place] = LRU_NONE
        for place in range(count):
            if self.order[place] >= count or self.place_of[self.order[place]] != LRU_NONE:
                raise InputError("readahead: expected every page once")
            self.place_of[self.order[place]] = <uint32_t> place
        return 0

    def __dealloc__(self):
        free(self.place_of)
        free(self.infos)

    cdef int attach(self, uint32_t pages) except -1:
        if self.infos == NULL or self.order.shape[0] != pages:
            raise InputError(f"readahead: expected the addresses of {pages} pages")
        return Readahead.attach(self, pages)

    cdef uint32_t mapping_of(self, uint32_t place) noexcept nogil:
        """O(log mappings)."""
        cdef uint32_t low = 0, high = <uint32_t> self.starts.shape[0], middle
        while high - low > 1:
            middle = (low + high) // 2
            if self.starts[middle] <= place:
                low = middle
            else:
                high = middle
        return low

    cdef uint32_t window(self, uint32_t page) noexcept nogil:
        """Pages around it, or on the side that the last fault came from the other side of. swap_vma_ra_win()."""
        cdef uint32_t place = self.place_of[page]
        cdef uint32_t mapping = self.mapping_of(place)
        cdef vma_info *info = &self.infos[mapping]
        cdef uint64_t address = self.addresses[place]
        cdef uint64_t before = info.address
        cdef uint32_t pages, behind
        if self.most == 1:
            return 0
        pages = swapin_pages(before, address, info.hits, self.most, info.window)
        info.address = address
        info.window = <uint16_t> pages
        info.hits = 0
        if pages == 1:
            return 0
        if address == before + 1:
            behind = 0
        elif before == address + 1:
            behind = pages - 1
        else:
            behind = (pages - 1) // 2
        return self.around(mapping, place, behind, pages - behind)

    cdef uint32_t around(self, uint32_t mapping, uint32_t place, uint32_t behind, uint32_t ahead) noexcept nogil:
        """Sets the window to so many addresses before one, and so many from it on, that one page table maps."""
        cdef uint64_t address = self.addresses[place]
        cdef uint32_t in_table = address & (PMD_PAGES - 1)
        cdef uint32_t start = self.starts[mapping]
        cdef uint32_t last = place
        cdef uint32_t end = <uint32_t> self.order.shape[0]
        if mapping + 1 < <uint32_t> self.starts.shape[0]:
            end = self.starts[mapping + 1]
        behind = min(behind, in_table)
        ahead = min(ahead, PMD_PAGES - in_table)
        self.first = place
        while self.first > start and address - self.addresses[self.first - 1] <= behind:
            self.first -= 1
        while last + 1 < end and self.addresses[last + 1] - address < ahead:
            last += 1
        return last - self.first + 1

    cdef uint32_t candidate(self, uint32_t place) noexcept nogil:
        return self.order[self.first + place]

    cdef void hit(self, uint32_t page) noexcept nogil:
        """swap_update_readahead()."""
        cdef uint32_t place = self.place_of[page]
        cdef vma_info *info = &self.infos[self.mapping_of(place)]
        self.counters.swap_ra_hit += 1
        info.address = self.addresses[place]
        info.hits = <uint16_t> min(info.hits + 1, <int> SWAP_RA_HITS_MAX)
