"""These kernel callers allocate or migrate user memory, with the flags of the code they stand for."""

from zswapsim.machine.audit.callers.outcome import Outcome
from zswapsim.machine.audit.callers.per_node import HUGE_ORDER
from zswapsim.machine.audit.callers.registry import CallerTable
from zswapsim.machine.audit.callers.requests import (
    alloc_on_each,
    fill_dram,
    migrate_coldest,
    nodes_in,
    private_nodes,
)
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE, GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodes import Cap, Node, NodeState

CALLERS = CallerTable()


@CALLERS.add("page cache", "filemap_alloc_folio")
def page_cache(machine: Machine) -> Outcome:
    """Allocate a page of a file, near the CPU that reads it."""
    here = nodes_in(machine, NodeState.CPU)[0]
    return alloc_on_each(machine, [here], GFP_HIGHUSER_MOVABLE, "page cache")


@CALLERS.add("page cache, DRAM full", "filemap_alloc_folio")
def page_cache_full(machine: Machine) -> Outcome:
    """Allocate a page of a file when ordinary memory is full, to see if it falls back to a private node."""
    fill_dram(machine)
    return page_cache(machine)


@CALLERS.add("khugepaged", "alloc_charge_folio")
def khugepaged(machine: Machine) -> Outcome:
    """Allocate a huge page on the node that has most of the small ones; khugepaged skips private nodes."""
    candidates = _nodes_with_pages(machine)
    fullest = sorted(candidates, key=lambda node: -len(machine.lruvec(node)))[:1]
    gfp = GFP_HIGHUSER_MOVABLE | GFP.COMP | GFP.THISNODE
    return alloc_on_each(machine, fullest, gfp, "khugepaged", HUGE_ORDER)


@CALLERS.add("KSM", "ksm_might_need_to_copy")
def ksm(machine: Machine) -> Outcome:
    """Copy a page that was merged, for the process that needs it; pages of private nodes are never merged."""
    here = nodes_in(machine, NodeState.CPU)[0]
    return alloc_on_each(machine, [here] if _nodes_with_pages(machine) else [], GFP_HIGHUSER_MOVABLE, "KSM")


@CALLERS.add("compaction", "compact_zone")
def compaction(machine: Machine) -> Outcome:
    """Migrate pages within each node that kcompactd serves; a private node has to opt in."""
    gfp = GFP_HIGHUSER_MOVABLE | GFP.THISNODE
    served = _served(machine, nodes_in(machine, NodeState.ONLINE), Cap.COMPACTION)
    return Outcome(met for node in served for met in migrate_coldest(machine, node, node, _opened(machine, node, gfp)))


@CALLERS.add("NUMA balancing", "alloc_misplaced_dst_folio")
def numa_balancing(machine: Machine) -> Outcome:
    """Migrate misplaced pages to the node of the CPU that uses them; a private node has no CPU."""
    gfp = (GFP_HIGHUSER_MOVABLE & ~GFP.NOIO) | GFP.THISNODE | GFP.NORETRY | GFP.NOWARN
    here = nodes_in(machine, NodeState.CPU)[-1]
    others = [node for node in nodes_in(machine, NodeState.ONLINE) if node is not here]
    served = _served(machine, others, Cap.NUMA_BALANCING)
    return Outcome(met for node in served for met in migrate_coldest(machine, node, here, gfp))


@CALLERS.add("demotion", "alloc_demote_folio")
def demotion(machine: Machine) -> Outcome:
    """Migrate cold pages down a tier, to memory without CPUs; a private node has to opt in."""
    gfp = (GFP_HIGHUSER_MOVABLE & ~GFP.DIRECT_RECLAIM) | GFP.THISNODE | GFP.NOWARN
    lower = [node for node in nodes_in(machine, NodeState.ONLINE) if not node.cpus]
    targets = _served(machine, lower, Cap.DEMOTION)[:1]
    here = nodes_in(machine, NodeState.CPU)[0]
    return Outcome(met for node in targets for met in migrate_coldest(machine, here, node, _opened(machine, node, gfp)))


@CALLERS.add("driver", "page fault of its /dev file")
def driver(machine: Machine) -> Outcome:
    """Take a frame of the node that the driver was granted, for a user of the driver's file."""
    node = private_nodes(machine)[-1]
    machine.grant(node, "driver")
    return alloc_on_each(machine, [node], GFP_KERNEL | machine.rule.opens, "driver")


def _nodes_with_pages(machine: Machine) -> list[Node]:
    """Return the ordinary nodes that hold user pages."""
    return [node for node in nodes_in(machine, NodeState.MEMORY) if len(machine.lruvec(node))]


def _served(machine: Machine, nodes: list[Node], cap: Cap) -> list[Node]:
    """Return those of the nodes that a service of the kernel may work on."""
    return [node for node in nodes if machine.memory.topology.serves(node, cap)]


def _opened(machine: Machine, node: Node, gfp: GFP) -> GFP:
    """Return the flags of a service that the node opted into; they open a private node."""
    return gfp | machine.rule.opens if machine.rule.isolates(node) else gfp
