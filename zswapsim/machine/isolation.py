"""The isolation rules decide who gets a frame of a private node. Each rule is a class; they are interchangeable.

A rule answers two questions: is a node on another node's zonelist, and does the walk skip a zone that it comes to?
Under every rule but the last, the list of an ordinary node holds no private node, and the list of a private node
begins with the node itself and goes on with the ordinary ones.
"""

from zswapsim._core.base.errors import InputError
from zswapsim.machine.gfp import GFP
from zswapsim.machine.nodes import Node
from zswapsim.machine.sources import BASELINE, JUNE_THREAD, RFC_V3, RFC_V4, V5, Source
from zswapsim.machine.zonelists import Zonelist


class Isolation:
    """The base of all rules keeps private nodes off ordinary nodes' lists and skips no zone.

    ``__GFP_THISNODE`` chooses the list, as in any kernel.
    """

    name = ""
    source: Source = BASELINE
    guarantee = ""
    """The guarantee is ``none``, ``soft`` (it holds as long as nobody names the node) or ``hard``."""
    interface = "none"
    """The version that proposes the rule also proposes this user interface (:mod:`zswapsim.machine.interface`)."""
    opens = GFP.THISNODE
    """Owners that a private node is granted to add these flags to a request that prefers it."""

    def isolates(self, node: Node) -> bool:
        """Return True if the node is ``N_MEMORY_PRIVATE`` instead of ``N_MEMORY``."""
        return node.private

    def zonelist(self, gfp: GFP) -> Zonelist:
        """Choose which list of the preferred node a request walks (gfp_zonelist)."""
        return Zonelist.NOFALLBACK if GFP.THISNODE in gfp else Zonelist.FALLBACK

    def is_listed(self, kind: Zonelist, node: Node, other: Node) -> bool:
        """Return True if `other` is on that list of `node`. This is called once, when the lists are built."""
        return not self.isolates(other) or other is node

    def skip_reason(self, node: Node, gfp: GFP) -> str:
        """Return why the walk skips a zone of this node, or an empty string if it does not."""
        return ""


class NoIsolation(Isolation):
    """No node is private: the memory of a device is an ordinary node, as it is today when it is hotplugged."""

    name = "none"
    guarantee = "none"

    def isolates(self, node: Node) -> bool:
        return False


class ThisNode(Isolation):
    """A request gets frames of a private node only if it sets ``__GFP_THISNODE``."""

    name = "this-node"
    source = RFC_V3
    guarantee = "soft"

    def skip_reason(self, node: Node, gfp: GFP) -> str:
        return "private, and no __GFP_THISNODE" if self.isolates(node) and GFP.THISNODE not in gfp else ""


class PrivateFlag(Isolation):
    """A request gets frames of a private node only if it sets ``__GFP_PRIVATE``."""

    name = "private-flag"
    source = RFC_V4
    guarantee = "hard"
    interface = "v4"
    opens = GFP.PRIVATE | GFP.THISNODE

    def skip_reason(self, node: Node, gfp: GFP) -> str:
        return "private, and no __GFP_PRIVATE" if self.isolates(node) and GFP.PRIVATE not in gfp else ""


class FallbackLists(Isolation):
    """No list of an ordinary node holds a private node; a request that prefers a private node gets its frames."""

    name = "fallback-lists"
    source = JUNE_THREAD
    guarantee = "soft"


class PrivateZonelist(Isolation):
    """The ordinary lists hold no private node; ``ZONELIST_PRIVATE`` and its no-fallback twin hold both kinds."""

    name = "private-zonelist"
    source = V5
    guarantee = "hard"
    interface = "v5"
    opens = GFP.PRIVATE | GFP.THISNODE

    def zonelist(self, gfp: GFP) -> Zonelist:
        if GFP.PRIVATE not in gfp:
            return super().zonelist(gfp)
        return Zonelist.PRIVATE_NOFALLBACK if GFP.THISNODE in gfp else Zonelist.PRIVATE

    def is_listed(self, kind: Zonelist, node: Node, other: Node) -> bool:
        return kind in (Zonelist.PRIVATE, Zonelist.PRIVATE_NOFALLBACK) or not self.isolates(other)


RULES: dict[str, Isolation] = {
    rule.name: rule for rule in (NoIsolation(), ThisNode(), PrivateFlag(), FallbackLists(), PrivateZonelist())
}
"""This maps names to rules, in the order in which they were proposed."""


def get_rule(name: str) -> Isolation:
    """Return the rule of this name. Raises InputError if there is none."""
    if name not in RULES:
        raise InputError(f"isolation {name}: expected one of {', '.join(RULES)}")
    return RULES[name]
