"""Direct reclaim drops file pages and swaps out anonymous ones (mm/vmscan.c)."""

from collections.abc import Iterable

from zswapsim.machine.nodes import Cap, Node
from zswapsim.machine.pages.page import Page
from zswapsim.machine.pages.user_pages import UserPages
from zswapsim.machine.topology import Topology

SWAP_CLUSTER_MAX = 32
"""One reclaim tries to free this many pages (include/linux/swap.h)."""


def shrink_nodes(topology: Topology, pages: UserPages, nodes: Iterable[Node]) -> int:
    """Free up to SWAP_CLUSTER_MAX pages, the coldest of each node first; return how many were freed.

    Reclaim skips a private node that did not opt in, since only its owner knows which pages may leave it.
    """
    freed = 0
    for node in nodes:
        if not topology.serves(node, Cap.RECLAIM):
            continue
        for page in pages.lruvec(node):
            if freed == SWAP_CLUSTER_MAX:
                return freed
            freed += reclaim_page(pages, page)
    return freed


def reclaim_page(pages: UserPages, page: Page) -> bool:
    """Reclaim one page: drop a file's page, swap out an anonymous one. Return True if its frame is free now.

    A pinned page stays, and so does an anonymous one if the machine has no swap.
    """
    slot = None
    if page.pinned:
        return False
    if page.file is None:
        if pages.swap is None:
            return False
        slot = pages.swap.store()
    for mapper, number in list(page.mapped):
        mapper.unmap_page(number, slot)
    pages.free(page)
    return True
