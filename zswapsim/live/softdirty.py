"""See which pages a process writes, by soft-dirty bits (Documentation/admin-guide/mm/soft-dirty.rst)."""

from __future__ import annotations

import mmap

import numpy as np

from zswapsim._core.base.errors import ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import open_file
from zswapsim.live.pages import anonymous_pages
from zswapsim.live.procfs import Process
from zswapsim.traces.pagemap import read_records

CLEAR_SOFT_DIRTY = 4
PM_SOFT_DIRTY = np.uint64(1 << 55)


class SoftDirty:
    """Count the anonymous pages written since this was made.

    Raises ZswapsimError if the kernel has no soft-dirty bits, or the process may not be observed.
    """

    source = "soft-dirty bits"

    def __init__(self, process: Process) -> None:
        if not kernel_tracks():
            raise ZswapsimError(f"{process.what}: writes: this kernel has no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)")
        self.process = process
        self.limits = ["each page was made read-only once: the first write to it took a minor fault, counted here"]
        anonymous_pages(process)
        process.clear_refs(CLEAR_SOFT_DIRTY)

    def share(self, working_set_bytes: int | None) -> float | None:
        """Return the written share of the working set, or of resident memory if the working set is not known."""
        entries = anonymous_pages(self.process).entries
        written = int(np.count_nonzero(entries & PM_SOFT_DIRTY)) * PAGE_SIZE
        of = len(entries) * PAGE_SIZE if working_set_bytes is None else working_set_bytes
        return min(1.0, written / of) if of else None


def kernel_tracks() -> bool:
    """Return True if a page just written is soft-dirty, as tried with a page of this very process."""
    with mmap.mmap(-1, PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
        page[0] = 1
        address = np.frombuffer(page, np.uint8).ctypes.data
        try:
            with open_file("/proc/self/pagemap") as file:
                entry = read_records(file, np.array([address // PAGE_SIZE], np.uint64))[0]
        except OSError:
            return False
    return bool(entry & PM_SOFT_DIRTY)
