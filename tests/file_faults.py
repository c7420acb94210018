"""Make the n-th file operation fail, through the seam of zswapsim.files."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from zswapsim.files.operation import watched

SHORT, MEMORY = "short write", "memory"
KINDS = ("ENOSPC", "EIO", "EACCES", "EMFILE", MEMORY, SHORT)
"""The ways in which an operation fails, by the name of the error."""


class Fault:
    """Let operation `at` (from 1) fail in the way `kind`; with 0, only count."""

    def __init__(self, at: int = 0, kind: str = "EIO") -> None:
        self.at, self.kind, self.count = at, kind, 0
        self.seen: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def __call__(self, what: str, path: str) -> int | None:
        with self.lock:
            self.count += 1
            self.seen.append((what, path))
            if self.count != self.at:
                return None
        if self.kind == MEMORY:
            raise MemoryError
        if self.kind == SHORT:
            return 1 if what == "write" else None
        number = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number))

    @property
    def happened(self) -> bool:
        """Return True if there was an operation to fail."""
        return 0 < self.at <= self.count

    def __repr__(self) -> str:
        place = self.seen[self.at - 1] if self.happened else "nothing"
        return f"<{self.kind} at {self.at}: {place}>"


@contextmanager
def failing(at: int, kind: str = "EIO") -> Iterator[Fault]:
    """Let one operation of the block fail."""
    fault = Fault(at, kind)
    with watched(fault):
        yield fault
