"""Estimate what a DRAM size costs and saves with a compressor, without a run.

The latency of a major fault is a constant, a load, and the stores of the pages that are reclaimed for it, each drawn
independently (:mod:`~zswapsim.study.plan.page_costs`).
"""

from collections.abc import Mapping, Sequence

import msgspec

from zswapsim.study.plan.page_costs import PageCosts
from zswapsim.study.plan.plan_point import Sums
from zswapsim.study.plan.traffic import Traffic

SECOND_NS = 1e9
LONG_USE = 50
"""Number of times that each page of a pool in long use was replaced."""


def estimate(costs: PageCosts, traffic: Traffic, batch: int) -> Sums:
    """Estimate the sums of a trace at the DRAM size of `traffic`; pages are reclaimed `batch` at a time."""
    majors, outs = traffic.major_faults, traffic.swap_outs
    # A page is only swapped out of a full DRAM, so each major fault needs a frame; one batch frees several.
    reclaiming = min(1.0, 1 / batch) if majors else 0.0
    mean, p99 = costs.latency(batch, reclaiming) if majors else (0.0, 0.0)
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


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """Describe a DRAM size with a compressor if the faults at that size are not known."""

    compressor: str
    dram_frames: int
    node_frames: int
    saved: float
    """Memory that is saved: the footprint less DRAM and node, in per cent of the footprint."""
    fault_stall_ns: float
    """Time that the workload waits for a major fault: the load, and the store of the page that is reclaimed for it."""
    faults_per_percent: float
    """Major faults a second that slow the workload by one per cent."""


def find_unseen(sizes: Sequence[int], costs: Mapping[str, PageCosts], pages: int, batch: int) -> list[Unseen]:
    """Describe each of `sizes`, in frames, with each compressor, for a footprint of `pages` pages."""
    return [_unseen(name, each, frames, pages, batch) for name, each in costs.items() for frames in sizes]


def _unseen(name: str, costs: PageCosts, frames: int, pages: int, batch: int) -> Unseen:
    out = pages - frames
    node = costs.pool.frames(out, LONG_USE * out)
    stall, _ = costs.latency(batch, min(1.0, 1 / batch))
    return Unseen(
        compressor=name,
        dram_frames=frames,
        node_frames=node,
        saved=100 * (1 - (frames + node) / pages),
        fault_stall_ns=stall,
        faults_per_percent=SECOND_NS / 100 / stall,
    )
