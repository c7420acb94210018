"""Keep what an unfinished profile has measured, in a file beside that of the profile.

The file begins with a line of JSON that names the contents. Parts follow. Each has a line with a CRC-32 of the rest
and, in JSON, codec, origin, first row and number of rows; then come the three columns of these rows, little-endian.
Each part is appended by one write, so that a process that is killed leaves whole parts and at most one that is cut off.
That one, and everything after it, is ignored.
"""

import fcntl
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import numpy as np

from zswapsim._core.base.errors import InputError, OutputError
from zswapsim.compressors.measure import Columns
from zswapsim.study.profile.record import Origin

SUFFIX = ".part"
VERSION = 1
CHECK_BYTES = 9
ROW_BYTES = 2 + 4 + 4
LINE_BYTES = 1 << 16  # no line of a journal is longer


class Part(NamedTuple):
    """Hold what one codec made of some rows."""

    key: str
    origin: Origin
    begin: int
    columns: Columns


class _Head(msgspec.Struct):
    version: int
    contents_hash: str


class _About(msgspec.Struct):
    key: str
    origin: Origin
    begin: int
    rows: int


class Journal:
    """Lock, read and append to the journal of the profile `path`, as a context manager; one process may have it.

    Raises InputError if the file is no journal, was begun with other contents, or is locked by another process;
    OutputError if it cannot be written. The file stays when the block ends, unless it was new and has no part, or
    :meth:`remove` was called.
    """

    keys: set[str]
    """The codecs that have parts in the file."""

    def __init__(self, path: str | Path, contents_hash: str, *, fresh: bool = False) -> None:
        self.path = Path(f"{path}{SUFFIX}")
        self.head = _Head(VERSION, contents_hash)
        self.fresh, self.keys, self.found = fresh, set(), False
        self.lock = threading.Lock()

    def __enter__(self) -> "Journal":
        try:
            self.file: IO[bytes] = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b", 0)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot write: {error.strerror}") from error
        try:
            self._take_over()
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if not self.keys and not self.found:
            self.remove()
        self.file.close()

    def remove(self) -> None:
        """Remove the file, because the profile has all of it."""
        self.path.unlink(missing_ok=True)

    def parts(self, rows: int) -> Iterator[Part]:
        """Yield the whole parts, for a profile of `rows` rows; then truncate the file after the last of them."""
        reader = os.fdopen(os.dup(self.file.fileno()), "rb")
        with reader:
            reader.seek(len(_line(self.head)))
            good = reader.tell()
            while part := _read_part(reader, rows):
                good = reader.tell()
                self.keys.add(part.key)
                yield part
        self.file.truncate(good)
        self.file.seek(good)

    def append(self, part: Part) -> None:
        """Append a part; any thread may call this. Raises OutputError."""
        size, *times = part.columns
        data = b"".join([size.astype("<u2").tobytes(), *(each.astype("<u4").tobytes() for each in times)])
        data = _line(_About(part.key, part.origin, part.begin, len(size))) + data
        with self.lock:
            self._write(b"%08x " % zlib.crc32(data) + data)
            self.keys.add(part.key)

    def _take_over(self) -> None:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = not os.fstat(self.file.fileno()).st_nlink  # another process has just removed it
        except OSError:
            taken = True
        if taken:
            raise InputError(f"{self.path}: another process is measuring into it")
        if self.fresh:
            self.file.truncate(0)
        first = self.file.read(LINE_BYTES)
        if b"\n" not in first and len(first) < LINE_BYTES:  # new, or killed before its first line was whole
            self.file.truncate(0)
            self.file.seek(0)
            self._write(_line(self.head))
            return
        try:
            found = msgspec.json.decode(first.partition(b"\n")[0], type=_Head)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: expected what an unfinished profile measured, got another file") from error
        self.found = True
        if found != self.head:
            raise InputError(
                f"{self.path}: begun with other contents (hash {found.contents_hash}):"
                f" expected {self.head.contents_hash} (--fresh begins anew)"
            )

    def _write(self, data: bytes) -> None:
        try:
            written = self.file.write(data)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot write: {error.strerror}") from error
        if written != len(data):
            raise OutputError(f"{self.path}: cannot write: {written} of {len(data)} bytes were taken")


def _line(record: msgspec.Struct) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _read_part(file: IO[bytes], rows: int) -> Part | None:
    """Return the part that begins here; None at the end of the file or if the part is not whole."""
    check, line = file.read(CHECK_BYTES), file.readline(LINE_BYTES)
    try:
        about = msgspec.json.decode(line, type=_About)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not 0 <= about.begin < about.begin + about.rows <= rows:
        return None
    data = file.read(about.rows * ROW_BYTES)
    if len(data) != about.rows * ROW_BYTES or check != b"%08x " % zlib.crc32(data, zlib.crc32(line)):
        return None
    size = np.frombuffer(data, "<u2", about.rows)
    times = np.frombuffer(data, "<u4", 2 * about.rows, size.nbytes)
    return Part(about.key, about.origin, about.begin, Columns(size, times[: about.rows], times[about.rows :]))
