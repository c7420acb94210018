"""The topology of a machine knows its nodes by name and number, their distances and their states."""

from collections.abc import Iterable

from zswapsim._core.base.errors import InputError
from zswapsim.machine.isolation import Isolation
from zswapsim.machine.nodemask import Nodemask
from zswapsim.machine.nodes import Cap, Node, NodeSpec, NodeState, node_numbers, spec_distance


class Topology:
    """Hold all nodes of a machine under one isolation rule.

    Raises InputError if two nodes have the same name or none is ordinary.
    """

    def __init__(self, specs: Iterable[NodeSpec], rule: Isolation) -> None:
        self.rule = rule
        self.nodes: dict[str, Node] = {}
        """This maps names to nodes, in the order of their numbers."""
        base_pfn = 0
        for spec in specs:
            if spec.name in self.nodes:
                raise InputError(f"node {spec.name}: expected once")
            node = self.nodes[spec.name] = Node(spec, len(self.nodes), base_pfn)
            base_pfn += node.frames
        self._numbered = list(self.nodes.values())
        ordinary_frames = sum(node.frames for node in self._numbered if not node.private)
        if not ordinary_frames:
            raise InputError("a machine needs an ordinary node")
        for node in self._numbered:
            node.set_watermarks(ordinary_frames)

    def node(self, number: int) -> Node:
        """Return the node with this number."""
        return self._numbered[number]

    def has(self, number: int) -> bool:
        """Return True if a node has this number."""
        return 0 <= number < len(self._numbered)

    def node_of_pfn(self, pfn: int) -> Node:
        """Return the node that a frame is on. Raises InputError if no node has the frame."""
        for node in self._numbered:
            if node.base_pfn <= pfn < node.base_pfn + node.frames:
                return node
        raise InputError(f"pfn {pfn}: expected a frame of this machine")

    def distance(self, first: Node, second: Node) -> int:
        """Return the distance of two nodes as the firmware's table states it; a node is 10 from itself."""
        return spec_distance(first.spec, second.spec)

    def isolates(self, node: Node) -> bool:
        """Return True if the rule makes the node ``N_MEMORY_PRIVATE``."""
        return self.rule.isolates(node)

    def serves(self, node: Node, cap: Cap) -> bool:
        """Return True if a service of the kernel may work on the node; a private node has to opt into it."""
        return not self.rule.isolates(node) or cap in node.caps

    def state(self, state: NodeState) -> frozenset[Node]:
        """Return the nodes that are in a state."""
        return frozenset(node for node in self._numbered if self._is_in(node, state))

    def state_mask(self, state: NodeState) -> Nodemask:
        """Return the numbers of the nodes that are in a state."""
        return node_numbers(self.state(state))

    def _is_in(self, node: Node, state: NodeState) -> bool:
        if state is NodeState.CPU:
            return node.cpus
        if state is NodeState.MEMORY:
            return not self.rule.isolates(node)
        return state is not NodeState.MEMORY_PRIVATE or self.rule.isolates(node)
