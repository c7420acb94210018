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


def open_ours(path: Path, is_ours: Callable[[bytes], bool], head_bytes: int, expected: str, permissions: int) -> File:
    """Open our file for reading and writing, locked, or make it. Its first `head_bytes` tell if it is ours.

    No link is followed, and a pipe is not waited for. Raises InputError if it is not a regular file of one name, if
    another process has it, if its owner is another user and we are root, or if `is_ours` says that it is not ours;
    OSError if it can't be opened.
    """
    file = _opened(path, expected, permissions)
    try:
        _refuse_strange(path, file.state(), expected)
        if not hold(file.fileno()):
            raise InputError(f"{path}: another process is measuring into it")
        if not is_ours(file.read_at(head_bytes, 0)):
            raise InputError(f"{path}: expected {expected}, got another file")
    except BaseException:
        file.close()
        raise
    return file


def remove_ours(file: File) -> None:
    """Remove an open file of ours, unless its name is another file's by now."""
    path, state = Path(file.name), file.state()
    with suppress(FileNotFoundError), operation("unlink", path):
        now = path.lstat()
        if (now.st_dev, now.st_ino) == (state.st_dev, state.st_ino):
            path.unlink()


def _opened(path: Path, expected: str, permissions: int) -> File:
    try:
        return adopt(open_descriptor(path, FLAGS | os.O_CREAT, permissions), "r+b", path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path}: it is a link: expected {expected}, in a file of its own") from error
        if error.errno in (errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise InputError(f"{path}: expected {expected}, got no regular file") from error
        raise


def _refuse_strange(path: Path, state: os.stat_result, expected: str) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise InputError(f"{path}: expected {expected}, got no regular file")
    if state.st_nlink > 1:
        raise InputError(f"{path}: expected {expected}, got a file that has {state.st_nlink} names")
    if os.geteuid() == 0 and state.st_uid != 0:
        raise InputError(f"{path}: expected {expected}, got a file of another user ({state.st_uid})")
