"""The isolation rules: who may get a frame of a private node. One class each; they are interchangeable.

A rule answers two questions: on whose zonelist is a node, and is a zone that the walk comes to passed over. What the
lists of all but the last have in common: an ordinary node's holds no private node, a private node's begins with the
node itself and goes on with the ordinary ones.
"""

from typing import TYPE_CHECKING

from zswapsim._core.base.errors import InputError
from zswapsim.machine.gfp import GFP
from zswapsim.machine.sources import BASELINE, JUNE_THREAD, RFC_V3, RFC_V4, V5, Source
from zswapsim.machine.zonelists import Zonelist

if TYPE_CHECKING:
    from zswapsim.machine.nodes import Node


class Isolation:
    """The base: lists without private nodes, chosen by ``__GFP_THISNODE`` as in any kernel; no zone is passed over."""

    name = ""
    source: Source = BASELINE
    guarantee = ""
    """``none``, ``soft`` (holds as long as nobody names the node) or ``hard``."""
    interface = "none"
    """The user interface that the same version proposes; see :mod:`zswapsim.machine.interface`."""
    opens = GFP.THISNODE
    """What those whom a private node was granted add to a request that prefers it."""

    def isolates(self, node: "Node") -> bool:
        """Whether the node is ``N_MEMORY_PRIVATE`` instead of ``N_MEMORY``."""
        return node.private

    def zonelist(self, gfp: GFP) -> Zonelist:
        """Which of the preferred node's lists is walked (gfp_zonelist)."""
        return Zonelist.NOFALLBACK if GFP.THISNODE in gfp else Zonelist.FALLBACK

    def lists(self, kind: Zonelist, node: "Node", other: "Node") -> bool:
        """Whether `other` is on that list of `node`; asked once, when the lists are built."""
        return not self.isolates(other) or other is node

    def passes_over(self, node: "Node", gfp: GFP) -> str:
        """Why the walk passes a zone of this node over; empty where it does not."""
        return ""


class NoIsolation(Isolation):
    """An ordinary node, as memory of a device is today when it is hotplugged."""

    name = "none"
    guarantee = "none"

    def isolates(self, node: "Node") -> bool:
        return False


class ThisNode(Isolation):
    """A private node opens to whoever says ``__GFP_THISNODE``."""

    name = "this-node"
    source = RFC_V3
    guarantee = "soft"

    def passes_over(self, node: "Node", gfp: GFP) -> str:
        return "private, and no __GFP_THISNODE" if self.isolates(node) and GFP.THISNODE not in gfp else ""


class PrivateFlag(Isolation):
    """A zone on a private node is passed over unless ``__GFP_PRIVATE`` is set."""

    name = "private-flag"
    source = RFC_V4
    guarantee = "hard"
    interface = "v4"
    opens = GFP.PRIVATE | GFP.THISNODE

    def passes_over(self, node: "Node", gfp: GFP) -> str:
        return "private, and no __GFP_PRIVATE" if self.isolates(node) and GFP.PRIVATE not in gfp else ""


class FallbackLists(Isolation):
    """Private nodes are in no ordinary node's list, and that is all: who prefers one gets it."""

    name = "fallback-lists"
    source = JUNE_THREAD
    guarantee = "soft"


class PrivateZonelist(Isolation):
    """Private nodes are in neither ordinary list; a list of its own spans both kinds, with a no-fallback twin."""

    name = "private-zonelist"
    source = V5
    guarantee = "hard"
    interface = "v5"
    opens = GFP.PRIVATE | GFP.THISNODE

    def zonelist(self, gfp: GFP) -> Zonelist:
        if GFP.PRIVATE not in gfp:
            return super().zonelist(gfp)
        return Zonelist.PRIVATE_NOFALLBACK if GFP.THISNODE in gfp else Zonelist.PRIVATE

    def lists(self, kind: Zonelist, node: "Node", other: "Node") -> bool:
        return kind in (Zonelist.PRIVATE, Zonelist.PRIVATE_NOFALLBACK) or not self.isolates(other)


RULES: dict[str, Isolation] = {
    rule.name: rule for rule in (NoIsolation(), ThisNode(), PrivateFlag(), FallbackLists(), PrivateZonelist())
}
"""The rules by name, in the order in which they were proposed."""


def get_rule(name: str) -> Isolation:
    """A rule by its name. Raises InputError."""
    if name not in RULES:
        raise InputError(f"isolation {name}: expected one of {', '.join(RULES)}")
    return RULES[name]
