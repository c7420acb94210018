"""Provide readahead for machines of 48 pages: options, page numbers, and the model that belongs to some options."""

import numpy as np
from hypothesis import strategies as st

from tests.reference.readahead import Cluster, Vma
from zswapsim.study.run.readahead import by_address

PAGES = 48
# Two mappings. The first crosses the end of what a page table maps, and its pages are not first accessed in order.
ADDRESSES = [*(490 + number * 7 % 40 for number in range(40)), *range(5007, 4999, -1)]
ORDER = by_address(np.array(ADDRESSES, np.uint64))
ahead_options = {
    "readahead": st.sampled_from(["none", "none", "cluster", "vma"]),
    "page_cluster": st.sampled_from([0, 1, 3, 3, 6]),
}


def model_ahead(options: dict) -> Cluster | Vma | None:
    """Return the model of readahead for these options, on a backend that does not complete synchronously."""
    most = options["page_cluster"]
    if options["readahead"] == "none" or most == 0:
        return None
    mappings = [address // 1024 for address in ADDRESSES]
    return Cluster(PAGES, most) if options["readahead"] == "cluster" else Vma(ADDRESSES, mappings, most)
