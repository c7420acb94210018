"""Combine two tiers: the fast backend passes pages that it rejects or writes back to the slow one."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.backend.backend cimport LOAD_DROPPED, Backend
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.counters cimport swap_counters
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport mem_calloc, mem_free
from zswapsim._core.backend.compressed cimport CompressedBackend
from zswapsim._core.backend.writeback cimport SLOT_AT_DEVICE, SLOT_AT_NONE, SLOT_AT_POOL, slot_place
from zswapsim._core.backend.zram cimport ZramBackend
from zswapsim._core.base.errors import HostMemoryError, InputError


cdef bint keeps_slots(CompressedBackend backend):
    """Return True if slots keep their pages until they are overwritten, which only zram can be set to do."""
    return isinstance(backend, ZramBackend) and (<ZramBackend> backend).keep_slots


@final
cdef class NextTier(SwapDevice):
    """Present the slow backend to the fast one as a swap device."""
    cdef CompressedBackend pool         # the slow backend, in the role of the device

    def __init__(self, CompressedBackend pool not None):
        super().__init__(0)
        self.pool = pool
        self.capacity = 0xFFFFFFFF
        self.is_tier = True

    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code
        # Only a backend that serves the same replay has these slots.
        if self.pool is None or slot >= self.pool.table.count:
            return ZSW_E_FULL
        code = self.pool.store(slot, page)
        if code == ZSW_OK:
            self.used += 1
            self.peak = max(self.peak, self.used)
        return code

    cdef int read(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code = self.pool.load(slot, page)
        if code == LOAD_DROPPED:
            self.used -= 1
        return code

    cdef void free_slot(self, uint32_t slot) noexcept nogil:
        self.pool.invalidate(slot)
        self.used -= 1


@final
cdef class TieredBackend(Backend):
    """Put the `fast` backend in front of the `slow` one. Counters and times are the sums of both.

    Raises InputError unless the device of `fast` is a NextTier of `slow`.
    """
    cdef readonly CompressedBackend fast
    cdef readonly CompressedBackend slow
    cdef uint64_t *store_order      # owned; by slot, the number of the store of its page
    cdef uint32_t slot_count
    cdef uint64_t stores            # number of stores so far

    def __cinit__(self):
        self.store_order = NULL

    def __init__(self, cost, CompressedBackend fast not None, CompressedBackend slow not None):
        super().__init__(cost)
        if self.fast is not None:
            raise InputError("backend: already initialised")
        if not isinstance(fast.device, NextTier) or (<NextTier> fast.device).pool is not slow:
            raise InputError("tiers: expected the slow pool behind the fast one")
        if keeps_slots(fast) or keeps_slots(slow):
            raise InputError("tiers: expected pools that free a slot when its page is written")
        self.fast = fast
        self.slow = slow
        self.arena = fast.arena
        self.wants_shrink = fast.wants_shrink or slow.wants_shrink

    def __dealloc__(self):
        mem_free(self.store_order)

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        if self.fast is None or self.store_order != NULL:
            raise InputError("backend: it serves one replay")
        self.store_order = <uint64_t *> mem_calloc(slots, sizeof(uint64_t))
        if self.store_order == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        self.fast.attach(slots, image_of, image_count, with_bytes)
        self.slow.attach(slots, image_of, image_count, with_bytes)
        self.slot_count = slots
        return Backend.attach(self, slots, image_of, image_count, with_bytes)

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code
        self.fast.clock = self.clock
        code = self.fast.store(slot, page)
        if code == ZSW_OK:
            self.stores += 1
            self.store_order[slot] = self.stores
        self.add_tiers()
        return code

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Store the pages of a folio one by one. Writeback of zram on request may have demoted pages since the counters
        were added last. Those are not this folio's: its caller counts by how many zswpout rises here."""
        cdef uint64_t known = self.counters.zswpout, before
        cdef int code
        self.add_tiers()
        before = self.counters.zswpout
        code = Backend.store_folio(self, first, count, pages)
        self.add_tiers()
        self.counters.zswpout -= before - known
        return code

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code
        self.fast.clock = self.clock
        code = self.fast.load(slot, page)
        self.add_tiers()
        return code

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.fast.invalidate(slot)

    cdef int shrink(self) noexcept nogil:
        cdef int code = self.fast.shrink() if self.fast.wants_shrink else ZSW_OK
        if code == ZSW_OK and self.slow.wants_shrink:
            code = self.slow.shrink()
        self.add_tiers()
        return code

    cdef inline void add_tiers(self) noexcept nogil:
        """Add the counters and charged times of both tiers."""
        cdef const uint64_t *first = <const uint64_t *> &self.fast.counters
        cdef const uint64_t *second = <const uint64_t *> &self.slow.counters
        cdef uint64_t *total = <uint64_t *> &self.counters
        cdef size_t i
        for i in range(sizeof(swap_counters) // sizeof(uint64_t)):
            total[i] = first[i] + second[i]
        self.costs.charged_compress_ns = self.fast.costs.charged_compress_ns + self.slow.costs.charged_compress_ns
        self.costs.charged_decompress_ns = self.fast.costs.charged_decompress_ns + self.slow.costs.charged_decompress_ns
        self.costs.charged_node_ns = self.fast.costs.charged_node_ns + self.slow.costs.charged_node_ns
        self.costs.charged_device_ns = self.fast.costs.charged_device_ns + self.slow.costs.charged_device_ns
        self.costs.charged_ns = self.fast.costs.charged_ns + self.slow.costs.charged_ns
        self.costs.wall_compress = self.fast.costs.wall_compress + self.slow.costs.wall_compress
        self.costs.wall_decompress = self.fast.costs.wall_decompress + self.slow.costs.wall_decompress

    cdef uint64_t count_stale_pages(self) noexcept nogil:
        """Return the pages of the fast tier older than the youngest of the slow one (LRU inversion). O(slots)."""
        cdef uint64_t youngest = 0, count = 0
        cdef uint32_t slot
        for slot in range(self.slot_count):
            if slot_place(&self.fast.table, slot) == SLOT_AT_DEVICE:
                youngest = max(youngest, self.store_order[slot])
        for slot in range(self.slot_count):
            count += slot_place(&self.fast.table, slot) == SLOT_AT_POOL and self.store_order[slot] < youngest
        return count

    def stats(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        self.add_tiers()
        return Backend.stats(self)

    def usage(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        fast, slow = self.fast.usage(), self.slow.usage()
        both = {name: fast[name] + slow[name] for name in fast}
        device = {name: slow[name] for name in ("device_pages", "peak_device_pages")}
        return both | device | {"fast_pages": fast["stored_pages"], "stale_pages": self.count_stale_pages()}

    def owners(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        return self.slow.owners() | self.fast.owners()

    def check(self):
        """Assert every invariant of both tiers, and that no page is in both. O(slots + objects)."""
        cdef uint32_t slot
        cdef bint in_slow, stored
        if self.fast is None:
            raise InputError("backend: not initialised")
        self.fast.check()
        self.slow.check()
        for slot in range(self.slot_count):
            in_slow = slot_place(&self.fast.table, slot) == SLOT_AT_DEVICE
            stored = slot_place(&self.slow.table, slot) != SLOT_AT_NONE
            assert in_slow == stored, f"slot {slot} is lost between the tiers"
