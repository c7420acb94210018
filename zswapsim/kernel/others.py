"""Notice swap that is not ours while a trace is replayed: it would falsify the kernel's counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from zswapsim.files.system import read_text

SWAPS, VMSTAT = Path("/proc/swaps"), Path("/proc/vmstat")
TOLERATED = 0.01
"""Others may swap this share of what the replay swaps before it is said."""
SLACK_PAGES = 256
"""So many pages may always be swapped by others: a page of this program, of the guard, of a daemon."""


class SwapSpace(NamedTuple):
    """Describe one line of /proc/swaps."""

    used_kib: int
    priority: int


class SwapActivity(NamedTuple):
    """Hold what the whole system swaps to, and how many pages it has swapped since boot, the zero map's included."""

    spaces: Mapping[str, SwapSpace]
    ins: int
    outs: int


def read_activity() -> SwapActivity:
    """Return what the running kernel says. Raises OSError."""
    return parse_activity(read_text(SWAPS), read_text(VMSTAT))


def parse_activity(swaps: str, vmstat: str) -> SwapActivity:
    """Return what texts of /proc/swaps and /proc/vmstat say; a count that the kernel does not have is 0."""
    spaces = {}
    for line in swaps.splitlines()[1:]:
        name, _, _, used, priority = line.rsplit(maxsplit=4)
        spaces[name] = SwapSpace(int(used), int(priority))
    counts = {name: int(count) for name, count in (line.split() for line in vmstat.splitlines())}
    ins, outs = (counts.get(f"pswp{way}", 0) + counts.get(f"swp{way}_zero", 0) for way in ("in", "out"))
    return SwapActivity(spaces, ins, outs)


def foreign_swap(before: SwapActivity, after: SwapActivity, ours: Path, ins: int, outs: int) -> str | None:
    """Return what was not ours between two readings, or None; our replay swapped `ins` pages in and `outs` out."""
    own = after.spaces.get(str(ours))
    for name, space in after.spaces.items():
        if name == str(ours):
            continue
        if own is not None and space.priority >= own.priority:
            return f"{name} is swap of the same priority, and took pages of the replay"
        was = before.spaces.get(name)
        if was is None or space.used_kib > was.used_kib:
            return f"{name}, which is not ours, was swapped to"
    others = max(after.ins - before.ins - ins, after.outs - before.outs - outs)
    if others > SLACK_PAGES + TOLERATED * max(ins, outs):
        return f"other programs swapped {others:,} pages, where the replay swapped {max(ins, outs):,}"
    return None
