"""Keep a writeback queue: slots in the order in which they were stored, each with a second chance.

`compressed` and `cram` write back by the same rules, those of zswap_lru_add() and shrink_memcg_cb() in mm/zswap.c: the
oldest slot is written back, unless it was stored or loaded since it was last scanned; then it is rotated. A backend
owns one slot_table, and an lru_log for each queue; a slot is in one queue at most.
"""

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.base.errors cimport ZSW_E_NOMEM, ZSW_OK
from zswapsim._core.base.memory cimport mem_calloc, mem_free
from zswapsim._core.lru.log cimport LRU_NONE, lru_add, lru_log, lru_oldest, lru_remove, lru_touch

cdef enum:                  # place of a slot's page
    SLOT_AT_NONE = 0        # the slot is empty
    SLOT_AT_POOL = 1        # in the pool; for cram in a frame of the node
    SLOT_AT_DEVICE = 2      # on the swap device, or in the next tier
    SLOT_AT_LOST = 3        # cram: writeback found that it is lost; the next reader gets a bus error
    SLOT_AT_MASK = 3
    SLOT_REFERENCED = 4     # stored or loaded since it was last scanned (zswap_entry.referenced)

cdef enum:                  # results of scanning the oldest slot
    WRITEBACK_ROTATED = 0   # it was referenced and is the youngest now
    WRITEBACK_FOUND = 1     # it is to be written back; it is still the oldest
    WRITEBACK_DONE = 2      # its page is on the device
    WRITEBACK_FAILED = 3    # its page can't be decompressed, or the device rejects it; it is the youngest now
    WRITEBACK_NONE = 4      # no slot may be written back: the queue is empty, the device full, or writeback disabled

# The state of every slot. The backend that owns the table opens and closes it.
ctypedef struct slot_table:
    uint32_t *stamps        # owned; by slot, its place in its queue; LRU_NONE while it is in none
    uint8_t *states         # owned; by slot, SLOT_AT_* with SLOT_REFERENCED; bits from 8 on belong to the backend
    uint32_t count          # number of slots; 0 before attach()


cdef inline void slot_table_close(slot_table *table) noexcept nogil:
    mem_free(table.stamps)
    mem_free(table.states)
    table.stamps = NULL
    table.states = NULL
    table.count = 0


# Open a table of empty slots. Return 0, or ZSW_E_NOMEM, which leaves the table closed.
cdef inline int slot_table_open(slot_table *table, uint32_t count) noexcept nogil:
    cdef uint32_t slot
    table.stamps = <uint32_t *> mem_calloc(count, sizeof(uint32_t))
    table.states = <uint8_t *> mem_calloc(count, sizeof(uint8_t))
    if table.stamps == NULL or table.states == NULL:
        slot_table_close(table)
        return ZSW_E_NOMEM
    for slot in range(count):
        table.stamps[slot] = LRU_NONE
    table.count = count
    return ZSW_OK


# Return the place of a slot's page, SLOT_AT_*.
cdef inline uint32_t slot_place(const slot_table *table, uint32_t slot) noexcept nogil:
    return table.states[slot] & SLOT_AT_MASK


# Return True if the slot is in a queue.
cdef inline bint writeback_queued(const slot_table *table, uint32_t slot) noexcept nogil:
    return table.stamps[slot] != LRU_NONE


# Add a slot that is in no queue as the youngest. Return 0 or ZSW_E_NOMEM. zswap_lru_add().
cdef inline int writeback_add(lru_log *queue, slot_table *table, uint32_t slot) noexcept nogil:
    return lru_add(queue, table.stamps, slot)


# Remove a slot from its queue, if it is in one. zswap_lru_del().
cdef inline void writeback_del(lru_log *queue, slot_table *table, uint32_t slot) noexcept nogil:
    if table.stamps[slot] != LRU_NONE:
        lru_remove(queue, table.stamps, slot)


# Make a slot of the queue the youngest. Return 0 or ZSW_E_NOMEM.
cdef inline int writeback_rotate(lru_log *queue, slot_table *table, uint32_t slot) noexcept nogil:
    return lru_touch(queue, table.stamps, slot)


# Scan the oldest slot. Return WRITEBACK_FOUND with slot[0], WRITEBACK_ROTATED, WRITEBACK_NONE or ZSW_E_NOMEM.
cdef inline int writeback_scan_one(lru_log *queue, slot_table *table, uint32_t *slot) noexcept nogil:
    slot[0] = lru_oldest(queue, table.stamps)
    if slot[0] == LRU_NONE:
        return WRITEBACK_NONE
    if table.states[slot[0]] & SLOT_REFERENCED == 0:
        return WRITEBACK_FOUND
    table.states[slot[0]] &= ~<uint32_t> SLOT_REFERENCED
    return WRITEBACK_ROTATED if writeback_rotate(queue, table, slot[0]) == ZSW_OK else ZSW_E_NOMEM
