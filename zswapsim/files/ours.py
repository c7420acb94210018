"""Open a file that an earlier run of ours may have left, and change nothing that is somebody else's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from zswapsim._core.base.errors import InputError
from zswapsim.files.locks import hold
from zswapsim.files.opening import File, adopt, open_descriptor
from zswapsim.files.operation import operation

FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def open_ours(
    path: Path, is_ours: Callable[[bytes], bool], head_bytes: int, expected: str, permissions: int
) -> tuple[File, bool]:
    """Open our file for reading and writing, locked, or make it. Return it, and True if it is new.

    Its first `head_bytes` tell if it is ours. No link is followed, and a pipe is not waited for. Raises InputError if
    it is not a regular file of one name, if another process has it, if its owner is another user and we are root, or if
    `is_ours` says that it is not ours; OSError if it can't be opened. A file that was made is removed if this fails.
    """
    descriptor, new = _opened(path, expected, permissions)
    try:
        file = adopt(descriptor, "r+b", path)
        try:
            _check(path, file, expected, new=new)
            if not is_ours(file.read_at(head_bytes, 0)):
                raise InputError(f"{path}: expected {expected}, got another file")
        except BaseException:
            file.close()
            raise
    except BaseException as error:
        if new:
            with suppress(
                OSError
            ):  # may fail without effect: an empty file holds nothing, and is taken by the next call
                path.unlink()
        if isinstance(error, IsADirectoryError):
            raise InputError(f"{path}: expected {expected}, got no regular file") from error
        raise
    return file, new


def _check(path: Path, file: File, expected: str, *, new: bool) -> None:
    """Refuse a file that is strange, or in use."""
    state = file.state()
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{path}: expected {expected}, got no regular file")
    if state.st_nlink > 1:
        raise InputError(f"{path}: expected {expected}, got a file that has {state.st_nlink} names")
    if not new and os.geteuid() == 0 and state.st_uid != 0:
        raise InputError(f"{path}: expected {expected}, got a file of another user ({state.st_uid})")
    if not hold(file.fileno()):
        raise InputError(f"{path}: another process is using it")


def remove_ours(file: File) -> None:
    """Remove an open file of ours, unless its name is another file's by now."""
    path, state = Path(file.name), file.state()
    with suppress(FileNotFoundError), operation("unlink", path):
        now = path.lstat()
        if (now.st_dev, now.st_ino) == (state.st_dev, state.st_ino):
            path.unlink()


def _opened(path: Path, expected: str, permissions: int) -> tuple[int, bool]:
    """Return the descriptor of the file, and True if it was made."""
    try:
        try:
            return open_descriptor(path, FLAGS | os.O_CREAT | os.O_EXCL, permissions), True
        except FileExistsError:
            return open_descriptor(path, FLAGS), False
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path}: it is a link: expected {expected}, in a file of its own") from error
        if error.errno in (errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise InputError(f"{path}: expected {expected}, got no regular file") from error
        raise
