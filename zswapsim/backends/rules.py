"""Define the rules of a pool in DRAM, which make zswap or zram of it."""

from typing import NamedTuple

UNLIMITED = (1 << 64) - 1
"""Means that a limit is absent: unlimited (UINT64_MAX)."""


class PoolRules(NamedTuple):
    """The same fields as `pool_rules` of the core (zswapsim/_core/backend/rules.pxd)."""

    block_device: bool = False
    """zram: a refused page's write fails, and traffic counts as that of a swap device."""
    same_filled: bool = True
    """A page that repeats one machine word takes no object."""
    keeps_poor: bool = True
    """A page that compression does not shrink is kept as it is; otherwise it is rejected."""
    writeback: bool = True
    """Pages may be written back to the device."""
    slots_stay: bool = False
    """A slot keeps its page until it is overwritten."""
    tracks_access: bool = False
    """zram: the time of a slot's last access is known (CONFIG_ZRAM_TRACK_ENTRY_ACTIME)."""
    shrinker: bool = False
    """zswap's dynamic shrinker is on."""
    priority: int = 12
    """The priority of the reclaim that calls the shrinker; a call looks at one entry in 2**(priority - 1)."""
    retries: int = 16
    """How many entries zswap's worker may spare before it gives up (MAX_RECLAIM_RETRIES)."""
    full_from: int = UNLIMITED
    """The number of frames at which the pool is full."""
    accept_to: int = UNLIMITED
    """The number of frames at which the pool accepts pages again."""
    frames: int = UNLIMITED
    """The most frames of the pool: zram's mem_limit."""
    slots: int = UNLIMITED
    """The most pages in the pool and on the device together."""


def zswap_rules(
    version: tuple[int, int], full_from: int, accept_to: int, device_pages: int, *, writeback: bool = True
) -> PoolRules:
    """Return the rules of zswap in a Linux of this version, full and accepting again at these frames.

    Until 6.11 zswap kept pages of one repeated word itself; since 6.12 swap has the zero map instead, and other words
    are compressed. Since 6.18 a page that compression does not shrink is kept as it is, if it may be written back.
    Every page in the pool has its slot on the device of `device_pages` pages.
    """
    return PoolRules(
        same_filled=version < (6, 12),
        keeps_poor=version >= (6, 18) and writeback,
        writeback=writeback,
        full_from=full_from,
        accept_to=accept_to,
        slots=device_pages,
    )


def zram_rules(
    *, mem_limit: int = 0, disksize: int = 0, slots_stay: bool = False, tracks_access: bool = False
) -> PoolRules:
    """Return the rules of a zram with a memory limit and a size, both in pages; 0 means unlimited."""
    return PoolRules(
        block_device=True,
        slots_stay=slots_stay,
        tracks_access=tracks_access,
        frames=mem_limit or UNLIMITED,
        slots=disksize or UNLIMITED,
    )
