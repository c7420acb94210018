"""Define the base class of all backends, which the engine swaps out to and swaps in from."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.counters cimport swap_counters
from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    LOAD_DROPPED = 0    # the backend forgot the page: it is dirty now
    LOAD_KEPT = 1       # the backend's copy stays valid until the page is written
    LOAD_LOST = 2       # the page was lost; its process got a bus error and wrote it again: it is dirty now

cdef enum:
    FOLIO_SPLIT = 1     # of store_folio(): there is no room for the whole folio; split it

cdef enum:              # results of access_mapped()
    ACCESS_FAULT = 0    # the page must be loaded into DRAM
    ACCESS_READ = 1     # the page was read in place, without a fault
    ACCESS_MAP = 2      # the page was read in place after a fault that mapped it
    ACCESS_WRITE = 3    # the page may be written in place

cdef enum:
    E_BUS_ERROR = -64   # a lost page was read, and the bus error ends the run

# The constants of the modelled machine, and the time charged so far, in nanoseconds.
ctypedef struct swap_costs:
    double minor_fault
    double major_fault
    double node_latency         # first cache line from or to the node
    double node_byte            # each further byte
    double device_read          # read of a page
    double device_write         # write of a page
    double charged_compress_ns  # sum of measured codec times; the fields from here on are sums
    double charged_decompress_ns
    double charged_node_ns
    double charged_device_ns
    double charged_ns           # the sum of these four; the engine multiplies faults by their constants
    uint64_t wall_compress      # codec times of this run; 0 if nothing was compressed
    uint64_t wall_decompress

# The measured sizes of all images, by image number; owned by the Python object that opened the backend.
ctypedef struct measured_sizes:
    const uint16_t *size            # compressed bytes; NULL if pages are really compressed
    const uint8_t *same_filled      # 1 if the image repeats one word
    const uint32_t *compress_ns
    const uint32_t *decompress_ns


# Charge an amount (ns) to one of the sums, and to their total.
cdef inline void costs_charge(swap_costs *costs, double *account, double amount) noexcept nogil:
    account[0] += amount
    costs.charged_ns += amount


cdef class Backend:
    cdef swap_costs costs
    cdef swap_counters counters
    cdef FrameArena arena           # the node whose frames the backend uses, or None
    cdef uint64_t clock             # accesses of the trace so far; the engine sets it before each fault
    cdef bint maps_pages            # pages can be accessed in place: the engine calls access_mapped() before load()
    cdef const uint32_t *image_of   # by slot, the number of the page's image; borrowed from the engine, or NULL
    cdef bint wants_shrink          # the engine calls shrink() after each reclaim
    # A store can't fail, a load frees the slot, and neither looks at the page: an engine without contents may skip
    # these calls and pass their number to count_swaps().
    cdef bint counts_only

    # Store a page in an empty slot. Return 0; ZSW_E_FULL if the page must stay in DRAM; any other negative code ends
    # the run. `page` is NULL except at bytes depth.
    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Store the pages of a large folio in `count` empty slots from `first` on. Return 0 if all are stored; FOLIO_SPLIT;
    # ZSW_E_FULL if the folio must stay in DRAM; any other negative code ends the run. Unless it returns 0, no page is
    # stored. `pages`: a pointer for each page, as in store().
    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil
    # Load the page of a slot into `page` (NULL except at bytes depth). Return LOAD_* or a negative code.
    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil
    # Count stores and loads that were skipped; only called with counts_only.
    cdef void count_swaps(self, uint64_t stores, uint64_t loads) noexcept nogil
    # Run the backend's shrinker after a reclaim. Return 0 or a negative code, which ends the run.
    cdef int shrink(self) noexcept nogil
    # Free a slot that has a page.
    cdef void invalidate(self, uint32_t slot) noexcept nogil
    # Access the page of a slot in place, if the backend maps pages. Return ACCESS_* or a negative code. A read sets
    # data[0] to the bytes, or leaves it NULL if there are none.
    cdef int access_mapped(self, uint32_t slot, bint write, const uint8_t **data) noexcept nogil
    # Write the page of a slot in place, after ACCESS_WRITE. Return 0 or a negative code.
    cdef int write_mapped(self, uint32_t slot, const uint8_t *page) noexcept nogil
    # Prepare the backend for `slots` slots with images numbered below `image_count` (0: without contents).
    # `with_bytes`: the run is at bytes depth. Raises InputError if the backend does not fit that, HostMemoryError.
    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1
