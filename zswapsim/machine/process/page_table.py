"""A page table maps page numbers to present pages, to the zero page, to swap slots, or to a driver's frames."""

from collections.abc import Iterator

from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.pages.page import Page
from zswapsim.machine.pages.swap import SwapSlot
from zswapsim.machine.pages.user_pages import UserPages


class ZeroPage:
    """Map the page of zeros, which all processes share: memory that was read and never written."""


ZERO_PAGE = ZeroPage()
Entry = Page | SwapSlot | Allocation | ZeroPage


class PageTable:
    """Map the page numbers of one address space to user pages of its machine."""

    def __init__(self, pages: UserPages) -> None:
        self._user_pages = pages
        self.entries: dict[int, Entry] = {}

    def entry(self, number: int) -> Entry | None:
        """Return the entry of a page number, or None if it is empty."""
        return self.entries.get(number)

    def page_at(self, number: int) -> Page | None:
        """Return the page that is present at a page number, or None."""
        entry = self.entries.get(number)
        return entry if isinstance(entry, Page) else None

    def in_order(self) -> Iterator[Page]:
        """Iterate over the pages that are present, by address."""
        return (entry for _, entry in sorted(self.entries.items()) if isinstance(entry, Page))

    def map_page(self, number: int, page: Page) -> None:
        """Map a page; the page that was mapped there before stays where it is, unmapped."""
        before = self.entries.get(number)
        if isinstance(before, Page):
            before.mapped.discard((self, number))
        self.entries[number] = page
        page.mapped.add((self, number))

    def map_frame(self, number: int, allocation: Allocation) -> None:
        """Map a frame of a driver."""
        self.entries[number] = allocation

    def map_zero_page(self, number: int) -> None:
        """Map the zero page, which takes no frame."""
        self.entries[number] = ZERO_PAGE

    def unmap_page(self, number: int, slot: SwapSlot | None) -> None:
        """Unmap a page for reclaim; leave its swap slot in the entry if it was swapped out."""
        page = self.entries.pop(number)
        assert isinstance(page, Page), "only pages are reclaimed"
        page.mapped.discard((self, number))
        if slot is not None:
            self.entries[number] = slot

    def invalidate(self, slot: SwapSlot) -> None:
        """Free a swap slot that no entry needs any more."""
        if self._user_pages.swap is not None:
            self._user_pages.swap.invalidate(slot)

    def zap(self, first: int, last: int) -> None:
        """Clear the entries of a range; free what nobody maps any more, except pages of the page cache."""
        for number in [number for number in self.entries if first <= number < last]:
            entry = self.entries.pop(number)
            if isinstance(entry, Page):
                entry.mapped.discard((self, number))
                if not entry.mapped and entry.file is None:
                    self._user_pages.free(entry)
            elif isinstance(entry, SwapSlot):
                self.invalidate(entry)
            elif isinstance(entry, Allocation):
                entry.free()

    def check(self) -> None:
        """Assert that each page that is present knows so and is on its node's list."""
        for number, entry in self.entries.items():
            if isinstance(entry, Page):
                assert (self, number) in entry.mapped, f"page {number:#x} does not know that it is mapped here"
                assert entry in self._user_pages.lruvec(entry.node), f"page {number:#x} is on no list"
