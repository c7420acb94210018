"""Frames that a pool takes for so many pages, estimated from the lengths that their contents compress to."""

import math

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.zsmalloc.classes import size_classes
from zswapsim.study.sizes import PAGE_SIZE

HANDLE_BYTES = 8
"""In front of every object (ZS_HANDLE_SIZE), but of one that takes a whole frame."""
SETTLED = 5.0
"""How often the pages of a pool are replaced until its gaps are as many as they get, within a factor e."""


class PoolSize:
    """Pools of objects whose lengths (bytes; 0 where the pool needs no object) come up equally often.

    A size class has half a zspage to spare, on average. In a pool in use it has more: how many pages of a class are out
    is left to chance (binomial), and a zspage that was taken for the most of them is seldom empty again. So room for
    one standard deviation more is counted, the less the fewer pages have been replaced. `bench/plan_error.py` shows how
    far off that is.
    """

    def __init__(self, lengths: NDArray[np.uint16], chain_size: int) -> None:
        classes = np.array(size_classes(chain_size), np.int64)
        sizes, self._frames, self._objects = classes.T
        held = np.minimum(lengths[lengths > 0].astype(np.int64) + HANDLE_BYTES, PAGE_SIZE)
        self._shares = np.bincount(np.searchsorted(sizes, held), minlength=len(sizes)) / max(1, len(lengths))
        self.spare_frames = int(self._frames.sum())
        """Of a zspage of every class that holds next to nothing."""

    def frames(self, pages: int, replaced: int) -> int:
        """The most frames that `pages` pages take at one time, of which `replaced` came and went."""
        objects = self._shares * pages
        used = 1 - math.exp(-replaced / (SETTLED * pages)) if pages else 0.0
        most = objects + used * np.sqrt(objects * (1 - self._shares))
        zspages = np.maximum(most / self._objects + 0.5, np.minimum(objects, 1.0))
        # Of a class that few pages fall into, there is a zspage or none.
        return math.ceil(float((np.where(objects > 0.5, zspages, objects) * self._frames).sum()))
