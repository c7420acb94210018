"""What stands behind swap, as the replay sees it."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport swap_counters
from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    LOAD_DROPPED = 0    # the backend forgot the page: it is dirty now
    LOAD_KEPT = 1       # the backend's copy stays valid until the page is written
    LOAD_LOST = 2       # the page was lost; its process is told, and makes it anew: it is dirty now

cdef enum:
    FOLIO_SPLIT = 1     # of store_folio(): there is no room for all of it, and the folio is to be split

cdef enum:              # what becomes of an access to a page that a mapping backend holds
    TOUCH_FAULT = 0     # it must be brought into DRAM
    TOUCH_READ = 1      # read where it is, without a fault
    TOUCH_MAPPED = 2    # the same after a fault that mapped it
    TOUCH_WRITE = 3     # it may be overwritten where it is

cdef enum:
    E_BUS_ERROR = -64   # a lost page was read, and the run ends with that

# The modelled machine's constants, and what it has spent. Nanoseconds.
ctypedef struct swap_costs:
    double minor_fault
    double major_fault
    double node_latency         # first line from or to the node
    double node_byte            # each byte after that
    double device_read          # a page
    double device_write
    double spent_compress       # codec times as measured; from here on: sums
    double spent_decompress
    double spent_node
    double spent_device
    double spent                # of all four; the faults' own constants are a product of their number
    uint64_t wall_compress      # codec times of this very run; 0 where nothing was compressed
    uint64_t wall_decompress

# Lengths of every content, measured once; owned by whoever made the backend.
ctypedef struct measured_sizes:
    const uint16_t *size            # bytes; NULL where pages are really compressed
    const uint8_t *same_filled      # 1 where the page repeats one word
    const uint32_t *compress_ns
    const uint32_t *decompress_ns


# Charges an amount (ns) to one of the sums, and to the sum of them all.
cdef inline void costs_charge(swap_costs *costs, double *to, double amount) noexcept nogil:
    to[0] += amount
    costs.spent += amount


cdef class Backend:
    cdef swap_costs costs
    cdef swap_counters counters
    cdef FrameArena arena           # the node whose frames it takes, or None
    cdef uint64_t clock             # accesses of the trace so far; set by the replay before each fault
    cdef bint maps                  # pages can be accessed where they are: the replay asks `touch` first
    cdef const uint32_t *image_of   # by slot: which content the page has; borrowed from the replay, or NULL
    cdef bint wants_shrink          # shrink() wants to be called
    # A store can't fail, a load drops the copy, and neither looks at the page: a replay without contents need not call
    # them, and tells their number by `count_swaps`.
    cdef bint counts_only

    # Puts a page into a slot, which is empty before. 0; ZSW_E_FULL where the page must stay in DRAM; any other
    # negative code ends the run. `page` is NULL except at bytes depth.
    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Puts the pages of a large folio into so many slots from `first` on, which are empty before. 0, and all are stored;
    # FOLIO_SPLIT; ZSW_E_FULL where the folio must stay in DRAM; any other negative code ends the run. Unless it is 0,
    # none is stored. `pages`: as many pointers, each as in store().
    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    # Brings a slot's page into `page` (NULL except at bytes depth). LOAD_* or a negative code.
    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil
    # So many stores and loads have been made; only where it counts alone.
    cdef void count_swaps(self, uint64_t stores, uint64_t loads) noexcept nogil
    # Told after each reclaim. 0 or a negative code, which ends the run.
    cdef int shrink(self) noexcept nogil
    # Forgets a slot's page.
    cdef void invalidate(self, uint32_t slot) noexcept nogil
    # Where it maps: an access to a page that a slot holds. TOUCH_* or a negative code; what was read is at `seen`, NULL
    # where it has no bytes.
    cdef int touch(self, uint32_t slot, bint write, const uint8_t **seen) noexcept nogil
    # After TOUCH_WRITE: the slot's page is this now. 0 or a negative code.
    cdef int overwrite(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Readies the backend for `slots` slots whose contents are numbered below `image_count` (0: there are none); `real`:
    # pages come with their bytes. Raises InputError where the backend does not fit that, HostMemoryError.
    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1
