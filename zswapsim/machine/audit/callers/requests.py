"""Kernel callers share these requests: one on each node, a slab near a node, a migration."""

from collections.abc import Iterable

from zswapsim.machine.allocator.walk import OutOfMemory
from zswapsim.machine.audit.callers.outcome import Met, Outcome
from zswapsim.machine.gfp import GFP, GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodes import Node, NodeState


def nodes_in(machine: Machine, state: NodeState) -> list[Node]:
    """Return the nodes in a state, by number."""
    return sorted(machine.state(state), key=lambda node: node.id)


def private_nodes(machine: Machine) -> list[Node]:
    """Return the nodes that were specified as private, whatever the rule makes of them."""
    return [node for node in machine.nodes.values() if node.private]


def alloc_on_each(machine: Machine, nodes: Iterable[Node], gfp: GFP, owner: str, order: int = 0) -> Outcome:
    """Allocate near each of the nodes; a failure on one does not end the loop."""
    outcome = Outcome()
    for node in nodes:
        try:
            outcome.append(Met("got", machine.alloc_pages(node, gfp=gfp, order=order, owner=owner)))
        except OutOfMemory as failed:
            outcome.append(Met("refused", failed))
    return outcome


def kmalloc_on_each(machine: Machine, nodes: Iterable[Node], owner: str) -> Outcome:
    """Allocate an object near each of the nodes, each from a new slab."""
    return Outcome(met for node in nodes for met in _kmalloc_node(machine, node, owner))


def _kmalloc_node(machine: Machine, node: Node, owner: str) -> Outcome:
    """Allocate a new slab: SLUB first asks with ``__GFP_THISNODE`` and does not wait, then as its caller asked."""
    first = alloc_on_each(machine, [node], GFP.NOWAIT | GFP.THISNODE, owner)
    if first.got:
        return first
    tried = [met._replace(kind="tried") for met in first]
    return Outcome(tried + alloc_on_each(machine, [node], GFP_KERNEL, owner))


def migrate_coldest(machine: Machine, source: Node, target: Node, gfp: GFP) -> Outcome:
    """Migrate the coldest page of `source` that is not pinned to `target`, which may be the same node."""
    outcome = Outcome()
    for page in [page for page in machine.lruvec(source) if not page.pinned][:1]:
        try:
            outcome.append(Met("got", machine.memory.migrate_page(page, target, gfp)))
        except OutOfMemory as failed:
            outcome.append(Met("refused", failed))
    return outcome


def fill_dram(machine: Machine, owner: str = "ballast") -> None:
    """Take all frames of the ordinary nodes that a request without reserves can have."""
    for node in machine.nodes.values():
        while not node.private and node.free_frames > node.min_watermark:
            node.owned_by(owner).take()
