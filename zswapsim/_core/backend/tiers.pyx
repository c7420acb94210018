"""Two tiers: a pool that hands what it can't keep, or keeps no longer, to the pool behind it."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from zswapsim._core.backend.backend cimport LOAD_DROPPED, Backend
from zswapsim._core.base.counters cimport swap_counters
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_OK
from zswapsim._core.backend.compressed cimport AT_DEVICE, AT_MASK, AT_POOL
from zswapsim._core.backend.pooled cimport PooledBackend
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class NextTier(SwapDevice):
    """The pool behind another, as that one sees it: a device, whose pages are compressed."""
    cdef PooledBackend pool

    def __init__(self, PooledBackend pool not None):
        super().__init__(0)
        self.pool = pool
        self.capacity = 0xFFFFFFFF
        self.is_pool = True

    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code
        # Only a tier that serves the same replay has these slots.
        if self.pool is None or slot >= self.pool.slot_count:
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

    cdef void release(self, uint32_t slot) noexcept nogil:
        self.pool.invalidate(slot)
        self.used -= 1


@final
cdef class TieredBackend(Backend):
    """`fast` in front of `slow`; `fast` was made with a NextTier of `slow`. Counters and times are those of both.

    Raises InputError where `fast` has another device.
    """
    cdef readonly PooledBackend fast
    cdef readonly PooledBackend slow
    cdef uint64_t *stored_at        # owned, one a slot: when its page came, counted in stores
    cdef uint32_t slot_count
    cdef uint64_t stores            # so far

    def __cinit__(self):
        self.stored_at = NULL

    def __init__(self, cost, PooledBackend fast not None, PooledBackend slow not None):
        super().__init__(cost)
        if self.fast is not None:
            raise InputError("backend: already initialised")
        if not isinstance(fast.device, NextTier) or (<NextTier> fast.device).pool is not slow:
            raise InputError("tiers: expected the slow pool behind the fast one")
        if fast.rules.slots_stay or slow.rules.slots_stay:
            raise InputError("tiers: expected pools that free a slot when its page is written")
        self.fast = fast
        self.slow = slow
        self.arena = fast.arena
        self.wants_shrink = fast.wants_shrink or slow.wants_shrink

    def __dealloc__(self):
        free(self.stored_at)

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        if self.fast is None or self.stored_at != NULL:
            raise InputError("backend: it serves one replay")
        self.stored_at = <uint64_t *> calloc(slots, sizeof(uint64_t))
        if self.stored_at == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        self.fast.attach(slots, image_of, image_count, real)
        self.slow.attach(slots, image_of, image_count, real)
        self.slot_count = slots
        return Backend.attach(self, slots, image_of, image_count, real)

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code
        self.fast.clock = self.clock
        code = self.fast.store(slot, page)
        if code == ZSW_OK:
            self.stores += 1
            self.stored_at[slot] = self.stores
        self.sum_up()
        return code

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code
        self.fast.clock = self.clock
        code = self.fast.load(slot, page)
        self.sum_up()
        return code

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.fast.invalidate(slot)

    cdef int shrink(self) noexcept nogil:
        cdef int code = self.fast.shrink() if self.fast.wants_shrink else ZSW_OK
        if code == ZSW_OK and self.slow.wants_shrink:
            code = self.slow.shrink()
        self.sum_up()
        return code

    cdef inline void sum_up(self) noexcept nogil:
        """Counters and what was spent, of both tiers, which are there."""
        cdef const uint64_t *first = <const uint64_t *> &self.fast.counters
        cdef const uint64_t *second = <const uint64_t *> &self.slow.counters
        cdef uint64_t *total = <uint64_t *> &self.counters
        cdef size_t i
        for i in range(sizeof(swap_counters) // sizeof(uint64_t)):
            total[i] = first[i] + second[i]
        self.costs.spent_compress = self.fast.costs.spent_compress + self.slow.costs.spent_compress
        self.costs.spent_decompress = self.fast.costs.spent_decompress + self.slow.costs.spent_decompress
        self.costs.spent_node = self.fast.costs.spent_node + self.slow.costs.spent_node
        self.costs.spent_device = self.fast.costs.spent_device + self.slow.costs.spent_device
        self.costs.spent = self.fast.costs.spent + self.slow.costs.spent
        self.costs.wall_compress = self.fast.costs.wall_compress + self.slow.costs.wall_compress
        self.costs.wall_decompress = self.fast.costs.wall_decompress + self.slow.costs.wall_decompress

    cdef uint64_t stale(self) noexcept nogil:
        """LRU inversion: pages in the fast tier that came before the youngest behind it. O(slots)."""
        cdef uint64_t youngest = 0, found = 0
        cdef uint32_t slot
        for slot in range(self.slot_count):
            if self.fast.states[slot] & AT_MASK == AT_DEVICE:
                youngest = max(youngest, self.stored_at[slot])
        for slot in range(self.slot_count):
            found += self.fast.states[slot] & AT_MASK == AT_POOL and self.stored_at[slot] < youngest
        return found

    def stats(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        self.sum_up()
        return Backend.stats(self)

    def held(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        fast, slow = self.fast.held(), self.slow.held()
        both = {name: fast[name] + slow[name] for name in fast}
        device = {name: slow[name] for name in ("device_pages", "peak_device_pages")}
        return both | device | {"fast_pages": fast["stored_pages"], "stale_pages": self.stale()}

    def owners(self):
        if self.fast is None:
            raise InputError("backend: not initialised")
        return self.slow.owners() | self.fast.owners()

    def check(self):
        """Assert every invariant of both tiers, and that no page is in both. O(slots + objects)."""
        cdef uint32_t slot
        if self.fast is None:
            raise InputError("backend: not initialised")
        self.fast.check()
        self.slow.check()
        for slot in range(self.slot_count):
            behind = self.fast.states[slot] & AT_MASK == AT_DEVICE
            assert behind == (self.slow.states[slot] & AT_MASK != 0), f"slot {slot} is lost between the tiers"
