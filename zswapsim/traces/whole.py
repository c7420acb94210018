"""Read a whole oracleGeneral file at once, in a thread that needs no GIL and so runs beside Python's imports.

The command line knows from its arguments which file it is going to read, and begins it first of all; the trace that is
opened later takes the reading over. This is only a shortcut: a file that is in any way not as expected is read again in
pieces, which says what is wrong.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import NamedTuple

from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.oraclefile import OracleFile
from zswapsim.files.found import state_of
from zswapsim.files.opening import open_descriptor
from zswapsim.signals import held

RECORD_BYTES = 24
SUFFIXES = (".oracleGeneral.bin", ".oracleGeneral", ".bin")
KEEP_EVENTS = 1 << 28  # longer traces are not held in memory after the first pass
_begun: dict[str, WholeFile] = {}


class _Identity(NamedTuple):
    """Identify a file: another one of the same name differs, and so does the file after a change."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, state: os.stat_result) -> _Identity:
        return cls(state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)


class WholeFile:
    """Read a file in a thread of its own, from now on.

    The constructor raises OSError, ValueError or MemoryError if the file can't be read so, or has more than
    `most_events` events.
    """

    def __init__(self, path: str, most_events: int) -> None:
        self.good, self.descriptor = False, open_descriptor(path, os.O_RDONLY)
        try:
            state = os.fstat(self.descriptor)
            self.identity, self.pages = _Identity.of(state), DenseMap()
            self.file = OracleFile(self.descriptor, _count_events(state.st_size, most_events), self.pages)
            self.thread = threading.Thread(target=self._read, name="zswapsim-whole", daemon=True)
            with held():
                self.thread.start()
        except BaseException:
            os.close(self.descriptor)
            raise

    @property
    def done(self) -> int:
        """Return how many events were read so far."""
        return self.file.done

    @property
    def events(self) -> int:
        """Return how many events the file has."""
        return self.file.events

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`. Return True if the thread has ended; `good` is then True if the file is valid."""
        self.thread.join(seconds)
        return not self.thread.is_alive()

    def stop(self) -> None:
        """Stop reading as soon as possible, and wait for the thread."""
        self.file.stop()
        self.thread.join()

    def _read(self) -> None:
        try:
            self.good = self.file.read()
        finally:
            os.close(self.descriptor)


def begin(path: str) -> bool:
    """Begin to read a file that is soon going to be opened. Return False if it can't be read at once."""
    ours = path.lower().endswith(tuple(suffix.lower() for suffix in SUFFIXES))
    whole = open_whole(path, KEEP_EVENTS) if ours else None
    if whole is not None:
        _begun[path] = whole
    return whole is not None


def open_whole(path: str, most_events: int) -> WholeFile | None:
    """Return the file being read, from earlier on if that was begun and the file has not changed since.

    Return None if it can't be read at once, or has more than `most_events` events.
    """
    begun = _begun.pop(path, None)
    try:
        state = state_of(path)
        if begun is not None:
            if begun.identity == _Identity.of(state) and begun.events <= most_events:
                return begun
            begun.stop()
        return WholeFile(path, most_events) if stat.S_ISREG(state.st_mode) else None
    except (OSError, ValueError, MemoryError, RuntimeError):  # RuntimeError: the system has refused a thread
        return None


def _count_events(size: int, most_events: int) -> int:
    events, rest = divmod(size, RECORD_BYTES)
    if rest or events > most_events:
        raise ValueError("not whole records, or too many")
    return events
