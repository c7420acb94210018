"""Numbers and ranges of them as people write them: ``1+5-9``."""

import re

from zswapsim._core.base.errors import InputError

PART = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?")


def parse_ranges(text: str, what: str) -> list[tuple[int, int]]:
    """First and last of each range, below 2**32. Raises InputError, which `what` begins."""
    found = []
    for part in text.split("+"):
        match = PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 1 << 32:
            raise InputError(f"{what}: expected numbers and ranges, as in 1+5-9, got {part!r}")
        found.append((first, last))
    return found
