"""Find the pages of a mapping that are present and anonymous: by the PAGEMAP_SCAN ioctl, else by /proc/PID/pagemap.

The ioctl (Linux 6.7, include/uapi/linux/fs.h) walks page tables and skips ranges that have none, so that terabytes of
reserved addresses (Java, Go, sanitizers) cost nothing; a read of the file makes 8 bytes for every page of them.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import File
from zswapsim.files.operation import operation

# Documentation/admin-guide/mm/pagemap.rst
PM_PRESENT = np.uint64(1 << 63)
PM_FILE_OR_SHARED = np.uint64(1 << 61)
MOST_RECORDS = 1 << 16

PAGE_IS_FILE = 1 << 2
PAGE_IS_PRESENT = 1 << 3
# struct pm_scan_arg, 12 fields of 64 bits, and struct page_region, 3 of them
ARGUMENT = (
    "size", "flags", "start", "end", "walk_end", "vec", "vec_len", "max_pages",
    "category_inverted", "category_mask", "category_anyof_mask", "return_mask",
)  # fmt: skip
PAGEMAP_SCAN = 3 << 30 | 8 * len(ARGUMENT) << 16 | ord("f") << 8 | 16
REGIONS = 4096
UNKNOWN_CALL = (errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def present_anonymous(pagemap: File, start: int, end: int) -> NDArray[np.uint64]:
    """Return ascending addresses of the present anonymous pages from `start` up to `end`.

    `pagemap` is an open /proc/PID/pagemap. Raises OSError if the kernel does not say.
    """
    try:
        return _scanned(pagemap, start, end)
    except OSError as error:
        if error.errno not in UNKNOWN_CALL:
            raise
    return _read(pagemap, start, end)


def _scanned(pagemap: File, start: int, end: int) -> NDArray[np.uint64]:
    found = np.zeros((REGIONS, 3), np.uint64)
    given = {
        "size": 8 * len(ARGUMENT),
        "end": end,
        "vec": found.ctypes.data,
        "vec_len": REGIONS,
        "category_inverted": PAGE_IS_FILE,
        "category_mask": PAGE_IS_FILE | PAGE_IS_PRESENT,
        "return_mask": PAGE_IS_PRESENT,
    }
    argument = np.array([given.get(name, 0) for name in ARGUMENT], np.uint64)
    parts = [np.empty(0, np.uint64)]
    while start < end:
        argument[ARGUMENT.index("start")] = start
        with operation("read", pagemap.name):
            count = fcntl.ioctl(pagemap, PAGEMAP_SCAN, argument.data.cast("B"), True)
        parts.append(_pages_of(found[:count]))
        walked = int(argument[ARGUMENT.index("walk_end")])
        if walked <= start:
            raise OSError(errno.EINVAL, "PAGEMAP_SCAN makes no progress")
        start = walked
    return np.concatenate(parts)


def _pages_of(regions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the address of every page in regions of (start, end, categories)."""
    pages = ((regions[:, 1] - regions[:, 0]) // np.uint64(PAGE_SIZE)).astype(np.int64)
    before = np.repeat(np.cumsum(pages) - pages, pages)
    within = (np.arange(pages.sum()) - before).astype(np.uint64)
    return np.repeat(regions[:, 0], pages) + within * np.uint64(PAGE_SIZE)


def _read(pagemap: File, start: int, end: int) -> NDArray[np.uint64]:
    parts = [np.empty(0, np.uint64)]
    for at in range(start // PAGE_SIZE, end // PAGE_SIZE, MOST_RECORDS):
        entries = _records(pagemap, at, min(end // PAGE_SIZE - at, MOST_RECORDS))
        wanted = np.flatnonzero((entries & (PM_PRESENT | PM_FILE_OR_SHARED)) == PM_PRESENT)
        parts.append(np.uint64(at * PAGE_SIZE) + wanted.astype(np.uint64) * np.uint64(PAGE_SIZE))
    return np.concatenate(parts)


def read_records(file: File, places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Read the 64-bit records of a file at ascending, distinct `places`; 0 where it has none. Raises OSError."""
    records = np.zeros(len(places), np.uint64)
    for first, last in runs(places):
        for at in range(first, last, MOST_RECORDS):
            read = _records(file, int(places[at]), min(last - at, MOST_RECORDS))
            records[at : at + len(read)] = read
    return records


def runs(places: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield the first and last index (exclusive) of each run of neighbours in ascending, distinct `places`."""
    edges = (np.flatnonzero(np.diff(places) != 1) + 1).tolist()
    if len(places):
        yield from pairwise([0, *edges, len(places)])


def _records(file: File, place: int, count: int) -> NDArray[np.uint64]:
    """Read `count` records from `place` on, fewer if the file ends: sysfs gives a page of bytes at a time."""
    data = b""
    while len(data) < 8 * count:
        part = file.read_at(8 * count - len(data), 8 * place + len(data))
        if not part:
            break
        data += part
    return np.frombuffer(data, np.uint64, len(data) // 8)
