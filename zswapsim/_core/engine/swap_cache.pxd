"""Read pages ahead into the swap cache, and map them at their first access.

A page of the swap cache has a frame and is in the reclaimer's lists. It is IN_SWAP_CACHE and not RESIDENT, so its first
access faults. This follows swapin_readahead() in mm/swap_state.c.
"""

from libc.stdint cimport uint32_t

from zswapsim._core.engine.engine cimport Engine

cdef enum:
    MAPPED_FROM_CACHE = 1       # of try_swap_cache(): the access is done


# Look for a page in the swap cache; if it is swapped out, read ahead around it. MAPPED_FROM_CACHE; 0 if the page is
# still to be swapped in; or a negative code.
cdef int try_swap_cache(Engine engine, uint32_t page, bint write) noexcept nogil
