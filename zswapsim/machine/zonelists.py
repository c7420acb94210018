"""The lists that an allocation walks, built once from distances and the isolation rule (build_zonelists)."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zswapsim.machine.isolation import Isolation
    from zswapsim.machine.nodes import Node

Lists = dict[tuple["Zonelist", "Node"], tuple["Node", ...]]


class Zonelist(StrEnum):
    """A node's lists. Each node is one zone here."""

    FALLBACK = "ZONELIST_FALLBACK"
    NOFALLBACK = "ZONELIST_NOFALLBACK"
    PRIVATE = "ZONELIST_PRIVATE"
    PRIVATE_NOFALLBACK = "ZONELIST_PRIVATE_NOFALLBACK"

    @property
    def falls_back(self) -> bool:
        """Whether it goes on after the preferred node."""
        return self in (Zonelist.FALLBACK, Zonelist.PRIVATE)


def build_zonelists(nodes: Sequence["Node"], rule: "Isolation", distance: Callable[["Node", "Node"], int]) -> Lists:
    """Every list of every node: those that the rule admits, the nearest first, the lower number first of equals."""
    lists: Lists = {}
    for node in nodes:
        nearest = sorted(nodes, key=lambda other, node=node: (distance(node, other), other.id))  # type: ignore[misc]
        for kind in Zonelist:
            lists[kind, node] = tuple(
                other for other in nearest if (kind.falls_back or other is node) and rule.lists(kind, node, other)
            )
    return lists
