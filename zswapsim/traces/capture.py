"""Read the present anonymous pages of a live process, through psutil and procfs.

Anonymous pages are the ones that a swap backend handles: heap, stack, private mappings without a file, and pages of
private file mappings that the process has written to.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray

from zswapsim._core.base.arguments import callback, whole
from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.found import exists
from zswapsim.files.opening import File, open_file
from zswapsim.files.operation import reason
from zswapsim.hostpage import refuse_other_page_size
from zswapsim.traces.pagemap import present_anonymous
from zswapsim.traces.process import (
    has_ended,
    is_kernel_thread,
    kernel_thread,
    no_such_process,
    not_allowed,
    proc_file,
    process_id,
)

BLOCK_PAGES = 1024
KERNEL_MADE = ("[vvar", "[vdso", "[vsyscall", "[uprobes")


class Region(NamedTuple):
    """A mapping that may hold anonymous pages: addresses `start` up to `end`, with `anonymous` bytes in use."""

    start: int
    end: int
    anonymous: int
    of_file: bool


class Snapshot:
    """Find the present anonymous pages of a process, and read their bytes on demand.

    `pid` is a whole number, as int or text. If there are more than `limit` pages, that many are taken, evenly spread
    over all of them.

    Raises InputError if `pid` is no process, has ended, or has no anonymous pages (a kernel thread), or if the host's
    pages are not 4 KiB. Raises ZswapsimError if this user may not read the process's memory.
    """

    def __init__(self, pid: int | str, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise InputError(f"pid {pid}: a limit of {limit} pages: expected at least one")
        self.pid = process_id(pid if isinstance(pid, str) else whole(pid, "pid", 1, (1 << 31) - 1))
        self.what = f"pid {self.pid}"
        refuse_other_page_size(self.what)
        regions = anonymous_regions(self.pid, self.what)
        found = [_present(self.pid, self.what, region) for region in regions]
        self.knows_present = all(addresses is not None for addresses in found)
        """False if the kernel does not say which pages are present: all are read, and all-zero ones are left out."""
        listed = [
            _all_of(region) if addresses is None else addresses
            for region, addresses in zip(regions, found, strict=True)
        ]
        self.regions = sum(len(addresses) > 0 for addresses in listed)
        """The number of mappings that hold at least one such page."""
        addresses = np.concatenate([np.empty(0, np.uint64), *listed])
        if not len(addresses):
            raise InputError(f"{self.what}: it has no anonymous pages: expected a program with memory of its own")
        if limit is not None and limit < len(addresses):
            addresses = addresses[np.arange(limit) * len(addresses) // limit]
        self.addresses = addresses
        """uint64[n]: the pages to read, in ascending order within each mapping."""

    def blocks(self, progress: Callable[[int, int], None] | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield the pages' bytes, uint8[n, 4096], at most 1024 a block, without pages that have vanished since.

        `progress` is called with (pages looked at, all). Raises InputError if the process ends before one page was
        read, ZswapsimError if its memory may not be read.
        """
        read = 0
        with proc_file(self.pid, "mem", self.what) as memory:
            for start in range(0, len(self.addresses), BLOCK_PAGES):
                block = _read_block(memory, self.addresses[start : start + BLOCK_PAGES])
                if not self.knows_present:
                    block = block[block.any(axis=1)]
                if len(block):
                    read += len(block)
                    yield block
                if progress:
                    progress(min(start + BLOCK_PAGES, len(self.addresses)), len(self.addresses))
        if not read:
            raise InputError(f"{self.what}: it ended before one of its pages could be read")


def capture_pages(
    pid: int | str, limit: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the present anonymous pages of a live process in blocks uint8[n, 4096].

    Raises as :class:`Snapshot` does.
    """
    callback(progress, "progress")
    most = limit if limit is None else whole(limit, "limit", 0, (1 << 63) - 1)
    return PrivateBlocks(Snapshot(pid, most).blocks(progress))


class PrivateBlocks(Iterator[NDArray[np.uint8]]):
    """Blocks of pages that are a process's own, so that a file of them is for its owner alone."""

    private = True

    def __init__(self, blocks: Iterator[NDArray[np.uint8]]) -> None:
        self.blocks = blocks

    def __next__(self) -> NDArray[np.uint8]:
        return next(self.blocks)


def anonymous_regions(pid: int, what: str) -> list[Region]:
    """Return the mappings with anonymous pages, by address. Raises as :class:`Snapshot` does."""
    try:
        mappings = psutil.Process(pid).memory_maps(grouped=False)
        if not mappings and is_kernel_thread(pid):
            raise kernel_thread(what)
    except psutil.ZombieProcess:
        raise has_ended(what) from None
    except psutil.NoSuchProcess:
        raise no_such_process(what) from None
    except (psutil.AccessDenied, PermissionError):
        raise ZswapsimError(not_allowed(what)) from None
    except OSError as error:
        raise ZswapsimError(f"{what}: cannot read its mappings: {reason(error)}") from error
    return [_region(mapping) for mapping in mappings if _is_wanted(mapping)]


def _is_wanted(mapping: Any) -> bool:
    private, readable = mapping.perms[3] == "p", mapping.perms[0] == "r"
    return private and readable and mapping.anonymous > 0 and not mapping.path.startswith(KERNEL_MADE)


def _region(mapping: Any) -> Region:
    start, end = (int(part, 16) for part in mapping.addr.split("-"))
    return Region(start, end, mapping.anonymous, mapping.path.startswith("/"))


def _present(pid: int, what: str, region: Region) -> NDArray[np.uint64] | None:
    """Return the addresses of the region's present anonymous pages, or None if the kernel does not say."""
    try:
        with open_file(f"/proc/{pid}/pagemap") as file:
            return present_anonymous(file, region.start, region.end)
    except (FileNotFoundError, ProcessLookupError):
        if not exists(f"/proc/{pid}"):
            raise has_ended(what) from None
        return None
    except OSError as error:
        if error.errno == errno.EPERM:  # of pagemap, before Linux 4.2
            return None
        if isinstance(error, PermissionError):
            raise ZswapsimError(not_allowed(what)) from None
        raise ZswapsimError(f"{what}: cannot read its pagemap: {reason(error)}") from error


def _all_of(region: Region) -> NDArray[np.uint64]:
    """Return every page of a mapping without a file; none of one with a file, whose own pages can't be known."""
    end = region.start if region.of_file else region.end
    return np.arange(region.start, end, PAGE_SIZE, dtype=np.uint64)


def _read_block(memory: File, addresses: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Read the pages at ascending `addresses` that can still be read; neighbours take one call."""
    pages = []
    for run in np.split(addresses, np.flatnonzero(np.diff(addresses) != PAGE_SIZE) + 1):
        data = _read_at(memory, int(run[0]), len(run) * PAGE_SIZE)
        if len(data) < len(run) * PAGE_SIZE:
            data = b"".join(_whole_page(_read_at(memory, int(address), PAGE_SIZE)) for address in run)
        pages.append(data)
    return np.frombuffer(b"".join(pages), np.uint8).reshape(-1, PAGE_SIZE)


def _whole_page(data: bytes) -> bytes:
    return data if len(data) == PAGE_SIZE else b""


def _read_at(memory: File, address: int, length: int) -> bytes:
    try:
        return memory.read_at(length, address)
    except OverflowError:
        return b""
    except OSError as error:
        if error.errno in (errno.EIO, errno.EFAULT, errno.ESRCH, errno.ENXIO):
            return b""
        raise ZswapsimError(f"cannot read memory at {address:#x}: {reason(error)}") from error
