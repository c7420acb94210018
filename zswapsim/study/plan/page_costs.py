"""Measure what storing and loading a page costs with each compressor, and how many frames a pool takes.

Every page of the footprint is assumed to be swapped out with the same probability, and to be reclaimed with the same
probability when another one is swapped in.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.codec.codec import Codec
from zswapsim._core.zsmalloc.classes import huge_class_size, size_classes
from zswapsim.compressors import get_compressor
from zswapsim.compressors.cold_memory import cold_ns_per_byte
from zswapsim.compressors.measure import Measured
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.settings import Settings
from zswapsim.study.settings.cost import PRESETS, CostModel
from zswapsim.traces import Contents

Progress = Callable[[int, int], None]
DRAWS = 1 << 16
MOST_DRAWN = 64
HANDLE_BYTES = 8
"""Bytes in front of every object (ZS_HANDLE_SIZE), except one that takes a whole frame."""
FRAGMENTED_AFTER = 5.0
"""Number of times that the pages of a pool are replaced until its fragmentation is at its maximum, within a factor e.
"""


class PoolSize:
    """Estimate the frames of a pool from the lengths of its objects, in bytes, which are equally frequent.

    A length of 0 needs no object. A size class has half a zspage to spare, on average. A pool in long use has more: the
    number of swapped-out pages of a class is random (binomial), and a zspage that was added at its maximum is seldom
    empty again. So one standard deviation is added, and less if fewer pages have been replaced. `bench/plan_error.py`
    shows the error of this estimate.
    """

    def __init__(self, lengths: NDArray[np.uint16], chain_size: int) -> None:
        classes = np.array(size_classes(chain_size), np.int64)
        sizes, self._frames, self._objects = classes.T
        held = np.minimum(lengths[lengths > 0].astype(np.int64) + HANDLE_BYTES, PAGE_SIZE)
        self._shares = np.bincount(np.searchsorted(sizes, held), minlength=len(sizes)) / max(1, len(lengths))
        self.spare_frames = int(self._frames.sum())
        """Frames that are lost if every class has a zspage that is nearly empty."""

    def frames(self, pages: int, replaced: int) -> int:
        """Return the maximum number of frames that `pages` pages take at one time, after `replaced` replacements."""
        objects = self._shares * pages
        used = 1 - math.exp(-replaced / (FRAGMENTED_AFTER * pages)) if pages else 0.0
        most = objects + used * np.sqrt(objects * (1 - self._shares))
        zspages = np.maximum(most / self._objects + 0.5, np.minimum(objects, 1.0))
        # A class that holds few pages has one zspage or none.
        return math.ceil(float((np.where(objects > 0.5, zspages, objects) * self._frames).sum()))


class PageCosts:
    """Compute what storing and loading a page costs with one compressor; arrays have one element a page image.

    `measured` has the length and the times of every image. `pages` is the footprint. `seed` shifts the images. With
    `zero_map`, zero pages never reach the pool. `cold` is the time in nanoseconds that a byte takes longer in a run,
    because memory is cold there (:mod:`~zswapsim.compressors.cold_memory`).
    """

    def __init__(
        self,
        measured: Measured,
        pages: int,
        cost: CostModel,
        *,
        chain_size: int,
        seed: int = 0,
        zero_map: bool = True,
        cold: float = 0.0,
    ) -> None:
        images = len(measured.size)
        held = (seed % images + np.arange(min(pages, images))) % images
        huge = measured.size[held] >= huge_class_size(chain_size)
        sizes = np.where(huge, np.uint16(PAGE_SIZE), measured.size[held])
        self.cost = cost
        self.pool = PoolSize(np.where(measured.same_filled[held], np.uint16(0), sizes), chain_size)
        self._latencies: dict[tuple[int, float], tuple[float, float]] = {}
        busy = ~(measured.zero[held] & zero_map)
        object_bytes = np.where(measured.same_filled[held], 0.0, sizes.astype(np.float64))
        moved = cost.node_latency_ns + object_bytes / cost.node_bandwidth
        page_bytes = np.where(measured.same_filled[held], 0.0, PAGE_SIZE)
        self.compress_ns = np.where(busy, measured.compress_ns[held] + cold * object_bytes, 0.0)
        self.decompress_ns = np.where(busy, measured.decompress_ns[held] + cold * (object_bytes + page_bytes), 0.0)
        self.store_ns: NDArray[np.float64] = np.where(busy, moved + self.compress_ns, 0.0)
        self.load_ns: NDArray[np.float64] = np.where(busy, moved + self.decompress_ns, 0.0)

    def latency(self, batch: int, reclaiming: float) -> tuple[float, float]:
        """Return mean and p99 of a major fault in nanoseconds.

        A share `reclaiming` of the faults stores `batch` pages before its load.
        """
        if (batch, reclaiming) not in self._latencies:
            self._latencies[batch, reclaiming] = self._draw_latency(batch, reclaiming)
        return self._latencies[batch, reclaiming]

    def _draw_latency(self, batch: int, reclaiming: float) -> tuple[float, float]:
        """Draw latencies, the same every time. The sum of a large batch is approximated by a normal variable."""
        random = np.random.Generator(np.random.PCG64(0))
        load = self.load_ns[random.integers(0, len(self.load_ns), DRAWS)]
        stores = np.zeros(DRAWS)
        if batch <= MOST_DRAWN:
            for _ in range(batch):
                stores += self.store_ns[random.integers(0, len(self.store_ns), DRAWS)]
        else:
            stores += random.normal(batch * self.store_ns.mean(), math.sqrt(batch) * self.store_ns.std(), DRAWS)
        first = round(DRAWS * reclaiming)
        latencies = self.cost.major_fault_ns + load + np.where(np.arange(DRAWS) < first, stores, 0.0)
        mean = self.cost.major_fault_ns + self.load_ns.mean() + reclaiming * batch * self.store_ns.mean()
        return float(mean), float(np.percentile(latencies, 99, method="inverted_cdf"))


def open_codecs(compressors: Sequence[str]) -> dict[str, Codec]:
    """Return codecs by their whole spec, each once. Raises InputError if there is none."""
    codecs = {codec.spec: codec for codec in map(get_compressor, compressors)}
    if not codecs:
        raise InputError("--compressor: expected at least one")
    return codecs


def measure_costs(
    codecs: Mapping[str, Codec],
    contents: Contents,
    pages: int,
    settings: Settings,
    progress: Progress | None = None,
    profile: Profile | None = None,
) -> dict[str, PageCosts]:
    """Return the page costs of each compressor for a footprint of `pages` pages over `contents`.

    Every distinct content is measured once, or not at all with a `profile`. Raises InputError if the profile is of
    other contents or lacks a codec.
    """
    if profile is None:
        profile = make_profile(contents, list(codecs.values()), progress=progress)
    profile.check(contents, list(codecs))
    cold = cold_ns_per_byte(pages)
    return {
        spec: PageCosts(
            profile.measured(codec),
            pages,
            PRESETS[settings.cost],
            chain_size=settings.chain_size,
            seed=settings.seed,
            zero_map=settings.zero_map,
            cold=cold,
        )
        for spec, codec in codecs.items()
    }
