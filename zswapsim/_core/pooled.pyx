"""A backend that keeps pages compressed in a node's frames and writes the coldest ones on to a device.

What it does when the node is full follows zswap's writeback (shrink_memcg_cb() in mm/zswap.c): first in, first out,
with one second chance. It differs where a private node does: the limit is the node itself, the shrinker runs before
a page is refused, and the pool is packed before anything is written back.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from zswapsim._core.backend cimport LOAD_DROPPED, LOAD_KEPT, Backend, costs_charge
from zswapsim._core.clock cimport now_ns
from zswapsim._core.codec cimport Codec, codec_ctx_close, codec_ctx_open
from zswapsim._core.device cimport SwapDevice
from zswapsim._core.encode cimport decode_page, encode_page
from zswapsim._core.errors cimport (
    ZSW_E_CODEC, ZSW_E_FULL, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE,
)
from zswapsim._core.frames cimport Grant
from zswapsim._core.lru cimport (
    LRU_NONE, lru_add, lru_close, lru_oldest, lru_open, lru_remove, lru_touch, page_record,
)
from zswapsim._core.slots cimport SLOT_COMPRESSED, SLOT_RAW, SLOT_SAME, SlotPool, encoded_page, slot_entry
from zswapsim._core.zsmalloc cimport ZsPool
from zswapsim._core.errors import HostMemoryError, InputError


@final
cdef class PooledBackend(Backend):
    """Compressed pages in the frames of a grant.

    Parameters
    ----------
    cost: the constants of a CostModel, in its order.
    grant: where frames come from.
    device: where pages are written back to; of capacity 0 for none.
    codec: what compresses pages, at bytes depth; None at sizes depth.
    measured: at sizes depth, (size uint16, same_filled uint8, compress_ns uint32, decompress_ns uint32), each by
        content.
    chain_size: most frames in a zspage.
    raw_from: compressed length in bytes from which a page is kept as it is; None is the pool's huge class size.
    accept_threshold_percent: share of the node at which the shrinker stops.
    exclusive: whether a load drops the pool's copy.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.ctx, 0, sizeof(self.ctx))
        memset(&self.queue, 0, sizeof(self.queue))
        memset(&self.sizes, 0, sizeof(self.sizes))
        self.page = NULL
        self.records = NULL

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *,
        int chain_size=8, raw_from=None, int accept_threshold_percent=90, bint exclusive=True,
    ):
        super().__init__(cost)
        if self.slots is not None:
            raise InputError("backend: already initialised")
        if (codec is None) == (measured is None):
            raise InputError("backend: expected either a codec or measured sizes")
        if not 1 <= accept_threshold_percent <= 100:
            raise InputError(f"accept_threshold_percent {accept_threshold_percent}: expected 1 to 100")
        cdef ZsPool pool = ZsPool(grant, chain_size)
        self.raw_from = pool.huge_class_size if raw_from is None else raw_from
        self.arena = grant.arena
        self.target = <uint64_t> grant.arena.frames * accept_threshold_percent // 100
        self.device = device
        self.exclusive = exclusive
        if codec is not None:
            self.open_codec(codec)
        else:
            size, same_filled, compress_ns, decompress_ns = measured
            self.open_sizes(size, same_filled, compress_ns, decompress_ns)
        self.slots = SlotPool(pool)

    def __dealloc__(self):
        codec_ctx_close(&self.ctx)
        lru_close(&self.queue)
        free(self.records)
        free(self.page)

    cdef int open_codec(self, Codec codec) except -1:
        """Part of the constructor, at bytes depth."""
        if self.codec is not None:
            raise InputError("backend: already initialised")
        codec_ctx_open(codec, &self.ctx)
        self.codec = codec
        self.page = <uint8_t *> malloc(2 * ZSW_PAGE_SIZE)
        if self.page == NULL:
            raise HostMemoryError("backend: the host is out of memory")

    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1:
        """Part of the constructor, at sizes depth."""
        if self.keeps is not None or not 0 < size.shape[0] == same_filled.shape[0] == compress_ns.shape[0] \
                == decompress_ns.shape[0]:
            raise InputError("backend: expected four arrays of one length, one entry a content")
        self.keeps = (size, same_filled, compress_ns, decompress_ns)
        self.size_count = <uint32_t> min(size.shape[0], <Py_ssize_t> 0xFFFFFFFF)
        self.sizes.size = &size[0]
        self.sizes.same_filled = &same_filled[0]
        self.sizes.compress_ns = &compress_ns[0]
        self.sizes.decompress_ns = &decompress_ns[0]

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        cdef uint32_t slot
        if self.slots is None or self.records != NULL:
            raise InputError("backend: it serves one replay")
        if self.sizes.size == NULL and not real:
            raise InputError("backend: a codec needs pages with their bytes")
        if self.sizes.size != NULL and not 0 < image_count <= self.size_count:
            raise InputError(f"backend: sizes of {self.size_count} contents were measured, {image_count} are wanted")
        self.records = <page_record *> calloc(slots, sizeof(page_record))
        if self.records == NULL or lru_open(&self.queue, 64) < 0:
            raise HostMemoryError("backend: the host is out of memory")
        for slot in range(slots):
            self.records[slot].stamp = LRU_NONE
        self.slot_count = slots
        self.image_of = image_of
        return 0

    # -- the replay's calls ---------------------------------------------------------------------------------------

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef encoded_page made
        cdef int code = self.encode(slot, page, &made)
        if code == ZSW_E_CODEC:
            self.counters.reject_compress_fail += 1
            return self.refuse(slot, page)
        if code < 0:
            return code
        code = self.settle(slot, &made)
        if code == ZSW_E_FULL:
            self.counters.pool_limit_hit += 1
            code = self.shrink_for(slot, &made)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return self.refuse(slot, page)
        if code == ZSW_E_NOMEM:
            self.counters.reject_kmemcache_fail += 1
            return self.refuse(slot, page)
        return code

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef page_record *record = &self.records[slot]
        cdef int code
        if record.state & AT_MASK == AT_DEVICE:
            code = self.device.read(slot, page)
            if code < 0:
                return code
            self.counters.pswpin += 1
            costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_read)
            return LOAD_KEPT
        code = self.decode(slot, page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        self.counters.zswpin += 1
        if self.exclusive:
            self.invalidate(slot)
            return LOAD_DROPPED
        record.state |= REFERENCED
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        cdef page_record *record = &self.records[slot]
        if record.state & AT_MASK == AT_DEVICE:
            self.device.release()
        elif record.state & AT_MASK == AT_POOL:
            self.slots.drop(slot)
            if record.stamp != LRU_NONE:
                lru_remove(&self.queue, self.records, slot)
        record.state = AT_NOWHERE

    # -- pages into the pool and out of it ------------------------------------------------------------------------

    cdef int encode(self, uint32_t slot, const uint8_t *page, encoded_page *out) noexcept nogil:
        cdef uint32_t image
        cdef uint64_t start
        cdef int code
        if self.sizes.size == NULL:
            start = now_ns()
            code = encode_page(&self.ctx, page, self.raw_from, False, out)
            start = now_ns() - start
            self.costs.wall_compress += start
            costs_charge(&self.costs, &self.costs.spent_compress, <double> start)
            return code
        image = self.image_of[slot]
        memset(out, 0, sizeof(encoded_page))
        costs_charge(&self.costs, &self.costs.spent_compress, self.sizes.compress_ns[image])
        if self.sizes.same_filled[image]:
            out.kind = SLOT_SAME
        elif self.sizes.size[image] >= self.raw_from:
            out.kind = SLOT_RAW
            out.length = ZSW_PAGE_SIZE
        else:
            out.kind = SLOT_COMPRESSED
            out.length = self.sizes.size[image]
        return ZSW_OK

    cdef int decode(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef slot_entry *entry = self.slots.find(slot)
        cdef uint64_t start
        cdef int code = ZSW_OK
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency + self.costs.node_byte * entry.length)
        if self.sizes.size != NULL:
            costs_charge(&self.costs, &self.costs.spent_decompress, self.sizes.decompress_ns[self.image_of[slot]])
            return ZSW_OK
        start = now_ns()
        code = decode_page(&self.ctx, self.slots, entry, False, self.page + ZSW_PAGE_SIZE, page)
        start = now_ns() - start
        self.costs.wall_decompress += start
        costs_charge(&self.costs, &self.costs.spent_decompress, <double> start)
        return code

    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Puts an encoded page into the pool, and at the end of the writeback queue where it has an object."""
        cdef int code = self.slots.put(slot, made)
        if code < 0:
            return code
        if made.kind != SLOT_SAME:
            code = lru_add(&self.queue, self.records, slot)
            if code < 0:
                self.slots.drop(slot)
                return code
        self.records[slot].state = AT_POOL | REFERENCED
        self.counters.zswpout += 1
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency + self.costs.node_byte * made.length)
        return ZSW_OK

    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """A page that the pool can't take goes to the device, or stays where it is."""
        cdef int code = self.device.write(slot, page)
        if code == ZSW_E_FULL:
            self.counters.reject_reclaim_fail += 1
        if code < 0:
            return code
        self.counters.pswpout += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
        self.records[slot].state = AT_DEVICE
        return ZSW_OK

    # -- the shrinker ---------------------------------------------------------------------------------------------

    cdef int shrink_for(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Makes room and puts the page in: packs the pool, then writes back until the target is reached and it fits."""
        cdef int wrote, code
        if self.slots.pool.compact():
            code = self.settle(slot, made)
            if code != ZSW_E_FULL:
                return code
        while True:
            wrote = self.write_back(WRITEBACK_BATCH)
            if wrote < 0:
                return wrote
            if wrote and self.slots.pool.frames_in_use - self.slots.pool.compactable() > self.target:
                continue
            self.slots.pool.compact()
            code = self.settle(slot, made)
            if code != ZSW_E_FULL or wrote == 0:
                return code

    cdef int write_back(self, int most) noexcept nogil:
        """Writes the coldest pages back, at most so many. Returns how many, or a negative code."""
        cdef int wrote = 0
        cdef int code
        cdef uint32_t slot
        while wrote < most and self.device.used < self.device.capacity:
            slot = lru_oldest(&self.queue, self.records)
            if slot == LRU_NONE:
                break
            if self.records[slot].state & REFERENCED:
                self.records[slot].state &= ~<uint32_t> REFERENCED
                code = lru_touch(&self.queue, self.records, slot)
            else:
                code = self.write_back_one(slot)
                wrote += 1
            if code < 0:
                return code
        return wrote

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        cdef int code = self.decode(slot, self.page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.page)
        if code < 0:
            return code
        self.invalidate(slot)
        self.records[slot].state = AT_DEVICE
        self.counters.zswpwb += 1
        self.counters.pswpout += 1
        self.counters.written_back_pages += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
        return ZSW_OK

    # -- looking in -----------------------------------------------------------------------------------------------

    cdef int enter(self) except -1:
        """First in every call from Python but the constructor."""
        if self.slots is None:
            raise InputError("backend: not initialised")
        return 0

    def held(self):
        self.enter()
        return self.slots.stats() | {"device_pages": self.device.used, "peak_device_pages": self.device.peak}

    def owners(self):
        self.enter()
        return {"private": self.slots.pool.arena.owners()}

    def inject_fault(self, uint32_t slot, int offset, uint8_t mask):
        """Flip bits of a page stored in the pool, as failing memory would. For tests; raises as SlotPool's does."""
        self.enter()
        self.slots.inject_fault(slot, offset, mask)

    def check(self):
        """Assert every invariant of queue, slots, pool and device. O(slots + objects)."""
        cdef uint32_t slot
        cdef uint64_t queued = 0, pooled = 0, at_device = 0
        self.enter()
        for slot in range(self.slot_count):
            where = self.records[slot].state & AT_MASK
            entry_kind = 0 if self.slots.find(slot) == NULL else self.slots.find(slot).kind
            assert (where == AT_POOL) == (entry_kind != 0), f"slot {slot} is at {where}, kind {entry_kind} in the pool"
            listed = self.records[slot].stamp != LRU_NONE
            assert listed == (entry_kind in (SLOT_COMPRESSED, SLOT_RAW)), f"slot {slot}: wrongly in or out of the queue"
            queued += listed
            pooled += where == AT_POOL
            at_device += where == AT_DEVICE
        assert queued == self.queue.live, "the writeback queue is miscounted"
        assert pooled == self.slots.stored, "slots at the pool are miscounted"
        assert at_device == self.device.used, "pages on the device are miscounted"
        self.slots.check()
