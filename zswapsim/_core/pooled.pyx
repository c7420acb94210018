"""A backend that keeps pages compressed in a node's frames: a private node's, or those of DRAM (zswap, zram).

Which of the three it is, its rules say (poolrules.pxd). What leaves for the device follows zswap's writeback
(shrink_memcg_cb() in mm/zswap.c): first in, first out, with one second chance. A private node differs where it can:
the limit is the node itself, the shrinker runs before a page is refused, and the pool is packed before anything is
written back. What zram does to slots from outside, marking, recompressing and writing them back, is in slotwork.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from zswapsim._core.backend cimport LOAD_DROPPED, LOAD_KEPT, Backend, costs_charge
from zswapsim._core.clock cimport now_ns
from zswapsim._core.codec cimport Codec, codec_ctx_close, codec_ctx_open
from zswapsim._core.device cimport SwapDevice
from zswapsim._core.encode cimport decode_page, encode_bytes, encode_page
from zswapsim._core.errors cimport (
    ZSW_E_CODEC, ZSW_E_FULL, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE,
)
from zswapsim._core.frames cimport Grant
from zswapsim._core.lru cimport (
    LRU_NONE, lru_add, lru_close, lru_oldest, lru_open, lru_remove, lru_touch, page_record,
)
from zswapsim._core.poolrules cimport SHRINK_BATCH, pool_is_full, shrinker_count, shrinker_delta
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
    accept_threshold_percent: share of the node at which the shrinker of a private node stops.
    exclusive: whether a load drops the pool's copy.
    rules: an object with the fields of pool_rules; None is a private node.
    more_codecs: up to three, for recompression, from weak to strong: codecs at bytes depth, else measured as above.
    node: whose frames they are, for :meth:`owners`.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(self.codecs, 0, sizeof(self.codecs))
        memset(&self.queue, 0, sizeof(self.queue))
        memset(&self.rules, 0, sizeof(self.rules))
        memset(&self.state, 0, sizeof(self.state))
        self.keeps = []
        self.page = NULL
        self.records = NULL

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *,
        int chain_size=8, raw_from=None, int accept_threshold_percent=90, bint exclusive=True, rules=None,
        more_codecs=(), str node="private",
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
        self.node = node
        self.open_rules(rules)
        self.measured = codec is None
        self.add_codec(codec, measured)
        for each in more_codecs:
            self.add_codec(None if self.measured else each, each if self.measured else None)
        self.slots = SlotPool(pool)

    def __dealloc__(self):
        cdef int i
        for i in range(MAX_CODECS):
            codec_ctx_close(&self.codecs[i].ctx)
        lru_close(&self.queue)
        free(self.records)
        free(self.page)

    cdef int open_rules(self, rules) except -1:
        """Part of the constructor."""
        self.rules.shrinks = self.rules.same_filled = self.rules.keeps_poor = self.rules.writeback = True
        self.rules.full_from = self.rules.accept_to = self.rules.frames = ~<uint64_t> 0
        self.rules.group_pages = self.rules.slots = ~<uint64_t> 0
        if rules is None:
            return 0
        if not 0 <= rules.priority <= 12 or rules.retries < 1:
            raise InputError("backend: expected a priority from 0 to 12 and at least one retry")
        self.rules.guarded = True
        self.rules.shrinks = False
        self.rules.block_device = rules.block_device
        self.rules.same_filled = rules.same_filled
        self.rules.keeps_poor = rules.keeps_poor
        self.rules.writeback = rules.writeback
        self.rules.slots_stay = rules.slots_stay
        self.rules.shrinker = self.hears_pressure = rules.shrinker and rules.writeback
        self.rules.priority = rules.priority
        self.rules.retries = rules.retries
        self.rules.full_from = rules.full_from
        self.rules.accept_to = rules.accept_to
        self.rules.frames = rules.frames
        self.rules.group_pages = rules.group_pages
        self.rules.slots = rules.slots
        return 0

    cdef int add_codec(self, Codec codec, measured) except -1:
        """Part of the constructor: a codec, or what it makes of every content."""
        if self.codec_count == MAX_CODECS:
            raise InputError(f"backend: expected at most {MAX_CODECS - 1} codecs for recompression")
        if codec is not None:
            self.open_codec(codec)
        else:
            size, same_filled, compress_ns, decompress_ns = measured
            self.open_sizes(size, same_filled, compress_ns, decompress_ns)
        self.codec_count += 1
        return 0

    cdef int open_codec(self, Codec codec) except -1:
        codec_ctx_open(codec, &self.codecs[self.codec_count].ctx)
        self.keeps.append(codec)
        if self.page == NULL:
            self.page = <uint8_t *> malloc(2 * ZSW_PAGE_SIZE)
        if self.page == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        return 0

    cdef int open_sizes(
        self, const uint16_t[::1] size, const uint8_t[::1] same_filled, const uint32_t[::1] compress_ns,
        const uint32_t[::1] decompress_ns,
    ) except -1:
        cdef measured_sizes *sizes = &self.codecs[self.codec_count].sizes
        cdef uint32_t count = <uint32_t> min(size.shape[0], <Py_ssize_t> 0xFFFFFFFF)
        if not 0 < size.shape[0] == same_filled.shape[0] == compress_ns.shape[0] == decompress_ns.shape[0] \
                or self.codec_count and count != self.size_count:
            raise InputError("backend: expected four arrays of one length, one entry a content")
        self.keeps.append((size, same_filled, compress_ns, decompress_ns))
        self.size_count = count
        sizes.size = &size[0]
        sizes.same_filled = &same_filled[0]
        sizes.compress_ns = &compress_ns[0]
        sizes.decompress_ns = &decompress_ns[0]
        return 0

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        cdef uint32_t slot
        if self.slots is None or self.records != NULL:
            raise InputError("backend: it serves one replay")
        if not self.measured and not real:
            raise InputError("backend: a codec needs pages with their bytes")
        if self.measured and not 0 < image_count <= self.size_count:
            raise InputError(f"backend: sizes of {self.size_count} contents were measured, {image_count} are wanted")
        self.records = <page_record *> calloc(slots, sizeof(page_record))
        if self.records == NULL or lru_open(&self.queue, 64, 0) < 0:
            raise HostMemoryError("backend: the host is out of memory")
        for slot in range(slots):
            self.records[slot].stamp = LRU_NONE
        self.slot_count = slots
        self.image_of = image_of
        return 0

    # -- the replay's calls ---------------------------------------------------------------------------------------

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef encoded_page made
        cdef int code
        if self.rules.guarded:
            code = self.admit(slot)
            if code != ZSW_OK:
                return self.refuse(slot, page) if code == REFUSED else code
        code = self.encode(slot, page, &made)
        if code == ZSW_E_CODEC:
            self.counters.reject_compress_fail += not self.rules.block_device
            return self.refuse(slot, page)
        if code < 0:
            return code
        if self.rules.frames != ~<uint64_t> 0 and self.takes_too_much(&made):
            return self.refuse(slot, page)
        code = self.settle(slot, &made)
        if code == ZSW_E_FULL and self.rules.shrinks:
            self.counters.pool_limit_hit += 1
            code = self.shrink_for(slot, &made)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += not self.rules.block_device
            return self.refuse(slot, page)
        if code == ZSW_E_NOMEM:
            self.counters.reject_kmemcache_fail += 1
            return self.refuse(slot, page)
        return code

    cdef int admit(self, uint32_t slot) noexcept nogil:
        """0 where a page may be compressed, REFUSED, or a negative code: ZSW_E_FULL where no swap slot is free.

        zswap_store() in mm/zswap.c up to zswap_check_limits().
        """
        cdef int code
        cdef bint empty = self.records[slot].state & AT_MASK == AT_NOWHERE
        if empty and self.slots.stored + (0 if self.device.is_pool else self.device.used) >= self.rules.slots:
            return REFUSED if self.device.is_pool else ZSW_E_FULL
        if self.slots.compressed_bytes // ZSW_PAGE_SIZE >= self.rules.group_pages:
            code = self.shrink_one()
            if code != WROTE:
                return code if code < 0 else REFUSED
        if pool_is_full(&self.rules, &self.state, self.slots.pool.frames_in_use, &self.counters.pool_limit_hit):
            return REFUSED
        return ZSW_OK

    cdef bint takes_too_much(self, const encoded_page *made) noexcept nogil:
        """Whether a page takes the pool over its limit; it then counts at the peak, as zram takes it and gives it back.

        zram_can_store_page() in drivers/block/zram/zram_drv.c.
        """
        cdef uint64_t growth = 0 if made.kind == SLOT_SAME else self.slots.pool.growth(made.length)
        cdef uint64_t grown = self.slots.pool.frames_in_use + growth
        if growth == 0 or growth > self.arena.free_frames or grown <= self.rules.frames:
            return False
        self.slots.pool.peak_frames = max(self.slots.pool.peak_frames, grown)
        return True

    cdef int load(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef page_record *record = &self.records[slot]
        cdef int code
        if record.state & AT_MASK == AT_DEVICE:
            code = self.fetch(slot, page)
            if code == LOAD_DROPPED:
                record.state = AT_NOWHERE
                return code
            if code < 0 or self.device.is_pool or not (self.rules.block_device and self.exclusive):
                return code
            self.forget(slot)
            return LOAD_DROPPED
        code = self.decode(slot, page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        if self.rules.block_device:
            self.counters.pswpin += 1
        else:
            self.counters.zswpin += 1
        if self.exclusive:
            self.forget(slot)
            return LOAD_DROPPED
        record.state |= REFERENCED
        record.state &= ~<uint32_t> IDLE
        return LOAD_KEPT

    cdef int fetch(self, uint32_t slot, uint8_t *page) noexcept nogil:
        """Brings a page from the device, where it stays."""
        cdef int code = self.device.read(slot, page)
        if code < 0 or self.device.is_pool:
            return code
        self.counters.pswpin += 1
        self.counters.bd_reads += self.rules.block_device
        self.state.disk_swapins += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_read)
        return code

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        if not self.rules.slots_stay:
            self.forget(slot)

    cdef void forget(self, uint32_t slot) noexcept nogil:
        """Empties a slot that has a page."""
        cdef page_record *record = &self.records[slot]
        if record.state & AT_MASK == AT_DEVICE:
            self.device.release(slot)
        else:
            if record.stamp != LRU_NONE:
                lru_remove(&self.queue, self.records, slot)
            self.slots.drop(slot)
        record.state = AT_NOWHERE

    # -- pages in the pool ----------------------------------------------------------------------------------------

    cdef int encode(self, uint32_t slot, const uint8_t *page, encoded_page *out) noexcept nogil:
        """What the pool is to hold of a page; ZSW_E_CODEC where the codec fails, or gains nothing and is to."""
        cdef measured_sizes *sizes = &self.codecs[0].sizes
        cdef uint32_t image
        cdef uint64_t start
        cdef int code = ZSW_OK
        if not self.measured:
            start = now_ns()
            if self.rules.same_filled:
                code = encode_page(&self.codecs[0].ctx, page, self.raw_from, False, out)
            else:
                code = encode_bytes(&self.codecs[0].ctx, page, self.raw_from, False, out)
            start = now_ns() - start
            self.costs.wall_compress += start
            costs_charge(&self.costs, &self.costs.spent_compress, <double> start)
            if code == ZSW_E_CODEC and self.rules.guarded and self.rules.keeps_poor and not self.rules.block_device:
                memset(out, 0, sizeof(encoded_page))
                out.kind = SLOT_RAW
                out.length = ZSW_PAGE_SIZE
                out.data = page
                code = ZSW_OK
        else:
            image = self.image_of[slot]
            memset(out, 0, sizeof(encoded_page))
            out.checksum = image
            costs_charge(&self.costs, &self.costs.spent_compress, sizes.compress_ns[image])
            if sizes.same_filled[image]:
                out.kind = SLOT_SAME
            elif sizes.size[image] >= self.raw_from:
                out.kind = SLOT_RAW
                out.length = ZSW_PAGE_SIZE
            else:
                out.kind = SLOT_COMPRESSED
                out.length = sizes.size[image]
        if code == ZSW_OK and out.kind == SLOT_RAW and not self.rules.keeps_poor:
            return ZSW_E_CODEC
        return code

    cdef int decode(self, uint32_t slot, uint8_t *page) noexcept nogil:
        cdef slot_entry *entry = self.slots.find(slot)
        cdef pool_codec *codec = &self.codecs[entry.codec]
        cdef uint64_t start
        cdef int code = ZSW_OK
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency + self.costs.node_byte * entry.length)
        if self.measured:
            costs_charge(&self.costs, &self.costs.spent_decompress, codec.sizes.decompress_ns[entry.checksum])
            return ZSW_OK
        start = now_ns()
        code = decode_page(&codec.ctx, self.slots, entry, False, self.page + ZSW_PAGE_SIZE, page)
        start = now_ns() - start
        self.costs.wall_decompress += start
        costs_charge(&self.costs, &self.costs.spent_decompress, <double> start)
        return code

    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Puts an encoded page into the pool, and at the end of the writeback queue where it has an object.

        What a slot still held goes after that, which only a slot that stays does.
        """
        cdef page_record *record = &self.records[slot]
        cdef int code = self.slots.put(slot, made)
        if code < 0:
            return code
        if self.rules.slots_stay:
            if record.state & AT_MASK == AT_DEVICE:
                self.device.release(slot)
            if record.stamp != LRU_NONE:
                lru_remove(&self.queue, self.records, slot)
            record.state = AT_NOWHERE
        if made.kind != SLOT_SAME:
            code = lru_add(&self.queue, self.records, slot)
            if code < 0:
                self.slots.drop(slot)
                return code
        record.state = AT_POOL | REFERENCED
        if self.rules.block_device:
            self.counters.pswpout += 1
        else:
            self.counters.zswpout += 1
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency + self.costs.node_byte * made.length)
        return ZSW_OK

    cdef int refuse(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """A page that the pool can't take goes to the device, or stays; then zswap's worker has its turn."""
        cdef int code, worked
        if self.rules.block_device and not self.device.is_pool:
            self.counters.failed_writes += 1
            return ZSW_E_FULL
        code = self.device.write(slot, page) if self.rules.writeback else ZSW_E_FULL
        if code == ZSW_OK:
            if not self.device.is_pool:
                self.counters.pswpout += 1
                costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_write)
            self.records[slot].state = AT_DEVICE
        elif code == ZSW_E_FULL:
            self.counters.reject_reclaim_fail += self.rules.writeback
        else:
            return code
        worked = self.work() if self.state.full else ZSW_OK
        return worked if worked < 0 else code

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
        while wrote < most:
            code = self.shrink_one()
            if code == NOTHING_LEFT:
                break
            if code < 0:
                return code
            wrote += code
        return wrote

    cdef int shrink_one(self) noexcept nogil:
        """Looks at the coldest page: SPARED once, or WROTE; NOTHING_LEFT; or a negative code. shrink_memcg_cb()."""
        cdef uint32_t slot
        cdef int code
        if not self.rules.writeback or self.device.used == self.device.capacity:
            return NOTHING_LEFT
        slot = lru_oldest(&self.queue, self.records)
        if slot == LRU_NONE:
            return NOTHING_LEFT
        if self.records[slot].state & REFERENCED:
            self.records[slot].state &= ~<uint32_t> REFERENCED
            code = lru_touch(&self.queue, self.records, slot)
            return SPARED if code == ZSW_OK else code
        code = self.write_back_one(slot)
        return WROTE if code == ZSW_OK else code

    cdef int work(self) noexcept nogil:
        """zswap's worker after a refusal: one entry at a time until the pool accepts again, or too many were spared.

        shrink_worker() in mm/zswap.c, of one group. 0 or a negative code.
        """
        cdef int failures = 0
        cdef int code
        while True:
            code = self.shrink_one()
            if code < 0 or code == NOTHING_LEFT:
                return min(code, 0)
            if code == SPARED:
                failures += 1
                if failures == self.rules.retries:
                    return ZSW_OK
            if self.slots.pool.frames_in_use <= self.rules.accept_to:
                return ZSW_OK

    cdef int pressed(self) noexcept nogil:
        """zswap's dynamic shrinker, as do_shrink_slab() in mm/shrinker.c calls it after a reclaim."""
        cdef uint64_t backing = self.slots.compressed_bytes // ZSW_PAGE_SIZE
        cdef uint64_t freeable = shrinker_count(&self.state, self.queue.live, backing, self.slots.stored)
        cdef uint64_t added, total, part, wrote, scanned = 0
        cdef int code
        if freeable == 0:
            return ZSW_OK
        added = shrinker_delta(freeable, self.rules.priority)
        total = min((self.state.deferred >> self.rules.priority) + added, 2 * freeable)
        while total and (total >= SHRINK_BATCH or total >= freeable):
            part = min(total, <uint64_t> SHRINK_BATCH)
            wrote = 0
            for _ in range(part):
                code = self.shrink_one()
                if code < 0:
                    return code
                if code == NOTHING_LEFT:
                    break
                wrote += code
            if wrote == 0:
                break
            total -= part
            scanned += part
        self.state.deferred = min(self.state.deferred + added - min(self.state.deferred + added, scanned), 2 * freeable)
        return ZSW_OK

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        """A page of the pool goes to the device. ZSW_E_FULL, ZSW_E_IO; or it does not decode."""
        cdef int code = self.decode(slot, self.page)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.page)
        if code < 0:
            return code
        self.forget(slot)
        self.records[slot].state = AT_DEVICE
        if self.device.is_pool:
            self.counters.demoted_pages += 1
            return ZSW_OK
        if self.rules.block_device:
            self.counters.bd_writes += 1
        else:
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
        return self.slots.stats() | {
            "device_pages": self.device.used, "peak_device_pages": self.device.peak, "fast_pages": 0, "stale_pages": 0,
        }

    def owners(self):
        self.enter()
        return {self.node: self.slots.pool.arena.owners()}

    def compact(self):
        """Pack the pool. Returns the frames that came free."""
        self.enter()
        self.arena.enter()
        try:
            return self.slots.pool.compact()
        finally:
            self.arena.leave()

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
            where = self.check_slot(slot)
            queued += self.records[slot].stamp != LRU_NONE
            pooled += where == AT_POOL
            at_device += where == AT_DEVICE
        assert queued == self.queue.live, "the writeback queue is miscounted"
        assert pooled == self.slots.stored, "slots at the pool are miscounted"
        assert at_device == self.device.used, "pages on the device are miscounted"
        # A smaller object may need a zspage of more frames, and recompression does not ask for the limit.
        assert self.slots.pool.frames_in_use <= self.rules.frames or self.counters.recompressed_pages, \
            "the pool is larger than its limit"
        self.slots.check()

    cdef int check_slot(self, uint32_t slot) except -1:
        """Asserts one slot's invariants; returns where its page is."""
        cdef slot_entry *entry = self.slots.find(slot)
        state = self.records[slot].state
        where = state & AT_MASK
        kind = 0 if entry == NULL else entry.kind
        assert (where == AT_POOL) == (kind != 0), f"slot {slot} is at {where}, kind {kind} in the pool"
        has_object = kind in (SLOT_COMPRESSED, SLOT_RAW)
        assert (self.records[slot].stamp != LRU_NONE) == has_object, f"slot {slot}: wrongly in or out of the queue"
        assert has_object or not state & (IDLE | INCOMPRESSIBLE), f"slot {slot} has no object and state {state}"
        assert kind == 0 or entry.codec < self.codec_count, f"slot {slot} was compressed by no codec"
        return where
