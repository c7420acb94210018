"""The fallback list is filtered here: a walk skips the nodes that mask, cpuset or isolation rule keep from a request.

Each of the three can only remove nodes from the preferred node's list; none adds one. A cpuset binds every request in
the first pass, and later those with ``__GFP_HARDWALL`` (prepare_alloc_pages, cpuset_zone_allowed).
"""

from zswapsim.machine.allocator.walk import Request
from zswapsim.machine.gfp import GFP
from zswapsim.machine.nodes import Node
from zswapsim.machine.topology import Topology


class ZonelistFilter:
    """Filter the lists of one machine. With `partitions_private_nodes`, cpusets bind private nodes as well."""

    def __init__(self, topology: Topology, *, partitions_private_nodes: bool) -> None:
        self.topology = topology
        self.partitions_private_nodes = partitions_private_nodes

    def skip_reason(self, request: Request, node: Node, *, hardwall: bool = False) -> str:
        """Return why the walk skips this node, or an empty string if it looks for frames there.

        With `hardwall`, the cpuset binds the request whatever its flags are.
        """
        if request.nodemask is not None and node not in request.nodemask:
            return "passed over: not in the nodemask"
        bound = hardwall or GFP.HARDWALL in request.gfp
        if bound and request.mems is not None and not self.cpuset_allows(request.mems, node):
            return "passed over: not in cpuset.mems"
        reason = self.topology.rule.skip_reason(node, request.gfp)
        return f"passed over: {reason}" if reason else ""

    def cpuset_allows(self, mems: frozenset[Node], node: Node) -> bool:
        """Return True if tasks of a cpuset with these nodes may have frames of `node` (cpuset_zone_allowed)."""
        return node in mems or (self.topology.isolates(node) and not self.partitions_private_nodes)
