"""Zonelists are the fallback lists that an allocation walks; they are built once, from distances and the rule."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from zswapsim.machine.nodes import Node


class Zonelist(StrEnum):
    """Each node has a list of each of these kinds. A node is one zone here."""

    FALLBACK = "ZONELIST_FALLBACK"
    NOFALLBACK = "ZONELIST_NOFALLBACK"
    PRIVATE = "ZONELIST_PRIVATE"
    PRIVATE_NOFALLBACK = "ZONELIST_PRIVATE_NOFALLBACK"

    @property
    def falls_back(self) -> bool:
        """Return True if the list goes on after the preferred node."""
        return self in (Zonelist.FALLBACK, Zonelist.PRIVATE)


Zonelists = dict[tuple[Zonelist, Node], tuple[Node, ...]]


def build_zonelists(
    nodes: Sequence[Node],
    is_listed: Callable[[Zonelist, Node, Node], bool],
    distance: Callable[[Node, Node], int],
) -> Zonelists:
    """Build every list of every node from the nodes for which `is_listed` returns True (build_zonelists).

    The nearest node comes first; of two equally near ones, the one with the lower number.
    """
    lists: Zonelists = {}
    for node in nodes:
        nearest = sorted(nodes, key=lambda other, node=node: (distance(node, other), other.id))  # type: ignore[misc]
        for kind in Zonelist:
            lists[kind, node] = tuple(
                other for other in nearest if (kind.falls_back or other is node) and is_listed(kind, node, other)
            )
    return lists
