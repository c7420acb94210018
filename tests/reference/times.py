"""Model the times of a run: every counter times its constant, added up once more from what a run counted.

It holds for any replay at any moment: ``assert_times(engine, run_of(settings))``. What depends on the
lengths of pages has bounds, which meet if all pages have one length.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isclose
from typing import Any, NamedTuple

from zswapsim import Settings
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.cram import CramBackend
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.backend.zram import ZramBackend
from zswapsim._core.engine.replay import Replay
from zswapsim.study.run.folios import CLEAR_PAGE_NS
from zswapsim.study.run.result import Result
from zswapsim.study.settings.backends import backend_name, two_tiers
from zswapsim.study.settings.cost import PRESETS, CostModel, in_dram
from zswapsim.study.settings.cram import parse_cram
from zswapsim.study.settings.folios import folio_order

PAGE = 4096
PARTS = ("fault", "compress", "decompress", "node", "device")
Counts = Mapping[str, int]


class Run(NamedTuple):
    """Describe what a replay's times depend on and its counters do not tell."""

    cost: CostModel
    """The machine's constants; a pool in DRAM has its own for the node."""
    shortest: int = 0
    """Bytes of the page in the pool that has fewest."""
    longest: int = PAGE
    folio_pages: int = 1
    whole_folios: bool = False
    """Folios are compressed as one, so that a page is not a transfer of its own."""
    clear_ns: float = CLEAR_PAGE_NS
    """Time to clear a page of a folio beyond its first."""
    line_ns: float = 800.0
    """cram: a cache line through the device."""
    maps_pages: bool = True
    """cram: reads and perhaps writes go to the device in place."""
    slots_worked_on: bool = True
    """Slots of zram were recompressed or written back, for which not every transfer has a counter."""


def run_of(settings: Settings) -> Run:
    """Return what the times of a run with these settings depend on, whatever its pages' lengths are."""
    device = parse_cram(settings.cram)
    return Run(
        PRESETS[settings.cost],
        folio_pages=1 << folio_order(settings.folio),
        whole_folios=settings.folio_compress == "whole",
        line_ns=device.line_ns,
        maps_pages=device.form == "tier" or device.read == "map",
    )


def same(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-3)


def assert_times(engine: Replay, run: Run) -> None:
    """Assert that the modelled times of a replay are its counters times the constants, at any moment of a run."""
    counts, modelled = engine.counters_now(), engine.times()["modelled"]
    assert_parts_add_up(modelled)
    assert_latencies(engine.latencies(), counts, modelled, run.cost)
    assert same(modelled["fault"], fault_ns(counts, run)), "faults"
    waited = modelled["device"] + modelled.get("readahead", 0.0)
    tiers = tiers_of(engine.backend)
    assert same(waited, sum(device_ns(each.stats(), run.cost, isinstance(each, ZramBackend)) for each in tiers)), (
        "device"
    )
    bounds = [node_ns(each, run) for each in tiers]
    least, most = (sum(values) for values in zip(*bounds, strict=True))
    found = modelled["node"]
    assert found > least or same(found, least), f"node: {found}, at least {least}"
    assert found < most or same(found, most), f"node: {found}, at most {most}"


def assert_result_times(result: Result) -> None:
    """Assert the same of a Result, as far as it tells: not of the node, nor of the device if zram is the fast tier."""
    settings, counts, modelled = result.settings, result.counters, result.modelled_ns
    run = Run(PRESETS[settings["cost"]], folio_pages=1 << folio_order(settings["folio"]))
    assert_parts_add_up(modelled)
    assert_latencies(result.fault_latency_ns, counts, modelled, run.cost)
    assert same(modelled["fault"], fault_ns(counts, run)), "faults"
    is_zram = backend_name(settings["backend"]) == "zram"
    if not (is_zram and two_tiers(settings["backend"])[1]):
        waited = modelled["device"] + modelled.get("readahead", 0.0)
        assert same(waited, device_ns(counts, run.cost, is_zram)), "device"


def assert_parts_add_up(modelled: Mapping[str, float]) -> None:
    """Assert that the parts add up to the total; for readahead nothing waits."""
    assert set(modelled) - {"total", "readahead"} == set(PARTS)
    assert all(value >= 0 for value in modelled.values()), modelled
    assert same(sum(modelled[name] for name in PARTS), modelled["total"]), modelled


def assert_latencies(latencies: Mapping[str, float], counts: Counts, modelled: Mapping[str, float],
                     cost: CostModel) -> None:  # fmt: skip
    """Assert that latencies are in order, hold the constant of a fault, and do not add up to more than all waiting."""
    shares = [latencies[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
    assert shares == sorted(shares), latencies
    if not any(latencies.values()):
        assert counts["major_faults"] <= 1, "only the fault that ended the run has no latency"
        return
    assert cost.major_fault_ns <= latencies["mean"] * (1 + 1e-9)
    assert latencies["mean"] <= latencies["max"] * (1 + 1e-9)
    waited = modelled["total"] - counts["minor_faults"] * cost.minor_fault_ns
    assert latencies["mean"] * (counts["major_faults"] - 1) <= waited * (1 + 1e-9), (
        "faults waited for more than was spent"
    )


def fault_ns(counts: Counts, run: Run) -> float:
    """Return the time of minor and major faults, of faults on pages in the swap cache, and of clearing folios."""
    return (
        counts["minor_faults"] * run.cost.minor_fault_ns
        + (counts["major_faults"] + counts.get("swap_ra_hit", 0)) * run.cost.major_fault_ns
        + counts.get("mthp_anon_fault_alloc", 0) * (run.folio_pages - 1) * run.clear_ns
    )


def tiers_of(backend: Any) -> list[Any]:
    return [backend.fast, backend.slow] if isinstance(backend, TieredBackend) else [backend]


def device_ns(counts: Counts, cost: CostModel, is_zram: bool) -> float:
    """Return the time of one tier's pages to and from the swap device; of zram, its backing device."""
    names = ("bd_writes", "bd_reads") if is_zram else ("pswpout", "pswpin")
    return counts[names[0]] * cost.device_write_ns + counts[names[1]] * cost.device_read_ns


def node_ns(backend: Any, run: Run) -> tuple[float, float]:
    """Return bounds of the time of one tier's transfers to and from its pool."""
    if isinstance(backend, CramBackend):
        return cram_node_ns(backend.stats(), run)
    if isinstance(backend, DiskBackend | CountingBackend):
        return 0.0, 0.0
    cost = run.cost if isinstance(backend, PrivateNodeBackend) else in_dram(run.cost)
    least, most = transfers(backend, run)
    one = [cost.node_latency_ns + length / cost.node_bandwidth for length in (run.shortest, run.longest)]
    return least * one[0], most * one[1]


def transfers(backend: Any, run: Run) -> tuple[float, float]:
    """Return bounds of the number of pages that went to or from a pool: stores, loads, and those written back."""
    counts = backend.stats()
    if isinstance(backend, ZramBackend):
        known = (
            counts["pswpout"] + counts["pswpin"] - counts["bd_reads"] + counts["bd_writes"] + counts["demoted_pages"]
        )
        known += 2 * counts["recompressed_pages"] + counts["recompress_fail"]
        return known, inf if run.slots_worked_on or run.folio_pages > 1 else known + counts["decompress_fail"]
    if run.whole_folios:
        return 0, counts["zswpout"] + counts["zswpin"] + counts["zswpwb"] + counts["demoted_pages"]
    known = counts["zswpout"] + counts["zswpin"] + counts["zswpwb"] + counts["demoted_pages"]
    failed = counts["decompress_fail"] + counts["reject_reclaim_fail"]
    # Pages of a folio that was refused halfway were transferred, and are not counted as stored.
    return known, inf if run.folio_pages > 1 else known + failed


def cram_node_ns(counts: Counts, run: Run) -> tuple[float, float]:
    """Return the time of whole pages, and of lines that were accessed in place, of a device that loses no time else."""
    line = run.line_ns
    page = line + PAGE / run.cost.node_bandwidth
    delivered = counts["zswpin"] - counts["poisoned_reads"]
    loads = counts["promotions"] if run.maps_pages else delivered
    lines = delivered - loads + counts["mapped_reads"] + counts["in_place_writes"]
    found = (counts["zswpout"] + loads + counts["zswpwb"]) * page + lines * line
    return found, found
