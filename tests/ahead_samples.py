"""Readahead of machines of 48 pages: options, page numbers, and the reference that belongs to some options."""

import numpy as np
from hypothesis import strategies as st

from tests.reference.readahead import Cluster, Vma
from zswapsim.study.run.readahead import by_address

PAGES = 48
# Two mappings, the first across the end of what a page table maps, in another order than that of first accesses.
ADDRESSES = [*(490 + number * 7 % 40 for number in range(40)), *range(5007, 4999, -1)]
ORDER = by_address(np.array(ADDRESSES, np.uint64))
ahead_options = {
    "readahead": st.sampled_from(["none", "none", "cluster", "vma"]),
    "page_cluster": st.sampled_from([0, 1, 3, 3, 6]),
}


def model_ahead(options: dict) -> Cluster | Vma | None:
    """What the reference reads ahead, where the backend does not complete synchronously."""
    most = options["page_cluster"]
    if options["readahead"] == "none" or most == 0:
        return None
    mappings = [address // 1024 for address in ADDRESSES]
    return Cluster(PAGES, most) if options["readahead"] == "cluster" else Vma(ADDRESSES, mappings, most)
