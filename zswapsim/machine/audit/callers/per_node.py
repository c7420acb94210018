"""These kernel callers loop over nodes and allocate a resource for each, with the flags of the code they stand for."""

from zswapsim.machine.audit.callers.outcome import Outcome
from zswapsim.machine.audit.callers.registry import CallerTable
from zswapsim.machine.audit.callers.requests import alloc_on_each, kmalloc_on_each, nodes_in, private_nodes
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE, GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodes import NodeState

CALLERS = CallerTable()
THISNODE_KERNEL = GFP_KERNEL | GFP.THISNODE
HUGE_ORDER = 9
"""A block of this order is 2 MiB of 4 KiB frames."""
MEMMAP_ORDER = 3
"""A block of this order holds the struct pages (64 bytes each) of a section's first 2 MiB."""
TRACE_ORDER = 4
POSSIBLE = ("for_each_node", "node_possible_map")
ONLINE = ("for_each_online_node", "node_online_map")


@CALLERS.add("for_each_node THISNODE", "alloc_pages_node", *POSSIBLE, "GFP_THISNODE")
def loop_possible_thisnode(machine: Machine) -> Outcome:
    """Allocate a buffer on each possible node, and none if the node has no frame."""
    nodes = nodes_in(machine, NodeState.POSSIBLE)
    return alloc_on_each(machine, nodes, THISNODE_KERNEL, "for_each_node THISNODE")


@CALLERS.add("for_each_node, may fall back", "alloc_pages_node", *POSSIBLE)
def loop_possible(machine: Machine) -> Outcome:
    """Allocate a buffer near each possible node."""
    nodes = nodes_in(machine, NodeState.POSSIBLE)
    return alloc_on_each(machine, nodes, GFP_KERNEL, "for_each_node, may fall back")


@CALLERS.add("for_each_online_node THISNODE", "alloc_pages_node", *ONLINE, "GFP_THISNODE")
def loop_online_thisnode(machine: Machine) -> Outcome:
    """Allocate a buffer on each online node, and none if the node has no frame."""
    nodes = nodes_in(machine, NodeState.ONLINE)
    return alloc_on_each(machine, nodes, THISNODE_KERNEL, "for_each_online_node THISNODE")


@CALLERS.add("for_each_online_node, may fall back", "alloc_pages_node", *ONLINE)
def loop_online(machine: Machine) -> Outcome:
    """Allocate a buffer near each online node."""
    nodes = nodes_in(machine, NodeState.ONLINE)
    return alloc_on_each(machine, nodes, GFP_KERNEL, "for_each_online_node, may fall back")


@CALLERS.add("slab", "kmalloc_node", "GFP_THISNODE")
def slab(machine: Machine) -> Outcome:
    """Allocate an object near each online node, as for a device that is attached there."""
    return kmalloc_on_each(machine, nodes_in(machine, NodeState.ONLINE), "slab")


@CALLERS.add("shrinker info", "kvzalloc_node", *POSSIBLE)
def shrinker_info(machine: Machine) -> Outcome:
    """Allocate the shrinker bits of a cgroup near each possible node (alloc_shrinker_info)."""
    return kmalloc_on_each(machine, nodes_in(machine, NodeState.POSSIBLE), "shrinker info")


@CALLERS.add("workqueue counts", "kzalloc_node", *POSSIBLE)
def workqueue_counts(machine: Machine) -> Outcome:
    """Allocate the active counts of an unbound workqueue near each possible node (alloc_node_nr_active)."""
    return kmalloc_on_each(machine, nodes_in(machine, NodeState.POSSIBLE), "workqueue counts")


@CALLERS.add("hotplug: sparse", "vmemmap_alloc_block")
def hotplug_sparse(machine: Machine) -> Outcome:
    """Allocate the page structs of a section that comes online, near its node, which has no memory to give yet."""
    gfp = GFP_KERNEL | GFP.RETRY_MAYFAIL | GFP.NOWARN
    return alloc_on_each(machine, private_nodes(machine), gfp, "hotplug: sparse", MEMMAP_ORDER)


@CALLERS.add("hotplug: slab", "kmalloc_node")
def hotplug_slab(machine: Machine) -> Outcome:
    """Allocate the structure of each cache for a node that comes online (slab_mem_going_online_callback)."""
    return kmalloc_on_each(machine, private_nodes(machine), "hotplug: slab")


@CALLERS.add("hugetlb", "alloc_pool_huge_folio", "for_each_online_node", "GFP_THISNODE")
def hugetlb(machine: Machine) -> Outcome:
    """Allocate a huge page for the pool of each online node (nr_hugepages)."""
    gfp = GFP_HIGHUSER_MOVABLE | GFP.COMP | GFP.THISNODE | GFP.NOWARN | GFP.RETRY_MAYFAIL
    return alloc_on_each(machine, nodes_in(machine, NodeState.ONLINE), gfp, "hugetlb", HUGE_ORDER)


@CALLERS.add("powerpc memtrace", "alloc_contig_pages", "for_each_online_node", "GFP_THISNODE")
def memtrace(machine: Machine) -> Outcome:
    """Allocate a trace buffer on each online node (arch/powerpc/platforms/powernv/memtrace.c)."""
    gfp = THISNODE_KERNEL | GFP.NOWARN
    return alloc_on_each(machine, nodes_in(machine, NodeState.ONLINE), gfp, "powerpc memtrace", TRACE_ORDER)
