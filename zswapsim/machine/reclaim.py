"""Direct reclaim of user pages: file pages are dropped, anonymous ones go to swap."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from zswapsim.machine.nodes import Cap, Node

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine

SWAP_CLUSTER_MAX = 32
"""Pages that one reclaim is after (include/linux/swap.h)."""


def shrink_nodes(machine: "Machine", nodes: Iterable[Node]) -> int:
    """Frees up to SWAP_CLUSTER_MAX pages, the coldest of each node first; returns how many.

    A private node is left alone unless it opted in: its owner alone knows what may leave it.
    """
    freed = 0
    for node in nodes:
        if machine.rule.isolates(node) and Cap.RECLAIM not in node.caps:
            continue
        for page in node.lru:
            if freed == SWAP_CLUSTER_MAX:
                return freed
            freed += page.reclaim(machine)
    return freed
