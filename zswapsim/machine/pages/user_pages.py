"""All user pages of a machine are kept here; each lies in a frame and on the LRU list of that frame's node."""

from collections.abc import Iterable

from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.nodes import Node
from zswapsim.machine.pages.lruvec import Lruvec
from zswapsim.machine.pages.page import File, Page
from zswapsim.machine.pages.swap import Swap


class UserPages:
    """Keep the LRU lists of these nodes, and the swap that their anonymous pages go to."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._lruvecs = {node: Lruvec() for node in nodes}
        self.swap: Swap | None = None

    def lruvec(self, node: Node) -> Lruvec:
        """Return the LRU list of a node."""
        return self._lruvecs[node]

    def add(self, allocation: Allocation, file: File | None = None, index: int = 0) -> Page:
        """Make a page in a new frame, the youngest on its list; a file's page enters the page cache."""
        page = Page(allocation, file, index)
        self._lruvecs[page.node].add(page)
        if file is not None:
            file.cached[index] = page
        return page

    def free(self, page: Page) -> None:
        """Free a page that nobody maps any more, and its frame."""
        self._lruvecs[page.node].isolate(page)
        page.allocation.free()
        if page.file is not None:
            del page.file.cached[page.index]

    def isolate(self, page: Page) -> bool:
        """Take a page off its list, so that reclaim leaves it alone; return False if it is off already."""
        if page not in self._lruvecs[page.node]:
            return False
        self._lruvecs[page.node].isolate(page)
        return True

    def putback(self, page: Page) -> None:
        """Put an isolated page back; it is the youngest now (folio_putback_lru)."""
        self._lruvecs[page.node].add(page)

    def move(self, page: Page, target: Allocation) -> None:
        """Move an isolated page to another frame and free the old one; it is the youngest on the new node's list."""
        page.allocation.free()
        page.allocation = target
        self._lruvecs[page.node].add(page)

    def check(self) -> None:
        """Assert that each page lies on the node whose list holds it."""
        for node, lruvec in self._lruvecs.items():
            for page in lruvec:
                assert page.node is node, f"a page of {page.node} is listed on {node}"
                assert page.mapped or page.file is not None, "an anonymous page that nobody maps is listed"
