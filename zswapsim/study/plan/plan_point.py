"""Compute every figure of one way to provision a workload: of one DRAM size with one compressor.

Estimates and runs are both put into the same few sums (:class:`Sums`), from which one function computes every figure,
so that they can be compared.
"""

from typing import NamedTuple

import msgspec

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.plan.access_rate import AccessRate
from zswapsim.study.run.result import Result
from zswapsim.study.settings.cost import CostModel

SECOND_NS = 1e9
MINUTE_NS = 60e9
GIB = 1 << 30
UNDISTURBED_SHARE = 0.95
"""A run was not disturbed if it had a processor for at least this share of its time."""


class Prices(NamedTuple):
    """Hold the price of a GiB."""

    dram: float
    node: float


class Workload(NamedTuple):
    """Hold what is the same for every point of a plan."""

    pages: int
    """Footprint: distinct pages."""
    accesses: int | None
    """None if they were not counted."""
    rate: AccessRate
    prices: Prices | None = None


class Sums(NamedTuple):
    """Hold the totals of a whole trace at one point; times are in nanoseconds."""

    dram_frames: int
    node_frames: int
    """Maximum number of frames that the pool takes."""
    major_faults: int
    swap_outs: int
    """Pages that were reclaimed to swap."""
    compress_ns: float
    decompress_ns: float
    stall_ns: float
    """Waiting for memory that a machine with DRAM for every page would not have."""
    mean_ns: float
    """Mean latency of a major fault."""
    p99_ns: float


class PlanPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the figures of a DRAM size with a compressor.

    Rates are relative to the time that the workload takes if all its pages are in DRAM.
    """

    compressor: str
    dram_frames: int
    node_frames: int
    expansion: float
    """Footprint over DRAM and node together: amepat's expansion factor."""
    saved: float
    """Memory that is saved: the footprint less DRAM and node, in per cent of the footprint."""
    money: float | None
    """Price of DRAM and node; None without prices."""
    money_saved: float | None
    """Price of DRAM for the whole footprint, less `money`."""
    major_faults: int
    faults_per_million: float | None
    """Major faults in a million accesses; None if accesses were not counted."""
    faults_per_second: float
    promotion: float
    """Pages swapped in during a minute, in per cent of the working set."""
    swap_outs: int
    compress_cpu: float
    """Compression, in per cent of a core."""
    decompress_cpu: float
    fault_mean_ns: float
    fault_p99_ns: float
    slowdown: float
    """Waiting for memory, in per cent of the time without it."""


def make_plan_point(compressor: str, sums: Sums, workload: Workload) -> PlanPoint:
    """Compute every figure of a point from its sums."""
    base, frames = workload.rate.base_ns, sums.dram_frames + sums.node_frames
    money = _money(sums.dram_frames, sums.node_frames, workload.prices)
    whole = _money(workload.pages, 0, workload.prices)
    return PlanPoint(
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
        promotion=100 * (sums.major_faults * MINUTE_NS / base) / workload.rate.working_set,
        swap_outs=sums.swap_outs,
        compress_cpu=100 * sums.compress_ns / base,
        decompress_cpu=100 * sums.decompress_ns / base,
        fault_mean_ns=sums.mean_ns,
        fault_p99_ns=sums.p99_ns,
        slowdown=100 * sums.stall_ns / base,
    )


def sums_of(result: Result, cost: CostModel) -> Sums:
    """Return the sums of a run whose node was never full, so that its pool's peak is the node that it needs.

    Codec times are taken by the wall clock. If other programs took more than a twentieth of that
    (:func:`processor_share`), it is subtracted, except from p99, which a few long faults do not change.
    """
    counters, modelled, latency = result.counters, result.modelled_ns, result.fault_latency_ns
    had = processor_share(result)
    had = 1.0 if had >= UNDISTURBED_SHARE else had
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
    """Return the mean latency of a major fault: a full DRAM stays full, so each fault waits for a load and a store."""
    faults, outs = sums.major_faults, sums.swap_outs
    each = node_ns / (faults + outs)
    return cost.major_fault_ns + 2 * each + sums.decompress_ns / faults + sums.compress_ns / outs


def processor_share(result: Result) -> float:
    """Return the share of a run's time in the core in which it had a processor, 0 to 1.

    It is 1 if codec times come from a measurement and not from this run.
    """
    wall = result.times_ns["feed"]
    if not wall or result.settings["depth"] != "bytes":
        return 1.0
    return min(1.0, result.times_ns["feed_processor"] / wall)


def _money(dram_frames: int, node_frames: int, prices: Prices | None) -> float | None:
    if prices is None:
        return None
    return (dram_frames * prices.dram + node_frames * prices.node) * PAGE_SIZE / GIB
