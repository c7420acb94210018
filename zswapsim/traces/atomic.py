"""Write files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from zswapsim._core.base.errors import InputError, OutputError, ZswapsimError


@contextmanager
def atomic_write(path: str | Path, mode: str = "wb", permissions: int | None = None) -> Iterator[IO[Any]]:
    """Yield a new file for writing that takes the place of `path` when the block ends, and only then.

    `mode` is "wb", or "w" for UTF-8 text. `permissions` are those of the new file; by default it has those of the file
    that it replaces, or else what the umask leaves of 0666. The bytes lie in a temporary file beside `path` until they
    are on the disk; an exception in the block removes that file. A path that is a device, pipe or socket is written
    directly.

    Raises OutputError on any OSError of the block ("FILE: cannot write: No space left on device"); other exceptions
    pass unchanged.
    """
    if mode not in ("wb", "w"):
        raise InputError(f"atomic_write mode {mode!r}: expected 'wb' or 'w'")
    target = _resolved(path)
    try:
        if _is_special(target):
            with target.open(mode, encoding="utf-8" if mode == "w" else None) as file:
                yield file
        else:
            yield from _replace(target, mode, permissions)
    except ZswapsimError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror or error}") from error


def _resolved(path: str | Path) -> Path:
    """Return the file itself if `path` is a link to it."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null byte
        raise OutputError(f"{path!s}: cannot write: {error}") from error


def _is_special(target: Path) -> bool:
    try:
        found = target.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(found) and not stat.S_ISDIR(found)


def _replace(target: Path, mode: str, permissions: int | None) -> Iterator[IO[Any]]:
    if target.is_dir():
        raise IsADirectoryError(21, "Is a directory")
    temporary = target.with_name(f".zswapsim-{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, permissions or 0o666)
        with os.fdopen(descriptor, mode, encoding="utf-8" if mode == "w" else None) as file:
            _copy_permissions(descriptor, target, permissions)
            yield file
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _copy_permissions(descriptor: int, target: Path, permissions: int | None) -> None:
    if permissions is None and target.exists():
        permissions = stat.S_IMODE(target.stat().st_mode)
    if permissions is not None:
        os.fchmod(descriptor, permissions)
