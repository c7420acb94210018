"""Time transfers of whole pages to and from a block device, past the page cache."""

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import open_descriptor


class DirectDevice:
    """A block device opened with O_DIRECT, and one buffer of `pages` pages, aligned as O_DIRECT requires.

    Raises ZswapsimError if the device transfers less than it was asked to, and OSError.
    """

    def __init__(self, file: Path, pages: int) -> None:
        self.file = file
        self.memory = mmap.mmap(-1, pages * PAGE_SIZE)
        self.buffer: NDArray[np.uint8] = np.frombuffer(self.memory, np.uint8).reshape(pages, PAGE_SIZE)

    def __enter__(self) -> Self:
        self.descriptor = open_descriptor(self.file, os.O_RDWR | os.O_DIRECT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def fill(self, pages: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Put uint8[n, 4096] into the buffer and return that part of it."""
        filled = self.buffer[: len(pages)]
        filled[:] = pages
        return filled

    def write(self, first: int, count: int) -> int:
        """Write the first `count` pages of the buffer from page `first` on. Return the nanoseconds."""
        return self._timed(os.pwritev, first, count)  # files: timed, on a file that is open

    def read(self, first: int, count: int) -> int:
        """Read `count` pages from page `first` on into the buffer. Return the nanoseconds."""
        return self._timed(os.preadv, first, count)  # files: timed, on a file that is open

    def _timed(self, call: Callable[[int, list[memoryview], int], int], first: int, count: int) -> int:
        views = [memoryview(self.memory)[: count * PAGE_SIZE]]
        start = time.perf_counter_ns()
        done = call(self.descriptor, views, first * PAGE_SIZE)
        spent = time.perf_counter_ns() - start
        if done != count * PAGE_SIZE:
            raise ZswapsimError(f"{self.file}: {done} bytes were transferred, expected {count * PAGE_SIZE}")
        return spent
