"""Swap to a plain swap device."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.backend cimport FOLIO_SPLIT, LOAD_KEPT, Backend, costs_charge
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.base.errors import InputError


@final
cdef class DiskBackend(Backend):
    """Write every page uncompressed to a swap device, which keeps it until it is written again.

    Parameters: `cost` as for Backend; `device`: the swap device.
    """
    cdef SwapDevice device      # one slot a page

    def __init__(self, cost, SwapDevice device not None):
        super().__init__(cost)
        self.device = device

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        if self.device is None:
            raise InputError("backend: not initialised")
        return Backend.attach(self, slots, image_of, image_count, with_bytes)

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        if self.device.capacity - self.device.used < count:
            return FOLIO_SPLIT
        return Backend.store_folio(self, first, count, pages)

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.device.write(slot, page)
        if code == ZSW_OK:
            self.counters.pswpout += 1
            costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_write)
        return code

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code = self.device.read(slot, page)
        if code < 0:
            return code
        self.counters.pswpin += 1
        costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_read)
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.device.free_slot(slot)

    def usage(self):
        if self.device is None:
            raise InputError("backend: not initialised")
        return super().usage() | {"device_pages": self.device.used, "peak_device_pages": self.device.peak}
