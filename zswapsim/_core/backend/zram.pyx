"""Swap to zram, a block device in DRAM.

It follows drivers/block/zram/zram_drv.c of Linux 6.18. A page that zram rejects is a failed write, and stays in DRAM.
Slots are written back to the backing device only on request: zram_writeback and zram_recompress work on chosen slots,
zram_slots chooses slots and marks idle ones.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.backend.backend cimport LOAD_DROPPED
from zswapsim._core.backend.compressed cimport REJECTED, UINT64_MAX, CompressedBackend, rule
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport SLOT_AT_DEVICE, slot_place
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_FULL
from zswapsim._core.base.memory cimport mem_calloc, mem_free
from zswapsim._core.codec.codec cimport Codec
from zswapsim._core.frames.arena cimport Grant
from zswapsim._core.zsmalloc.slots cimport SLOT_EMPTY, SLOT_SAME_FILLED, encoded_page, slot_entry
from zswapsim._core.base.errors import HostMemoryError


@final
cdef class ZramBackend(CompressedBackend):
    """Keep compressed pages in DRAM as a block device does.

    A page is huge if it compresses to huge_class_size bytes of the pool or more; zram stores a huge page uncompressed:
    zram_write_page() in zram_drv.c. is_huge() in zsmalloc/huge.pxd decides that for every backend, with the size that
    each has chosen.

    Parameters are those of CompressedBackend, and:
    rules: an object with the fields of zswapsim.backends.rules.ZramRules.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        self.access_time = NULL

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *, rules,
        recompressors=(), chain_size=8, exclusive=True, node="dram",
    ):
        limit, keeps, tracks = rule(rules, "mem_limit"), rule(rules, "keep_slots"), rule(rules, "track_access_time")
        super().__init__(
            cost, grant, device, codec, measured, recompressors=recompressors, chain_size=chain_size,
            max_slots=rule(rules, "disksize"), exclusive=exclusive, node=node,
        )
        self.mem_limit = whole(limit, "mem_limit", 0, UINT64_MAX)
        self.keep_slots = flag(keeps, "keep_slots")
        self.tracks_access = flag(tracks, "track_access_time")

    def __dealloc__(self):
        mem_free(self.access_time)

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        CompressedBackend.attach(self, slots, image_of, image_count, with_bytes)
        if self.tracks_access:
            self.access_time = <uint64_t *> mem_calloc(slots, sizeof(uint64_t))
            if self.access_time == NULL:
                raise HostMemoryError("backend: the host is out of memory")
        return 0

    # -- write ---------------------------------------------------------------------------------------------------------

    cdef int check_limits(self, uint32_t first, uint32_t count) noexcept nogil:
        """Check disksize, which limits the pages in memory and on the backing device together."""
        return self.check_max_slots(first, count)

    cdef int store_page(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """Compress and store a page: zram_write_page() in zram_drv.c."""
        cdef encoded_page encoded
        cdef int code = self.codecs.encode(self.image(slot), page, &self.costs, &encoded)
        if code == ZSW_E_CODEC:
            return REJECTED
        if code < 0:
            return code
        if self.mem_limit != UINT64_MAX and self.exceeds_mem_limit(&encoded):
            return REJECTED
        code = self.insert(slot, &encoded)
        return REJECTED if code == ZSW_E_FULL else code

    cdef bint exceeds_mem_limit(self, const encoded_page *encoded) noexcept nogil:
        """Check mem_limit: zram_can_store_page() in zram_drv.c. zram allocates first, so the peak includes the page."""
        cdef uint64_t needed = 0 if encoded.kind == SLOT_SAME_FILLED else self.slots.pool.frames_needed(encoded.length)
        cdef uint64_t frames = self.slots.pool.frames_in_use + needed
        if needed == 0 or needed > self.arena.free_frames or frames <= self.mem_limit:
            return False
        self.slots.pool.peak_frames = max(self.slots.pool.peak_frames, frames)
        return True

    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil:
        """Insert a page; with keep_slots the slot may hold an old one, in the pool or on the backing device."""
        cdef bint on_device = slot_place(&self.table, slot) == SLOT_AT_DEVICE
        cdef int code = self.insert_page(slot, encoded, NULL)
        if code < 0:
            return code
        if on_device:
            self.device.free_slot(slot)
        self.mark_slot_accessed(slot)
        self.counters.pswpout += 1
        return code

    cdef void undo_stores(self, uint32_t first, uint32_t count) noexcept nogil:
        self.counters.pswpout -= count
        CompressedBackend.undo_stores(self, first, count)

    cdef int reject(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Fail the write of a folio. Before another tier, pass the folio on."""
        if self.device.is_tier:
            return self.write_to_device(first, count, pages)
        self.counters.failed_writes += 1
        return ZSW_E_FULL

    # -- read and slot_free_notify -------------------------------------------------------------------------------------

    cdef int load_from_device(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code = CompressedBackend.load_from_device(self, slot, page)
        if code < 0 or self.device.is_tier:
            return code
        self.counters.bd_reads += 1
        if self.exclusive:
            self.free_slot(slot)
            return LOAD_DROPPED
        return code

    cdef void account_load(self, uint32_t slot) noexcept nogil:
        self.counters.pswpin += 1
        self.mark_slot_accessed(slot)

    cdef void account_writeback(self, uint32_t first, uint32_t count) noexcept nogil:
        self.counters.bd_writes += count

    cdef void mark_slot_accessed(self, uint32_t slot) noexcept nogil:
        self.table.states[slot] &= ~<uint32_t> ZRAM_IDLE
        if self.access_time != NULL:
            self.access_time[slot] = self.clock

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        if not self.keep_slots:
            self.free_slot(slot)

    # -- checks --------------------------------------------------------------------------------------------------------

    def check(self):
        """Assert every invariant of slots, marks, pool and device. O(slots + objects)."""
        cdef uint32_t slot
        cdef slot_entry *entry
        CompressedBackend.check(self)
        for slot in range(self.table.count):
            entry = self.slots.find(slot)
            has_object = entry != NULL and entry.kind != SLOT_EMPTY and entry.kind != SLOT_SAME_FILLED
            state = self.table.states[slot]
            marked = state & (ZRAM_IDLE | ZRAM_INCOMPRESSIBLE)
            assert has_object or not marked, f"slot {slot} has no object and state {state}"
        # A smaller object may need a zspage of more frames, and recompression does not check mem_limit.
        assert self.slots.pool.frames_in_use <= self.mem_limit or self.counters.recompressed_pages, \
            "the pool is larger than its limit"
