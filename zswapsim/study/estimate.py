"""What a DRAM size costs and saves with a compressor, without a run: faults from a curve, pages from a measurement.

A page that is out is taken to be any page of the footprint alike, and so is the one that has to go when it comes back.
Then the node's frames follow from the lengths of so many pages (:mod:`~zswapsim.study.poolsize`), and the latency of a
major fault is a constant, a load and the stores of those evicted for it, drawn independently.
"""

import math

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.zsmalloc.classes import huge_class_size
from zswapsim.compressors.measure import Measured
from zswapsim.study.cost import CostModel
from zswapsim.study.point import Sums
from zswapsim.study.poolsize import PoolSize
from zswapsim.study.sizes import PAGE_SIZE
from zswapsim.study.traffic import Traffic

DRAWS = 1 << 16
MOST_DRAWN = 64


class PageCosts:
    """What storing and loading a page of a footprint costs with one compressor; arrays have an element a page image.

    Parameters: `measured`, lengths and times of every image; `pages` of the footprint; `cost`; `chain_size`; `seed`,
    by which images are shifted; `zero_map`, whether zero pages never reach the pool; `cold`, nanoseconds that a byte
    takes longer in a run, where memory is cold (:mod:`~zswapsim.study.coldmemory`).
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

    def latency(self, batch: int, evicting: float) -> tuple[float, float]:
        """Mean and p99 of a major fault, ns: a share `evicting` of the faults stores `batch` pages before its load."""
        if (batch, evicting) not in self._latencies:
            self._latencies[batch, evicting] = self._drawn(batch, evicting)
        return self._latencies[batch, evicting]

    def _drawn(self, batch: int, evicting: float) -> tuple[float, float]:
        """The same draws every time. The sum of a large batch is taken to be normal."""
        random = np.random.Generator(np.random.PCG64(0))
        load = self.load_ns[random.integers(0, len(self.load_ns), DRAWS)]
        stores = np.zeros(DRAWS)
        if batch <= MOST_DRAWN:
            for _ in range(batch):
                stores += self.store_ns[random.integers(0, len(self.store_ns), DRAWS)]
        else:
            stores += random.normal(batch * self.store_ns.mean(), math.sqrt(batch) * self.store_ns.std(), DRAWS)
        first = round(DRAWS * evicting)
        latencies = self.cost.major_fault_ns + load + np.where(np.arange(DRAWS) < first, stores, 0.0)
        mean = self.cost.major_fault_ns + self.load_ns.mean() + evicting * batch * self.store_ns.mean()
        return float(mean), float(np.percentile(latencies, 99, method="inverted_cdf"))


def estimate(costs: PageCosts, traffic: Traffic, batch: int) -> Sums:
    """The sums of a trace at the DRAM size of `traffic`; evictions come `batch` at a time."""
    majors, outs = traffic.major_faults, traffic.swap_outs
    # A page can only come back to a DRAM that was full, so that each major fault needs a frame; a batch frees several.
    evicting = min(1.0, 1 / batch) if majors else 0.0
    mean, p99 = costs.latency(batch, evicting) if majors else (0.0, 0.0)
    compress = outs * float(costs.compress_ns.mean())
    decompress = majors * float(costs.decompress_ns.mean())
    stall = majors * (costs.cost.major_fault_ns + float(costs.load_ns.mean())) + outs * float(costs.store_ns.mean())
    return Sums(
        dram_frames=traffic.frames,
        node_frames=costs.pool.frames(traffic.out, majors),
        major_faults=majors,
        swap_outs=outs,
        compress_ns=compress,
        decompress_ns=decompress,
        stall_ns=stall,
        mean_ns=mean,
        p99_ns=p99,
    )
