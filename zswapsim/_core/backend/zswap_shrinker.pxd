"""Compute how much zswap's dynamic shrinker scans.

It follows mm/zswap.c, and do_shrink_slab() in mm/shrinker.c, of Linux 6.18.
"""

from libc.stdint cimport uint64_t

cdef enum:
    SHRINK_BATCH = 128          # entries that a shrinker scans at once
    SHRINK_SEEKS = 2            # DEFAULT_SEEKS


# Return the entries that may be freed: those in the queue less the recent swap-ins from the device, scaled by how well
# pages compress (`backing` pages of compressed bytes hold `stored` pages). zswap_shrinker_count().
cdef inline uint64_t shrinker_count(
    uint64_t *disk_swapins, uint64_t queued, uint64_t backing, uint64_t stored
) noexcept nogil:
    cdef uint64_t protected
    if stored == 0 or queued == 0:
        return 0
    protected = min(queued, disk_swapins[0])
    disk_swapins[0] -= protected
    return (queued - protected) * backing // stored


# Return how many of `freeable` entries a call at this priority adds to the work.
cdef inline uint64_t shrinker_delta(uint64_t freeable, int priority) noexcept nogil:
    return (freeable >> priority) * 4 // SHRINK_SEEKS


# Return the entries left for the next call, if `due` were to be scanned and `scanned` were.
cdef inline uint64_t shrinker_next_deferred(uint64_t due, uint64_t scanned, uint64_t freeable) noexcept nogil:
    return min(due - min(due, scanned), 2 * freeable)
