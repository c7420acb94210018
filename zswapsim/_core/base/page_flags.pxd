"""Define the bits of a page's state: the engine has the lower eight, the reclaimer the upper eight.

Each comment says who sets a bit and who clears it. The reclaimer's bits are 0 when a page is faulted in.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    FAULTED = 1                 # the page has had a minor fault; set by that fault, never cleared
    WRITTEN = 2                 # set by the first write since the page was faulted in, cleared when it is faulted in
    DIRTY = 4                   # swap holds no copy of the page; set by writes and exclusive loads, cleared by swap-out
    IN_SLOT = 8                 # the backend holds a copy; set by swap-out, cleared by invalidate and exclusive loads
    ZERO_MAPPED = 16            # the page is all zero and in the zero map; set by swap-out, cleared by writes
    RESIDENT = 32               # mapped in DRAM; set by the fault that maps the page, cleared by eviction
    IN_SWAP_CACHE = 64          # in DRAM and not mapped; set by readahead, cleared by the first access and by eviction
    LARGE = 128                 # first page of a large folio in DRAM; set by its fault, cleared by eviction and split
    ENGINE_STATE_MASK = 0xFF
    HIT = 1 << 8
    HITS = 3 << 8               # accesses since the page was faulted in or last scanned; set by hits, cleared by scans
    RECLAIM_REFERENCED = 1 << 10    # this bit and the following are set and cleared by reclaimers that have such a mark
    RECLAIM_WORKINGSET = 1 << 11
    RECLAIM_ACTIVE = 1 << 12
    RECLAIM_ISOLATED = 1 << 13
    IN_BLOCK = RECLAIM_ISOLATED     # accessed in the block of accesses that is being replayed (mark_block.pxd)
    RECLAIM_GEN_SHIFT = 14


# Return true for a write to a page that was not written since it was faulted in. WRITTEN is tested first: that can be
# predicted, and whether an access is a write can't.
cdef inline bint is_first_write(uint32_t state, uint8_t op) noexcept nogil:
    return state & WRITTEN == 0 and op != 0
