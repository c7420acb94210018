"""Define the base class of the backends that keep pages compressed in frames: private node, zswap and zram.

It has slots, codecs, loads, and writeback of one page. The limits, the order of attempts to store a page, and the
counters of swap traffic differ, so each backend has them in its own file: private_node, zswap, zram.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport flag, shown, text, whole
from zswapsim._core.backend.backend cimport FOLIO_SPLIT, LOAD_DROPPED, LOAD_KEPT, Backend, costs_charge
from zswapsim._core.backend.codecs cimport PoolCodecs
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport (
    SLOT_AT_DEVICE, SLOT_AT_MASK, SLOT_AT_NONE, SLOT_AT_POOL, SLOT_REFERENCED, WRITEBACK_DONE, WRITEBACK_FAILED,
    WRITEBACK_FOUND, WRITEBACK_NONE, slot_place, slot_table_close, slot_table_open, writeback_add, writeback_del,
    writeback_queued, writeback_rotate, writeback_scan_one,
)
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_OK
from zswapsim._core.codec.codec cimport Codec
from zswapsim._core.frames.arena cimport Grant
from zswapsim._core.lru.log cimport lru_log
from zswapsim._core.zsmalloc.pool cimport ZsPool
from zswapsim._core.zsmalloc.slots cimport SLOT_SAME_FILLED, SlotPool, encoded_page, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError


cdef class CompressedBackend(Backend):
    """Keep compressed pages in the frames of a grant. Use one of the subclasses.

    Parameters
    ----------
    cost: the constants of a CostModel, in its order.
    grant: the right to take frames.
    device: the device to which pages are written back; its capacity is 0 if there is none.
    codec: the codec that compresses pages at bytes depth; None at sizes depth.
    measured: at sizes depth, (size uint16, same_filled uint8, compress_ns uint32, decompress_ns uint32), each by image.
    recompressors: up to three stronger codecs for recompression, weakest first; at sizes depth, as `measured`.
    chain_size: the maximum number of frames in a zspage.
    huge_size: a page that compresses to this many bytes or more is stored uncompressed; None is the pool's huge class
    size.
    same_filled: a page that repeats one word takes no object.
    store_on_compress_fail: a page that the codec fails on is stored uncompressed.
    max_slots: limit of pages in the pool and on the device together; None is unlimited (UINT64_MAX).
    exclusive: a load frees the slot.
    node: the name of the node in :meth:`owners`.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.table, 0, sizeof(self.table))

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *,
        recompressors=(), chain_size=8, huge_size=None, same_filled=True, store_on_compress_fail=False,
        max_slots=None, exclusive=True, node="dram",
    ):
        super().__init__(cost)
        if self.slots is not None:
            raise InputError("backend: already initialised")
        if (codec is None) == (measured is None):
            raise InputError("backend: expected either a codec or measured sizes")
        cdef ZsPool pool = ZsPool(grant, chain_size)
        self.arena = grant.arena
        self.device = device
        self.exclusive = flag(exclusive, "exclusive")
        self.node_name = text(node, "node")
        self.max_slots = UINT64_MAX if max_slots is None else whole(max_slots, "max_slots", 0, UINT64_MAX)
        self.codecs = PoolCodecs(
            [measured if codec is None else codec, *recompressors],
            pool.huge_class_size if huge_size is None else huge_size,
            same_filled=same_filled, store_on_compress_fail=store_on_compress_fail,
        )
        self.slots = SlotPool(pool)

    def __dealloc__(self):
        slot_table_close(&self.table)

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        if self.slots is None or self.table.stamps != NULL:
            raise InputError("backend: it serves one replay")
        if not self.codecs.sizes_only and not with_bytes:
            raise InputError("backend: a codec needs pages with their bytes")
        if self.codecs.sizes_only and not 0 < image_count <= self.codecs.size_count:
            raise InputError(
                f"backend: sizes of {self.codecs.size_count} contents were measured, {image_count} are wanted"
            )
        if slot_table_open(&self.table, slots) < 0:
            raise HostMemoryError("backend: the host is out of memory")
        self.image_of = image_of
        return 0

    # -- store ---------------------------------------------------------------------------------------------------------

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.check_limits(slot, 1)
        if code == ZSW_OK:
            code = self.store_page(slot, page)
        return self.reject(slot, 1, &page) if code == REJECTED else code

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Store all pages of a folio or none, as zswap_store() does; zram fails the whole write."""
        cdef uint32_t stored = 0
        cdef int code = self.check_limits(first, count)
        if code == ZSW_E_FULL:
            return FOLIO_SPLIT
        while code == ZSW_OK and stored < count:
            code = self.store_page(first + stored, pages[stored])
            stored += code == ZSW_OK
        if code == ZSW_OK:
            return code
        self.undo_stores(first, stored)
        return self.reject(first, count, pages) if code == REJECTED else code

    cdef int check_limits(self, uint32_t first, uint32_t count) noexcept nogil:
        return ZSW_OK

    cdef int store_page(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        return REJECTED

    cdef int reject(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        return ZSW_E_FULL

    cdef void undo_stores(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef uint32_t slot
        for slot in range(first, first + count):
            self.free_slot(slot)

    cdef uint32_t image(self, uint32_t slot) noexcept nogil:
        return 0 if self.image_of == NULL else self.image_of[slot]

    cdef int check_max_slots(self, uint32_t first, uint32_t count) noexcept nogil:
        """A page of the pool keeps its slot on the device, so both together are limited."""
        cdef uint64_t in_use = self.slots.stored + (0 if self.device.is_tier else self.device.used)
        cdef uint32_t slot, wanted = 0
        for slot in range(first, first + count):
            wanted += slot_place(&self.table, slot) == SLOT_AT_NONE
        if wanted and in_use + wanted > self.max_slots:
            return REJECTED if self.device.is_tier else ZSW_E_FULL
        return ZSW_OK

    cdef int insert_page(self, uint32_t slot, const encoded_page *encoded, lru_log *queue) noexcept nogil:
        cdef int code = self.slots.store(slot, encoded)
        if code < 0:
            return code
        if queue != NULL and encoded.kind != SLOT_SAME_FILLED:
            code = writeback_add(queue, &self.table, slot)
            if code < 0:
                self.slots.invalidate(slot)
                return code
        self.table.states[slot] = SLOT_AT_POOL | SLOT_REFERENCED
        costs_charge(
            &self.costs, &self.costs.charged_node_ns, self.costs.node_latency + self.costs.node_byte * encoded.length
        )
        return ZSW_OK

    cdef int write_to_device(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        cdef uint32_t done = 0
        cdef int code = ZSW_OK
        if self.device.capacity - self.device.used < count:
            return ZSW_E_FULL
        while code == ZSW_OK and done < count:
            code = self.device.write(first + done, pages[done])
            if code == ZSW_OK:
                self.table.states[first + done] = SLOT_AT_DEVICE
                done += 1
        if code < 0:
            while done:
                done -= 1
                self.free_slot(first + done)
        elif not self.device.is_tier:
            self.counters.pswpout += count
            costs_charge(&self.costs, &self.costs.charged_device_ns, count * self.costs.device_write)
        return code

    # -- load and invalidate -------------------------------------------------------------------------------------------

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code
        if slot_place(&self.table, slot) == SLOT_AT_DEVICE:
            return self.load_from_device(slot, page)
        code = self.decompress_page(slot, page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        self.account_load(slot)
        if self.exclusive:
            self.free_slot(slot)
            return LOAD_DROPPED
        self.table.states[slot] |= SLOT_REFERENCED
        return LOAD_KEPT

    cdef int decompress_page(self, uint32_t slot, uint8_t *page) noexcept nogil:
        return self.codecs.decode(self.slots, self.slots.find(slot), page, &self.costs)

    cdef int load_from_device(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef int code = self.device.read(slot, page)
        if code == LOAD_DROPPED:
            self.table.states[slot] = SLOT_AT_NONE
        if code < 0 or self.device.is_tier:
            return code
        self.counters.pswpin += 1
        costs_charge(&self.costs, &self.costs.charged_device_ns, self.costs.device_read)
        return code

    cdef void account_load(self, uint32_t slot) noexcept nogil:
        self.counters.zswpin += 1

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        self.free_slot(slot)

    cdef void free_slot(self, uint32_t slot) noexcept nogil:
        self.remove_page(slot, NULL)

    cdef void remove_page(self, uint32_t slot, lru_log *queue) noexcept nogil:
        if slot_place(&self.table, slot) == SLOT_AT_DEVICE:
            self.device.free_slot(slot)
        else:
            if queue != NULL:
                writeback_del(queue, &self.table, slot)
            self.slots.invalidate(slot)
        self.table.states[slot] = SLOT_AT_NONE

    # -- writeback -----------------------------------------------------------------------------------------------------

    cdef int shrink_one(self, lru_log *queue) noexcept nogil:
        """Write back or rotate the oldest page of a queue: shrink_memcg_cb() in mm/zswap.c. A page that can't be
        written back is rotated."""
        cdef uint32_t slot
        cdef int code
        if self.device.used == self.device.capacity:
            return WRITEBACK_NONE
        code = writeback_scan_one(queue, &self.table, &slot)
        if code != WRITEBACK_FOUND:
            return code
        code = self.write_back_one(slot)
        if code != ZSW_E_CORRUPT and code != ZSW_E_FULL:
            return WRITEBACK_DONE if code == ZSW_OK else code
        self.counters.reject_reclaim_fail += 1
        code = writeback_rotate(queue, &self.table, slot)
        return WRITEBACK_FAILED if code == ZSW_OK else code

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        """Write a page of the pool to the device: zswap_writeback_entry() in mm/zswap.c."""
        cdef int code = self.codecs.decode(self.slots, self.slots.find(slot), self.codecs.buffer, &self.costs)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.codecs.buffer)
        if code < 0:
            return code
        self.move_to_device(slot, 1)
        return ZSW_OK

    cdef void move_to_device(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef uint32_t slot
        for slot in range(first, first + count):
            self.free_slot(slot)
            self.table.states[slot] = SLOT_AT_DEVICE
        if self.device.is_tier:
            self.counters.demoted_pages += count
            return
        self.account_writeback(first, count)
        costs_charge(&self.costs, &self.costs.charged_device_ns, count * self.costs.device_write)

    cdef void account_writeback(self, uint32_t first, uint32_t count) noexcept nogil:
        self.counters.zswpwb += count
        self.counters.pswpout += count
        self.counters.written_back_pages += count

    # -- statistics and checks -----------------------------------------------------------------------------------------

    cdef int ensure_open(self) except -1:
        """Raise InputError unless the constructor ran. Every method that Python sees calls this first."""
        if self.slots is None:
            raise InputError("backend: not initialised")
        return 0

    def usage(self):
        self.ensure_open()
        return self.slots.stats() | {
            "device_pages": self.device.used, "peak_device_pages": self.device.peak, "fast_pages": 0, "stale_pages": 0,
        }

    def owners(self):
        self.ensure_open()
        return {self.node_name: self.slots.pool.arena.owners()}

    def compact(self):
        """Compact the pool. Return the number of frames that became free."""
        self.ensure_open()
        self.arena.lock()
        try:
            return self.slots.pool.compact()
        finally:
            self.arena.unlock()

    def inject_fault(self, slot, offset, mask):
        """Flip bits of a page stored in the pool, as failing memory would. For tests; raises as SlotPool's does."""
        self.ensure_open()
        self.slots.inject_fault(slot, offset, mask)

    def check(self):
        """Assert every invariant of queue, slots, pool and device. O(slots + objects)."""
        cdef uint32_t slot
        cdef uint64_t queued = 0, in_pool = 0, on_device = 0
        self.ensure_open()
        for slot in range(self.table.count):
            place = self.check_slot(slot)
            queued += writeback_queued(&self.table, slot)
            in_pool += place == SLOT_AT_POOL
            on_device += place == SLOT_AT_DEVICE
        assert queued == self.queued_slots(), "the writeback queues are miscounted"
        assert in_pool == self.slots.stored, "slots at the pool are miscounted"
        assert on_device == self.device.used, "pages on the device are miscounted"
        self.slots.check()

    cdef uint64_t queued_slots(self) noexcept nogil:
        return 0

    cdef bint belongs_in_queue(self, uint32_t slot, const slot_entry *entry) noexcept nogil:
        return False

    cdef int check_slot(self, uint32_t slot) except -1:
        """Assert the invariants of one slot. Return SLOT_AT_*."""
        cdef slot_entry *entry = self.slots.find(slot)
        place = self.table.states[slot] & SLOT_AT_MASK
        kind = 0 if entry == NULL else entry.kind
        assert (place == SLOT_AT_POOL) == (kind != 0), f"slot {slot} is at {place}, kind {kind} in the pool"
        belongs = kind != 0 and self.belongs_in_queue(slot, entry)
        assert writeback_queued(&self.table, slot) == belongs, f"slot {slot}: wrongly in or out of the queue"
        assert kind == 0 or entry.codec < self.codecs.count, f"slot {slot} was compressed by no codec"
        return place


cdef object rule(rules, str name):
    try:
        return getattr(rules, name)
    except AttributeError:
        raise InputError(f"rules: expected an object with {name}, got {shown(rules)}") from None
