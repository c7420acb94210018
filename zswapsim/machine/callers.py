"""Who allocates in the kernel: one function for each, a few lines that ask as the code that it is named for asks.

Each returns what it got and what it was refused. `SITES` lists, for each, the kinds of call sites that it stands for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE, GFP_KERNEL
from zswapsim.machine.nodes import Cap, Node, NodeState
from zswapsim.machine.walk import Allocation, OutOfMemory

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine

THISNODE_KERNEL = GFP_KERNEL | GFP.THISNODE
HUGE_ORDER = 9
"""2 MiB of 4 KiB frames."""
MEMMAP_ORDER = 3
"""struct pages (64 bytes each) of a section's first 2 MiB."""


class Met(NamedTuple):
    """What became of one request."""

    kind: str
    """``got``, ``refused``, or ``tried``: refused, and asked again in other words."""
    what: Allocation | OutOfMemory


class Outcome(list[Met]):
    """What a caller met with, in order."""

    @property
    def got(self) -> list[Allocation]:
        """What it was given."""
        return [met.what for met in self if isinstance(met.what, Allocation)]

    @property
    def refused(self) -> list[OutOfMemory]:
        """What it went without."""
        return [met.what for met in self if met.kind == "refused" and isinstance(met.what, OutOfMemory)]


Caller = Callable[["Machine"], Outcome]
CALLERS: dict[str, Caller] = {}
"""The callers by name."""
SURFACES: dict[str, str] = {}
"""What each calls."""
SITES: dict[str, tuple[str, ...]] = {}
"""The kinds of existing call sites that each stands for."""


def caller(name: str, surface: str, *sites: str) -> Callable[[Caller], Caller]:
    """Register a caller."""

    def register(function: Caller) -> Caller:
        CALLERS[name], SURFACES[name], SITES[name] = function, surface, sites
        return function

    return register


def ask(machine: "Machine", requests: list[tuple[Node, GFP, int]], owner: str) -> Outcome:
    """One allocation after the other, on as many nodes; none is given up because another failed."""
    outcome = Outcome()
    for node, gfp, order in requests:
        try:
            outcome.append(Met("got", machine.alloc_pages(node, gfp=gfp, order=order, owner=owner)))
        except OutOfMemory as failed:
            outcome.append(Met("refused", failed))
    return outcome


def migrate_coldest(machine: "Machine", moves: list[tuple[Node, Node, GFP]]) -> Outcome:
    """Move the coldest user page of a node to another, or elsewhere on the same, for each such pair."""
    outcome = Outcome()
    for source, target, gfp in moves:
        for page in [page for page in source.lru if not page.pinned][:1]:
            try:
                outcome.append(Met("got", page.migrate(machine, target, gfp)))
            except OutOfMemory as failed:
                outcome.append(Met("refused", failed))
    return outcome


def opened(machine: "Machine", node: Node, gfp: GFP) -> GFP:
    """The flags of a service that a node opted into."""
    return gfp | machine.rule.opens if machine.rule.isolates(node) else gfp


def kmalloc_node(machine: "Machine", node: Node, owner: str) -> Outcome:
    """A new slab near a node: SLUB itself first says ``__GFP_THISNODE``, without waiting, then asks as it was asked."""
    first = ask(machine, [(node, GFP.NOWAIT | GFP.THISNODE, 0)], owner)
    if first.got:
        return first
    return Outcome([met._replace(kind="tried") for met in first] + ask(machine, [(node, GFP_KERNEL, 0)], owner))


def kmalloc_each(machine: "Machine", nodes: list[Node], owner: str) -> Outcome:
    """An object near each of the nodes."""
    return Outcome(met for node in nodes for met in kmalloc_node(machine, node, owner))


def in_state(machine: "Machine", state: NodeState) -> list[Node]:
    """The nodes in a state, by number."""
    return sorted(machine.state(state), key=lambda node: node.id)


# --- the one that a private node was granted to -----------------------------------------------------------------------


@caller("swap backend", "alloc_pages by grant")
def swap_backend(machine: "Machine") -> Outcome:
    """The pool takes a frame of the private node that it was granted."""
    node = next(node for node in machine.nodes.values() if node.private)
    machine.grant(node, "swap backend")
    return ask(machine, [(node, GFP_KERNEL | machine.rule.opens, 0)], "swap backend")


# --- those that walk all nodes for resources a node -------------------------------------------------------------------


@caller("for_each_node THISNODE", "alloc_pages_node", "for_each_node", "node_possible_map", "GFP_THISNODE")
def loop_possible_thisnode(machine: "Machine") -> Outcome:
    """A buffer on each possible node, or none for it."""
    nodes = in_state(machine, NodeState.POSSIBLE)
    return ask(machine, [(node, THISNODE_KERNEL, 0) for node in nodes], "for_each_node THISNODE")


@caller("for_each_node, may fall back", "alloc_pages_node", "for_each_node", "node_possible_map")
def loop_possible(machine: "Machine") -> Outcome:
    """A buffer near each possible node."""
    nodes = in_state(machine, NodeState.POSSIBLE)
    return ask(machine, [(node, GFP_KERNEL, 0) for node in nodes], "for_each_node, may fall back")


@caller("for_each_online_node THISNODE", "alloc_pages_node", "for_each_online_node", "node_online_map", "GFP_THISNODE")
def loop_online_thisnode(machine: "Machine") -> Outcome:
    """A buffer on each online node, or none for it."""
    nodes = in_state(machine, NodeState.ONLINE)
    return ask(machine, [(node, THISNODE_KERNEL, 0) for node in nodes], "for_each_online_node THISNODE")


@caller("for_each_online_node, may fall back", "alloc_pages_node", "for_each_online_node", "node_online_map")
def loop_online(machine: "Machine") -> Outcome:
    """A buffer near each online node."""
    nodes = in_state(machine, NodeState.ONLINE)
    return ask(machine, [(node, GFP_KERNEL, 0) for node in nodes], "for_each_online_node, may fall back")


@caller("slab", "kmalloc_node", "GFP_THISNODE")
def slab(machine: "Machine") -> Outcome:
    """An object near each online node, as for a device that hangs there."""
    return kmalloc_each(machine, in_state(machine, NodeState.ONLINE), "slab")


@caller("shrinker info", "kvzalloc_node", "for_each_node", "node_possible_map")
def shrinker_info(machine: "Machine") -> Outcome:
    """A control group's shrinker bits, near each possible node (alloc_shrinker_info)."""
    return kmalloc_each(machine, in_state(machine, NodeState.POSSIBLE), "shrinker info")


@caller("workqueue counts", "kzalloc_node", "for_each_node", "node_possible_map")
def workqueue_counts(machine: "Machine") -> Outcome:
    """An unbound workqueue's counts of active work, near each possible node (alloc_node_nr_active)."""
    return kmalloc_each(machine, in_state(machine, NodeState.POSSIBLE), "workqueue counts")


@caller("hotplug: sparse", "vmemmap_alloc_block")
def hotplug_sparse(machine: "Machine") -> Outcome:
    """The page structs of a section that comes online, near its node; at first it has no memory to give."""
    nodes = [node for node in machine.nodes.values() if node.private]
    gfp = GFP_KERNEL | GFP.RETRY_MAYFAIL | GFP.NOWARN
    return ask(machine, [(node, gfp, MEMMAP_ORDER) for node in nodes], "hotplug: sparse")


@caller("hotplug: slab", "kmalloc_node")
def hotplug_slab(machine: "Machine") -> Outcome:
    """Each cache's structure for a node that comes online (slab_mem_going_online_callback)."""
    return kmalloc_each(machine, [node for node in machine.nodes.values() if node.private], "hotplug: slab")


@caller("hugetlb", "alloc_pool_huge_folio", "for_each_online_node", "GFP_THISNODE")
def hugetlb(machine: "Machine") -> Outcome:
    """A huge page for each node's pool: nr_hugepages of every online node."""
    gfp = GFP_HIGHUSER_MOVABLE | GFP.COMP | GFP.THISNODE | GFP.NOWARN
    return ask(machine, [(node, gfp, HUGE_ORDER) for node in in_state(machine, NodeState.ONLINE)], "hugetlb")


@caller("powerpc memtrace", "alloc_contig_pages", "for_each_online_node", "GFP_THISNODE")
def memtrace(machine: "Machine") -> Outcome:
    """A trace buffer carved out of each online node (arch/powerpc/platforms/powernv/memtrace.c)."""
    gfp = THISNODE_KERNEL | GFP.NOWARN
    nodes = in_state(machine, NodeState.ONLINE)
    return ask(machine, [(node, gfp, 4) for node in nodes], "powerpc memtrace")


# --- those that serve user memory -------------------------------------------------------------------------------------


@caller("page cache", "filemap_alloc_folio")
def page_cache(machine: "Machine") -> Outcome:
    """A file's page, near the CPU that reads it."""
    here = in_state(machine, NodeState.CPU)[0]
    return ask(machine, [(here, GFP_HIGHUSER_MOVABLE, 0)], "page cache")


@caller("page cache, DRAM full", "filemap_alloc_folio")
def page_cache_full(machine: "Machine") -> Outcome:
    """The same when ordinary memory is used up, to see whether it overflows."""
    fill_dram(machine)
    return page_cache(machine)


@caller("khugepaged", "alloc_charge_folio")
def khugepaged(machine: "Machine") -> Outcome:
    """A huge page on the node that has most of the small ones; those on private nodes are none of its business."""
    candidates = [node for node in in_state(machine, NodeState.MEMORY) if len(node.lru)]
    fullest = sorted(candidates, key=lambda node: -len(node.lru))[:1]
    gfp = GFP_HIGHUSER_MOVABLE | GFP.COMP | GFP.THISNODE
    return ask(machine, [(node, gfp, HUGE_ORDER) for node in fullest], "khugepaged")


@caller("KSM", "ksm_might_need_to_copy")
def ksm(machine: "Machine") -> Outcome:
    """A page of its own again for a process whose page was merged; pages of private nodes are never merged."""
    here = in_state(machine, NodeState.CPU)[0]
    merged = [node for node in in_state(machine, NodeState.MEMORY) if len(node.lru)]
    return ask(machine, [(here, GFP_HIGHUSER_MOVABLE, 0)] if merged else [], "KSM")


@caller("compaction", "compact_zone")
def compaction(machine: "Machine") -> Outcome:
    """Kcompactd moves pages within each node that it serves; a private one has to opt in."""
    gfp = GFP_HIGHUSER_MOVABLE | GFP.THISNODE
    served = [node for node in in_state(machine, NodeState.ONLINE) if _served(machine, node, Cap.COMPACTION)]
    return migrate_coldest(machine, [(node, node, opened(machine, node, gfp)) for node in served])


@caller("NUMA balancing", "alloc_misplaced_dst_folio")
def numa_balancing(machine: "Machine") -> Outcome:
    """Misplaced pages go to the node of the CPU that uses them, which a private node does not have."""
    gfp = (GFP_HIGHUSER_MOVABLE & ~GFP.DIRECT_RECLAIM) | GFP.THISNODE | GFP.NOWARN
    here = in_state(machine, NodeState.CPU)[-1]
    others = [node for node in in_state(machine, NodeState.ONLINE) if node is not here]
    served = [node for node in others if _served(machine, node, Cap.NUMA_BALANCING)]
    return migrate_coldest(machine, [(node, here, gfp) for node in served])


@caller("demotion", "alloc_demote_folio")
def demotion(machine: "Machine") -> Outcome:
    """Cold pages go down a tier, to memory without CPUs; a private node has to opt in."""
    gfp = (GFP_HIGHUSER_MOVABLE & ~GFP.DIRECT_RECLAIM) | GFP.THISNODE | GFP.NOWARN
    lower = [node for node in in_state(machine, NodeState.ONLINE) if not node.cpus]
    served = [node for node in lower if _served(machine, node, Cap.DEMOTION)]
    here = in_state(machine, NodeState.CPU)[0]
    return migrate_coldest(machine, [(here, node, opened(machine, node, gfp)) for node in served[:1]])


@caller("driver", "page fault of its /dev file")
def driver(machine: "Machine") -> Outcome:
    """A driver takes a frame for a user of its file from the node that it was granted."""
    node = [node for node in machine.nodes.values() if node.private][-1]
    machine.grant(node, "driver")
    return ask(machine, [(node, GFP_KERNEL | machine.rule.opens, 0)], "driver")


def fill_dram(machine: "Machine", owner: str = "ballast") -> None:
    """Take all of the ordinary nodes' memory that a request without reserves can have."""
    for node in machine.nodes.values():
        while not node.private and node.free_frames > node.min_watermark:
            node.owned_by(owner).take()


def _served(machine: "Machine", node: Node, cap: Cap) -> bool:
    """Whether a service of the kernel looks after the node."""
    return not machine.rule.isolates(node) or cap in node.caps
