"""What stands behind swap, as the replay sees it; and the two that need no pool."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.counters cimport (
    counters_dict, swap_counters, swap_counters_rows, usage_counters, usage_counters_rows,
)
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.errors import InputError


cdef class Backend:
    """Base of all backends. `cost`: the constants of a CostModel, in its order.

    Raises InputError where a constant is negative or the bandwidth is 0.
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

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
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

    cdef int touch(self, uint32_t slot, bint write, const uint8_t **seen) noexcept nogil:
        return TOUCH_FAULT

    cdef int overwrite(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        return ZSW_OK

    def stats(self):
        """Counters by the names of a Result: pages, and sizes in bytes."""
        return counters_dict(swap_counters_rows, sizeof(swap_counters), &self.counters) | self.held()

    def held(self):
        """What is stored now, by the names of a Result: pages, and sizes in bytes."""
        return counters_dict(usage_counters_rows, sizeof(usage_counters), NULL)

    def times(self, uint64_t minor_faults, uint64_t major_faults):
        """Measured codec time (`wall`) and modelled time by cause, in nanoseconds, after so many faults."""
        cdef double faults = minor_faults * self.costs.minor_fault + major_faults * self.costs.major_fault
        return {
            "wall": {"compress": self.costs.wall_compress, "decompress": self.costs.wall_decompress},
            "modelled": {
                "fault": faults,
                "compress": self.costs.spent_compress,
                "decompress": self.costs.spent_decompress,
                "node": self.costs.spent_node,
                "device": self.costs.spent_device,
                "total": faults + self.costs.spent,
            },
        }

    def owners(self):
        """Frames by owner of every node that the backend uses."""
        return {}

    def check(self):
        """Assert every invariant."""


@final
cdef class CountingBackend(Backend):
    """A pool without end, of pages without contents: counts stores and loads.

    Parameters: `cost` as for Backend; `exclusive`, whether a load drops the copy.
    """
    cdef bint exclusive
    cdef uint64_t stored

    def __init__(self, cost, *, bint exclusive=True):
        super().__init__(cost)
        self.exclusive = self.counts_only = exclusive

    cdef void count_swaps(self, uint64_t stores, uint64_t loads) noexcept nogil:
        self.counters.zswpout += stores
        self.counters.zswpin += loads
        self.stored += stores - loads

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        self.counters.zswpout += 1
        self.stored += 1
        return ZSW_OK

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        self.counters.zswpin += 1
        if not self.exclusive:
            return LOAD_KEPT
        self.stored -= 1
        return LOAD_DROPPED

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.stored -= 1

    def held(self):
        return super().held() | {"stored_pages": self.stored}


@final
cdef class DiskBackend(Backend):
    """A plain swap device: every page is written as it is, and stays there until it is written again.

    Parameters: `cost` as for Backend; `device`, where pages go.
    """
    cdef SwapDevice device

    def __init__(self, cost, SwapDevice device not None):
        super().__init__(cost)
        self.device = device

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        if self.device is None:
            raise InputError("backend: not initialised")
        return Backend.attach(self, slots, image_of, image_count, real)

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        if self.device.capacity - self.device.used < count:
            return FOLIO_SPLIT
        return Backend.store_folio(self, first, count, pages)

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.device.write(slot, page)
        if code == ZSW_OK:
            self.counters.pswpout += 1
            costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
        return code

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code = self.device.read(slot, page)
        if code < 0:
            return code
        self.counters.pswpin += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_read)
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.device.release(slot)

    def held(self):
        if self.device is None:
            raise InputError("backend: not initialised")
        return super().held() | {"device_pages": self.device.used, "peak_device_pages": self.device.peak}
