"""Make sure that there are three standard streams, which can show any text.

A daemon or a job of cron may be started without them. A file that is opened then gets the number of a stream, and what
is printed goes into it. So a closed stream is opened on /dev/null before anything else is opened.
"""

import codecs
import os
import sys
from typing import TextIO, cast

from zswapsim.text import printable_lines

INPUT, OUTPUT, ERRORS = range(3)
ESCAPED = "zswapsim.escaped"
ASCII = {"µ": "u", "\N{MULTIPLICATION SIGN}": "x", "…": "...", "\N{EN DASH}": "-"}
"""The output has these instead of characters of ours that its encoding lacks."""


def prepare() -> None:
    """Open what is closed, and let no stream fail at a character that its encoding lacks."""
    closed = [number for number in (INPUT, OUTPUT, ERRORS) if not _is_open(number)]
    for number in closed:
        _open_nothing(number)
    sys.stdin = sys.stdin or _stream(INPUT, "r")
    sys.stdout = sys.stdout or _stream(OUTPUT, "w")
    sys.stderr = sys.stderr or _stream(ERRORS, "w")
    codecs.register_error(ESCAPED, escaped)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=ESCAPED)
    if OUTPUT in closed:
        _closed.append(sys.stdout)


def check_stdout() -> None:
    """Check before the work that what is asked for on standard output can be had. Raises OutputError."""
    if any(stream is sys.stdout for stream in _closed):
        from zswapsim._core.base.errors import OutputError

        raise OutputError("standard output: it is closed")


def say(text: str) -> None:
    """Print text for a reader: names in it may hold anything, but a terminal gets nothing from it except colours."""
    print(printable_lines(text, colour=sys.stdout.isatty()))


_closed: list[TextIO] = []


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _open_nothing(number: int) -> None:
    """Open /dev/null as a stream; the lowest free number is that of the stream, or of another closed one."""
    found = os.open(os.devnull, os.O_RDWR)
    if found != number:
        os.dup2(found, number)
        os.close(found)
    os.set_inheritable(number, True)


def _stream(number: int, mode: str) -> TextIO:
    """Return a stream that lives as long as the process."""
    return cast("TextIO", open(number, mode, encoding="utf-8", closefd=False))  # files: a descriptor


def escaped(error: UnicodeError) -> tuple[str, int]:
    """Write a character that the encoding lacks in ASCII, or escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = "".join(ASCII.get(each) or each.encode("unicode_escape").decode() for each in lacking)
    return written, error.end
