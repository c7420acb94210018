"""A pool of compressed pages: slots, whose they are, in which order they leave, and the device that they leave for.

What leaves for the device follows zswap's writeback (shrink_memcg_cb() in mm/zswap.c): first in, first out, with one
second chance. When pages leave, and which are not taken, is not said here (pooled.pyx); what codecs make of a page is
in poolcodecs, what each group of pages may hold in poolgroups.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from zswapsim._core.backend.backend cimport Backend, costs_charge
from zswapsim._core.codec.codec cimport Codec
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.base.counters cimport group_counters
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.frames.arena cimport Grant
from zswapsim._core.lru.log cimport LRU_NONE, lru_add, lru_oldest, lru_remove, lru_touch
from zswapsim._core.backend.codecs cimport PoolCodecs
from zswapsim._core.backend.groups cimport PoolGroups, pool_group
from zswapsim._core.backend.foliocodec cimport NO_FIRST, FolioCodec
from zswapsim._core.zsmalloc.slots cimport (
    SLOT_COMPRESSED, SLOT_PART, SLOT_RAW, SLOT_SAME, SlotPool, encoded_page, slot_entry,
)
from zswapsim._core.zsmalloc.pool cimport ZsPool
from zswapsim._core.base.errors import HostMemoryError, InputError


cdef class CompressedPool(Backend):
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
    groups: whose pages they are, a PoolGroups of its own; None is one group, without a limit.
    whole: what compresses large folios, of a private node, as one; None where their pages are compressed one by one.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.rules, 0, sizeof(self.rules))
        self.stamps = NULL
        self.states = NULL
        self.accessed = NULL

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *,
        int chain_size=8, raw_from=None, int accept_threshold_percent=90, bint exclusive=True, rules=None,
        more_codecs=(), str node="private", PoolGroups groups=None,
        FolioCodec whole=None,
    ):
        super().__init__(cost)
        if self.slots is not None:
            raise InputError("backend: already initialised")
        if (codec is None) == (measured is None):
            raise InputError("backend: expected either a codec or measured sizes")
        if not 1 <= accept_threshold_percent <= 100:
            raise InputError(f"accept_threshold_percent {accept_threshold_percent}: expected 1 to 100")
        cdef ZsPool pool = ZsPool(grant, chain_size)
        self.arena = grant.arena
        self.target = <uint64_t> grant.arena.frames * accept_threshold_percent // 100
        if whole is not None and (rules is not None or device.is_pool):
            raise InputError("backend: expected a private node, and a device behind it, for folios compressed whole")
        self.device = device
        self.whole = whole
        self.exclusive = exclusive
        self.node = node
        self.open_rules(rules)
        self.open_groups(PoolGroups([(None, None, self.rules.writeback)]) if groups is None else groups)
        self.codecs = PoolCodecs(
            [measured if codec is None else codec, *more_codecs],
            pool.huge_class_size if raw_from is None else raw_from,
            same_filled=self.rules.same_filled, keeps_failed=self.rules.guarded and not self.rules.block_device,
        )
        self.slots = SlotPool(pool)

    def __dealloc__(self):
        free(self.stamps)
        free(self.states)
        free(self.accessed)

    cdef int open_rules(self, rules) except -1:
        """Part of the constructor."""
        self.rules.shrinks = self.rules.same_filled = self.rules.keeps_poor = self.rules.writeback = True
        self.rules.full_from = self.rules.accept_to = self.rules.frames = self.rules.slots = ~<uint64_t> 0
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
        self.rules.tracks_access = rules.tracks_access
        self.rules.shrinker = self.wants_shrink = rules.shrinker and rules.writeback
        self.rules.priority = rules.priority
        self.rules.retries = rules.retries
        self.rules.full_from = rules.full_from
        self.rules.accept_to = rules.accept_to
        self.rules.frames = rules.frames
        self.rules.slots = rules.slots
        return 0

    cdef int open_groups(self, PoolGroups groups) except -1:
        """Part of the constructor."""
        if groups.count > 1 and (self.rules.shrinks or self.rules.block_device):
            raise InputError("backend: expected one group for all but zswap")
        groups.take()
        self.groups = groups
        return 0

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint real) except -1:
        cdef uint32_t slot
        if self.slots is None or self.stamps != NULL:
            raise InputError("backend: it serves one replay")
        if not self.codecs.measured and not real:
            raise InputError("backend: a codec needs pages with their bytes")
        if self.codecs.measured and not 0 < image_count <= self.codecs.size_count:
            raise InputError(
                f"backend: sizes of {self.codecs.size_count} contents were measured, {image_count} are wanted"
            )
        if self.groups.group_of != NULL and self.groups.slot_count != slots:
            raise InputError(f"backend: {self.groups.slot_count} slots have a group, {slots} are wanted")
        self.stamps = <uint32_t *> calloc(slots, sizeof(uint32_t))
        self.states = <uint8_t *> calloc(slots, sizeof(uint8_t))
        if self.rules.tracks_access:
            self.accessed = <uint64_t *> calloc(slots, sizeof(uint64_t))
        if self.stamps == NULL or self.states == NULL or self.rules.tracks_access and self.accessed == NULL:
            raise HostMemoryError("backend: the host is out of memory")
        for slot in range(slots):
            self.stamps[slot] = LRU_NONE
        self.slot_count = slots
        self.image_of = image_of
        return 0

    # -- pages that come and go ---------------------------------------------------------------------------------------

    cdef uint32_t image(self, uint32_t slot) noexcept nogil:
        """The slot's content; 0 where contents have no number."""
        return 0 if self.image_of == NULL else self.image_of[slot]

    cdef int settle(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Puts an encoded page into the pool, and at the end of the writeback queue where it has an object.

        What a slot still held goes after that, which only a slot that stays does.
        """
        cdef uint8_t *state = &self.states[slot]
        cdef pool_group *group = self.groups.of(slot)
        cdef int code = self.slots.put(slot, made)
        if code < 0:
            return code
        if self.rules.slots_stay:
            if state[0] & AT_MASK == AT_DEVICE:
                self.device.release(slot)
            if self.stamps[slot] != LRU_NONE:
                lru_remove(&group.queue, self.stamps, slot)
            state[0] = AT_NOWHERE
        if made.kind != SLOT_SAME:
            code = lru_add(&group.queue, self.stamps, slot)
            if code < 0:
                self.slots.drop(slot)
                return code
        state[0] = AT_POOL | REFERENCED
        self.note_access(slot)
        self.groups.charge(group, made.length, 1)
        if self.rules.block_device:
            self.counters.pswpout += 1
        else:
            self.counters.zswpout += 1
            group.events.zswpout += 1
        costs_charge(&self.costs, &self.costs.spent_node, self.costs.node_latency + self.costs.node_byte * made.length)
        return ZSW_OK

    cdef inline void note_access(self, uint32_t slot) noexcept nogil:
        """A slot is written or read: mark_slot_accessed() of zram."""
        self.states[slot] &= ~<uint32_t> IDLE
        if self.accessed != NULL:
            self.accessed[slot] = self.clock

    cdef int fetch(self, uint32_t slot, uint8_t *page) noexcept nogil:
        """Brings a page from the device, where it stays."""
        cdef int code = self.device.read(slot, page)
        if code < 0 or self.device.is_pool:
            return code
        self.counters.pswpin += 1
        self.counters.bd_reads += self.rules.block_device
        self.groups.of(slot).disk_swapins += 1
        self.groups.of(slot).events.pswpin += 1
        costs_charge(&self.costs, &self.costs.spent_device, self.costs.device_read)
        return code

    cdef void forget(self, uint32_t slot) noexcept nogil:
        """Empties a slot that has a page."""
        cdef uint8_t *state = &self.states[slot]
        cdef pool_group *group = self.groups.of(slot)
        if state[0] & AT_MASK == AT_DEVICE:
            self.device.release(slot)
        else:
            if self.stamps[slot] != LRU_NONE:
                lru_remove(&group.queue, self.stamps, slot)
            self.groups.charge(group, self.slots.find(slot).length, -1)
            self.slots.drop(slot)
        state[0] = AT_NOWHERE

    # -- pages that leave for the device ------------------------------------------------------------------------------

    cdef int shrink_one(self, pool_group *group) noexcept nogil:
        """Looks at the group's coldest page: SPARED once, WROTE, or FAILED; NOTHING_LEFT; or a negative code.

        shrink_memcg() and shrink_memcg_cb() in mm/zswap.c: a page that could not be written is the youngest now.
        """
        cdef uint32_t slot
        cdef int code
        if not group.writeback or self.device.used == self.device.capacity:
            return NOTHING_LEFT
        slot = lru_oldest(&group.queue, self.stamps)
        if slot == LRU_NONE:
            return NOTHING_LEFT
        if self.states[slot] & REFERENCED:
            self.states[slot] &= ~<uint32_t> REFERENCED
            code = lru_touch(&group.queue, self.stamps, slot)
            return SPARED if code == ZSW_OK else code
        code = self.write_back_one(slot)
        if code != ZSW_E_CORRUPT and code != ZSW_E_FULL:
            return WROTE if code == ZSW_OK else code
        self.counters.reject_reclaim_fail += 1
        code = lru_touch(&group.queue, self.stamps, slot)
        return FAILED if code == ZSW_OK else code

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        """A page of the pool goes to the device. ZSW_E_FULL, ZSW_E_IO; or it does not decode."""
        cdef slot_entry *entry = self.slots.find(slot)
        cdef int code
        if entry.kind == SLOT_PART:
            return self.write_back_folio(slot)
        code = self.codecs.decode(self.slots, entry, self.codecs.page, &self.costs)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        code = self.device.write(slot, self.codecs.page)
        if code < 0:
            return code
        self.wrote_back(slot, 1)
        return ZSW_OK

    cdef int write_back_folio(self, uint32_t first) noexcept nogil:
        cdef uint32_t i
        cdef int code
        if self.device.capacity - self.device.used < self.whole.size:
            return ZSW_E_FULL
        code = self.whole.open(self.slots, first, &self.costs)
        self.whole.opened_first = NO_FIRST
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        for i in range(self.whole.size):
            code = self.device.write(first + i, self.whole.opened + <size_t> i * ZSW_PAGE_SIZE)
            if code < 0:
                return code
        self.wrote_back(first, self.whole.size)
        return ZSW_OK

    cdef void wrote_back(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef group_counters *events = &self.groups.of(first).events
        cdef uint32_t slot
        for slot in range(first, first + count):
            self.forget(slot)
            self.states[slot] = AT_DEVICE
        if self.device.is_pool:
            self.counters.demoted_pages += count
            return
        if self.rules.block_device:
            self.counters.bd_writes += count
        else:
            self.counters.zswpwb += count
            events.zswpwb += count
            self.counters.pswpout += count
            events.pswpout += count
            self.counters.written_back_pages += count
        costs_charge(&self.costs, &self.costs.spent_device, count * self.costs.device_write)

    # -- looking in ---------------------------------------------------------------------------------------------------

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

    def group_stats(self):
        """Of each group, in the order in which they were given: memory.stat's names, groups below it included."""
        self.enter()
        return self.groups.stats(self.slots.compressed_bytes, self.slots.stored)

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
        self.check_groups()
        for slot in range(self.slot_count):
            where = self.check_slot(slot)
            queued += self.stamps[slot] != LRU_NONE
            pooled += where == AT_POOL
            at_device += where == AT_DEVICE
        live = sum(self.groups.groups[number].queue.live for number in range(self.groups.count))
        assert queued == live, "the writeback queues are miscounted"
        assert pooled == self.slots.stored, "slots at the pool are miscounted"
        assert at_device == self.device.used, "pages on the device are miscounted"
        # A smaller object may need a zspage of more frames, and recompression does not ask for the limit.
        assert self.slots.pool.frames_in_use <= self.rules.frames or self.counters.recompressed_pages, \
            "the pool is larger than its limit"
        self.slots.check()

    cdef int check_groups(self) except -1:
        """Asserts that each group but the first was charged what its slots hold, and those of groups below it."""
        cdef uint32_t slot, number
        cdef slot_entry *entry
        held = [[0, 0] for _ in range(self.groups.count)]
        for slot in range(self.slot_count if self.groups.count > 1 else 0):
            entry = self.slots.find(slot)
            if entry != NULL and entry.kind:
                own = held[self.groups.of(slot) - self.groups.groups]
                own[0] += entry.length
                own[1] += 1
        for number in range(self.groups.count - 1, 0, -1):
            group = &self.groups.groups[number]
            assert held[number] == [group.compressed_bytes, group.stored], f"group {number} is charged wrongly"
            above = held[group.parent]
            above[0] += held[number][0]
            above[1] += held[number][1]
        return 0

    cdef int check_slot(self, uint32_t slot) except -1:
        """Asserts one slot's invariants; returns where its page is."""
        cdef slot_entry *entry = self.slots.find(slot)
        state = self.states[slot]
        where = state & AT_MASK
        kind = 0 if entry == NULL else entry.kind
        assert (where == AT_POOL) == (kind != 0), f"slot {slot} is at {where}, kind {kind} in the pool"
        has_object = kind in (SLOT_COMPRESSED, SLOT_RAW) or (kind == SLOT_PART and slot % self.whole.size == 0)
        assert (self.stamps[slot] != LRU_NONE) == has_object, f"slot {slot}: wrongly in or out of the queue"
        assert has_object or not state & (IDLE | INCOMPRESSIBLE), f"slot {slot} has no object and state {state}"
        assert kind == 0 or entry.codec < self.codecs.count, f"slot {slot} was compressed by no codec"
        return where
