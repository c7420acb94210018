"""Recompress chosen slots of zram with stronger codecs: recompress_store() in drivers/block/zram/zram_drv.c."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.backend.backend cimport costs_charge
from zswapsim._core.backend.zram cimport ZRAM_IDLE, ZRAM_INCOMPRESSIBLE, ZramBackend
from zswapsim._core.backend.zram_slots cimport choose_slots, lock_pool, slot_choice, slot_list
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport mem_free
from zswapsim._core.codec.codec cimport codec_raise
from zswapsim._core.zsmalloc.classes cimport ZS_HANDLE_BYTES, ZS_STEP
from zswapsim._core.zsmalloc.slots cimport SLOT_COMPRESSED, encoded_page, slot_entry
from zswapsim._core.base.errors import InputError

# The request of one call, and how much of it is left.
ctypedef struct recompression:
    uint32_t threshold          # bytes; shorter objects are skipped
    int first                   # number of the first codec to try
    int end                     # number after that of the last codec to try
    uint64_t max_slots          # number of slots that may still be tried

ANY_NUMBER = (1 << 64) - 1


def recompress_slots(
    ZramBackend zram not None, choice, threshold=0, priority=0, max_slots=ANY_NUMBER
):
    """Recompress the chosen slots whose objects have at least `threshold` bytes. Return how many became smaller.

    `priority`: the codec to use, from 1 on; 0 is every codec that is stronger than the slot's, weakest first.
    `max_slots`: the number of slots to try. Recompression ends early if the pool has no room for a new object, or if a
    slot can't be decompressed. Raises InputError for a threshold of a huge page, or a codec that does not exist, and
    what a failing codec raises.
    """
    cdef uint64_t before = zram.counters.recompressed_pages
    cdef int code = ZSW_OK
    cdef recompression request
    cdef slot_list chosen
    cdef uint32_t i = 0
    lock_pool(zram)
    try:
        request.threshold = whole(threshold, "threshold", 0, 0xFFFFFFFF)
        request.max_slots = whole(max_slots, "max_slots", 0, ANY_NUMBER)
        request.first = whole(priority, "priority", 0, 0x7FFFFFFF)
        if request.threshold >= <uint32_t> zram.slots.pool.huge_class_size:
            raise InputError(f"threshold {threshold}: expected less than {zram.slots.pool.huge_class_size} bytes")
        if request.first >= zram.codecs.count:
            raise InputError(f"priority {priority}: expected 1 to {zram.codecs.count - 1}")
        request.end = request.first + 1 if request.first else zram.codecs.count
        request.first = max(request.first, 1)
        choose_slots(zram, slot_choice(choice), request.end, None, &chosen)
        with nogil:
            while i < chosen.count and request.max_slots and code == ZSW_OK:
                code = recompress_slot(zram, chosen.order[i], &request)
                i += 1
            mem_free(chosen.order)
    finally:
        zram.arena.unlock()
    if code < 0 and code != ZSW_E_FULL and code != ZSW_E_CORRUPT:
        codec_raise(code, "recompression")
    return zram.counters.recompressed_pages - before


cdef inline int class_of(ZramBackend zram, uint32_t length) noexcept nogil:
    """Return the size class of an object: zs_lookup_class_index()."""
    return zram.slots.pool.class_of_step[min(256, (length + ZS_HANDLE_BYTES + ZS_STEP - 1) // ZS_STEP)]


cdef int recompress_slot(ZramBackend zram, uint32_t slot, recompression *request) noexcept nogil:
    """Try codecs stronger than the slot's, until one gets the object into a smaller class: recompress_slot()."""
    cdef slot_entry *entry = zram.slots.find(slot)
    cdef uint32_t image = entry.checksum
    cdef int old_class = class_of(zram, entry.length)
    cdef int number = max(request.first, entry.codec + 1)
    cdef int length, code
    if entry.length < request.threshold:
        return ZSW_OK
    code = zram.codecs.decode(zram.slots, entry, zram.codecs.buffer, &zram.costs)
    if code < 0:
        zram.counters.decompress_fail += 1
        return code
    zram.table.states[slot] &= ~<uint32_t> ZRAM_IDLE
    request.max_slots -= 1
    while number < request.end:
        length = zram.codecs.recompress(number, image, &zram.costs)
        if length < 0:
            return length
        if class_of(zram, length) < old_class and not (request.threshold and <uint32_t> length >= request.threshold):
            return replace_object(zram, slot, number, <uint16_t> length, image)
        number += 1
    if number == zram.codecs.count:  # the strongest codec was tried
        zram.table.states[slot] |= ZRAM_INCOMPRESSIBLE
        zram.counters.recompress_fail += 1
    return ZSW_OK


cdef int replace_object(ZramBackend zram, uint32_t slot, int number, uint16_t length, uint32_t image) noexcept nogil:
    """Replace the slot's object by the page as codec `number` compressed it. ZSW_E_FULL leaves the old object."""
    cdef encoded_page encoded
    cdef int code
    memset(&encoded, 0, sizeof(encoded))
    encoded.kind = SLOT_COMPRESSED
    encoded.length = length
    if zram.codecs.sizes_only:
        encoded.checksum = image
    else:
        encoded.data = zram.codecs.codecs[number].ctx.scratch
    code = zram.slots.store(slot, &encoded)
    if code < 0:
        return code
    zram.slots.find(slot).codec = <uint8_t> number
    zram.counters.recompressed_pages += 1
    costs_charge(&zram.costs, &zram.costs.charged_node_ns, zram.costs.node_latency + zram.costs.node_byte * length)
    return ZSW_OK
