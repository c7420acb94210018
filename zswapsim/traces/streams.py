"""Read the bytes of a trace file, plain or in zstd; every failure is an error of the user's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from zswapsim._core.base.errors import HostMemoryError, InputError
from zswapsim.files import opening
from zswapsim.files.found import state_of
from zswapsim.files.opening import File
from zswapsim.files.operation import reason

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Source(Protocol):
    """Bytes that are read once, in order."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most `buffer` and return how many bytes that was; 0 at the end. Raises InputError."""


@contextmanager
def open_file(path: str | Path) -> Iterator[File]:
    """Open `path` unbuffered for reading. Raises InputError if it can't be opened."""
    try:
        file = opening.open_file(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read: {reason(error)}") from error
    with file:
        yield file


def out_of_memory(what: str, error: BaseException) -> HostMemoryError:
    """Make the error for a host that has no memory to read `what`."""
    if isinstance(error, HostMemoryError):
        return error
    return HostMemoryError(f"{what}: the host is out of memory to read it")


def is_of_system(error: BaseException) -> bool:
    """Return True if the system could not read the file, so that its bytes are not to blame."""
    return isinstance(error, OSError) and error.errno is not None


@contextmanager
def garbled(expected: str) -> Iterator[None]:
    """Turn any exception of pyarrow about bytes that it can't read into an InputError.

    `expected` begins with the file and a colon; if the system is to blame, only the file is named.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise out_of_memory(expected.partition(": ")[0], error) from error
    except Exception as error:
        if is_of_system(error):
            raise InputError(f"{expected.partition(': ')[0]}: cannot read: {reason(error)}") from error
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{expected}, got garbled or missing bytes: {said}") from error


@contextmanager
def open_source(path: str | Path, compressed: bool) -> Iterator[Source]:
    """Open the bytes of `path`, decompressed if `compressed`. Raises InputError if it can't be opened."""
    with open_file(path) as file:
        yield _Zstd(path, file) if compressed else _Plain(path, file)


class _Plain:
    def __init__(self, path: str | Path, file: File) -> None:
        self.path, self.file, self.offset = path, file, 0

    def readinto(self, buffer: memoryview) -> int:
        try:
            count = self.file.readinto(buffer)
        except OSError as error:
            raise InputError(f"{self.path}: byte offset {self.offset}: cannot read: {reason(error)}") from error
        self.offset += count
        return int(count)


class _Zstd:
    """One or more zstd frames; a cut or garbled one is an error, at a position in the decompressed bytes."""

    def __init__(self, path: str | Path, file: File) -> None:
        import pyarrow as pa  # slow to import, and few traces need it

        self.path, self.offset = path, 0
        self.stream: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def readinto(self, buffer: memoryview) -> int:
        try:
            count = self.stream.readinto(buffer)
        except MemoryError as error:
            raise out_of_memory(str(self.path), error) from error
        except (OSError, ValueError) as error:
            where = f"{self.path}: byte offset {self.offset} of the decompressed trace"
            if is_of_system(error):
                raise InputError(f"{where}: cannot read: {reason(error)}") from error
            what = "is cut off" if "runcated" in str(error) else f"is garbled ({error})"
            raise InputError(f"{where}: the zstd data {what}") from error
        self.offset += count
        return int(count)


def read_fully(source: Source, buffer: memoryview) -> int:
    """Fill `buffer` unless the source ends before. Return how many bytes were read."""
    filled = 0
    while filled < len(buffer):
        count = source.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return filled


def file_bytes(path: str | Path) -> int:
    """Return the size of a regular file. Raises InputError if there is none."""
    try:
        return state_of(path).st_size
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read: {reason(error)}") from error
