"""Announce every file operation before it happens, and name the file in every error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zswapsim._core.base.errors import HostMemoryError, ZswapsimError

StrPath = str | os.PathLike[str]
Watch = Callable[[str, str], int | None]
"""Called with the operation and its file before each operation; it may raise, as the operation itself might.

For a write it may return the number of bytes that are taken at most, for any other operation None.
"""
_watch: Watch | None = None


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Call `watch` before every file operation of the block, in any thread. Only tests use this."""
    global _watch  # noqa: PLW0603 - the one seam through which tests make file operations fail
    before, _watch = _watch, watch
    try:
        yield
    finally:
        _watch = before


@contextmanager
def operation(what: str, path: StrPath) -> Iterator[int | None]:
    """Announce the operation that the block does, and put the file's name into an OSError that lacks one."""
    try:
        yield None if _watch is None else _watch(what, str(path))
    except OSError as error:
        name_file(error, path)
        raise
    except ZswapsimError:
        raise
    except MemoryError as error:
        raise HostMemoryError(f"{path}: the host is out of memory") from error


def name_file(error: OSError, path: StrPath) -> None:
    """Put the file's name into an error that has none, and a reason if it has none."""
    if (error.filename is None or isinstance(error.filename, int)) and not isinstance(error, ZswapsimError):
        error.strerror = reason(error)
        error.filename = str(path)


def reason(error: BaseException) -> str:
    """Return why an operation failed, without the file's name; never an empty text or "None"."""
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
