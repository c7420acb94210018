"""The LRU list of a node orders its user pages by age; migration and madvise change a page's place on it."""

from collections.abc import Iterator

from zswapsim.machine.pages.page import Page


class Lruvec:
    """Keep the inactive list of one node, coldest page first. :meth:`deactivate` costs O(pages), other steps O(1)."""

    def __init__(self) -> None:
        self._pages: dict[Page, None] = {}

    def __iter__(self) -> Iterator[Page]:
        """Iterate from the coldest page on, over a copy: the list may change meanwhile."""
        return iter(list(self._pages))

    def __contains__(self, page: Page) -> bool:
        return page in self._pages

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, page: Page) -> None:
        """Add a page at the head: it is the youngest now, whatever its age was (folio_add_lru)."""
        self._pages[page] = None

    def isolate(self, page: Page) -> None:
        """Take a page off the list, to migrate or to free it."""
        del self._pages[page]

    def deactivate(self, page: Page) -> None:
        """Move a page to the tail, where reclaim takes it first (MADV_COLD)."""
        del self._pages[page]
        self._pages = {page: None, **self._pages}
