"""Keep what an unfinished profile has measured, in a file beside that of the profile.

The file begins with a line of JSON that names the contents. Parts follow. Each has a line with a CRC-32 of the rest
and, in JSON, codec, origin, first row and number of rows; then come the three columns of these rows, little-endian.
Each part is appended by one write, so that a process that is killed leaves whole parts and at most one that is cut off.
That one, and everything after it, is ignored.
"""

import io
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import numpy as np

from zswapsim._core.base.errors import InputError, OutputError
from zswapsim.compressors.measure import Columns
from zswapsim.files.operation import reason
from zswapsim.files.ours import open_ours, remove_ours
from zswapsim.files.privacy import permissions_for
from zswapsim.files.temporary import OWNER_ONLY
from zswapsim.study.profile.record import Origin
from zswapsim.traces.jsontext import decode_json

SUFFIX = ".part"
VERSION = 1
CHECK_BYTES = 9
ROW_BYTES = 2 + 4 + 4
LINE_BYTES = 1 << 16  # no line of a journal is longer
EXPECTED = "what an unfinished profile measured"
HEAD_BEGIN, HEAD_REST = b'{"version":1,"contents_hash":"', re.compile(rb'[0-9a-f]{0,32}(?:"\}?)?')


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

    def __init__(self, path: str | Path, contents_hash: str, *, fresh: bool = False, private: bool = False) -> None:
        self.path = Path(f"{path}{SUFFIX}")
        self.head = _Head(VERSION, contents_hash)
        self.fresh, self.keys, self.begun = fresh, set(), False
        self.private = private
        self.lock = threading.Lock()

    def __enter__(self) -> "Journal":
        with self._writing():
            self.file, self.begun = open_ours(
                self.path, _is_ours, LINE_BYTES, EXPECTED, permissions_for(self.private) or 0o666
            )
        try:
            with self._writing():
                self._take_over()
        except BaseException:
            if self.begun:
                self.remove()
            self.file.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if not self.keys and self.begun:
            self.remove()
        self.file.close()

    def remove(self) -> None:
        """Remove the file, because the profile has all of it."""
        with suppress(OSError):  # may fail without effect: the next call finds that it is not needed, and removes it
            remove_ours(self.file)

    def parts(self, rows: int) -> Iterator[Part]:
        """Yield the whole parts, for a profile of `rows` rows; then truncate the file after the last of them."""
        reader = io.BufferedReader(self.file)
        try:
            reader.seek(len(_line(self.head)))
            good = reader.tell()
            while part := _read_part(reader, rows):
                good = reader.tell()
                self.keys.add(part.key)
                yield part
        except OSError as error:
            raise InputError(f"{self.path}: cannot read: {reason(error)}") from error
        finally:
            reader.detach()
        with self._writing():
            self.file.truncate(good)
            self.file.seek(good)

    def append(self, part: Part) -> None:
        """Append a part; any thread may call this. Raises OutputError."""
        size, *times = part.columns
        data = b"".join([size.astype("<u2").tobytes(), *(each.astype("<u4").tobytes() for each in times)])
        data = _line(_About(part.key, part.origin, part.begin, len(size))) + data
        with self.lock:
            with self._writing():
                self.file.write(b"%08x " % zlib.crc32(data) + data)
            self.keys.add(part.key)

    def _take_over(self) -> None:
        if self.private:
            self.file.set_permissions(OWNER_ONLY)
        found = _head_of(self.file.read_at(LINE_BYTES, 0))
        if self.fresh or found is None:  # to begin anew, or killed before its first line was whole
            self.begun = True
            self.file.truncate(0)
            self.file.write(_line(self.head))
            return
        if found != self.head:
            raise InputError(
                f"{self.path}: begun with other contents (hash {found.contents_hash}):"
                f" expected {self.head.contents_hash} (--fresh begins anew)"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.path}: cannot write: {reason(error)}") from error


def _head_of(first: bytes) -> _Head | None:
    """Return the first line of a journal by its first bytes; None if it is not whole, or no journal's."""
    line, end, _ = first.partition(b"\n")
    try:
        return decode_json(line, _Head, "") if end else None
    except InputError:
        return None


def _is_ours(first: bytes) -> bool:
    """Return True if a file that begins so is a journal, or the beginning of one; an empty file holds nothing."""
    if _head_of(first) is not None or HEAD_BEGIN.startswith(first):
        return True
    return first.startswith(HEAD_BEGIN) and HEAD_REST.fullmatch(first.removeprefix(HEAD_BEGIN)) is not None


def _line(record: msgspec.Struct) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _read_part(file: IO[bytes], rows: int) -> Part | None:
    """Return the part that begins here; None at the end of the file or if the part is not whole."""
    check, line = file.read(CHECK_BYTES), file.readline(LINE_BYTES)
    try:
        about = decode_json(line, _About, "")
    except InputError:
        return None
    if not 0 <= about.begin < about.begin + about.rows <= rows:
        return None
    data = file.read(about.rows * ROW_BYTES)
    if len(data) != about.rows * ROW_BYTES or check != b"%08x " % zlib.crc32(data, zlib.crc32(line)):
        return None
    size = np.frombuffer(data, "<u2", about.rows)
    times = np.frombuffer(data, "<u4", 2 * about.rows, size.nbytes)
    return Part(about.key, about.origin, about.begin, Columns(size, times[: about.rows], times[about.rows :]))
