"""Read and write sizes (``64MiB``, or ``50%`` of a footprint) and ranges of numbers (``1+5-9``)."""

import re

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE

UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
UNITS |= {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE_PATTERN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*|%)")
FOLDED_UNITS = {unit.lower(): factor for unit, factor in UNITS.items()}
RANGE_PATTERN = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?")


def parse_size(text: str | int, what: str, footprint: int | None = None) -> int:
    """Return the bytes that `text` stands for, rounded down to whole frames of 4096 bytes.

    A percentage is of `footprint`, in bytes. `what` names the setting in the message of the :class:`InputError` that
    is raised if the text is no size, or is less than one frame. ``K``, ``M`` and ``G`` are powers of 1024, as in the
    kernel's memparse(); ``KB``, ``MB`` and ``GB`` are powers of 1000.
    """
    match = SIZE_PATTERN.fullmatch(str(text).strip())
    if match is None:
        raise InputError(f"{what} {text}: expected bytes, a size such as 64MiB, or a share such as 50%")
    value = float(match[1])
    size = _scale(value, match[2], what, text, footprint) // PAGE_SIZE * PAGE_SIZE
    if size < PAGE_SIZE:
        raise InputError(f"{what} {text}: expected at least one frame ({PAGE_SIZE} bytes)")
    return size


def _scale(value: float, unit: str, what: str, text: str | int, footprint: int | None) -> int:
    if unit == "%":
        if footprint is None:
            raise InputError(f"{what} {text}: expected bytes; there is no footprint to take a share of")
        return int(footprint * value / 100)
    factor = FOLDED_UNITS.get(unit.lower())
    if factor is None:
        raise InputError(f"{what} {text}: unknown unit {unit!r}; expected one of KiB, MiB, GiB, TiB or %")
    size = value * factor
    if size > 1 << 62:
        raise InputError(f"{what} {text}: larger than can be reserved")
    return int(size)


def format_size(size: int | float) -> str:
    """Write a size for people, in binary units: ``24.5 MiB``."""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(size) >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{int(size)} B"


def parse_ranges(text: str, what: str) -> list[tuple[int, int]]:
    """Return the first and the last number of each range, below 2**32. Raises InputError; `what` begins its message."""
    found = []
    for part in text.split("+"):
        match = RANGE_PATTERN.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 1 << 32:
            raise InputError(f"{what}: expected numbers and ranges, as in 1+5-9, got {part!r}")
        found.append((first, last))
    return found
