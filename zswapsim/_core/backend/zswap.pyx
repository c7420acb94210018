"""Swap to zswap, a pool of compressed pages in DRAM in front of a swap device.

It follows mm/zswap.c of Linux 6.18, from zswap_store() down; the rules of older versions are settings. The order is:
store and its limits, load, the shrink worker, the dynamic shrinker.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.backend.compressed cimport REJECTED, UINT64_MAX, CompressedBackend, rule
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.writeback cimport (
    SLOT_AT_POOL, WRITEBACK_DONE, WRITEBACK_FAILED, WRITEBACK_NONE, WRITEBACK_ROTATED, slot_place,
)
from zswapsim._core.backend.zswap_groups cimport (
    FIRST_GROUP, NO_GROUP, ZswapGroups, group_charge, group_of_slot, zswap_group,
)
from zswapsim._core.backend.zswap_shrinker cimport (
    SHRINK_BATCH, shrinker_count, shrinker_delta, shrinker_next_deferred,
)
from zswapsim._core.base.counters cimport group_counters
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_FULL, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.codec.codec cimport Codec
from zswapsim._core.frames.arena cimport Grant
from zswapsim._core.zsmalloc.slots cimport SLOT_HUGE, SLOT_SAME_FILLED, encoded_page, slot_entry
from zswapsim._core.base.errors import InputError


@final
cdef class ZswapBackend(CompressedBackend):
    """Keep compressed pages in DRAM, and write the coldest back to a swap device.

    Parameters are those of CompressedBackend, and:
    rules: an object with the fields of zswapsim.backends.rules.ZswapRules.
    groups: the memory cgroups, a ZswapGroups of its own; None is one group without a limit.

    Raises InputError for a value out of range.
    """

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *, rules,
        chain_size=8, exclusive=True, node="dram", ZswapGroups groups=None,
    ):
        if self.slots is not None:
            raise InputError("backend: already initialised")
        self.set_rules(rules)
        self.groups = ZswapGroups([(None, None, rule(rules, "writeback"))]) if groups is None else groups
        self.groups.claim()
        # zswap stores compressed what is shorter than a page, and since 6.18 the other pages uncompressed.
        super().__init__(
            cost, grant, device, codec, measured, chain_size=chain_size, huge_size=ZSW_PAGE_SIZE,
            same_filled=rule(rules, "same_filled"), store_on_compress_fail=True, max_slots=rule(rules, "max_slots"),
            exclusive=exclusive, node=node,
        )

    cdef int set_rules(self, rules) except -1:
        self.store_incompressible = flag(rule(rules, "store_incompressible"), "store_incompressible")
        self.max_pool_frames = whole(rule(rules, "max_pool_frames"), "max_pool_frames", 0, UINT64_MAX)
        self.accept_frames = whole(rule(rules, "accept_frames"), "accept_frames", 0, UINT64_MAX)
        self.wants_shrink = flag(rule(rules, "shrinker"), "shrinker") and flag(rule(rules, "writeback"), "writeback")
        self.shrink_priority = whole(rule(rules, "priority"), "priority", 0, 12)
        self.max_retries = whole(rule(rules, "max_retries"), "max_retries", 1, 0x7FFFFFFF)
        return 0

    cdef int attach(self, uint32_t slots, const uint32_t *image_of, uint32_t image_count, bint with_bytes) except -1:
        if self.groups is not None and self.groups.group_of != NULL and self.groups.slot_count != slots:
            raise InputError(f"backend: {self.groups.slot_count} slots have a group, {slots} are wanted")
        return CompressedBackend.attach(self, slots, image_of, image_count, with_bytes)

    # -- store ---------------------------------------------------------------------------------------------------------

    cdef int check_limits(self, uint32_t first, uint32_t count) noexcept nogil:
        """Check the swap device's slots, then the limits as zswap_store() in mm/zswap.c does up to
        zswap_check_limits()."""
        cdef zswap_group *group = group_of_slot(self.groups, first)
        cdef int code = self.check_max_slots(first, count)
        if code != ZSW_OK:
            return code
        if self.groups.limit_reached(group, self.slots.compressed_bytes):
            code = self.shrink_memcg(group)
            if code != WRITEBACK_DONE:
                return code if code < 0 else REJECTED
        return REJECTED if self.pool_is_full() else ZSW_OK

    cdef bint pool_is_full(self) noexcept nogil:
        """Check the pool's limit, with the accept threshold as hysteresis: zswap_check_limits() in mm/zswap.c."""
        cdef uint64_t frames = self.slots.pool.frames_in_use
        if frames >= self.max_pool_frames:
            self.counters.pool_limit_hit += 1
            self.reached_full = True
        elif self.reached_full and frames <= self.accept_frames:
            self.reached_full = False
        return self.reached_full

    cdef int store_page(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """Compress and store a page: zswap_store_page() and zswap_compress() in mm/zswap.c."""
        cdef encoded_page encoded
        cdef int code = self.codecs.encode(self.image(slot), page, &self.costs, &encoded)
        if code == ZSW_OK and encoded.kind == SLOT_HUGE:
            # Since 6.18 an incompressible page is stored uncompressed if it may be written back; before, it was
            # rejected.
            if not (self.store_incompressible and group_of_slot(self.groups, slot).writeback):
                code = ZSW_E_CODEC
        if code == ZSW_OK:
            code = self.insert(slot, &encoded)
        if code == ZSW_E_CODEC:
            self.counters.reject_compress_fail += 1
            return REJECTED
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return REJECTED
        return code

    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil:
        cdef zswap_group *group = group_of_slot(self.groups, slot)
        cdef int code = self.insert_page(slot, encoded, &group.queue)
        if code == ZSW_OK:
            group_charge(self.groups, group, encoded.length, 1)
            self.counters.zswpout += 1
            group.events.zswpout += 1
        return code

    cdef void undo_stores(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef uint32_t slot
        for slot in range(first, first + count):
            self.counters.zswpout -= 1
            group_of_slot(self.groups, slot).events.zswpout -= 1
            self.free_slot(slot)

    cdef int reject(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Write a rejected folio to the device if its group may write back; then zswap_store() queues the worker."""
        cdef zswap_group *group = group_of_slot(self.groups, first)
        cdef int code = ZSW_E_FULL
        cdef int worker_code = ZSW_OK
        if group.writeback:
            code = self.write_to_device(first, count, pages)
        if code == ZSW_OK and not self.device.is_tier:
            group.events.pswpout += count
        if code != ZSW_OK and code != ZSW_E_FULL:
            return code
        if self.reached_full:
            worker_code = self.shrink_worker()
        return worker_code if worker_code < 0 else code

    # -- load, invalidate, writeback of one page -----------------------------------------------------------------------

    cdef int load_from_device(self, uint32_t slot, uint8_t *page) noexcept nogil:
        """Count a page loaded from the device, which slows the dynamic shrinker: zswap_folio_swapin() in mm/zswap.c."""
        cdef int code = CompressedBackend.load_from_device(self, slot, page)
        cdef zswap_group *group = group_of_slot(self.groups, slot)
        if code >= 0 and not self.device.is_tier:
            group.disk_swapins += 1
            group.events.pswpin += 1
        return code

    cdef void account_load(self, uint32_t slot) noexcept nogil:
        self.counters.zswpin += 1
        group_of_slot(self.groups, slot).events.zswpin += 1

    cdef void account_writeback(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef group_counters *events = &group_of_slot(self.groups, first).events
        CompressedBackend.account_writeback(self, first, count)
        events.zswpwb += count
        events.pswpout += count

    cdef void free_slot(self, uint32_t slot) noexcept nogil:
        """Free a slot: zswap_entry_free() in mm/zswap.c."""
        cdef zswap_group *group = group_of_slot(self.groups, slot)
        if group.parent != NO_GROUP and slot_place(&self.table, slot) == SLOT_AT_POOL:
            group_charge(self.groups, group, self.slots.find(slot).length, -1)
        self.remove_page(slot, &group.queue)

    # -- the shrink worker ---------------------------------------------------------------------------------------------

    cdef int shrink_worker(self) noexcept nogil:
        """Scan one page of each group in turn until the pool accepts pages again: shrink_worker() in mm/zswap.c.

        It gives up after max_retries failures: a page that was rotated or not written back, or a round over all groups
        that found nothing to write back.
        """
        cdef zswap_group *group
        cdef int failures = 0, attempts = 0
        cdef bint whole_round = self.groups.next_shrink == NO_GROUP   # this round began with the first group
        cdef int code
        while failures < self.max_retries:
            group = self.groups.next_group()
            if group == NULL:
                if attempts == 0 and whole_round:
                    break  # further rounds would find no page either
                failures += attempts == 0
                attempts = 0
                whole_round = True
            else:
                code = self.shrink_memcg(group)
                if code < 0:
                    return code
                attempts += code != WRITEBACK_NONE
                failures += code == WRITEBACK_ROTATED or code == WRITEBACK_FAILED
            if self.slots.pool.frames_in_use <= self.accept_frames:
                break
        return ZSW_OK

    cdef int shrink_memcg(self, zswap_group *group) noexcept nogil:
        return self.shrink_one(&group.queue) if group.writeback else <int> WRITEBACK_NONE

    # -- the dynamic shrinker ------------------------------------------------------------------------------------------

    cdef int shrink(self) noexcept nogil:
        """Run the dynamic shrinker for each group, as shrink_slab() does after a reclaim."""
        cdef uint32_t number
        cdef int code
        for number in range(self.groups.count):
            code = self.shrink_slab(&self.groups.groups[number])
            if code < 0:
                return code
        return ZSW_OK

    cdef int shrink_slab(self, zswap_group *group) noexcept nogil:
        """Follow do_shrink_slab() in mm/shrinker.c over zswap_shrinker_count() and zswap_shrinker_scan()."""
        cdef bint first = group == &self.groups.groups[FIRST_GROUP]
        cdef uint64_t compressed_bytes = self.slots.compressed_bytes if first else group.compressed_bytes
        cdef uint64_t stored = self.slots.stored if first else group.stored
        cdef uint64_t freeable, added, total, batch, scanned = 0
        cdef int written
        if not group.writeback:
            return ZSW_OK
        freeable = shrinker_count(&group.disk_swapins, group.queue.live, compressed_bytes // ZSW_PAGE_SIZE, stored)
        if freeable == 0:
            return ZSW_OK
        added = shrinker_delta(freeable, self.shrink_priority)
        total = min((group.nr_deferred >> self.shrink_priority) + added, 2 * freeable)
        while total and (total >= SHRINK_BATCH or total >= freeable):
            batch = min(total, <uint64_t> SHRINK_BATCH)
            written = self.shrinker_scan(group, <int> batch)
            if written <= 0:
                if written < 0:
                    return written
                break
            total -= batch
            scanned += batch
        group.nr_deferred = shrinker_next_deferred(group.nr_deferred + added, scanned, freeable)
        return ZSW_OK

    cdef int shrinker_scan(self, zswap_group *group, int nr_to_scan) noexcept nogil:
        cdef int written = 0
        cdef int code
        for _ in range(nr_to_scan):
            code = self.shrink_memcg(group)
            if code < 0:
                return code
            if code == WRITEBACK_NONE:
                break
            written += code == WRITEBACK_DONE
        return written

    # -- statistics and checks -----------------------------------------------------------------------------------------

    def group_stats(self):
        """Return memory.stat's counters of each group, in the order of the groups; groups below it are included."""
        self.ensure_open()
        return self.groups.stats(self.slots.compressed_bytes, self.slots.stored)

    def check(self):
        """Assert every invariant of groups, queues, slots, pool and device. O(slots + objects)."""
        self.ensure_open()
        self.check_groups()
        CompressedBackend.check(self)

    cdef uint64_t queued_slots(self) noexcept nogil:
        return self.groups.queued_slots()

    cdef bint belongs_in_queue(self, uint32_t slot, const slot_entry *entry) noexcept nogil:
        return entry.kind != SLOT_SAME_FILLED

    cdef int check_groups(self) except -1:
        """Assert that each group but the first is charged for its slots and for those of the groups below it."""
        cdef uint32_t slot, number
        cdef slot_entry *entry
        charged = [[0, 0] for _ in range(self.groups.count)]
        for slot in range(self.table.count if self.groups.count > 1 else 0):
            entry = self.slots.find(slot)
            if entry != NULL and entry.kind:
                own = charged[group_of_slot(self.groups, slot) - self.groups.groups]
                own[0] += entry.length
                own[1] += 1
        for number in range(self.groups.count - 1, 0, -1):
            group = &self.groups.groups[number]
            expected = [group.compressed_bytes, group.stored]
            assert charged[number] == expected, f"group {number} is charged wrongly"
            above = charged[group.parent]
            above[0] += charged[number][0]
            above[1] += charged[number][1]
        return 0
