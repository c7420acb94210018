"""See references by idle page tracking (Documentation/admin-guide/mm/idle_page_tracking.rst), for root."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.found import exists
from zswapsim.files.opening import File, open_file
from zswapsim.files.operation import reason
from zswapsim.live.pages import anonymous_pages
from zswapsim.live.procfs import Process
from zswapsim.live.references import MAJOR_OF_FILES, TLB_HIDES, References
from zswapsim.traces.pagemap import read_records, runs

BITMAP = Path("/sys/kernel/mm/page_idle/bitmap")
FLAGS = Path("/proc/kpageflags")
PM_PFN = np.uint64((1 << 55) - 1)
BITS = np.uint64(64)
COMPOUND_TAIL = np.uint64(1 << 16)  # KPF_COMPOUND_TAIL, include/uapi/linux/kernel-page-flags.h


class IdlePages(References):
    """Set the idle flag of every frame that holds an anonymous page of the process once, and test it later.

    The kernel keeps the accessed bits that it clears from the page tables for reclaim (PG_young). A large folio has one
    flag, that of its first frame. Raises ZswapsimError if the kernel has no idle page tracking, or this user may not
    see frame numbers.
    """

    source = "idle page tracking"

    def __init__(self, process: Process) -> None:
        if not exists(BITMAP):
            raise ZswapsimError(f"{process.what}: this kernel has no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)")
        self.process = process
        self.limits = [
            "pages of a large folio count as referenced together",
            "pages that appeared meanwhile, and pages on no list of reclaim, count as referenced",
            TLB_HIDES,
            MAJOR_OF_FILES,
        ]
        self.addresses, self.frames = self._pages()
        distinct, self.where = np.unique(self.frames, return_inverse=True)
        with self._opened(FLAGS) as flags, self._opened(BITMAP) as bitmap:
            self.heads = _heads(distinct, read_records(flags, distinct))
            _mark(bitmap, np.unique(self.heads))

    def look(self) -> int:
        """Return the bytes of all pages except those whose frame is the same and still idle."""
        addresses, frames = self._pages()
        with self._opened(BITMAP) as bitmap:
            idle = _idle(bitmap, self.heads)[self.where]
        _, mine, theirs = np.intersect1d(self.addresses, addresses, assume_unique=True, return_indices=True)
        still = idle[mine] & (self.frames[mine] == frames[theirs])
        return (len(addresses) - int(np.count_nonzero(still))) * PAGE_SIZE

    def _pages(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the addresses of the process's anonymous pages, and their frames."""
        addresses, entries = anonymous_pages(self.process)
        frames = entries & PM_PFN
        if len(frames) and not frames.any():
            raise ZswapsimError(f"{self.process.what}: frame numbers are hidden: expected to be run as root")
        return addresses, frames

    def _opened(self, path: Path) -> File:
        try:
            return open_file(path, "r+b" if path == BITMAP else "rb")
        except OSError as error:
            raise ZswapsimError(f"{path}: {reason(error)}: expected to be run as root") from None


def _heads(frames: NDArray[np.uint64], flags: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the first frame of each frame's folio, or the frame itself if that one is another process's."""
    tails = (flags & COMPOUND_TAIL) > 0
    heads = np.maximum.accumulate(np.where(tails, np.uint64(0), frames))
    return np.where(heads > 0, heads, frames)


def _mark(bitmap: File, heads: NDArray[np.uint64]) -> None:
    """Set the idle flags of ascending frames; bits that are 0 change nothing."""
    words, first = np.unique(heads // BITS, return_index=True)
    bits = np.bitwise_or.reduceat(np.uint64(1) << heads % BITS, first) if len(heads) else heads
    for begin, end in runs(words):
        bitmap.write_at(bits[begin:end].tobytes(), 8 * int(words[begin]))


def _idle(bitmap: File, heads: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return for each frame True if it is still idle."""
    words, where = np.unique(heads // BITS, return_inverse=True)
    return (read_records(bitmap, words)[where] >> heads % BITS & np.uint64(1)) > 0
