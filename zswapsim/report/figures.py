"""Compute from the numbers of a Result the figures that reports show."""

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.run.result import Result
from zswapsim.study.settings.backends import IN_DRAM, backend_name, shares_dram, two_tiers


def footprint(result: Result) -> int:
    """Return the bytes of all pages of the trace, even if the run ended before it had touched them."""
    return int(result.settings.get("footprint_pages", result.counters["pages"])) * PAGE_SIZE


def dram(result: Result) -> int:
    """Return the bytes of DRAM that the workload's pages could occupy."""
    return int(result.settings["dram_frames"]) * PAGE_SIZE


def node(result: Result) -> int:
    """Return the bytes of the private node; 0 if the backend has none."""
    return int(result.settings["node_frames"]) * PAGE_SIZE if backend(result) == "private-node" else 0


def backend(result: Result) -> str:
    """Return the backend's name, without its parameters."""
    return backend_name(str(result.settings["backend"]))


def pool_lies_in_dram(result: Result) -> bool:
    """Return True if the pool takes frames of DRAM, those of the workload or others, and none of a node."""
    return backend(result) in IN_DRAM


def pool_in_dram(result: Result) -> bool:
    """Return True if the pool takes frames of the workload's DRAM."""
    return pool_lies_in_dram(result) and shares_dram(str(result.settings["backend"]))


def pool_share(result: Result) -> float | None:
    """Return the largest share of DRAM that the pool took, in per cent; 0 for a pool elsewhere.

    It is None if there is no pool, or one pool in DRAM and one elsewhere.
    """
    if backend(result) == "disk" or (node(result) and two_tiers(str(result.settings["backend"]))[1]):
        return None
    return 100 * result.counters["peak_pool_total_size"] / dram(result) if pool_in_dram(result) else 0.0


def written_back(result: Result) -> int:
    """Return the pages that were written back from the pool to the device."""
    return result.counters["written_back_pages"] + result.counters.get("bd_writes", 0)


def dram_saved(result: Result) -> int:
    """Return the bytes of DRAM by which the workload's DRAM is smaller than its footprint."""
    return max(0, footprint(result) - dram(result))


def stored_bytes(result: Result) -> int:
    """Return the uncompressed bytes of the pages in the pool at the end of the run."""
    return result.counters["stored_pages"] * PAGE_SIZE


def ratio(result: Result) -> float | None:
    """Return bytes stored over bytes of the frames that hold them, at the end; None for an empty pool.

    It includes the allocator's losses, so it is less than the compressor's ratio alone.
    """
    pool = result.counters["pool_total_size"]
    return stored_bytes(result) / pool if pool else None


def pool_saved(result: Result) -> int:
    """Return the bytes saved by compression at the end: pages stored less the frames that hold them."""
    return stored_bytes(result) - result.counters["pool_total_size"]


def read_ahead(result: Result, counter: str) -> int | None:
    """Return a counter of readahead; None for a run that reads nothing ahead."""
    return result.counters[counter] if result.counters.get("swap_ra") else None


def faults_per_1000(result: Result) -> float:
    """Return the major faults in a thousand accesses."""
    accesses = result.counters["accesses"]
    return 1000 * result.counters["major_faults"] / accesses if accesses else 0.0


def stall_per_access(result: Result) -> float:
    """Return the modelled nanoseconds of waiting for memory, averaged over all accesses."""
    accesses = result.counters["accesses"]
    return result.modelled_ns["total"] / accesses if accesses else 0.0
