"""Sum up a comparison in two sentences that a reader can act on, from its numbers alone."""

from collections.abc import Sequence

from zswapsim.report import figures
from zswapsim.report.units import count, duration, factor, format_size
from zswapsim.study.run.result import COMPLETED, Result

CLOSE = 0.95
"""A pool is called smaller than another if it is smaller by more than five per cent."""


def advice(results: Sequence[Result]) -> str:
    """Say which compressor to take, how long the workload then waits, what it costs, and what another would change.

    Runs with a plain swap disk serve for comparison only.
    """
    able = [result for result in results if result.outcome == COMPLETED]
    pooled = sorted((result for result in able if figures.backend(result) != "disk"), key=_stall)
    if not pooled:
        return "No run with a pool completed; give it more DRAM, a larger node or a swap device."
    disk = next((result for result in able if figures.backend(result) == "disk"), None)
    return f"{_choice(pooled[0], disk)}\n{_price(pooled[0], pooled[1:])}"


def _choice(best: Result, disk: Result | None) -> str:
    """Say which compressor to take, and how long the workload then waits."""
    latency = best.fault_latency_ns
    waits = (
        f"Take {_name(best)}: with {format_size(figures.dram_saved(best))} of DRAM less, the workload waits "
        f"{duration(_stall(best))} in all"
    )
    if best.counters["major_faults"]:
        waits = f"{waits} and {duration(latency['mean'])} a major fault (p99 {duration(latency['p99'])})"
    if disk is None or not _stall(best):
        return f"{waits}."
    times = _stall(disk) / _stall(best)
    if times > 1:
        return f"{waits}, {times:.1f} times less than with plain swap."
    return f"{waits}; with plain swap it would wait {'as long' if times == 1 else 'less'}."


def _price(best: Result, others: Sequence[Result]) -> str:
    """Say what the choice takes of node and device, how much memory it saves, and what another would change."""
    saved = figures.dram_saved(best) - _peak(best)
    balance = f"{format_size(saved)} of memory are saved" if saved > 0 else "no memory is saved"
    return (
        f"For that it takes {format_size(_peak(best))} of {_place(best)} (ratio {factor(figures.ratio(best))}) and "
        f"writes {_pages(_written(best))} back to the device, so {balance}; {_rival(best, others)}."
    )


def _place(best: Result) -> str:
    """Name the memory that the pool takes."""
    if figures.pool_in_dram(best):
        return "the workload's DRAM"
    return "DRAM of others" if figures.pool_lies_in_dram(best) else "the private node"


def _rival(best: Result, others: Sequence[Result]) -> str:
    """Name the run that writes back less, or the one that takes less memory, if there is one."""
    if not others:
        return "there was no other compressor to choose from"
    rival = min(others, key=lambda other: (_written(other), _stall(other)))
    if _written(rival) < _written(best):
        return f"{_name(rival)} would write back {_pages(_written(rival))}, for {_waiting(rival, best)}"
    smaller = [other for other in others if _written(other) == _written(best) and _peak(other) < _peak(best) * CLOSE]
    if smaller:
        rival = min(smaller, key=_peak)
        return f"{_name(rival)} would take {format_size(_peak(rival))} of {_place(rival)}, for {_waiting(rival, best)}"
    return "no other compressor takes less of either"


def _waiting(rival: Result, best: Result) -> str:
    return f"{_stall(rival) / _stall(best):.2f} times the waiting" if _stall(best) else "the same waiting"


def _pages(number: int) -> str:
    return f"{count(number)} {'page' if number == 1 else 'pages'}" if number else "nothing"


def _name(result: Result) -> str:
    return str(result.settings["compressor"])


def _stall(result: Result) -> float:
    return result.modelled_ns["total"]


def _peak(result: Result) -> int:
    return result.counters["peak_pool_total_size"]


def _written(result: Result) -> int:
    return figures.written_back(result)
