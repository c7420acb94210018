"""Read a process's anonymous pages with their pagemap entries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.operation import reason
from zswapsim.live.procfs import Process
from zswapsim.traces.capture import anonymous_regions
from zswapsim.traces.pagemap import present_anonymous, read_records
from zswapsim.traces.process import proc_file


class Pages(NamedTuple):
    """Present anonymous pages: both fields are uint64[n], by ascending address."""

    addresses: NDArray[np.uint64]
    entries: NDArray[np.uint64]


def anonymous_pages(process: Process) -> Pages:
    """Return the anonymous pages of the process now. Raises InputError if it has ended, ZswapsimError if refused."""
    regions = anonymous_regions(process.pid, process.what)
    with proc_file(process.pid, "pagemap", process.what) as pagemap:
        try:
            found = [present_anonymous(pagemap, region.start, region.end) for region in regions]
            addresses = np.concatenate([np.empty(0, np.uint64), *found])
            return Pages(addresses, read_records(pagemap, addresses // np.uint64(PAGE_SIZE)))
        except OSError as error:
            raise ZswapsimError(f"{process.what}: cannot read its pagemap: {reason(error)}") from None
