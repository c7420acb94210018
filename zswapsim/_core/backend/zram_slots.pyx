"""What zram does to its slots from outside: marking idle ones, recompressing, writing back to a backing device.

After mark_idle(), recompress_store() and writeback_store() in drivers/block/zram/zram_drv.c. A choice of slots is a sum
of IDLE_SLOTS, HUGE_SLOTS and INCOMPRESSIBLE_SLOTS: a slot must be all that is asked for; 0 takes every slot. Slots are
taken largest object first, by ranges of 64 bytes, the last slot of a range first.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from zswapsim._core.backend.backend cimport costs_charge
from zswapsim._core.codec.codec cimport codec_raise
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.lru.log cimport LRU_NONE
from zswapsim._core.backend.compressed cimport AT_MASK, AT_POOL, IDLE, INCOMPRESSIBLE, CompressedPool
from zswapsim._core.zsmalloc.classes cimport ZS_HANDLE_BYTES, ZS_STEP
from zswapsim._core.zsmalloc.slots cimport SLOT_COMPRESSED, SLOT_RAW, SLOT_SAME, encoded_page, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    BUCKET_BYTES = 64           # PP_BUCKET_SIZE_RANGE
    BUCKETS = ZSW_PAGE_SIZE // BUCKET_BYTES + 1
    WANT_IDLE = 1
    WANT_HUGE = 2
    WANT_INCOMPRESSIBLE = 4
    LEAST_CODEC = 0             # of choose(): slots of any codec

# Slots in the order in which they are worked on.
ctypedef struct slot_list:
    uint32_t *order
    uint32_t count

ctypedef struct recompression:
    uint32_t threshold          # bytes
    int first                   # codecs to try
    int end
    uint64_t most               # slots that may still be tried

IDLE_SLOTS = WANT_IDLE
HUGE_SLOTS = WANT_HUGE
INCOMPRESSIBLE_SLOTS = WANT_INCOMPRESSIBLE
ANY_NUMBER = (1 << 64) - 1


def mark_idle(CompressedPool pool not None, uint64_t now=0, age=None):
    """Mark every slot that has an object; accessing a slot takes its mark away.

    With `age` only slots that were accessed last more than so many accesses before `now`, and no others are any more:
    for pools that track accesses. Raises InputError for others.
    """
    cdef uint32_t slot
    cdef uint64_t oldest = 0 if age is None else age
    cdef bint aged = age is not None
    enter(pool)
    try:
        if aged and pool.accessed == NULL:
            raise InputError("idle marking by age: expected a pool that tracks accesses")
        for slot in range(pool.slot_count):
            if not has_object(pool, slot):
                continue
            if aged and now - min(now, pool.accessed[slot]) <= oldest:
                pool.states[slot] &= ~<uint32_t> IDLE
            else:
                pool.states[slot] |= IDLE
    finally:
        pool.arena.leave()


def write_back_slots(CompressedPool pool not None, int choice, uint64_t most, ranges=None):
    """Write the chosen slots to the device, at most so many pages. Returns how many.

    `ranges`: (first, last) each, of the slots to choose from; all where it is None. One that does not decode is left;
    it ends early where the device is full. Raises InputError for a range of slots that are not there, and what a
    failing device raises.
    """
    cdef uint64_t wrote = 0
    cdef int code = ZSW_OK
    cdef slot_list chosen
    cdef uint32_t i = 0
    enter(pool)
    try:
        choose(pool, choice, LEAST_CODEC, ranges, &chosen)
        with nogil:
            while i < chosen.count and wrote < most:
                code = pool.write_back_one(chosen.order[i])
                if code < 0 and code != ZSW_E_CORRUPT:
                    break
                wrote += code == ZSW_OK
                i += 1
            free(chosen.order)
    finally:
        pool.arena.leave()
    if code < 0 and code != ZSW_E_FULL and code != ZSW_E_CORRUPT:
        codec_raise(code, "writeback")
    return wrote


def recompress_slots(
    CompressedPool pool not None, int choice, uint32_t threshold=0, int priority=0, uint64_t most=ANY_NUMBER
):
    """Compress the chosen slots with further codecs, those of at least `threshold` bytes. Returns how many shrank.

    `priority`: the codec to take, from 1 on; 0 is all, from the weakest on, that are stronger than the slot's. `most`:
    slots to try. It ends early where the pool has no room for a new object, or where a slot does not decode. Raises
    InputError for a threshold of a huge page, or a codec that is not there, and what a failing codec raises.
    """
    cdef uint64_t before = pool.counters.recompressed_pages
    cdef int code = ZSW_OK
    cdef recompression asked
    cdef slot_list chosen
    cdef uint32_t i = 0
    enter(pool)
    try:
        if threshold >= <uint32_t> pool.slots.pool.huge_class_size:
            raise InputError(f"threshold {threshold}: expected less than {pool.slots.pool.huge_class_size} bytes")
        if priority and not 0 < priority < pool.codecs.count:
            raise InputError(f"priority {priority}: expected 1 to {pool.codecs.count - 1}")
        asked.threshold, asked.most = threshold, most
        asked.first = priority or 1
        asked.end = priority + 1 if priority else pool.codecs.count
        choose(pool, choice, asked.end, None, &chosen)
        with nogil:
            while i < chosen.count and asked.most and code == ZSW_OK:
                code = recompress_slot(pool, chosen.order[i], &asked)
                i += 1
            free(chosen.order)
    finally:
        pool.arena.leave()
    if code < 0 and code != ZSW_E_FULL and code != ZSW_E_CORRUPT:
        codec_raise(code, "recompression")
    return pool.counters.recompressed_pages - before


cdef int enter(CompressedPool pool) except -1:
    """The pool's frames are the caller's, until it leaves the arena. Without a replay there are no slots."""
    pool.enter()
    pool.arena.enter()
    return 0


cdef bint has_object(CompressedPool pool, uint32_t slot) noexcept nogil:
    return pool.states[slot] & AT_MASK == AT_POOL and pool.slots.find(slot).kind != SLOT_SAME


cdef bint wanted(CompressedPool pool, uint32_t slot, int choice, int end) noexcept nogil:
    """Whether a slot is chosen; for recompression by codecs below `end`, only where one is stronger than the slot's."""
    cdef uint32_t state = pool.states[slot]
    cdef slot_entry *entry
    if not has_object(pool, slot):
        return False
    entry = pool.slots.find(slot)
    if choice & WANT_IDLE and not state & IDLE or choice & WANT_HUGE and entry.kind != SLOT_RAW:
        return False
    if choice & WANT_INCOMPRESSIBLE and not state & INCOMPRESSIBLE:
        return False
    return end == LEAST_CODEC or not (state & INCOMPRESSIBLE or entry.codec + 1 >= end)


cdef int choose(CompressedPool pool, int choice, int codecs_end, ranges, slot_list *chosen) except -1:
    """The chosen slots in the order in which they are worked on, for the caller to free. Raises HostMemoryError."""
    cdef uint32_t[BUCKETS] heads
    cdef uint32_t *links
    cdef uint32_t slot
    cdef int i
    cdef list spans = checked(ranges, pool.slot_count)
    links = <uint32_t *> malloc((<size_t> pool.slot_count + 1) * sizeof(uint32_t))
    chosen.order = <uint32_t *> malloc((<size_t> pool.slot_count + 1) * sizeof(uint32_t))
    chosen.count = 0
    if links == NULL or chosen.order == NULL:
        free(links)
        free(chosen.order)
        raise HostMemoryError("slots to choose from: the host is out of memory")
    for i in range(BUCKETS):
        heads[i] = LRU_NONE
    for first, end in spans:
        for slot in range(<uint32_t> first, <uint32_t> end):
            if wanted(pool, slot, choice, codecs_end):
                put_into_bucket(pool, slot, heads, links)
    take_buckets(heads, links, chosen)
    free(links)
    return 0


cdef list checked(ranges, uint32_t count):
    """Ranges of slots, first and one past the last, in order and apart from each other."""
    cdef list found = []
    for first, last in sorted(ranges) if ranges is not None else [(0, count - 1)] if count else []:
        if not 0 <= first <= last < count:
            raise InputError(f"slots {first}-{last}: expected two of 0 to {count - 1}, the lower one first")
        first = max(first, found[len(found) - 1][1]) if found else first
        if first <= last:
            found.append((first, last + 1))
    return found


cdef inline void put_into_bucket(CompressedPool pool, uint32_t slot, uint32_t *heads, uint32_t *links) noexcept nogil:
    cdef uint32_t bucket = pool.slots.find(slot).length // BUCKET_BYTES
    links[slot] = heads[bucket]
    heads[bucket] = slot


cdef void take_buckets(const uint32_t *heads, const uint32_t *links, slot_list *chosen) noexcept nogil:
    cdef uint32_t slot
    cdef int i
    for i in range(BUCKETS - 1, -1, -1):
        slot = heads[i]
        while slot != LRU_NONE:
            chosen.order[chosen.count] = slot
            chosen.count += 1
            slot = links[slot]


cdef inline int class_of(CompressedPool pool, uint32_t length) noexcept nogil:
    return pool.slots.pool.class_of_step[min(256, (length + ZS_HANDLE_BYTES + ZS_STEP - 1) // ZS_STEP)]


cdef int recompress_slot(CompressedPool pool, uint32_t slot, recompression *asked) noexcept nogil:
    """recompress_slot(): codecs stronger than the slot's in turn, until one gets the object into a smaller class."""
    cdef slot_entry *entry = pool.slots.find(slot)
    cdef uint32_t image = entry.checksum
    cdef int old_class = class_of(pool, entry.length)
    cdef int number = max(asked.first, entry.codec + 1)
    cdef int length, code
    if entry.length < asked.threshold:
        return ZSW_OK
    code = pool.codecs.decode(pool.slots, entry, pool.codecs.page, &pool.costs)
    if code < 0:
        pool.counters.decompress_fail += 1
        return code
    pool.states[slot] &= ~<uint32_t> IDLE
    asked.most -= 1
    while number < asked.end:
        length = pool.codecs.compress_again(number, image, &pool.costs)
        if length < 0:
            return length
        if class_of(pool, length) < old_class and not (asked.threshold and <uint32_t> length >= asked.threshold):
            return exchange(pool, slot, number, <uint16_t> length, image)
        number += 1
    if number == pool.codecs.count:  # the strongest was among them
        pool.states[slot] |= INCOMPRESSIBLE
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
