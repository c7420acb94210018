"""A machine has memory under an isolation rule, cpusets, and processes that run on it."""

from collections.abc import Iterable

from zswapsim._core.base.arguments import flag, instance, listed, whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.frames.arena import Grant
from zswapsim.machine.allocator.page_alloc import KERNEL
from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.gfp import GFP, GFP_KERNEL
from zswapsim.machine.interface import Interface, get_interface
from zswapsim.machine.isolation import Isolation, get_rule
from zswapsim.machine.memory import Memory
from zswapsim.machine.nodes import Cap, Node, NodeSpec, NodeState
from zswapsim.machine.pages.lruvec import Lruvec
from zswapsim.machine.pages.swap import Swap
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.task import Task
from zswapsim.machine.zonelists import Zonelists

SWAP_BACKEND = "swap backend"
EXAMPLE = (
    NodeSpec("A", distance={"B": 20, "C": 30, "D": 40}),
    NodeSpec("B", distance={"C": 40, "D": 30}),
    NodeSpec("C", private=True, cpus=False, distance={"D": 50}),
    NodeSpec("D", private=True, cpus=False),
)
"""These are the nodes of the thread of June 2026: A and B are ordinary; C is private and nearest to A, D to B."""


class Machine:
    """Model a machine with private nodes.

    Parameters: `nodes`, a NodeSpec each, numbered in order; `isolation`, the name of a rule (:data:`RULES`);
    `interface`, what users see of a private node: ``none`` (nothing), ``v4``, ``v5`` or ``mbind-opt-in``. The default
    is the interface that the rule's version proposes.

    Raises InputError for an unknown rule or interface, no ordinary node, or two nodes of the same name.
    """

    def __init__(
        self,
        nodes: Iterable[NodeSpec],
        isolation: str | Isolation = "private-flag",
        interface: str | Interface | None = None,
    ) -> None:
        rule = get_rule(isolation) if isinstance(isolation, str) else instance(isolation, Isolation, "isolation")
        asked = rule.interface if interface is None else instance(interface, (str, Interface), "interface")
        specs = [instance(spec, NodeSpec, "node") for spec in listed(nodes, "nodes")]
        self.memory = Memory(specs, rule, get_interface(asked) if isinstance(asked, str) else asked)
        self.root_cpuset = Cpuset(self.memory.topology, self.interface, "/")
        """Every process starts in this cpuset."""
        self.processes: list[Process] = []

    @classmethod
    def example(cls, isolation: str = "private-flag", interface: str | None = None) -> "Machine":
        """Make a machine with A, B (ordinary) and C, D (private) of 16 MiB each.

        Its lists are A:[A,B] B:[B,A] C:[C,A,B] D:[D,B,A].
        """
        return cls(EXAMPLE, isolation, interface)

    def without_private_nodes(self) -> "Machine":
        """Make the same machine, newly booted, without its private nodes."""
        return Machine((node.spec for node in self.nodes.values() if not node.private), self.rule, self.interface)

    # -- nodes --------------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> dict[str, Node]:
        """Return the nodes by name."""
        return self.memory.topology.nodes

    @property
    def rule(self) -> Isolation:
        """Return the isolation rule."""
        return self.memory.rule

    @property
    def interface(self) -> Interface:
        """Return the user interface."""
        return self.memory.interface

    @property
    def zonelists(self) -> Zonelists:
        """Return the lists that allocations walk, by kind and node."""
        return self.memory.allocator.zonelists

    def node(self, number: int) -> Node:
        """Return the node with this number."""
        return self.memory.topology.node(whole(number, "node", 0, len(self.nodes) - 1))

    def node_of_pfn(self, pfn: int) -> Node:
        """Return the node that a frame is on. Raises InputError if no node has the frame."""
        return self.memory.topology.node_of_pfn(whole(pfn, "pfn", 0, (1 << 64) - 1))

    def distance(self, first: Node, second: Node) -> int:
        """Return the distance of two nodes as the firmware's table states it; a node is 10 from itself."""
        return self.memory.topology.distance(instance(first, Node, "first"), instance(second, Node, "second"))

    def state(self, state: NodeState) -> frozenset[Node]:
        """Return the nodes that are in a state."""
        return self.memory.topology.state(state)

    def opt_in(self, node: Node, caps: Cap) -> None:
        """Let these services use a private node (node_private caps)."""
        instance(node, Node, "node").caps |= instance(caps, Cap, "caps")

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
        """Allocate ``2**order`` consecutive frames, as near to `preferred` as mask, cpuset, rule and watermarks allow.

        `mems` are the nodes that the task's cpuset allows; they count with ``__GFP_HARDWALL``. Raises OutOfMemory
        with the walk, InputError for a node of another machine or an order above 10.
        """
        instance(preferred, Node, "preferred")
        mask, allowed = _nodes(nodemask, "nodemask"), _nodes(mems, "mems")
        instance(gfp, GFP, "gfp")
        order = whole(order, "order", 0, 1 << 31)
        return self.memory.allocator.alloc_pages(preferred, mask, gfp, order, owner=owner, mems=allowed)

    def visits(self, preferred: Node, nodemask: Iterable[Node] | None = None, gfp: GFP = GFP_KERNEL) -> list[Node]:
        """Return the nodes on which a request would look for frames, in order, however full they are."""
        instance(preferred, Node, "preferred")
        instance(gfp, GFP, "gfp")
        return self.memory.allocator.dry_walk(preferred, _nodes(nodemask, "nodemask"), gfp).visited

    def free_pages(self, allocation: Allocation) -> None:
        """Free frames. Raises InputError if their owner no longer has them."""
        instance(allocation, Allocation, "allocation").free()

    def grant(self, node: Node, owner: str) -> Grant:
        """Grant a node to an owner, who then takes its frames without asking the rule again.

        Raises OutOfMemory if a request with the flags that the rule wants of a grantee leads to another node too.
        """
        return self.memory.allocator.grant(instance(node, Node, "node"), owner)

    def owners(self) -> dict[str, dict[str, int]]:
        """Count the frames of each owner one by one, for each node by name."""
        return {name: node.owners() for name, node in self.nodes.items()}

    def leaks(self) -> dict[str, dict[str, int]]:
        """Count the frames of private nodes whose owner was not granted the node: ``{"C": {"hugetlb": 512}}``."""
        found = {
            name: {owner: held for owner, held in node.owners().items() if owner not in node.granted}
            for name, node in self.nodes.items()
            if node.private
        }
        return {name: owners for name, owners in found.items() if owners}

    # -- user pages, swap, processes ----------------------------------------------------------------------------------

    @property
    def weights(self) -> dict[int, int]:
        """Return the weights of weighted interleaving by node number; a node that is missing has weight 1."""
        return self.memory.weights

    @property
    def swap(self) -> Swap | None:
        """Return the swap that was switched on, or None."""
        return self.memory.pages.swap

    def swap_on(self, node: Node | None = None) -> Swap:
        """Switch on swap on a device; with `node`, grant the node to the swap backend, which fills it first."""
        swap = Swap(None if node is None else self.grant(node, SWAP_BACKEND))
        self.memory.pages.swap = swap
        return swap

    def lruvec(self, node: Node) -> Lruvec:
        """Return the LRU list of a node."""
        return self.memory.pages.lruvec(instance(node, Node, "node"))

    def spawn(self, node: Node, *, privileged: bool = False) -> Process:
        """Start a process on the CPUs of a node. Raises InputError if the node has none."""
        privileged = flag(privileged, "privileged")
        if not instance(node, Node, "node").cpus:
            raise InputError(f"node {node}: expected one with CPUs")
        task = Task(self.memory, len(self.processes) + 1, node, self.root_cpuset, privileged=privileged)
        self.processes.append(Process(task))
        return self.processes[-1]

    def check(self) -> None:
        """Assert every invariant of memory and processes."""
        self.memory.check()
        for process in self.processes:
            process.check()


def _nodes(nodes: Iterable[Node] | None, what: str) -> list[Node] | None:
    """Return nodes as a list, or None. Raises InputError for what is no node."""
    return None if nodes is None else [instance(node, Node, what) for node in listed(nodes, what)]
