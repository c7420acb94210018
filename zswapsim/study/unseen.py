"""What DRAM sizes save of which the faults are not known, and how many faults would slow the workload by how much."""

from collections.abc import Mapping, Sequence

import msgspec

from zswapsim.study.estimate import PageCosts

SECOND_NS = 1e9
LONG = 50
"""How often each page came and went: a pool that has its gaps."""


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A DRAM size with a compressor, without its faults."""

    compressor: str
    dram_frames: int
    node_frames: int
    saved: float
    """Memory that DRAM and node take less than the footprint, in per cent of it."""
    fault_stall_ns: float
    """What a major fault makes the workload wait: the load, and the store of the page that goes for it."""
    faults_per_percent: float
    """Major faults a second that slow the workload by one per cent."""


def find_unseen(sizes: Sequence[int], costs: Mapping[str, PageCosts], pages: int, batch: int) -> list[Unseen]:
    """Every one of `sizes`, in frames, with every compressor; of a footprint of `pages` pages."""
    return [_unseen(name, each, frames, pages, batch) for name, each in costs.items() for frames in sizes]


def _unseen(name: str, costs: PageCosts, frames: int, pages: int, batch: int) -> Unseen:
    out = pages - frames
    node = costs.pool.frames(out, LONG * out)
    stall, _ = costs.latency(batch, min(1.0, 1 / batch))
    return Unseen(
        compressor=name,
        dram_frames=frames,
        node_frames=node,
        saved=100 * (1 - (frames + node) / pages),
        fault_stall_ns=stall,
        faults_per_percent=SECOND_NS / 100 / stall,
    )
