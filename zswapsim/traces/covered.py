"""Count the pages that any number of address ranges cover together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Covered:
    """The union of ranges of pages. Ranges that were added lie in a heap until their sum might matter."""

    def __init__(self) -> None:
        self.first = self.last = np.empty(0, np.uint64)
        self.pages = 0
        """Pages of the ranges that are merged."""
        self.heap: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []
        self.heaped = self.heaped_pages = 0

    def add(self, first: NDArray[np.uint64], last: NDArray[np.uint64]) -> None:
        """Add ranges of pages from `first` up to `last`, in any order. Their pages must be fewer than 2**62."""
        self.heap.append((first, last))
        self.heaped += len(first)
        self.heaped_pages += int((last - first).sum())
        if self.heaped > 2 * len(self.first) + 1024:
            self._merge()

    def exceeds(self, most: int) -> bool:
        """Tell if all ranges together cover more than `most` pages."""
        if self.pages + self.heaped_pages > most:
            self._merge()
        return self.pages > most

    def _merge(self) -> None:
        first = np.concatenate([self.first, *(each for each, _ in self.heap)])
        last = np.concatenate([self.last, *(each for _, each in self.heap)])
        order = np.argsort(first, kind="stable")
        first, reach = first[order], np.maximum.accumulate(last[order])
        begins = np.append(True, first[1:] > reach[:-1])[: len(first)]
        ends = np.append(begins[1:], True)[: len(first)]
        self.first, self.last = first[begins], reach[ends]
        self.pages = int((self.last - self.first).sum())
        self.heap, self.heaped, self.heaped_pages = [], 0, 0
