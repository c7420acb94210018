"""Write chosen slots of zram back to its backing device: writeback_store() in drivers/block/zram/zram_drv.c."""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.backend.zram cimport ZramBackend
from zswapsim._core.backend.zram_slots cimport ANY_CODEC, choose_slots, lock_pool, slot_choice, slot_list
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_FULL, ZSW_OK
from zswapsim._core.base.memory cimport mem_free
from zswapsim._core.codec.codec cimport codec_raise


def write_back_slots(ZramBackend zram not None, choice, max_pages, ranges=None):
    """Write the chosen slots back to the device, at most `max_pages`. Return their number.

    `ranges`: (first, last) each, of the slots to choose from; None is all slots. A slot that can't be decompressed is
    skipped. Writeback ends early if the device is full. Raises InputError for a range of slots that do not exist, and
    what a failing device raises.
    """
    cdef uint64_t written = 0, most = whole(max_pages, "max_pages", 0, (1 << 64) - 1)
    cdef int code = ZSW_OK
    cdef slot_list chosen
    cdef uint32_t i = 0
    lock_pool(zram)
    try:
        choose_slots(zram, slot_choice(choice), ANY_CODEC, ranges, &chosen)
        with nogil:
            while i < chosen.count and written < most:
                code = zram.write_back_one(chosen.order[i])
                if code < 0 and code != ZSW_E_CORRUPT:
                    break
                written += code == ZSW_OK
                i += 1
            mem_free(chosen.order)
    finally:
        zram.arena.unlock()
    if code < 0 and code != ZSW_E_FULL and code != ZSW_E_CORRUPT:
        codec_raise(code, "writeback")
    return written
