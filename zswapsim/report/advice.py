"""Two sentences that a reader of a comparison can act on. Every word of them follows from the numbers."""

from collections.abc import Sequence

from zswapsim.report import figures
from zswapsim.report.units import count, duration, format_size
from zswapsim.study.result import COMPLETED, Result

CLOSE = 1.05
"""Stalls within five per cent of each other are called equal."""


def advice(results: Sequence[Result]) -> str:
    """Which compressor to take and what it gives; what it costs and what the next choice would change.

    Runs on plain disk serve as the yardstick only.
    """
    able = [result for result in results if result.outcome == COMPLETED]
    pooled = sorted((result for result in able if result.settings["backend"] != "disk"), key=_stall)
    if not pooled:
        return "No run with a pool completed: give it more DRAM, a larger node or a swap device."
    disk = next((result for result in able if result.settings["backend"] == "disk"), None)
    return f"{_choice(pooled[0])}\n{_cost(pooled[0], pooled[1:], disk)}"


def _choice(best: Result) -> str:
    """What to take, and the memory that it spares."""
    peak = best.counters["peak_pool_total_size"]
    spared = figures.footprint(best) - figures.dram(best)
    return (
        f"Take {_name(best)}: it waits least, and keeps the {format_size(spared)} that no longer fit in DRAM in "
        f"{format_size(peak)} of the private node{_overflow(best)}, so {format_size(spared - peak)} are saved."
    )


def _overflow(result: Result) -> str:
    written = result.counters["written_back_pages"]
    return f" (and wrote {count(written)} pages back to the device)" if written else " (nothing went to the device)"


def _cost(best: Result, others: Sequence[Result], disk: Result | None) -> str:
    """The price of the choice, and its nearest rival in memory."""
    mean = duration(best.fault_latency_ns.get("mean", 0.0))
    sentence = f"It costs {mean} a major fault, {figures.faults_per_1000(best):.1f} faults in 1000 accesses"
    if disk is not None and _stall(best):
        sentence += f" and {_stall(disk) / _stall(best):.1f} times less waiting than plain swap"
    return f"{sentence}; {_rival(best, others)}."


def _rival(best: Result, others: Sequence[Result]) -> str:
    """What the run with the smallest pool would change, if it is another one."""
    smaller = [other for other in others if _peak(other) < _peak(best)]
    if not smaller:
        return "none of the others needs less of the node"
    rival = min(smaller, key=_peak)
    saved = f"{_name(rival)} would need {format_size(_peak(best) - _peak(rival))} less of the node"
    more = _stall(rival) / _stall(best) if _stall(best) else 1.0
    return f"{saved}, for as little waiting" if more < CLOSE else f"{saved}, for {more:.2f} times the waiting"


def _name(result: Result) -> str:
    return str(result.settings["compressor"])


def _stall(result: Result) -> float:
    return result.modelled_ns["total"]


def _peak(result: Result) -> int:
    return result.counters["peak_pool_total_size"]
