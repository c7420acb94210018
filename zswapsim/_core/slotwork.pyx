"""What zram does to its slots from outside: marking idle ones, recompressing, writing back to a backing device.

After mark_idle(), recompress_store() and writeback_store() in drivers/block/zram/zram_drv.c. A choice of slots is a sum
of IDLE_SLOTS, HUGE_SLOTS and INCOMPRESSIBLE_SLOTS: a slot must be all that is asked for; 0 takes every slot. Slots are
taken largest object first, by ranges of 64 bytes, the last slot of a range first.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from zswapsim._core.backend cimport costs_charge
from zswapsim._core.codec cimport codec_raise
from zswapsim._core.errors cimport ZSW_E_FULL, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.lru cimport LRU_NONE
from zswapsim._core.pool cimport AT_MASK, AT_POOL, IDLE, INCOMPRESSIBLE, CompressedPool
from zswapsim._core.sizeclass cimport ZS_HANDLE_BYTES, ZS_STEP
from zswapsim._core.slots cimport SLOT_COMPRESSED, SLOT_RAW, SLOT_SAME, encoded_page, slot_entry

cdef enum:
    BUCKET_BYTES = 64           # PP_BUCKET_SIZE_RANGE
    BUCKETS = ZSW_PAGE_SIZE // BUCKET_BYTES + 1
    WANT_IDLE = 1
    WANT_HUGE = 2
    WANT_INCOMPRESSIBLE = 4

IDLE_SLOTS = WANT_IDLE
HUGE_SLOTS = WANT_HUGE
INCOMPRESSIBLE_SLOTS = WANT_INCOMPRESSIBLE


def mark_idle(CompressedPool pool not None):
    """Mark every slot that has an object. Storing or loading a page takes its slot's mark away."""
    cdef uint32_t slot
    enter(pool)
    for slot in range(pool.slot_count):
        if has_object(pool, slot):
            pool.records[slot].state |= IDLE
    pool.arena.leave()


def write_back_slots(CompressedPool pool not None, int choice, uint64_t most):
    """Write the chosen slots to the device, at most so many pages. Returns how many.

    It ends early where the device is full. Raises what a failing codec or device raises.
    """
    cdef uint64_t wrote = 0
    cdef int code = ZSW_OK
    cdef uint32_t *order = NULL
    cdef uint32_t count, i
    enter(pool)
    try:
        with nogil:
            code = choose(pool, choice, False, &order, &count)
            i = 0
            while code == ZSW_OK and i < count and wrote < most:
                code = pool.write_back_one(order[i])
                wrote += code == ZSW_OK
                i += 1
            free(order)
    finally:
        pool.arena.leave()
    if code < 0 and code != ZSW_E_FULL:
        codec_raise(code, "writeback")
    return wrote


def recompress_slots(CompressedPool pool not None, int choice, uint32_t threshold):
    """Compress the chosen slots with the further codecs, those of at least `threshold` bytes. Returns how many shrank.

    It ends early where the pool has no room for a new object. Raises what a failing codec raises.
    """
    cdef uint64_t before = pool.counters.recompressed_pages
    cdef int code = ZSW_OK
    cdef uint32_t *order = NULL
    cdef uint32_t count, i
    enter(pool)
    try:
        with nogil:
            code = choose(pool, choice, True, &order, &count)
            i = 0
            while code == ZSW_OK and i < count:
                code = recompress_slot(pool, order[i], threshold)
                i += 1
            free(order)
    finally:
        pool.arena.leave()
    if code < 0 and code != ZSW_E_FULL:
        codec_raise(code, "recompression")
    return pool.counters.recompressed_pages - before


cdef int enter(CompressedPool pool) except -1:
    """The pool's frames are the caller's, until it leaves the arena. Without a replay there are no slots."""
    pool.enter()
    pool.arena.enter()
    return 0


cdef bint has_object(CompressedPool pool, uint32_t slot) noexcept nogil:
    return pool.records[slot].state & AT_MASK == AT_POOL and pool.slots.find(slot).kind != SLOT_SAME


cdef bint wanted(CompressedPool pool, uint32_t slot, int choice, bint weaker) noexcept nogil:
    """Whether a slot is chosen; with `weaker`, only where a stronger codec is left to be tried."""
    cdef uint32_t state = pool.records[slot].state
    cdef slot_entry *entry
    if not has_object(pool, slot):
        return False
    entry = pool.slots.find(slot)
    if choice & WANT_IDLE and not state & IDLE or choice & WANT_HUGE and entry.kind != SLOT_RAW:
        return False
    if choice & WANT_INCOMPRESSIBLE and not state & INCOMPRESSIBLE:
        return False
    return not weaker or not (state & INCOMPRESSIBLE or entry.codec + 1 >= pool.codecs.count)


cdef int choose(CompressedPool pool, int choice, bint weaker, uint32_t **order, uint32_t *count) noexcept nogil:
    """The chosen slots in the order in which they are worked on, for the caller to free. 0 or ZSW_E_NOMEM."""
    cdef uint32_t[BUCKETS] heads
    cdef uint32_t *links = <uint32_t *> malloc((<size_t> pool.slot_count + 1) * sizeof(uint32_t))
    cdef uint32_t slot, bucket
    cdef int i
    order[0] = <uint32_t *> malloc((<size_t> pool.slot_count + 1) * sizeof(uint32_t))
    count[0] = 0
    if links == NULL or order[0] == NULL:
        free(links)
        return ZSW_E_NOMEM
    for i in range(BUCKETS):
        heads[i] = LRU_NONE
    for slot in range(pool.slot_count):
        if wanted(pool, slot, choice, weaker):
            bucket = pool.slots.find(slot).length // BUCKET_BYTES
            links[slot] = heads[bucket]
            heads[bucket] = slot
    for i in range(BUCKETS - 1, -1, -1):
        slot = heads[i]
        while slot != LRU_NONE:
            order[0][count[0]] = slot
            count[0] += 1
            slot = links[slot]
    free(links)
    return ZSW_OK


cdef inline int class_of(CompressedPool pool, uint32_t length) noexcept nogil:
    return pool.slots.pool.class_of_step[min(256, (length + ZS_HANDLE_BYTES + ZS_STEP - 1) // ZS_STEP)]


cdef int recompress_slot(CompressedPool pool, uint32_t slot, uint32_t threshold) noexcept nogil:
    """recompress_slot(): the next codecs in turn, until one gets the object into a smaller size class."""
    cdef slot_entry *entry = pool.slots.find(slot)
    cdef uint32_t image = entry.checksum
    cdef int old_class = class_of(pool, entry.length)
    cdef int new_class = old_class
    cdef int length = entry.length
    cdef int number = entry.codec + 1
    cdef int code
    if entry.length < threshold:
        return ZSW_OK
    code = pool.codecs.decode(pool.slots, entry, pool.codecs.page, &pool.costs)
    if code < 0:
        pool.counters.decompress_fail += 1
        return code
    pool.records[slot].state &= ~<uint32_t> IDLE
    while number < pool.codecs.count:
        length = pool.codecs.compress_again(number, image, &pool.costs)
        if length < 0:
            return length
        new_class = class_of(pool, length)
        if new_class < old_class and not (threshold and <uint32_t> length >= threshold):
            return exchange(pool, slot, number, <uint16_t> length, image)
        number += 1
    if new_class >= old_class:
        pool.records[slot].state |= INCOMPRESSIBLE
        pool.counters.recompress_fail += 1
    return ZSW_OK


cdef int exchange(CompressedPool pool, uint32_t slot, int number, uint16_t length, uint32_t image) noexcept nogil:
    """Puts what codec `number` made of a page in the place of the slot's object. ZSW_E_FULL leaves it."""
    cdef encoded_page made
    cdef int code
    memset(&made, 0, sizeof(made))
    made.kind = SLOT_COMPRESSED
    made.length = length
    if pool.codecs.measured:
        made.checksum = image
    else:
        made.data = pool.codecs.codecs[number].ctx.scratch
    code = pool.slots.put(slot, &made)
    if code < 0:
        return code
    pool.slots.find(slot).codec = <uint8_t> number
    pool.counters.recompressed_pages += 1
    costs_charge(&pool.costs, &pool.costs.spent_node, pool.costs.node_latency + pool.costs.node_byte * length)
    return ZSW_OK
