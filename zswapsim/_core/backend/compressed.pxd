"""A pool of compressed pages: slots, whose they are, in which order they leave, and the device that they leave for."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.foliocodec cimport FolioCodec
from zswapsim._core.backend.codecs cimport PoolCodecs
from zswapsim._core.backend.groups cimport PoolGroups, pool_group
from zswapsim._core.backend.rules cimport pool_rules
from zswapsim._core.zsmalloc.slots cimport SlotPool, encoded_page

cdef enum:
    AT_NOWHERE = 0
    AT_POOL = 1
    AT_DEVICE = 2
    AT_MASK = 3
    REFERENCED = 4          # spared once by the shrinker
    IDLE = 8                # zram: not accessed since it was marked
    INCOMPRESSIBLE = 16     # zram: the strongest codec could not make it smaller
    SPARED = 0              # of shrink_one()
    WROTE = 1
    NOTHING_LEFT = 2
    FAILED = 3              # it does not decode, or what is behind takes it not


cdef class CompressedPool(Backend):
    cdef SlotPool slots
    cdef SwapDevice device
    cdef PoolCodecs codecs
    cdef PoolGroups groups
    cdef FolioCodec whole       # for large folios, or None where each page is compressed by itself
    cdef uint32_t *stamps       # owned, one a slot: place in the writeback queue
    cdef uint8_t *states        # owned, one a slot: AT_* with flags
    cdef uint64_t *accessed     # owned, one a slot: the clock at its last access; NULL where that is not tracked
    cdef uint32_t slot_count
    cdef uint64_t target        # frames in use that a private node's shrinker stops at
    cdef bint exclusive         # a load drops the pool's copy
    cdef pool_rules rules
    cdef str node               # whose frames they are, for owners()

    # The slot's content; 0 where contents have no number.
    cdef uint32_t image(self, uint32_t slot) noexcept nogil
    # Puts an encoded page into the pool, and at the end of its group's queue where it has an object. What a slot still
    # held goes after that, which only a slot that stays does.
    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil
    # Brings a page from the device, where it stays. LOAD_* or a negative code.
    cdef int fetch(self, uint32_t slot, uint8_t *page) noexcept nogil
    # A slot is written or read.
    cdef void note_access(self, uint32_t slot) noexcept nogil
    # Empties a slot that has a page.
    cdef void forget(self, uint32_t slot) noexcept nogil
    # Looks at the group's coldest page: SPARED once, WROTE, or FAILED; NOTHING_LEFT; or a negative code.
    cdef int shrink_one(self, pool_group *group) noexcept nogil
    # A page of the pool goes to the device. ZSW_E_FULL, ZSW_E_IO; or it does not decode.
    cdef int write_back_one(self, uint32_t slot) noexcept nogil
    # The same of a folio that was compressed whole, by its first slot.
    cdef int write_back_folio(self, uint32_t first) noexcept nogil
    # What has come of pages that were written back.
    cdef void wrote_back(self, uint32_t first, uint32_t count) noexcept nogil

    cdef int enter(self) except -1
    cdef int open_rules(self, rules) except -1
    cdef int open_groups(self, PoolGroups groups) except -1
    cdef int check_groups(self) except -1
    cdef int check_slot(self, uint32_t slot) except -1
