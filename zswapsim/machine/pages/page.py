"""User pages lie in frames; they are anonymous or belong to the page cache."""

from typing import Protocol

from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.nodes import Node
from zswapsim.machine.pages.swap import SwapSlot

PAGE_CACHE = "page cache"


class Mapper(Protocol):
    """Define what a page needs of a page table that maps it: reclaim unmaps the page through it (try_to_unmap)."""

    def unmap_page(self, number: int, slot: SwapSlot | None) -> None:
        """Remove the page at page number `number`, and leave `slot` in its entry if there is one."""


class File:
    """Represent a file on disk. Its pages in memory belong to the page cache, whoever maps them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cached: dict[int, Page] = {}
        """This maps an index in the file to the page that holds it."""


class Page:
    """Hold a page in a frame; it knows where it is mapped, and its file if it has one."""

    __slots__ = ("allocation", "file", "index", "mapped", "pinned")

    def __init__(self, allocation: Allocation, file: File | None = None, index: int = 0) -> None:
        self.allocation = allocation
        self.file = file
        self.index = index
        self.mapped: set[tuple[Mapper, int]] = set()
        """Each pair is a page table and a page number in it."""
        self.pinned = False
        """A page with a long-term pin is neither migrated nor reclaimed."""

    @property
    def node(self) -> Node:
        """Return the node that the page lies on."""
        return self.allocation.node
