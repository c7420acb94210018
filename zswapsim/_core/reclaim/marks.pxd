"""64 accesses at once where a hit only counts in the page's state, and pages are only counted.

As in lrublock.pxd, all states are taken and given first, with no branch on whether a page is in DRAM, and the faults
are worked off behind. Each page of the block is marked as seen meanwhile. A reclaimer that meets such a page stops:
whether it had been accessed by then, and whether a later access was a hit, are not known. The rest of the block is
taken back, and some accesses that follow are worked off one by one. With thousands of frames that is rare. So are they
all where nearly all accesses are hits, and a branch tells.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.prefetch cimport zsw_prefetch
from zswapsim._core.reclaim.reclaimer cimport DIRTY, HIT, HITS, IN_SLOT, MARK_BLOCK, RESIDENT, SEEN, TOUCHED, mark_block

cdef enum:
    MARK_BLOCK_FRAMES = 256     # of DRAM, at least
    MARK_ALONE = 256            # accesses in turn that are worked off one by one, where that is chosen
    MARK_CONFLICT = 16          # the same where a hand has come to a page of the block


# Whether among so many accesses there are enough misses for blocks to be faster: where nearly all hit, a branch tells.
cdef inline bint marks_mixed(uint64_t misses, uint64_t accesses) noexcept nogil:
    return 16 * misses >= accesses


# What the access makes of a page's state. A page outside of DRAM comes in; one that is in has a hit more, up to `most`.
cdef inline uint32_t mark(uint32_t state, uint32_t most) noexcept nogil:
    cdef uint32_t hit = (state & RESIDENT) * (HIT // RESIDENT)
    if most == 1:
        state |= hit
    elif most:
        state += hit
        state -= (state & HITS + HIT) // (HITS + HIT) * HIT  # one too many
    return (state & ~<uint32_t> IN_SLOT) | TOUCHED | DIRTY | RESIDENT | SEEN


# Gives the pages the states that they have after these accesses. `most`, known to the compiler: 0, 1 or 3.
cdef inline void marks_enter_up_to(
    mark_block *block, uint16_t *states, uint32_t most, const uint32_t *pages,
) noexcept nogil:
    cdef uint32_t misses = 0, state, i
    for i in range(MARK_BLOCK):
        state = states[pages[i]]
        block.before[i] = <uint16_t> state
        states[pages[i]] = <uint16_t> mark(state, most)
        block.missed[misses] = i
        misses += 1 - (state // RESIDENT & 1)
    block.misses = misses


cdef inline void marks_enter(mark_block *block, uint16_t *states, uint32_t most, const uint32_t *pages) noexcept nogil:
    if most == 0:
        marks_enter_up_to(block, states, 0, pages)
    elif most == 1:
        marks_enter_up_to(block, states, 1, pages)
    else:
        marks_enter_up_to(block, states, 3, pages)


cdef inline void marks_fetch_stamps(
    const mark_block *block, const uint32_t *stamps, const uint32_t *pages,
) noexcept nogil:
    cdef uint32_t each
    for each in range(block.misses):
        zsw_prefetch(&stamps[pages[block.missed[each]]])


# How many of the first `faults` faults were of pages that had never been accessed.
cdef inline uint32_t marks_minor(const mark_block *block, uint32_t faults) noexcept nogil:
    cdef uint32_t found = 0, each
    for each in range(faults):
        found += block.before[block.missed[each]] == 0
    return found


# Takes the accesses from `first` on back.
cdef inline void marks_undo(
    const mark_block *block, uint16_t *states, const uint32_t *pages, uint32_t first,
) noexcept nogil:
    cdef uint32_t i = MARK_BLOCK
    while i > first:
        i -= 1
        states[pages[i]] = block.before[i]


# The first `count` accesses are done. The states of `following` are fetched meanwhile, as many.
cdef inline void marks_leave(
    uint16_t *states, const uint32_t *pages, uint32_t count, const uint32_t *following,
) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        zsw_prefetch(&states[following[i]])
        states[pages[i]] &= ~<uint32_t> SEEN


# For a choice that would become a branch.
cdef inline uint32_t all_ones_if(uint32_t state) noexcept nogil:
    return 0 - <uint32_t> (state != 0)


# The state of a page that was looked at in its turn, and spared (all ones) or sent out (0).
cdef inline uint16_t looked_at(uint32_t state, uint32_t spared) noexcept nogil:
    return <uint16_t> ((state & ~<uint32_t> HITS & spared) | ((TOUCHED | IN_SLOT) & ~spared))
