"""Define the base class of all backends."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.counters cimport (
    counters_dict, swap_counters, swap_counters_rows, usage_counters, usage_counters_rows,
)
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.errors import InputError


cdef class Backend:
    """Store pages that are swapped out. `cost`: the constants of a CostModel, in its order.

    Raises InputError if a constant is negative or the bandwidth is 0.
    """

    def __cinit__(self):
        memset(&self.costs, 0, sizeof(swap_costs))
        memset(&self.counters, 0, sizeof(swap_counters))
        self.image_of = NULL
        self.wants_shrink = False
        self.counts_only = False

    def __init__(self, cost):
        minor, major, latency, bandwidth, read, write = (float(value) for value in cost)
        if min(minor, major, latency, read, write) < 0 or bandwidth <= 0:
            raise InputError(f"cost model {tuple(cost)}: expected times of at least 0 and a bandwidth above 0")
        self.costs.minor_fault = minor
        self.costs.major_fault = major
        self.costs.node_latency = latency
        self.costs.node_byte = 1.0 / bandwidth
        self.costs.device_read = read
        self.costs.device_write = write

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        self.image_of = image_of
        return 0

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        return ZSW_OK

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        cdef uint32_t i
        cdef int code
        for i in range(count):
            code = self.store(first + i, pages[i])
            if code < 0:
                while i:
                    i -= 1
                    self.invalidate(first + i)
                return FOLIO_SPLIT if code == ZSW_E_FULL else code
        return ZSW_OK

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        return LOAD_DROPPED

    cdef void count_swaps(self, uint64_t stores, uint64_t loads) noexcept nogil:
        pass

    cdef int shrink(self) noexcept nogil:
        return ZSW_OK

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        pass

    cdef int access_mapped(self, uint32_t slot, bint write, const uint8_t **data) noexcept nogil:
        return ACCESS_FAULT

    cdef int write_mapped(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        return ZSW_OK

    def stats(self):
        """Return the counters by the names of a Result: pages, and sizes in bytes."""
        return counters_dict(swap_counters_rows, sizeof(swap_counters), &self.counters) | self.usage()

    def usage(self):
        """Return the present usage by the names of a Result: pages, and sizes in bytes."""
        return counters_dict(usage_counters_rows, sizeof(usage_counters), NULL)

    def times(self, uint64_t minor_faults, uint64_t major_faults):
        """Return the measured codec time (`wall`), and modelled time by cause, in nanoseconds, for these faults."""
        cdef double faults = minor_faults * self.costs.minor_fault + major_faults * self.costs.major_fault
        return {
            "wall": {"compress": self.costs.wall_compress, "decompress": self.costs.wall_decompress},
            "modelled": {
                "fault": faults,
                "compress": self.costs.charged_compress_ns,
                "decompress": self.costs.charged_decompress_ns,
                "node": self.costs.charged_node_ns,
                "device": self.costs.charged_device_ns,
                "total": faults + self.costs.charged_ns,
            },
        }

    def owners(self):
        """Return the frames by owner of every node that the backend uses."""
        return {}

    def check(self):
        """Assert every invariant."""
