"""Define the base class of all backends."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport number, whole
from zswapsim._core.base.counters cimport (
    counters_dict, swap_counters, swap_counters_rows, usage_counters, usage_counters_rows,
)
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.errors import InputError

cdef double MOST_COST = 1e15     # nanoseconds: 11 days


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
        try:
            constants = tuple(cost)
        except ValueError as error:  # of a buffer that was released
            raise InputError(f"cost model: {error}") from None
        if len(constants) != 6:
            raise InputError(f"cost model of {len(constants)} constants: expected those of a CostModel")
        minor, major, latency, bandwidth, read, write = (number(value, "cost", 0, MOST_COST) for value in constants)
        if bandwidth == 0:
            raise InputError("cost model: expected a bandwidth above 0")
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

    def times(self, minor_faults, major_faults):
        """Return the measured codec time (`wall`), and modelled time by cause, in nanoseconds, for these faults."""
        cdef uint64_t minor = whole(minor_faults, "minor_faults", 0, (1 << 64) - 1)
        cdef uint64_t major = whole(major_faults, "major_faults", 0, (1 << 64) - 1)
        cdef double faults = minor * self.costs.minor_fault + major * self.costs.major_fault
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
