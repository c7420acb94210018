"""The rules of a pool that lies in DRAM: what makes zswap or zram of it."""

from typing import NamedTuple

UNLIMITED = (1 << 64) - 1
"""Stands for a limit that is not there."""


class PoolRules(NamedTuple):
    """As `pool_rules` of the core has them (zswapsim/_core/backend/rules.pxd)."""

    block_device: bool = False
    """zram: a refused page's write fails, and traffic counts as that of a swap device."""
    same_filled: bool = True
    """A page that repeats one machine word takes no object."""
    keeps_poor: bool = True
    """A page that compression gains nothing on is kept as it is; else it is refused."""
    writeback: bool = True
    """Pages may go on to the device."""
    slots_stay: bool = False
    """A slot keeps what it held until it is overwritten."""
    tracks_access: bool = False
    """zram: when a slot was accessed last is known (CONFIG_ZRAM_TRACK_ENTRY_ACTIME)."""
    shrinker: bool = False
    """zswap's dynamic shrinker."""
    priority: int = 12
    """Of the reclaim that calls the shrinker; a call looks at one entry in 2**(priority - 1)."""
    retries: int = 16
    """Entries that zswap's worker may spare before it gives up (MAX_RECLAIM_RETRIES)."""
    full_from: int = UNLIMITED
    """Frames at which the pool is full."""
    accept_to: int = UNLIMITED
    """Frames at which it accepts pages again."""
    frames: int = UNLIMITED
    """Most frames: zram's mem_limit."""
    slots: int = UNLIMITED
    """Most pages in the pool and on the device together."""


def zswap_rules(
    version: tuple[int, int], full_from: int, accept_to: int, device_pages: int, *, writeback: bool = True
) -> PoolRules:
    """The rules of zswap in a Linux of this version, full and accepting again at these frames.

    Until 6.11 it kept pages of one repeated word itself; 6.12 has swap's zero map instead, and nothing for other words.
    From 6.18 on a page that gains nothing is kept as it is, where it may be written back. Every page in the pool has
    its slot on the device, which is one of `device_pages` pages.
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
    """The rules of a zram with a limit to its memory and a size, both in pages; 0 for none."""
    return PoolRules(
        block_device=True,
        slots_stay=slots_stay,
        tracks_access=tracks_access,
        frames=mem_limit or UNLIMITED,
        slots=disksize or UNLIMITED,
    )
