"""A backend that keeps pages compressed in a node's frames: a private node's, or those of DRAM (zswap, zram).

Which of the three it is, its rules say (poolrules.pxd). A private node differs from zswap where it can: the limit is
the node itself, the shrinker runs before a page is refused, and the pool is packed before anything is written back.
What zram does to slots from outside, marking, recompressing and writing them back, is in slotwork.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.backend.backend cimport FOLIO_SPLIT, LOAD_DROPPED, LOAD_KEPT, costs_charge
from zswapsim._core.backend.foliocodec cimport NO_FIRST
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_FULL, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.backend.compressed cimport (
    AT_DEVICE, AT_MASK, AT_NOWHERE, AT_POOL, FAILED, NOTHING_LEFT, REFERENCED, SPARED, WROTE, CompressedPool,
)
from zswapsim._core.lru.log cimport lru_add
from zswapsim._core.backend.groups cimport FIRST_GROUP, NO_GROUP, pool_group
from zswapsim._core.backend.rules cimport (
    SHRINK_BATCH, pool_is_full, shrinker_count, shrinker_delta, shrinker_leaves,
)
from zswapsim._core.zsmalloc.slots cimport SLOT_PART, SLOT_RAW, SLOT_SAME, encoded_page


@final
cdef class PooledBackend(CompressedPool):
    """A CompressedPool behind swap: what it takes, and what it does when it is full."""

    cdef int store(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef int code = self.admit(slot, 1) if self.rules.guarded else ZSW_OK
        if code == ZSW_OK:
            code = self.take(slot, page)
        return self.refuse(slot, 1, &page) if code == REFUSED else code

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """zswap_store() takes all pages or none; zram fails the whole write. A private node takes each by itself."""
        cdef uint32_t taken = 0
        cdef int code
        if not self.rules.guarded:
            code = NO_GAIN if self.whole is None else self.take_whole(first, pages)
            if code != NO_GAIN:
                return FOLIO_SPLIT if code == ZSW_E_FULL else code
            return CompressedPool.store_folio(self, first, count, pages)
        code = self.admit(first, count)
        if code == ZSW_E_FULL:
            return FOLIO_SPLIT
        while code == ZSW_OK and taken < count:
            code = self.take(first + taken, pages[taken])
            taken += code == ZSW_OK
        if code == ZSW_OK:
            return code
        self.take_back(first, taken)
        return self.refuse(first, count, pages) if code == REFUSED else code

    cdef int take_whole(self, uint32_t first, const uint8_t **pages) noexcept nogil:
        """Compresses a folio as one, and puts it into the node, or sends it to the device. NO_GAIN; or a code."""
        cdef encoded_page made
        cdef int code = self.whole.compress(pages, self.image_of + first, &self.costs)
        if code <= 0:
            return NO_GAIN if code == 0 else code
        made.kind = SLOT_PART
        code = self.settle_folio(first)
        if code == ZSW_E_FULL:
            self.counters.pool_limit_hit += 1
            code = self.shrink_for(first, &made)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return self.refuse(first, self.whole.size, pages)
        return code

    cdef int put_in(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Puts a page into the pool, or the folio that was compressed last. 0 or a negative code."""
        return self.settle_folio(slot) if made.kind == SLOT_PART else self.settle(slot, made)

    cdef int settle_folio(self, uint32_t first) noexcept nogil:
        """Its compressed bytes are cut into pieces of a page and a rest, an object each, in the first of its slots."""
        cdef pool_group *group = self.groups.of(first)
        cdef uint32_t left = self.whole.packed_bytes
        cdef uint32_t i
        cdef encoded_page made
        cdef int code
        for i in range(self.whole.size):
            made.kind = SLOT_PART
            made.word = 0
            made.length = <uint16_t> min(left, <uint32_t> ZSW_PAGE_SIZE)
            made.checksum = self.whole.decompress_ns
            made.data = NULL
            if self.whole.images == NULL:
                made.data = self.whole.packed + <size_t> i * ZSW_PAGE_SIZE
            code = self.slots.put(first + i, &made)
            if code < 0:
                self.drop_pieces(first, i)
                return code
            self.groups.charge(group, made.length, 1)
            self.states[first + i] = AT_POOL | REFERENCED
            left -= made.length
        code = lru_add(&group.queue, self.stamps, first)
        if code < 0:
            self.drop_pieces(first, self.whole.size)
            return code
        self.counters.zswpout += self.whole.size
        group.events.zswpout += self.whole.size
        costs_charge(
            &self.costs, &self.costs.spent_node,
            self.costs.node_latency + self.costs.node_byte * self.whole.packed_bytes,
        )
        return ZSW_OK

    cdef void drop_pieces(self, uint32_t first, uint32_t count) noexcept nogil:
        cdef uint32_t slot
        for slot in range(first, first + count):
            self.forget(slot)

    cdef int load_piece(self, uint32_t slot, uint8_t *page) noexcept nogil:
        """A page of a folio that was compressed whole, which is opened at its first page. 0 or a negative code."""
        cdef uint32_t inside = slot % self.whole.size
        cdef int code = ZSW_OK
        if self.whole.opened_first != slot - inside:
            code = self.whole.open(self.slots, slot - inside, &self.costs)
        if code == ZSW_OK and page != NULL:
            memcpy(page, self.whole.opened + <size_t> inside * ZSW_PAGE_SIZE, ZSW_PAGE_SIZE)
        if inside == self.whole.size - 1:
            self.whole.opened_first = NO_FIRST
        return code

    cdef void take_back(self, uint32_t first, uint32_t count) noexcept nogil:
        """Undoes take() of so many pages, which then have not been swapped out."""
        cdef uint32_t slot
        for slot in range(first, first + count):
            if self.rules.block_device:
                self.counters.pswpout -= 1
            else:
                self.counters.zswpout -= 1
                self.groups.of(slot).events.zswpout -= 1
            self.forget(slot)

    cdef int take(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        """Compresses a page and puts it into the pool. 0, REFUSED or a negative code."""
        cdef encoded_page made
        cdef int code
        code = self.codecs.encode(self.image(slot), page, &self.costs, &made)
        if code == ZSW_OK and made.kind == SLOT_RAW and not self.keeps_poor(slot):
            code = ZSW_E_CODEC
        if code == ZSW_E_CODEC:
            self.counters.reject_compress_fail += not self.rules.block_device
            return REFUSED
        if code < 0:
            return code
        if self.rules.frames != ~<uint64_t> 0 and self.takes_too_much(&made):
            return REFUSED
        code = self.settle(slot, &made)
        if code == ZSW_E_FULL and self.rules.shrinks:
            self.counters.pool_limit_hit += 1
            code = self.shrink_for(slot, &made)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += not self.rules.block_device
            return REFUSED
        if code == ZSW_E_NOMEM:
            self.counters.reject_kmemcache_fail += 1
            return REFUSED
        return code

    cdef int admit(self, uint32_t slot, uint32_t count) noexcept nogil:
        """0 where a folio may be compressed, REFUSED, or a negative code: ZSW_E_FULL where swap slots are short.

        zswap_store() in mm/zswap.c up to zswap_check_limits().
        """
        cdef uint64_t held = self.slots.stored + (0 if self.device.is_pool else self.device.used)
        cdef uint32_t wanted = 0
        cdef uint32_t i
        cdef int code
        for i in range(count):
            wanted += self.states[slot + i] & AT_MASK == AT_NOWHERE
        if wanted and held + wanted > self.rules.slots:
            return REFUSED if self.device.is_pool else ZSW_E_FULL
        if self.groups.over_limit(self.groups.of(slot), self.slots.compressed_bytes):
            code = self.shrink_one(self.groups.of(slot))
            if code != WROTE:
                return code if code < 0 else REFUSED
        if pool_is_full(&self.rules, &self.full, self.slots.pool.frames_in_use, &self.counters.pool_limit_hit):
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
        cdef uint8_t *state = &self.states[slot]
        cdef int code
        if state[0] & AT_MASK == AT_DEVICE:
            code = self.fetch(slot, page)
            if code == LOAD_DROPPED:
                state[0] = AT_NOWHERE
                return code
            if code < 0 or self.device.is_pool or not (self.rules.block_device and self.exclusive):
                return code
            self.forget(slot)
            return LOAD_DROPPED
        if self.whole is not None and self.slots.find(slot).kind == SLOT_PART:
            code = self.load_piece(slot, page)
        else:
            code = self.codecs.decode(self.slots, self.slots.find(slot), page, &self.costs)
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        if self.rules.block_device:
            self.counters.pswpin += 1
        else:
            self.counters.zswpin += 1
            self.groups.of(slot).events.zswpin += 1
        if self.exclusive:
            self.forget(slot)
            return LOAD_DROPPED
        state[0] |= REFERENCED
        self.note_access(slot)
        return LOAD_KEPT

    cdef void invalidate(self, uint32_t slot) noexcept nogil:
        if not self.rules.slots_stay:
            self.forget(slot)

    cdef inline bint keeps_poor(self, uint32_t slot) noexcept nogil:
        """Whether a page that gains nothing is kept as it is: zswap does where it may write the page back."""
        return self.rules.keeps_poor and (self.rules.block_device or self.groups.of(slot).writeback)

    cdef int refuse(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """A folio that the pool can't take goes to the device, or stays; then zswap's worker has its turn."""
        cdef pool_group *group = self.groups.of(first)
        cdef int code, worked
        if self.rules.block_device and not self.device.is_pool:
            self.counters.failed_writes += 1
            return ZSW_E_FULL
        code = self.write_out(first, count, pages) if group.writeback else ZSW_E_FULL
        if code == ZSW_OK:
            if not self.device.is_pool:
                self.counters.pswpout += count
                group.events.pswpout += count
                costs_charge(&self.costs, &self.costs.spent_device, count * self.costs.device_write)
        elif code != ZSW_E_FULL:
            return code
        worked = self.work() if self.full else ZSW_OK
        return worked if worked < 0 else code

    cdef int write_out(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Writes pages to the device as they are, all of them or none. 0 or a negative code."""
        cdef uint32_t done = 0
        cdef int code = ZSW_OK
        while code == ZSW_OK and done < count:
            code = self.device.write(first + done, pages[done])
            if code == ZSW_OK:
                self.states[first + done] = AT_DEVICE
                done += 1
        while code != ZSW_OK and done:
            done -= 1
            self.forget(first + done)
        return code

    # -- the shrinker -------------------------------------------------------------------------------------------------

    cdef int shrink_for(self, uint32_t slot, const encoded_page *made) noexcept nogil:
        """Makes room and puts the page in: packs the pool, then writes back until the target is reached and it fits."""
        cdef int wrote, code
        if self.slots.pool.compact():
            code = self.put_in(slot, made)
            if code != ZSW_E_FULL:
                return code
        while True:
            wrote = self.write_back(WRITEBACK_BATCH)
            if wrote < 0:
                return wrote
            if wrote and self.slots.pool.frames_in_use - self.slots.pool.compactable() > self.target:
                continue
            self.slots.pool.compact()
            code = self.put_in(slot, made)
            if code != ZSW_E_FULL or wrote == 0:
                return code

    cdef int write_back(self, int most) noexcept nogil:
        """Writes the coldest pages back, at most so many, until one can't be. Returns how many, or a negative code."""
        cdef int wrote = 0
        cdef int code
        while wrote < most:
            code = self.shrink_one(&self.groups.groups[FIRST_GROUP])
            if code == NOTHING_LEFT or code == FAILED:
                break
            if code < 0:
                return code
            wrote += code == WROTE
        return wrote

    cdef int work(self) noexcept nogil:
        """zswap's worker after a refusal: one entry of each group in turn, until the pool accepts again.

        It gives up after so many entries that were spared or could not be written, and walks round all groups that
        found nothing to look at.
        shrink_worker() in mm/zswap.c. 0 or a negative code.
        """
        cdef pool_group *group
        cdef int failures = 0
        cdef int attempts = 0
        cdef bint whole = self.groups.next_shrink == NO_GROUP   # this walk began with the first group
        cdef int code
        while failures < self.rules.retries:
            group = self.groups.next()
            if group == NULL:
                if attempts == 0 and whole:
                    break  # and so would all walks until it gives up
                failures += attempts == 0
                attempts = 0
                whole = True
            else:
                code = self.shrink_one(group)
                if code < 0:
                    return code
                attempts += code != NOTHING_LEFT
                failures += code == SPARED or code == FAILED
            if self.slots.pool.frames_in_use <= self.rules.accept_to:
                break
        return ZSW_OK

    cdef int shrink(self) noexcept nogil:
        """zswap's dynamic shrinker, which a reclaim calls for each group."""
        cdef uint32_t number
        cdef int code
        for number in range(self.groups.count):
            code = self.shrink_group(&self.groups.groups[number])
            if code < 0:
                return code
        return ZSW_OK

    cdef int shrink_group(self, pool_group *group) noexcept nogil:
        """do_shrink_slab() in mm/shrinker.c over zswap_shrinker_count() and zswap_shrinker_scan()."""
        cdef bint first = group == &self.groups.groups[FIRST_GROUP]
        cdef uint64_t held = self.slots.compressed_bytes if first else group.compressed_bytes
        cdef uint64_t stored = self.slots.stored if first else group.stored
        cdef uint64_t freeable, added, total, part, scanned = 0
        cdef int wrote
        if not group.writeback:
            return ZSW_OK
        freeable = shrinker_count(&group.disk_swapins, group.queue.live, held // ZSW_PAGE_SIZE, stored)
        if freeable == 0:
            return ZSW_OK
        added = shrinker_delta(freeable, self.rules.priority)
        total = min((group.deferred >> self.rules.priority) + added, 2 * freeable)
        while total and (total >= SHRINK_BATCH or total >= freeable):
            part = min(total, <uint64_t> SHRINK_BATCH)
            wrote = self.scan(group, <int> part)
            if wrote <= 0:
                if wrote < 0:
                    return wrote
                break
            total -= part
            scanned += part
        group.deferred = shrinker_leaves(group.deferred + added, scanned, freeable)
        return ZSW_OK

    cdef int scan(self, pool_group *group, int count) noexcept nogil:
        """Looks at so many pages of a group. Returns how many were written back, or a negative code."""
        cdef int wrote = 0
        cdef int code
        for _ in range(count):
            code = self.shrink_one(group)
            if code < 0:
                return code
            if code == NOTHING_LEFT:
                break
            wrote += code == WROTE
        return wrote
