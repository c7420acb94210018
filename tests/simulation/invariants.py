"""Check what must hold of an engine after any step: its own invariants, and parts that add up."""

from __future__ import annotations

from math import isclose

from zswapsim._core.engine.replay import Replay

PARTS = ("fault", "compress", "decompress", "node", "device")


def check_engine(engine: Replay, where: str) -> None:
    """Assert every invariant that needs no reference."""
    try:
        engine.check()
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from None
    counters = engine.counters_now()
    check_frames(engine, counters, where)
    check_times(engine, counters, where)


def check_frames(engine: Replay, counters: dict[str, int], where: str) -> None:
    """Assert that owners' frames add up to nodes, and that the workload's are the resident pages."""
    owners = engine.owners()
    assert owners["dram"]["workload"] == counters["resident_pages"], f"{where}: the workload's frames"
    assert counters["resident_pages"] <= engine.frames, f"{where}: more pages than frames"
    assert counters["stored_pages"] >= counters["stored_incompressible_pages"], f"{where}: incompressible pages"
    assert counters["pool_total_size"] <= counters["peak_pool_total_size"], f"{where}: the pool's peak"
    assert counters["device_pages"] <= counters["peak_device_pages"], f"{where}: the device's peak"


def check_times(engine: Replay, counters: dict[str, int], where: str) -> None:
    """Assert that modelled times add up, and that there is a latency if there were major faults."""
    modelled = engine.times()["modelled"]
    assert all(value >= 0 for value in modelled.values()), f"{where}: times {modelled}"
    total = sum(modelled[part] for part in PARTS)
    assert isclose(modelled["total"], total, rel_tol=1e-9, abs_tol=1e-3), f"{where}: times {modelled}"
    latency = engine.latencies()
    assert latency["mean"] <= latency["max"] * 1.0000001, f"{where}: latencies {latency}"
    assert not latency["max"] or counters["major_faults"], f"{where}: latencies {latency}"
