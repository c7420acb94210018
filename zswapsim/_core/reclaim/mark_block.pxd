"""64 accesses at once, if a hit only counts in the page's state and pages are only counted.

As in lru/block.pxd, all states are read and written first, without a branch on whether a page is in DRAM, and the
faults are replayed afterwards. Meanwhile each page of the block is marked IN_BLOCK. A reclaimer that scans such a page
stops: it can't know whether the page had been accessed by then, nor whether a later access was a hit. The rest of the
block is undone, and some accesses after it are replayed one by one. With thousands of frames that is rare. Accesses
are also replayed one by one while nearly all of them are hits, because a branch then predicts them.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.page_flags cimport DIRTY, FAULTED, HIT, HITS, IN_BLOCK, IN_SLOT, RESIDENT
from zswapsim._core.base.hints cimport zsw_prefetch_write

cdef enum:
    MARK_BLOCK = 64
    MARK_BLOCK_FRAMES = 256     # the least DRAM for which blocks are used
    SCALAR_RUN = 256            # accesses that are replayed one by one before blocks are tried again
    SCALAR_RUN_CONFLICT = 16    # the same after the reclaimer has met a page of the block

ctypedef struct mark_block:
    uint16_t before[MARK_BLOCK]         # each page's state before its access
    uint32_t miss_index[MARK_BLOCK]     # accesses to pages that were not in DRAM, the first `misses` of these
    uint32_t misses


# Return true if so many misses among so many accesses make blocks faster: if nearly all hit, a branch is predicted.
cdef inline bint blocks_are_faster(uint64_t misses, uint64_t accesses) noexcept nogil:
    return 16 * misses >= accesses


# Return the state of a page after an access. A page outside DRAM comes in; one in DRAM has a hit more, up to
# `max_hits`.
cdef inline uint32_t state_after_access(uint32_t state, uint32_t max_hits) noexcept nogil:
    cdef uint32_t hit = (state & RESIDENT) * (HIT // RESIDENT)
    if max_hits == 1:
        state |= hit
    elif max_hits:
        state += hit
        state -= (state & HITS + HIT) // (HITS + HIT) * HIT  # one too many
    return (state & ~<uint32_t> IN_SLOT) | FAULTED | DIRTY | RESIDENT | IN_BLOCK


# Give the pages their states after these accesses. `max_hits` is known to the compiler: 0, 1 or 3.
cdef inline void markblock_apply_max(
    mark_block *block, uint16_t *states, uint32_t max_hits, const uint32_t *pages,
) noexcept nogil:
    cdef uint32_t misses = 0, state, i
    for i in range(MARK_BLOCK):
        state = states[pages[i]]
        block.before[i] = <uint16_t> state
        states[pages[i]] = <uint16_t> state_after_access(state, max_hits)
        block.miss_index[misses] = i
        misses += 1 - (state // RESIDENT & 1)
    block.misses = misses


cdef inline void markblock_apply(
    mark_block *block, uint16_t *states, uint32_t max_hits, const uint32_t *pages,
) noexcept nogil:
    if max_hits == 0:
        markblock_apply_max(block, states, 0, pages)
    elif max_hits == 1:
        markblock_apply_max(block, states, 1, pages)
    else:
        markblock_apply_max(block, states, 3, pages)


cdef inline void markblock_prefetch_stamps(
    const mark_block *block, const uint32_t *stamps, const uint32_t *pages,
) noexcept nogil:
    cdef uint32_t i
    for i in range(block.misses):
        zsw_prefetch_write(&stamps[pages[block.miss_index[i]]])


# Return how many of the first `faults` faults were minor: of pages that had never been accessed.
cdef inline uint32_t markblock_minor_faults(const mark_block *block, uint32_t faults) noexcept nogil:
    cdef uint32_t minor = 0, i
    for i in range(faults):
        minor += block.before[block.miss_index[i]] == 0
    return minor


# Undo the accesses from `first` on.
cdef inline void markblock_undo(
    const mark_block *block, uint16_t *states, const uint32_t *pages, uint32_t first,
) noexcept nogil:
    cdef uint32_t i = MARK_BLOCK
    while i > first:
        i -= 1
        states[pages[i]] = block.before[i]


# Clear IN_BLOCK of the first `count` accesses, and prefetch as many states of `next_pages` meanwhile.
cdef inline void markblock_finish(
    uint16_t *states, const uint32_t *pages, uint32_t count, const uint32_t *next_pages,
) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        zsw_prefetch_write(&states[next_pages[i]])
        states[pages[i]] &= ~<uint32_t> IN_BLOCK


# Return all ones if the state is not 0, else 0: a choice without a branch.
cdef inline uint32_t mask_if(uint32_t state) noexcept nogil:
    return 0 - <uint32_t> (state != 0)


# Return the state of a page that was scanned, and rotated (all ones) or evicted (0).
cdef inline uint16_t state_after_scan(uint32_t state, uint32_t rotated) noexcept nogil:
    return <uint16_t> ((state & ~<uint32_t> HITS & rotated) | ((FAULTED | IN_SLOT) & ~rotated))
