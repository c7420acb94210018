"""What makes a private node, zswap or zram of one backend: limits, what is refused, and who looks after the pool.

Limits and the arithmetic of the shrinker follow mm/zswap.c and do_shrink_slab() in mm/shrinker.c of Linux 6.18.
"""

from libc.stdint cimport uint64_t

cdef enum:
    SHRINK_BATCH = 128          # entries that a shrinker scans at once
    SHRINK_SEEKS = 2            # DEFAULT_SEEKS

# Settings; none of them changes. A limit that is not there is all ones.
ctypedef struct pool_rules:
    bint guarded            # limits are looked at before a page is compressed
    bint shrinks            # room is made for a page before it is refused
    bint block_device       # zram: a refused page's write fails; traffic counts as that of a swap device
    bint same_filled        # a page that repeats one word takes no object
    bint keeps_poor         # a page that gains nothing is kept as it is, else refused
    bint writeback          # pages may go on to the device
    bint slots_stay         # what a slot held stays there until it is overwritten
    bint tracks_access      # zram: when a slot was accessed last is known (CONFIG_ZRAM_TRACK_ENTRY_ACTIME)
    bint shrinker           # zswap's dynamic shrinker
    int priority            # of the reclaim that calls it, 12 (DEF_PRIORITY) to 0
    int retries             # entries that the worker spares or fails on before it gives up (MAX_RECLAIM_RETRIES)
    uint64_t full_from      # frames at which the pool is full
    uint64_t accept_to      # frames at which it accepts again, and where the worker stops
    uint64_t frames         # most frames; a page that takes more is refused
    uint64_t slots          # most pages in the pool and on the device


# Whether the pool is full, with the hysteresis (zswap_pool_reached_full); *hits rises at the limit.
# zswap_check_limits().
cdef inline bint pool_is_full(
    const pool_rules *rules, bint *full, uint64_t frames, uint64_t *hits
) noexcept nogil:
    if frames >= rules.full_from:
        hits[0] += 1
        full[0] = True
    elif full[0] and frames <= rules.accept_to:
        full[0] = False
    return full[0]


# Entries that may go: those in the queue less the recent swap-ins from the device, scaled by how well pages compress
# (`backing` compressed pages hold `stored` ones). zswap_shrinker_count().
cdef inline uint64_t shrinker_count(
    uint64_t *disk_swapins, uint64_t queued, uint64_t backing, uint64_t stored
) noexcept nogil:
    cdef uint64_t spared
    if stored == 0 or queued == 0:
        return 0
    spared = min(queued, disk_swapins[0])
    disk_swapins[0] -= spared
    return (queued - spared) * backing // stored


# What of `freeable` entries a call at this priority adds to the work.
cdef inline uint64_t shrinker_delta(uint64_t freeable, int priority) noexcept nogil:
    return (freeable >> priority) * 4 // SHRINK_SEEKS


# What is left for the next call, where `due` entries were to be scanned and `scanned` were.
cdef inline uint64_t shrinker_leaves(uint64_t due, uint64_t scanned, uint64_t freeable) noexcept nogil:
    return min(due - min(due, scanned), 2 * freeable)
