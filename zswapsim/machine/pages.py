"""Pages that users have, in frames: anonymous ones, and those of the page cache."""

from typing import TYPE_CHECKING

from zswapsim.machine.gfp import GFP
from zswapsim.machine.nodes import Node
from zswapsim.machine.swap import SwapSlot
from zswapsim.machine.walk import Allocation

if TYPE_CHECKING:
    from zswapsim.machine.addresses import AddressSpace
    from zswapsim.machine.machine import Machine

PAGE_CACHE = "page cache"


class File:
    """A file on disk; its pages in memory belong to the page cache, whoever maps them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cached: dict[int, Page] = {}
        """By index of the page in the file."""


class Page:
    """A page in a frame: who maps it where, and the file it is of, if any."""

    __slots__ = ("allocation", "file", "index", "mapped", "pinned")

    def __init__(self, allocation: Allocation, file: File | None = None, index: int = 0) -> None:
        self.allocation = allocation
        self.file = file
        self.index = index
        self.mapped: set[tuple[AddressSpace, int]] = set()
        self.pinned = False
        """For the long term: neither migrated nor reclaimed."""
        allocation.node.lru.add(self)

    @property
    def node(self) -> Node:
        """Where it lies."""
        return self.allocation.node

    def move(self, machine: "Machine", target: Allocation) -> None:
        """Migrate: the bytes are copied, the old frame is freed, and on the new node's list it is the youngest."""
        self.node.lru.isolate(self)
        machine.free_pages(self.allocation)
        self.allocation = target
        target.node.lru.add(self)

    def migrate(self, machine: "Machine", target: Node, gfp: GFP) -> Allocation:
        """Move to a frame that a request like this one gives, for the owner it has. Raises OutOfMemory."""
        allocation = machine.alloc_pages(target, gfp=gfp, owner=self.allocation.owner)
        self.move(machine, allocation)
        return allocation

    def free(self, machine: "Machine") -> None:
        """Give the frame back; nobody maps it any more."""
        self.node.lru.isolate(self)
        machine.free_pages(self.allocation)
        if self.file is not None:
            del self.file.cached[self.index]

    def reclaim(self, machine: "Machine") -> bool:
        """Evict: a file page can be read again, an anonymous one goes to swap, a pinned one stays.

        Returns whether the frame is free now.
        """
        slot: SwapSlot | None = None
        if self.pinned:
            return False
        if self.file is None:
            if machine.swap is None:
                return False
            slot = machine.swap.store()
        for space, number in list(self.mapped):
            space.unmap_page(number, slot)
        if self.file is not None:
            self.free(machine)
        return True
