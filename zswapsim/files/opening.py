"""Open files, and read and write them whole. An OSError names the file."""

from __future__ import annotations

import io
import os
from typing import Any

from zswapsim.files.operation import StrPath, operation

FLAGS = {"rb": os.O_RDONLY, "wb": os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "r+b": os.O_RDWR}


class File(io.FileIO):
    """An open file without a buffer, whose operations are announced and whose errors name it.

    A write takes all bytes, in as many calls as that needs.
    """

    def __init__(self, descriptor: int, mode: str, path: StrPath) -> None:
        super().__init__(descriptor, mode)
        self.name = str(path)

    def readinto(self, buffer: Any) -> int:
        """Read once into `buffer`."""
        with operation("read", self.name):
            return super().readinto(buffer) or 0

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes in one call; without it, all."""
        with operation("read", self.name):
            return super().read(-1 if size is None else size) or b""

    def readall(self) -> bytes:
        """Read all that is left."""
        return self.read()

    def write(self, data: Any) -> int:
        """Write all of `data`."""
        return write_all(self.fileno(), data, str(self.name))

    def truncate(self, size: int | None = None) -> int:
        """Change the file's size."""
        with operation("truncate", self.name):
            return super().truncate(size)

    def read_at(self, count: int, offset: int) -> bytes:
        """Read at most `count` bytes from `offset` on, and leave the position."""
        with operation("read", self.name):
            return os.pread(self.fileno(), count, offset)

    def write_at(self, data: bytes, offset: int) -> None:
        """Write all of `data` from `offset` on, and leave the position."""
        while data:
            with operation("write", self.name) as most:
                written = os.pwrite(self.fileno(), data[:most], offset)
            data, offset = data[written:], offset + written

    def sync(self) -> None:
        """Wait until all bytes are on the disk."""
        with operation("sync", self.name):
            os.fsync(self.fileno())

    def set_permissions(self, permissions: int) -> None:
        """Change who may read and write the file."""
        with operation("chmod", self.name):
            os.fchmod(self.fileno(), permissions)

    def state(self) -> os.stat_result:
        """Return what the file system knows of the open file."""
        with operation("stat", self.name):
            return os.fstat(self.fileno())


def write_all(descriptor: int, data: Any, path: StrPath) -> int:
    """Write all of `data` into an open file, and return how many bytes that was."""
    view = memoryview(data)
    left = view.cast("B") if view.nbytes else memoryview(b"")
    while left:
        with operation("write", path) as most:
            left = left[os.write(descriptor, left[:most]) :]
    return view.nbytes


def open_descriptor(path: StrPath, flags: int, permissions: int = 0o666) -> int:
    """Open a file and return its descriptor, which a program that is started does not inherit."""
    with operation("open", path):
        return os.open(path, flags | os.O_CLOEXEC, permissions)


def open_file(path: StrPath, mode: str = "rb", flags: int = 0, permissions: int = 0o666) -> File:
    """Open a file: to read it ("rb"), from anew ("wb"), or to change it ("r+b")."""
    return adopt(open_descriptor(path, FLAGS[mode] | flags, permissions), mode, path)


def adopt(descriptor: int, mode: str, path: StrPath) -> File:
    """Return the file that is open as `descriptor`, which is closed with it, and also if this fails."""
    try:
        with operation("adopt", path):
            return File(descriptor, mode, path)
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: StrPath, most: int = -1) -> bytes:
    """Return the bytes of a file, at most `most`."""
    with io.BufferedReader(open_file(path)) as file:
        return file.read(most)
