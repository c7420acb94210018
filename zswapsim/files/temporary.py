"""Make temporary files and folders, which only this user may read, and which are gone with their owner."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from zswapsim._core.base.errors import OutputError, ZswapsimError
from zswapsim.files.leftovers import (
    new_file_name,
    new_folder_name,
    remove_dead_files,
    remove_dead_folders,
    remove_tree,
)
from zswapsim.files.locks import hold
from zswapsim.files.opening import File, adopt, open_descriptor
from zswapsim.files.operation import StrPath, operation, reason
from zswapsim.signals import held, released

OWNER_ONLY = 0o600
FOLDER_ONLY = 0o700
NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""Errors by which file systems say that they have no files without a name."""


def temporary_root() -> Path:
    """Return the folder for temporary files: TMPDIR, or the system's. Raises OSError if none can be written to."""
    import tempfile  # slow to import, and most commands need it not

    return Path(tempfile.gettempdir())


def likely_root() -> str:
    """Return the folder that :func:`temporary_root` probably returns, at once and without a look at it."""
    known = getattr(sys.modules.get("tempfile"), "tempdir", None)
    return known or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - only looked into for what we left there


@contextmanager
def room_needed(root: StrPath, but: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn an error of temporary files in `root` into an OutputError.

    One that is about another file passes, and so do those with a number in `but`.
    """
    try:
        yield
    except ZswapsimError:
        raise
    except OSError as error:
        if not str(error.filename or root).startswith(str(root)) or error.errno in but:
            raise
        raise OutputError(f"{root}: cannot write: {reason(error)} (TMPDIR moves it)") from error


def unnamed_file() -> File:
    """Return a new file without a name, in the folder for temporary files. Raises OutputError."""
    with room_needed("the folder for temporary files"):
        root = temporary_root()
    with room_needed(root):
        try:
            return adopt(open_descriptor(root, os.O_TMPFILE | os.O_RDWR, OWNER_ONLY), "r+b", root)
        except OSError as error:
            if error.errno not in NO_UNNAMED:
                raise
        remove_dead_files(root)
        path = root / new_file_name()
        descriptor = open_descriptor(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with suppress(OSError), operation("unlink", path):  # may fail without effect: a later start removes it
            os.unlink(path)
        return adopt(descriptor, "r+b", root)


@contextmanager
def unnamed_buffered() -> Iterator[IO[bytes]]:
    """Make a file without a name, and read and write it through a buffer. Raises OutputError."""
    with unnamed_file() as file, room_needed(file.name, but=(errno.EFBIG,)):  # a limit of this process, not of a folder
        yield io.BufferedRandom(file)  # closed without its buffer: after an error nothing more is written


class HeldFolder:
    """A temporary folder that stays until :meth:`remove`, or until a later start finds that this process is dead.

    Raises OutputError if it can't be made.
    """

    def __init__(self) -> None:
        with room_needed("the folder for temporary files"):
            root = temporary_root()
        remove_dead_folders(root)
        with room_needed(root):
            self._make(root)

    def _make(self, root: Path) -> None:
        while True:
            self.path = root / new_folder_name()
            with operation("mkdir", self.path):
                os.mkdir(self.path, FOLDER_ONLY)
            try:
                self.descriptor = open_descriptor(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:  # another process found it before it was locked, and removed it
                continue
            except BaseException:
                with suppress(OSError):  # may fail without effect: a later start removes it
                    os.rmdir(self.path)
                raise
            if hold(self.descriptor):
                return
            os.close(self.descriptor)

    def remove(self) -> None:
        """Remove the folder and all files in it. Raises OSError if something stays."""
        try:
            remove_tree(self.path)
        finally:
            os.close(self.descriptor)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed, with the files in it, when the block ends."""
    with held():
        folder = HeldFolder()
        try:
            with released():
                yield folder.path
        finally:
            with suppress(OSError):  # may fail without effect: the next start removes what stays
                folder.remove()


def create_file(path: StrPath) -> File:
    """Return a new file in a temporary folder."""
    return adopt(open_descriptor(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "r+b", path)


def write_new(path: StrPath, data: bytes) -> None:
    """Write a new file in a temporary folder."""
    with create_file(path) as file:
        file.write(data)
