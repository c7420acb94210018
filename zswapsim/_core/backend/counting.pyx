"""Count stores and loads, for runs without contents."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag
from zswapsim._core.backend.backend cimport LOAD_DROPPED, LOAD_KEPT, Backend
from zswapsim._core.base.errors cimport ZSW_OK


@final
cdef class CountingBackend(Backend):
    """Count stores and loads of pages without contents, in a pool that is never full.

    Parameters: `cost` as for Backend; `exclusive`: a load frees the slot.
    """
    cdef bint exclusive         # a load frees the slot
    cdef uint64_t stored        # pages in the pool

    def __init__(self, cost, *, exclusive=True):
        super().__init__(cost)
        self.exclusive = self.counts_only = flag(exclusive, "exclusive")

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

    def usage(self):
        return super().usage() | {"stored_pages": self.stored}
