"""Count faults and swap-outs of exact LRU at one size of DRAM, and find stack distances by searching a list."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Dram:
    """DRAM of `frames` frames under exact LRU. A loaded page stays clean, its slot valid, until it is written."""

    frames: int
    resident: OrderedDict[int, bool] = field(default_factory=OrderedDict)  # page -> dirty
    seen: set[int] = field(default_factory=set)
    major_faults: int = 0
    reclaimed_pages: int = 0
    dropped_clean_pages: int = 0

    def access(self, page: int, write: bool) -> None:
        """Access a page."""
        first = page not in self.seen
        if page not in self.resident:
            self.major_faults += not first
            if len(self.resident) == self.frames:
                _, dirty = self.resident.popitem(last=False)
                self.reclaimed_pages += 1
                self.dropped_clean_pages += not dirty
        dirty = self.resident.pop(page, False)
        self.resident[page] = dirty or first or write
        self.seen.add(page)


def distances(pages: Iterable[int]) -> list[int]:
    """Return, for each access, the distinct pages since the last access to its page, that page included; else 0."""
    stack: list[int] = []
    found = []
    for page in pages:
        found.append(len(stack) - stack.index(page) if page in stack else 0)
        if page in stack:
            stack.remove(page)
        stack.append(page)
    return found
