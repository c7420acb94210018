"""Make text safe to show: names of files, processes and codecs may hold anything.

A name reaches a terminal without control characters, and without lone surrogates, which stand for the bytes of a file
name that are no UTF-8.
"""

from __future__ import annotations

import re

# Control characters, marks that change the direction of the text around them, line separators, lone surrogates.
_UNSAFE = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
UNSAFE = re.compile(f"[{_UNSAFE}]")
BOLD_GREEN, BOLD, RESET = "\x1b[1;32m", "\x1b[1m", "\x1b[0m"
# The sequences that colour tables stay. All others that a terminal would obey are escaped.
_IN_TABLE = re.compile(f"{re.escape(BOLD_GREEN)}|{re.escape(BOLD)}|{re.escape(RESET)}|\n|[{_UNSAFE}]")
_KEPT = frozenset({BOLD_GREEN, BOLD, RESET, "\n"})
LONGEST_LINE = 2000
BYTE = 0xDC00
"""Python adds this to a byte that is no UTF-8, to make a character of it (PEP 383)."""


def printable(text: object) -> str:
    r"""Return a text on one line in which every character is safe to show; others are escaped, as in ``\x1b``."""
    return UNSAFE.sub(_escaped, str(text))


def printable_lines(text: str, *, colour: bool = False) -> str:
    """Return lines that are safe to show. With `colour`, the colours of a table stay."""
    return _IN_TABLE.sub(lambda found: printable(found[0]) if _dropped(found[0], colour) else found[0], text)


def one_line(text: str) -> str:
    """Return a message as one line that is safe to show.

    Line breaks become spaces, and the middle is left out if it is far too long.
    """
    line = printable(" ".join(text.split()))
    if len(line) <= LONGEST_LINE:
        return line
    half = LONGEST_LINE // 2
    return f"{line[:half]} [...{len(line) - 2 * half} characters...] {line[-half:]}"


def shortened(text: str, longest: int = 40) -> str:
    """Return a wrong value as it is shown in a message: its beginning, if it is long."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def encodable(text: str) -> str:
    """Return `text` as UTF-8 can write it: lone surrogates are escaped."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", _escaped, text)


def _dropped(found: str, colour: bool) -> bool:
    return found not in _KEPT or (not colour and found != "\n")


def _escaped(found: re.Match[str]) -> str:
    r"""Return ``\x1b`` for a control character, ``\xff`` for a byte that is no UTF-8, and ``\u202e`` for others."""
    number = ord(found[0])
    return f"\\x{number - BYTE:02x}" if 0x80 <= number - BYTE <= 0xFF else chr(number).encode("unicode_escape").decode()
