"""Faults and swap-outs of exact LRU at one size of DRAM, and stack distances by looking for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Dram:
    """`frames` frames, least recently used first. Copies stay behind a load until a write, so dirty pages are told."""

    frames: int
    resident: OrderedDict[int, bool] = field(default_factory=OrderedDict)  # page -> dirty
    seen: set[int] = field(default_factory=set)
    major_faults: int = 0
    reclaimed_pages: int = 0
    dropped_clean_pages: int = 0

    def access(self, page: int, write: bool) -> None:
        """One access."""
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
    """Of each access: distinct pages since the last one to its page, with it; 0 where there is none."""
    stack: list[int] = []
    found = []
    for page in pages:
        found.append(len(stack) - stack.index(page) if page in stack else 0)
        if page in stack:
            stack.remove(page)
        stack.append(page)
    return found
