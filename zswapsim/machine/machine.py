"""A machine: nodes, the lists that its isolation rule makes of them, and the allocator over it."""

from collections.abc import Iterable
from functools import cached_property

from zswapsim._core.base.errors import InputError
from zswapsim._core.frames.arena import Grant
from zswapsim.machine import allocator
from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.gfp import GFP, GFP_KERNEL
from zswapsim.machine.interface import Interface, get_interface
from zswapsim.machine.isolation import Isolation, get_rule
from zswapsim.machine.nodes import Cap, Node, NodeSpec, NodeState, parse_distance
from zswapsim.machine.process import Process
from zswapsim.machine.swap import Swap
from zswapsim.machine.walk import Allocation, OutOfMemory, Request
from zswapsim.machine.zonelists import build_zonelists

KERNEL = "kernel"
SWAP_BACKEND = "swap backend"
EXAMPLE = (
    NodeSpec("A", distance={"B": 20, "C": 30, "D": 40}),
    NodeSpec("B", distance={"C": 40, "D": 30}),
    NodeSpec("C", private=True, cpus=False, distance={"D": 50}),
    NodeSpec("D", private=True, cpus=False),
)
"""The nodes of the thread of June 2026: A and B ordinary, C and D private, C nearest to A and D to B."""


class Machine:
    """A machine with private nodes.

    Parameters: `nodes`, a NodeSpec each, numbered in order; `isolation`, the name of a rule (:data:`RULES`);
    `interface`, what users see of a private node: ``none`` (as if it were not there), ``v4``, ``v5`` or
    ``mbind-opt-in``, by default what the version that the rule is of proposes.

    Raises InputError for an unknown rule or interface, no ordinary node, or nodes of the same name.
    """

    def __init__(
        self,
        nodes: Iterable[NodeSpec],
        isolation: str | Isolation = "private-flag",
        interface: str | Interface | None = None,
    ) -> None:
        self.rule = get_rule(isolation) if isinstance(isolation, str) else isolation
        asked = self.rule.interface if interface is None else interface
        self.interface = get_interface(asked) if isinstance(asked, str) else asked
        self.nodes: dict[str, Node] = {}
        """Nodes by name."""
        for spec in nodes:
            if spec.name in self.nodes:
                raise InputError(f"node {spec.name}: expected once")
            base = sum(node.frames for node in self.nodes.values())
            self.nodes[spec.name] = Node(spec, len(self.nodes), base)
        ordinary = sum(node.frames for node in self.nodes.values() if not node.private)
        if not ordinary:
            raise InputError("a machine needs an ordinary node")
        for node in self.nodes.values():
            node.set_watermarks(ordinary)
        self.zonelists = build_zonelists(list(self.nodes.values()), self.rule, self.distance)
        self._numbered = list(self.nodes.values())
        self.weights: dict[int, int] = {}
        """Of nodes in weighted interleaving, by number; 1 where nothing is said."""
        self.swap: Swap | None = None
        self.processes: list[Process] = []

    @classmethod
    def example(cls, isolation: str = "private-flag", interface: str | None = None) -> "Machine":
        """A, B (ordinary) and C, D (private) with 16 MiB each; lists A:[A,B] B:[B,A] C:[C,A,B] D:[D,B,A]."""
        return cls(EXAMPLE, isolation, interface)

    def without_private_nodes(self) -> "Machine":
        """The same machine, newly booted, where the private nodes are not there."""
        return Machine((node.spec for node in self.nodes.values() if not node.private), self.rule, self.interface)

    @cached_property
    def root_cpuset(self) -> Cpuset:
        """What every process starts in.

        Made when asked for: a run has no processes, and so its frames go with the last reference to the machine.
        """
        return Cpuset(self, "/", None)

    # -- nodes --------------------------------------------------------------------------------------------------------

    def node(self, number: int) -> Node:
        """A node by its number."""
        return self._numbered[number]

    def distance(self, first: Node, second: Node) -> int:
        """As in the firmware's table: 10 to itself."""
        return parse_distance(first.spec, second.spec)

    def state(self, state: NodeState) -> frozenset[Node]:
        """The nodes in a state."""
        return frozenset(node for node in self.nodes.values() if self._is(node, state))

    def _is(self, node: Node, state: NodeState) -> bool:
        if state is NodeState.CPU:
            return node.cpus
        if state is NodeState.MEMORY:
            return not self.rule.isolates(node)
        return state is not NodeState.MEMORY_PRIVATE or self.rule.isolates(node)

    def node_of_pfn(self, pfn: int) -> Node:
        """The node that a frame is of. Raises InputError."""
        for node in self.nodes.values():
            if node.base_pfn <= pfn < node.base_pfn + node.frames:
                return node
        raise InputError(f"pfn {pfn}: expected a frame of this machine")

    def opt_in(self, node: Node, caps: Cap) -> None:
        """Let services use a private node (node_private caps)."""
        node.caps |= caps

    # -- frames -------------------------------------------------------------------------------------------------------

    def alloc_pages(
        self,
        preferred: Node,
        nodemask: Iterable[Node] | None = None,
        gfp: GFP = GFP_KERNEL,
        order: int = 0,
        *,
        owner: str = KERNEL,
        mems: Iterable[Node] | None = None,
    ) -> Allocation:
        """``2**order`` frames in a row, as near to `preferred` as mask, cpuset, rule and watermarks let them be.

        `mems` is what the task's cpuset allows; it counts with ``__GFP_HARDWALL``. Raises OutOfMemory, with the walk.
        """
        return allocator.allocate(self, self.request(preferred, nodemask, gfp, order, owner=owner, mems=mems))

    def visits(self, preferred: Node, nodemask: Iterable[Node] | None = None, gfp: GFP = GFP_KERNEL) -> list[Node]:
        """The nodes that a request would look at, in order, however full they are."""
        return allocator.dry_walk(self, self.request(preferred, nodemask, gfp)).visited

    def request(
        self,
        preferred: Node,
        nodemask: Iterable[Node] | None = None,
        gfp: GFP = GFP_KERNEL,
        order: int = 0,
        *,
        owner: str = KERNEL,
        mems: Iterable[Node] | None = None,
    ) -> Request:
        """A request, checked. Raises InputError for a node of another machine or an order past MAX_PAGE_ORDER (10)."""
        mask = None if nodemask is None else frozenset(nodemask)
        allowed = None if mems is None else frozenset(mems)
        if not {preferred, *(mask or ()), *(allowed or ())} <= set(self.nodes.values()):
            raise InputError("a request names a node of another machine")
        if not 0 <= order <= 10:
            raise InputError(f"order {order}: expected 0 to 10")
        return Request(preferred, mask, gfp, order, allowed, owner)

    def free_pages(self, allocation: Allocation) -> None:
        """Give frames back. Raises InputError where their owner does not have them any more."""
        node = allocation.node
        node.owned_by(allocation.owner).give(allocation.pfn - node.base_pfn, allocation.order)

    def grant(self, node: Node, owner: str) -> Grant:
        """The right to take frames of a node, checked once against the rule; whoever has it asks no more.

        It is the rule that opens the node: a request with what the rule wants of a grantee must lead there and
        nowhere else. Raises OutOfMemory where it does not.
        """
        walk = allocator.dry_walk(self, self.request(node, gfp=GFP_KERNEL | self.rule.opens, owner=owner))
        if walk.visited != [node]:
            raise OutOfMemory(walk)
        node.granted.add(owner)
        return node.owned_by(owner)

    def owners(self) -> dict[str, dict[str, int]]:
        """Frames by owner, for each node by name, counted one by one."""
        return {name: node.owners() for name, node in self.nodes.items()}

    def leaks(self) -> dict[str, dict[str, int]]:
        """Frames of private nodes whose owner they were not granted to: ``{"C": {"hugetlb": 512}}``."""
        found = {
            name: {owner: held for owner, held in node.owners().items() if owner not in node.granted}
            for name, node in self.nodes.items()
            if node.private
        }
        return {name: owners for name, owners in found.items() if owners}

    # -- what runs on it ----------------------------------------------------------------------------------------------

    def swap_on(self, node: Node | None = None) -> Swap:
        """Swap on a device; before it, on the frames of `node`, which is granted to the swap backend."""
        self.swap = Swap(None if node is None else self.grant(node, SWAP_BACKEND))
        return self.swap

    def spawn(self, node: Node, *, privileged: bool = False) -> Process:
        """A process that runs on the CPUs of a node. Raises InputError for a node without any."""
        if not node.cpus:
            raise InputError(f"node {node}: expected one with CPUs")
        made = Process(self, len(self.processes) + 1, node, privileged=privileged)
        self.processes.append(made)
        self.root_cpuset.attach(made)
        return made

    def cpuset_allows(self, mems: frozenset[Node], node: Node) -> bool:
        """Whether a cpuset with these nodes lets its tasks have frames of `node`."""
        return node in mems or (self.rule.isolates(node) and not self.interface.partitions_private_nodes)

    def check(self) -> None:
        """Assert every invariant: frames have one owner each, pages lie where they are listed."""
        for node in self.nodes.values():
            node.arena.check()
            for page in node.lru:
                assert page.node is node, f"a page of {page.node} is listed on {node}"
                assert page.mapped or page.file is not None, "an anonymous page that nobody maps is listed"
        for process in self.processes:
            process.check()
