"""Rivals measured in turns, so that whatever else the machine does slows them alike; and the table of ratios."""

import time
from collections.abc import Callable
from dataclasses import dataclass

# Runs once and returns nanoseconds a unit (a page, an access) of that very run.
Runner = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """One line of the table: our time beside a rival's, both in nanoseconds a unit, or in what `measure` says."""

    what: str
    unit: str
    ours: float
    rival: str
    rivals: float
    at_most: float | None = None  # wanted: our time at most so many times the rival's
    at_least: float | None = None  # wanted: the rival's time at least so many times ours
    measure: str = "ns"

    @property
    def ratio(self) -> float:
        """How many times the rival's time ours is; where faster is wanted, the other way round."""
        return self.rivals / self.ours if self.at_least else self.ours / self.rivals

    @property
    def wanted(self) -> str:
        """The bound as text; empty where there is none."""
        if self.at_least:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most else ""

    @property
    def met(self) -> bool:
        """Whether the bound holds, or there is none."""
        return self.ratio >= self.at_least if self.at_least else self.at_most is None or self.ratio <= self.at_most


def timed(work: Callable[[], object], units: int, before: Callable[[], object] = lambda: None) -> Runner:
    """A runner that measures `work`, after `before`, which is not measured."""

    def run() -> float:
        before()
        began = time.perf_counter_ns()
        work()
        return (time.perf_counter_ns() - began) / units

    return run


def race(benchmark: Callable[..., object], rounds: int, runners: dict[str, Runner]) -> dict[str, float]:
    """The least time of each runner over `rounds` turns (A B C A B C …); the first is the one pytest-benchmark shows.

    The least is taken because other work on the machine only ever adds. One turn before the first is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in runners}

    def turn(names: list[str]) -> None:
        for name in names:
            times[name].append(runners[name]())

    ours, *rivals = runners
    turn(list(runners))
    benchmark.pedantic(turn, args=([ours],), setup=lambda: turn(rivals), rounds=rounds)  # type: ignore[attr-defined]
    return {name: min(taken[1:]) for name, taken in times.items()}


def table(rows: list[Row], judged: bool) -> list[str]:
    """The rows as lines of text; `judged` says whether a bound that is not met is marked."""
    head = ("what", "ours", "rival", "rival's", "ratio", "wanted")
    cells = [head]
    for row in rows:
        mark = "  not met" if judged and not row.met else ""
        unit = f"{row.measure}/{row.unit}"
        times = (f"{row.ours:,.1f} {unit}", row.rival, f"{row.rivals:,.1f} {unit}")
        cells.append((row.what, *times, f"{row.ratio:.2f}", row.wanted + mark))
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    left = {0, 2, 5}
    return [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
