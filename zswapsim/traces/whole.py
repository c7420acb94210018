"""A whole file read at once, by a thread that needs no GIL: it may begin while Python still imports what comes after.

What the command line is going to read can be begun early; a trace that is opened later takes over what was begun. This
is only ever a shortcut: a file that is in any way not as expected is read again as others are, which says what is
wrong.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from typing import NamedTuple

from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.oraclefile import OracleFile
from zswapsim._core.trace.parquetfile import ParquetFile
from zswapsim._core.trace.wholefile import FileReader

RECORD_BYTES = 24
PARQUET_TAIL = 8  # uint32 bytes of metadata, then the mark
PARQUET_MARK = b"PAR1"
MOST_METADATA = 1 << 26
KEEP_EVENTS = 1 << 28  # of a trace, for what comes after the first pass
SUFFIXES = {"oracleGeneral": (".oracleGeneral.bin", ".oracleGeneral", ".bin"), "parquet": (".parquet",)}
_begun: dict[str, WholeFile] = {}


class _Identity(NamedTuple):
    """What tells a file from another that has its name, and from itself once it has changed."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, state: os.stat_result) -> _Identity:
        return cls(state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)


class WholeFile:
    """A file of the form `form` that a thread of its own reads from now on.

    Raises OSError, ValueError or MemoryError at once where it can't be read so.
    """

    def __init__(self, path: str, form: str, most_events: int) -> None:
        self.form, self.good, self.descriptor = form, False, os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            state = os.fstat(self.descriptor)
            self.identity, self.pages = _Identity.of(state), DenseMap()
            self.file = OPENERS[form](self.descriptor, state.st_size, most_events, self.pages)
            self.thread = threading.Thread(target=self._read, name="zswapsim-whole", daemon=True)
            self.thread.start()
        except BaseException:
            os.close(self.descriptor)
            raise

    @property
    def done(self) -> int:
        """Events read so far."""
        return self.file.done

    @property
    def events(self) -> int:
        """Events in all, as the file says."""
        return self.file.events

    def wait(self, seconds: float) -> bool:
        """Whether it has come to its end, `good` or not, in that time."""
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def stop(self) -> None:
        """Come to an end as soon as can be."""
        self.file.stop()
        self.thread.join()

    def _read(self) -> None:
        try:
            self.good = self.file.read()
        finally:
            os.close(self.descriptor)


def _open_oracle(descriptor: int, size: int, most_events: int, pages: DenseMap) -> OracleFile:
    events, rest = divmod(size, RECORD_BYTES)
    if rest or events > most_events:
        raise ValueError("not whole records, or too many")
    return OracleFile(descriptor, events, pages)


def _open_parquet(descriptor: int, size: int, most_events: int, pages: DenseMap) -> ParquetFile:
    tail = os.pread(descriptor, PARQUET_TAIL, max(0, size - PARQUET_TAIL))
    length = int.from_bytes(tail[:4], "little")
    first = size - PARQUET_TAIL - length
    if tail[4:] != PARQUET_MARK or length > MOST_METADATA or first < len(PARQUET_MARK):
        raise ValueError("not Parquet")
    if os.pread(descriptor, len(PARQUET_MARK), 0) != PARQUET_MARK:
        raise ValueError("not Parquet")
    return ParquetFile(descriptor, os.pread(descriptor, length, first), most_events, pages)


OPENERS: dict[str, Callable[[int, int, int, DenseMap], FileReader]] = {
    "oracleGeneral": _open_oracle,
    "parquet": _open_parquet,
}


def begin(path: str) -> bool:
    """Begin to read what is soon going to be opened, where that is a file that can be read so; whether it is."""
    form = next((form for form, suffixes in SUFFIXES.items() if _ends(path, suffixes)), None)
    whole = open_whole(path, form, KEEP_EVENTS) if form else None
    if whole is not None:
        _begun[path] = whole
    return whole is not None


def events_begun(path: str) -> int:
    """Events of a file that is being read already, 0 where it is not."""
    return _begun[path].events if path in _begun else 0


def open_whole(path: str, form: str, most_events: int) -> WholeFile | None:
    """The file being read, from earlier on where that was begun; None where it can't be, or has too many events."""
    begun = _begun.pop(path, None)
    try:
        state = os.stat(path)
        if begun is not None:
            if begun.form == form and begun.identity == _Identity.of(state) and begun.events <= most_events:
                return begun
            begun.stop()
        return WholeFile(path, form, most_events) if stat.S_ISREG(state.st_mode) else None
    except (OSError, ValueError, MemoryError):
        return None


def _ends(path: str, suffixes: tuple[str, ...]) -> bool:
    return path.lower().endswith(tuple(suffix.lower() for suffix in suffixes))
