"""One way to provision: a DRAM size and a compressor, and what follows from them. Arithmetic alone.

Estimates and runs are both put into the same few sums (`Sums`), from which one function makes every figure, so that
they can be held against each other.
"""

from typing import NamedTuple

import msgspec

from zswapsim.study.cost import CostModel
from zswapsim.study.pace import Pace
from zswapsim.study.result import Result
from zswapsim.study.sizes import PAGE_SIZE

SECOND_NS = 1e9
MINUTE_NS = 60e9
GIB = 1 << 30
CALM = 0.95
"""Share of a processor from which on a run was not disturbed."""


class Prices(NamedTuple):
    """Money for a GiB."""

    dram: float
    node: float


class Workload(NamedTuple):
    """What is the same for every point of a plan."""

    pages: int
    """Footprint: distinct pages."""
    accesses: int | None
    """None where they were not counted."""
    pace: Pace
    prices: Prices | None = None


class Sums(NamedTuple):
    """What a whole trace comes to at one point; times in nanoseconds."""

    dram_frames: int
    node_frames: int
    """The most frames that the pool takes."""
    major_faults: int
    swap_outs: int
    """Pages evicted to swap."""
    compress_ns: float
    decompress_ns: float
    stall_ns: float
    """All waiting for memory that a machine with DRAM for every page would not have."""
    mean_ns: float
    """Latency of a major fault."""
    p99_ns: float


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A DRAM size with a compressor. Rates are by the time that the workload takes when all its pages are in DRAM."""

    compressor: str
    dram_frames: int
    node_frames: int
    expansion: float
    """Footprint over DRAM and node together: amepat's expansion factor."""
    saved: float
    """Memory that DRAM and node take less than the footprint, in per cent of it."""
    money: float | None
    """Of DRAM and node; None without prices."""
    money_saved: float | None
    """Less than DRAM for the whole footprint costs."""
    major_faults: int
    faults_per_million: float | None
    """Major faults in a million accesses; None where those were not counted."""
    faults_per_second: float
    promotion: float
    """Pages brought back in a minute, in per cent of the working set."""
    swap_outs: int
    compress_cpu: float
    """Per cent of a core."""
    decompress_cpu: float
    fault_mean_ns: float
    fault_p99_ns: float
    slowdown: float
    """Waiting for memory, in per cent of the time without it."""


def make_point(compressor: str, sums: Sums, workload: Workload) -> Point:
    """Every figure of a point from its sums."""
    base, frames = workload.pace.base_ns, sums.dram_frames + sums.node_frames
    money = _money(sums.dram_frames, sums.node_frames, workload.prices)
    whole = _money(workload.pages, 0, workload.prices)
    return Point(
        compressor=compressor,
        dram_frames=sums.dram_frames,
        node_frames=sums.node_frames,
        expansion=workload.pages / frames,
        saved=100 * (1 - frames / workload.pages),
        money=money,
        money_saved=None if money is None or whole is None else whole - money,
        major_faults=sums.major_faults,
        faults_per_million=None if workload.accesses is None else 1e6 * sums.major_faults / workload.accesses,
        faults_per_second=sums.major_faults * SECOND_NS / base,
        promotion=100 * (sums.major_faults * MINUTE_NS / base) / workload.pace.working_set,
        swap_outs=sums.swap_outs,
        compress_cpu=100 * sums.compress_ns / base,
        decompress_cpu=100 * sums.decompress_ns / base,
        fault_mean_ns=sums.mean_ns,
        fault_p99_ns=sums.p99_ns,
        slowdown=100 * sums.stall_ns / base,
    )


def sums_of(result: Result, cost: CostModel) -> Sums:
    """The sums of a run with a node that never was full: its pool's peak is the node that it needs.

    Codec times are taken by the wall clock. Where other work on the machine took more than a twentieth of that
    (:func:`processor_share`), it is taken off, but for p99, which a few long faults don't move.
    """
    counters, modelled, latency = result.counters, result.modelled_ns, result.fault_latency_ns
    had = processor_share(result)
    had = 1.0 if had >= CALM else had
    codec = modelled["compress"] + modelled["decompress"]
    sums = Sums(
        dram_frames=int(result.settings["dram_frames"]),
        node_frames=counters["peak_pool_total_size"] // PAGE_SIZE,
        major_faults=counters["major_faults"],
        swap_outs=counters["reclaimed_pages"] - counters["dropped_clean_pages"],
        compress_ns=had * modelled["compress"],
        decompress_ns=had * modelled["decompress"],
        stall_ns=modelled["total"] - (1 - had) * codec - counters["minor_faults"] * cost.minor_fault_ns,
        mean_ns=latency["mean"],
        p99_ns=latency["p99"],
    )
    if had == 1 or not sums.major_faults:
        return sums
    return sums._replace(mean_ns=_mean(sums, modelled["node"], cost))


def _mean(sums: Sums, node_ns: float, cost: CostModel) -> float:
    """Latency of a major fault by sums: it waits for one load and one store, as stores keep a DRAM full that is."""
    faults, outs = sums.major_faults, sums.swap_outs
    each = node_ns / (faults + outs)
    return cost.major_fault_ns + 2 * each + sums.decompress_ns / faults + sums.compress_ns / outs


def processor_share(result: Result) -> float:
    """Share of a run's time in the core in which it had a processor: 0 to 1.

    1 where codec times are none of the run's own, but those of a measurement.
    """
    wall = result.times_ns["feed"]
    if not wall or result.settings["depth"] != "bytes":
        return 1.0
    return min(1.0, result.times_ns["feed_processor"] / wall)


def _money(dram_frames: int, node_frames: int, prices: Prices | None) -> float | None:
    if prices is None:
        return None
    return (dram_frames * prices.dram + node_frames * prices.node) * PAGE_SIZE / GIB
