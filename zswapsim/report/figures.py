"""What a reader wants to know of a Result and it does not say outright. Pure arithmetic on its numbers."""

from zswapsim.study.result import Result
from zswapsim.study.sizes import PAGE_SIZE


def footprint(result: Result) -> int:
    """Bytes of all pages of the trace, also where the run ended before it had touched them."""
    return int(result.settings.get("footprint_pages", result.counters["pages"])) * PAGE_SIZE


def dram(result: Result) -> int:
    """Bytes of DRAM that the pages could occupy."""
    return int(result.settings["dram_frames"]) * PAGE_SIZE


def node(result: Result) -> int:
    """Bytes of the private node; 0 where the backend has none."""
    return 0 if result.settings["backend"] == "disk" else int(result.settings["node_frames"]) * PAGE_SIZE


def dram_saved(result: Result) -> int:
    """Bytes of DRAM that the workload did without."""
    return max(0, footprint(result) - dram(result))


def stored_bytes(result: Result) -> int:
    """Bytes that the pages in the pool have uncompressed, at the end of the run."""
    return result.counters["stored_pages"] * PAGE_SIZE


def ratio(result: Result) -> float | None:
    """Bytes stored over bytes of frames that hold them, at the end; None for an empty pool.

    The allocator's losses are in it, so it is less than the codec's ratio alone.
    """
    pool = result.counters["pool_total_size"]
    return stored_bytes(result) / pool if pool else None


def pool_saved(result: Result) -> int:
    """Bytes of memory gained by compression at the end: pages stored less the frames that hold them."""
    return stored_bytes(result) - result.counters["pool_total_size"]


def faults_per_1000(result: Result) -> float:
    """Major faults in a thousand accesses."""
    accesses = result.counters["accesses"]
    return 1000 * result.counters["major_faults"] / accesses if accesses else 0.0


def stall_per_access(result: Result) -> float:
    """Modelled nanoseconds of waiting for memory, shared out over all accesses."""
    accesses = result.counters["accesses"]
    return result.modelled_ns["total"] / accesses if accesses else 0.0
