"""The settings of zswap and zram, as a Linux of some version has them."""

from typing import NamedTuple

UNLIMITED = (1 << 64) - 1
"""A limit that is not set: unlimited (UINT64_MAX)."""


class ZswapRules(NamedTuple):
    """The settings of a ZswapBackend."""

    same_filled: bool = True
    """True if a page that repeats one machine word takes no object."""
    store_incompressible: bool = True
    """True if an incompressible page is stored uncompressed, False if it is rejected."""
    writeback: bool = True
    """memory.zswap.writeback of the root: True if pages may be written back to the device."""
    shrinker: bool = False
    """zswap.shrinker_enabled: True if reclaim runs the dynamic shrinker."""
    priority: int = 12
    """The priority of the reclaim that runs the shrinker; a call scans one entry in 2**(priority - 1)."""
    max_retries: int = 16
    """The failures after which the shrink worker gives up (MAX_RECLAIM_RETRIES)."""
    max_pool_frames: int = UNLIMITED
    """The pool is full at this many frames: zswap_max_pages()."""
    accept_frames: int = UNLIMITED
    """A full pool accepts pages again at this many frames: zswap_accept_thr_pages()."""
    max_slots: int = UNLIMITED
    """Slots of the swap device, one for each page in the pool or on the device."""


class ZramRules(NamedTuple):
    """The settings of a ZramBackend."""

    mem_limit: int = UNLIMITED
    """The maximum number of frames."""
    disksize: int = UNLIMITED
    """The pages of the block device, in memory and written back."""
    keep_slots: bool = False
    """True if a slot keeps its page until it is overwritten; else swap_slot_free_notify() frees it."""
    track_access_time: bool = False
    """CONFIG_ZRAM_TRACK_ENTRY_ACTIME: True if the time of the last access to a slot is known."""


def zswap_rules(
    version: tuple[int, int], max_pool_frames: int, accept_frames: int, device_pages: int, *, writeback: bool = True
) -> ZswapRules:
    """Return the settings of zswap in a Linux of this version, whose swap device has `device_pages` pages.

    Until 6.11 zswap stored pages of one repeated word itself; since 6.12 swap's zero map takes pages of zeros, and
    pages of other words are compressed. Since 6.18 an incompressible page is stored uncompressed if it may be written
    back.
    """
    return ZswapRules(
        same_filled=version < (6, 12),
        store_incompressible=version >= (6, 18) and writeback,
        writeback=writeback,
        max_pool_frames=max_pool_frames,
        accept_frames=accept_frames,
        max_slots=device_pages,
    )


def zram_rules(
    *, mem_limit: int = 0, disksize: int = 0, keep_slots: bool = False, track_access_time: bool = False
) -> ZramRules:
    """Return the settings of a zram. `mem_limit` and `disksize` are pages; 0 is unlimited."""
    return ZramRules(mem_limit or UNLIMITED, disksize or UNLIMITED, keep_slots, track_access_time)
