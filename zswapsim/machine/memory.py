"""The memory of a machine has nodes, an allocator over them, and user pages that the allocator may reclaim."""

from collections.abc import Iterable
from functools import partial

from zswapsim.machine.allocator.page_alloc import PageAllocator
from zswapsim.machine.allocator.walk import Allocation, OutOfMemory
from zswapsim.machine.allocator.zonelist_filter import ZonelistFilter
from zswapsim.machine.gfp import GFP
from zswapsim.machine.interface import Interface
from zswapsim.machine.isolation import Isolation
from zswapsim.machine.nodes import Node, NodeSpec
from zswapsim.machine.pages.page import Page
from zswapsim.machine.pages.reclaim import shrink_nodes
from zswapsim.machine.pages.user_pages import UserPages
from zswapsim.machine.topology import Topology


class Memory:
    """Hold the parts that placement of memory depends on; processes share them."""

    def __init__(self, specs: Iterable[NodeSpec], rule: Isolation, interface: Interface) -> None:
        self.topology = Topology(specs, rule)
        self.interface = interface
        self.filter = ZonelistFilter(self.topology, partitions_private_nodes=interface.partitions_private_nodes)
        self.pages = UserPages(self.topology.nodes.values())
        self.allocator = PageAllocator(self.topology, self.filter, partial(shrink_nodes, self.topology, self.pages))
        self.weights: dict[int, int] = {}
        """These are the weights of weighted interleaving by node number; a node that is missing has weight 1."""

    @property
    def rule(self) -> Isolation:
        """Return the isolation rule."""
        return self.topology.rule

    def migrate_page(self, page: Page, target: Node, gfp: GFP) -> Allocation:
        """Allocate a frame for the page's owner with these flags and move the page there. Raises OutOfMemory.

        The page is isolated first: the allocation may reclaim others of its list.
        """
        self.pages.isolate(page)
        try:
            allocation = self.allocator.alloc_pages(target, gfp=gfp, owner=page.allocation.owner)
        except OutOfMemory:
            self.pages.putback(page)
            raise
        self.pages.move(page, allocation)
        return allocation

    def check(self) -> None:
        """Assert that each frame has one owner and each page lies where it is listed."""
        for node in self.topology.nodes.values():
            node.arena.check()
        self.pages.check()
