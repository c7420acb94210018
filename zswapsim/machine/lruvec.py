"""A node's user pages by age: what migration and madvise do to a page's place is part of their behaviour."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zswapsim.machine.pages import Page


class Lruvec:
    """The inactive list of one node, the coldest page first. Each step is O(1) but for :meth:`deactivate`, O(pages)."""

    def __init__(self) -> None:
        self._pages: dict[Page, None] = {}

    def __iter__(self) -> "Iterator[Page]":
        """From the coldest on."""
        return iter(list(self._pages))

    def __contains__(self, page: "Page") -> bool:
        return page in self._pages

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, page: "Page") -> None:
        """A page enters at the head: whatever its age was, it is the youngest now (folio_add_lru)."""
        self._pages[page] = None

    def isolate(self, page: "Page") -> None:
        """Take a page off, for migration or because it goes."""
        del self._pages[page]

    def deactivate(self, page: "Page") -> None:
        """Put a page at the tail: the first to be reclaimed (MADV_COLD)."""
        del self._pages[page]
        self._pages = {page: None, **self._pages}
