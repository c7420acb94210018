"""Allocation flags have the kernel's values and the kernel's spelling (include/linux/gfp_types.h, Linux 6.18)."""

from enum import IntFlag


class GFP(IntFlag):
    """The flags say where an allocation may look for frames and what it may do to get them.

    Single bits are the kernel's ``__GFP_`` flags; their unions are its ``GFP_`` masks. ``PRIVATE`` is the bit that
    RFC v4 (February 2026) uses; Linux 6.18 does not use it. v5 chooses its private zonelist with a flag of its own;
    here the same bit chooses it.
    """

    HIGHMEM = 1 << 1
    MOVABLE = 1 << 3
    HIGH = 1 << 5
    IO = 1 << 6
    FS = 1 << 7
    PRIVATE = 1 << 9
    DIRECT_RECLAIM = 1 << 10
    KSWAPD_RECLAIM = 1 << 11
    NOWARN = 1 << 13
    RETRY_MAYFAIL = 1 << 14
    NORETRY = 1 << 16
    COMP = 1 << 18
    HARDWALL = 1 << 20
    THISNODE = 1 << 21
    ACCOUNT = 1 << 22

    NOWAIT = KSWAPD_RECLAIM | NOWARN
    ATOMIC = HIGH | KSWAPD_RECLAIM
    NOIO = DIRECT_RECLAIM | KSWAPD_RECLAIM
    NOFS = NOIO | IO
    KERNEL = NOFS | FS
    USER = KERNEL | HARDWALL
    HIGHUSER = USER | HIGHMEM
    HIGHUSER_MOVABLE = HIGHUSER | MOVABLE

    def __str__(self) -> str:
        """Print as ``%pGg`` does: the widest masks that fit come first, then the bits that are left."""
        words, left = [], self
        for mask, name in MASK_NAMES.items():
            if mask & left == mask:
                words.append(name)
                left &= ~mask
        words += [f"__GFP_{bit.name}" for bit in left]
        return "|".join(words) or "none"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


GFP_KERNEL = GFP.KERNEL
GFP_NOWAIT = GFP.NOWAIT
GFP_USER = GFP.USER
GFP_HIGHUSER_MOVABLE = GFP.HIGHUSER_MOVABLE
GFP_PRIVATE = GFP.PRIVATE | GFP.THISNODE
"""This is RFC v4's mask: it takes frames of the preferred private node, or fails."""

WIDEST_FIRST = (
    GFP.HIGHUSER_MOVABLE,
    GFP.HIGHUSER,
    GFP.USER,
    GFP.KERNEL,
    GFP.NOFS,
    GFP.ATOMIC,
    GFP.NOIO,
    GFP.NOWAIT,
)
MASK_NAMES = {mask: f"GFP_{mask.name}" for mask in WIDEST_FIRST} | {GFP_PRIVATE: "GFP_PRIVATE"}
