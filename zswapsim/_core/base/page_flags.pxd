"""Define the bits of a page's state: the engine has the lower eight, the reclaimer the upper eight.

Each comment says who sets a bit and who clears it. The reclaimer's bits are 0 when a page comes into DRAM.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    FAULTED = 1                 # the page has had a minor fault; set by that fault, never cleared
    WRITTEN = 2                 # set by the first write since the page came into DRAM, cleared when it comes in
    DIRTY = 4                   # swap holds no copy of the page; set by writes and exclusive loads, cleared by swap-out
    IN_SLOT = 8                 # the backend holds a copy; set by swap-out, cleared by invalidate and exclusive loads
    ZERO_MAPPED = 16            # the zero map says that the page is all zero; set by swap-out, cleared by writes
    RESIDENT = 32               # mapped in DRAM; set by the fault that maps the page, cleared by eviction
    IN_SWAP_CACHE = 64          # in DRAM and not mapped; set by readahead, cleared by the first access and by eviction
    LARGE = 128                 # first page of a large folio in DRAM; set when it comes in, cleared by eviction, split
    ENGINE_STATE_MASK = 0xFF
    HIT = 1 << 8
    HITS = 3 << 8               # accesses since the page came in or was last scanned; set by hits, cleared by scans
    RECLAIM_REFERENCED = 1 << 10    # from here on, reclaimers that know such a mark set and clear it
    RECLAIM_WORKINGSET = 1 << 11
    RECLAIM_ACTIVE = 1 << 12
    RECLAIM_ISOLATED = 1 << 13
    IN_BLOCK = RECLAIM_ISOLATED     # accessed in the block of accesses that is being replayed (mark_block.pxd)
    RECLAIM_GEN_SHIFT = 14


# Return true for a write to a page that was not written since it came in. As one comparison, so that no branch depends
# on the access alone: whether it is a write can't be predicted.
cdef inline bint is_first_write(uint32_t state, uint8_t op) noexcept nogil:
    return state & WRITTEN < (op != 0) * <uint32_t> WRITTEN
