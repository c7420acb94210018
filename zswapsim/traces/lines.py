"""Yield numbered lines of text from a file of any size."""

from __future__ import annotations

from collections.abc import Iterator

from zswapsim._core.base.errors import InputError
from zswapsim.traces.streams import Source

BLOCK_BYTES = 1 << 20
LONGEST = 1 << 14


def numbered_lines(name: str, source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line without its end). Raises InputError on a line that is too long to be text."""
    buffer, kept, number = bytearray(BLOCK_BYTES), b"", 0
    while count := source.readinto(memoryview(buffer)):
        *whole, kept = (kept + bytes(buffer[:count])).split(b"\n")
        for number, line in enumerate(whole, number + 1):  # noqa: B020 - counts on from the block before
            yield number, _short(name, number, line)
        _short(name, number + 1, kept)
    if kept:
        yield number + 1, kept


def _short(name: str, number: int, line: bytes) -> bytes:
    if len(line) > LONGEST:
        raise InputError(f"{name}: line {number}: expected lines of text, got one of {len(line)} bytes or more")
    return line.rstrip(b"\r")


def shown(line: bytes) -> str:
    """Format a line for a message: not too long, nothing unprintable."""
    text = line.decode("ascii", "backslashreplace").strip()
    return repr(text if len(text) <= 60 else text[:60] + "…")
