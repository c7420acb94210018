"""Read and write sizes (``64MiB``, or ``50%`` of a footprint) and ranges of numbers (``1+5-9``)."""

import math
import re

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.text import shortened

UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
UNITS |= {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE_PATTERN = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)\s*+([A-Za-z]*|%)", re.ASCII)
LARGEST = 1 << 62
MOST_DIGITS = 20
FOLDED_UNITS = {unit.lower(): factor for unit, factor in UNITS.items()}
RANGE_PATTERN = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")


def parse_size(text: str | int, what: str, footprint: int | None = None) -> int:
    """Return the bytes that `text` stands for, rounded down to whole frames of 4096 bytes.

    A percentage is of `footprint`, in bytes. `what` names the setting in the message of the :class:`InputError` that
    is raised if the text is no size, or is less than one frame. ``K``, ``M`` and ``G`` are powers of 1024, as in the
    kernel's memparse(); ``KB``, ``MB`` and ``GB`` are powers of 1000.
    """
    if isinstance(text, int) and abs(text) > LARGEST:  # which str() may refuse to write
        raise InputError(f"{what}: larger than can be reserved")
    match = SIZE_PATTERN.fullmatch(str(text).strip())
    shown = f"{what} {shortened(str(text))}"
    if match is None:
        raise InputError(f"{shown}: expected bytes, a size such as 64MiB, or a share such as 50%")
    size = _scaled(float(match[1]), match[2], shown, footprint)
    if not math.isfinite(size) or size > LARGEST:
        raise InputError(f"{shown}: larger than can be reserved")
    if size < PAGE_SIZE:
        raise InputError(f"{shown}: expected at least one frame ({PAGE_SIZE} bytes)")
    return int(size) // PAGE_SIZE * PAGE_SIZE


def _scaled(value: float, unit: str, shown: str, footprint: int | None) -> float:
    """Return the bytes of so many units. Raises InputError; `shown` begins its message."""
    if unit == "%":
        if footprint is None:
            raise InputError(f"{shown}: expected bytes; there is no footprint to take a share of")
        return footprint * value / 100
    factor = FOLDED_UNITS.get(unit.lower())
    if factor is None:
        raise InputError(f"{shown}: unknown unit {shortened(unit)!r}; expected one of KiB, MiB, GiB, TiB or %")
    return value * factor


def whole(text: str) -> int:
    """Return the number that a few decimal digits stand for, or -1 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else -1


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
