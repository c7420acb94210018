"""Choose zram's slots for writeback and recompression, and mark idle slots.

It follows mark_idle(), scan_slots_for_recompress() and scan_slots_for_writeback() in drivers/block/zram/zram_drv.c. A
choice is a sum of IDLE_SLOTS, HUGE_SLOTS and INCOMPRESSIBLE_SLOTS: a slot must be all that the sum names; 0 chooses
every slot. Chosen slots are ordered by ranges of 64 bytes, largest object first, the last slot of a range first.
"""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.backend.writeback cimport SLOT_AT_POOL, slot_place
from zswapsim._core.backend.zram cimport ZRAM_IDLE, ZRAM_INCOMPRESSIBLE, ZramBackend
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.lru.log cimport LRU_NONE
from zswapsim._core.zsmalloc.slots cimport SLOT_HUGE, SLOT_SAME_FILLED, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    BUCKET_BYTES = 64           # PP_BUCKET_SIZE_RANGE
    BUCKETS = ZSW_PAGE_SIZE // BUCKET_BYTES + 1

IDLE_SLOTS = CHOOSE_IDLE
HUGE_SLOTS = CHOOSE_HUGE
INCOMPRESSIBLE_SLOTS = CHOOSE_INCOMPRESSIBLE


def mark_idle(ZramBackend zram not None, now=0, age=None):
    """Mark every slot that has an object as idle. An access to the slot removes the mark.

    With `age`, mark the slots whose last access is more than `age` accesses before `now`, and remove the mark of all
    others. Raises InputError if zram does not track accesses.
    """
    cdef uint32_t slot
    cdef uint64_t clock = whole(now, "now", 0, (1 << 64) - 1)
    cdef uint64_t cutoff = 0 if age is None else whole(age, "age", 0, (1 << 64) - 1)
    cdef bint by_age = age is not None
    lock_pool(zram)
    try:
        if by_age and zram.access_time == NULL:
            raise InputError("idle marking by age: expected a pool that tracks accesses")
        for slot in range(zram.table.count):
            if not has_object(zram, slot):
                continue
            if by_age and clock - min(clock, zram.access_time[slot]) <= cutoff:
                zram.table.states[slot] &= ~<uint32_t> ZRAM_IDLE
            else:
                zram.table.states[slot] |= ZRAM_IDLE
    finally:
        zram.arena.unlock()


cdef int lock_pool(ZramBackend zram) except -1:
    """A backend without an engine has no slots and is rejected here too."""
    zram.ensure_open()
    zram.arena.lock()
    return 0


cdef int slot_choice(choice) except -1:
    return whole(choice, "choice of slots", 0, CHOOSE_IDLE | CHOOSE_HUGE | CHOOSE_INCOMPRESSIBLE)


cdef bint has_object(ZramBackend zram, uint32_t slot) noexcept nogil:
    return slot_place(&zram.table, slot) == SLOT_AT_POOL and zram.slots.find(slot).kind != SLOT_SAME_FILLED


cdef bint is_chosen(ZramBackend zram, uint32_t slot, int choice, int codecs_end) noexcept nogil:
    cdef uint32_t state = zram.table.states[slot]
    cdef slot_entry *entry
    if not has_object(zram, slot):
        return False
    entry = zram.slots.find(slot)
    if choice & CHOOSE_IDLE and not state & ZRAM_IDLE or choice & CHOOSE_HUGE and entry.kind != SLOT_HUGE:
        return False
    if choice & CHOOSE_INCOMPRESSIBLE and not state & ZRAM_INCOMPRESSIBLE:
        return False
    return codecs_end == ANY_CODEC or not (state & ZRAM_INCOMPRESSIBLE or entry.codec + 1 >= codecs_end)


cdef int choose_slots(ZramBackend zram, int choice, int codecs_end, ranges, slot_list *chosen) except -1:
    cdef uint32_t[BUCKETS] heads
    cdef uint32_t *links
    cdef uint32_t slot
    cdef int i
    cdef list spans = checked_ranges(ranges, zram.table.count)
    links = <uint32_t *> mem_alloc((<size_t> zram.table.count + 1) * sizeof(uint32_t))
    chosen.order = <uint32_t *> mem_alloc((<size_t> zram.table.count + 1) * sizeof(uint32_t))
    chosen.count = 0
    if links == NULL or chosen.order == NULL:
        mem_free(links)
        mem_free(chosen.order)
        raise HostMemoryError("slots to choose from: the host is out of memory")
    for i in range(BUCKETS):
        heads[i] = LRU_NONE
    for first, end in spans:
        for slot in range(<uint32_t> first, <uint32_t> end):
            if is_chosen(zram, slot, choice, codecs_end):
                add_to_bucket(zram, slot, heads, links)
    collect_buckets(heads, links, chosen)
    mem_free(links)
    return 0


cdef list checked_ranges(ranges, uint32_t count):
    """Return ranges of slots, first and one past the last, in order and without overlap."""
    cdef list result = []
    for span in sorted(ranges) if ranges is not None else [(0, count - 1)] if count else []:
        if not isinstance(span, tuple) or len(span) != 2:
            raise InputError("slots: expected ranges of a first and a last slot")
        first, last = (whole(slot, "slot", -(1 << 63), (1 << 63) - 1) for slot in span)
        if not 0 <= first <= last < count:
            raise InputError(f"slots {first}-{last}: expected two of 0 to {count - 1}, the lower one first")
        first = max(first, result[len(result) - 1][1]) if result else first
        if first <= last:
            result.append((first, last + 1))
    return result


cdef inline void add_to_bucket(ZramBackend zram, uint32_t slot, uint32_t *heads, uint32_t *links) noexcept nogil:
    """place_pp_slot() in zram_drv.c."""
    cdef uint32_t bucket = zram.slots.find(slot).length // BUCKET_BYTES
    links[slot] = heads[bucket]
    heads[bucket] = slot


cdef void collect_buckets(const uint32_t *heads, const uint32_t *links, slot_list *chosen) noexcept nogil:
    """List the slots of all buckets in the order of select_pp_slot() in zram_drv.c."""
    cdef uint32_t slot
    cdef int i
    for i in range(BUCKETS - 1, -1, -1):
        slot = heads[i]
        while slot != LRU_NONE:
            chosen.order[chosen.count] = slot
            chosen.count += 1
            slot = links[slot]
