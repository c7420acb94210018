"""Measure rivals in turns, so that other work on the machine slows them alike, and print the table of ratios."""

import time
from collections.abc import Callable
from dataclasses import dataclass

# Run once, and return the nanoseconds a unit (a page, an access) of that very run.
Runner = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """One line of the table: our time and a rival's, both in nanoseconds a unit or in the unit of `measure`."""

    what: str
    unit: str
    ours: float
    rival: str
    rivals: float
    at_most: float | None = None  # bound: our time is at most this multiple of the rival's
    at_least: float | None = None  # bound: the rival's time is at least this multiple of ours
    measure: str = "ns"

    @property
    def ratio(self) -> float:
        """Return our time as a multiple of the rival's, or the rival's of ours if `at_least` is the bound."""
        return self.rivals / self.ours if self.at_least else self.ours / self.rivals

    @property
    def wanted(self) -> str:
        """Return the bound as text, or "" if there is none."""
        if self.at_least:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most else ""

    @property
    def met(self) -> bool:
        """Return True if the bound holds, or there is none."""
        return self.ratio >= self.at_least if self.at_least else self.at_most is None or self.ratio <= self.at_most


def timed(work: Callable[[], object], units: int, before: Callable[[], object] = lambda: None) -> Runner:
    """Make a runner that measures `work`, after `before`, which is not measured."""

    def run() -> float:
        before()
        began = time.perf_counter_ns()
        work()
        return (time.perf_counter_ns() - began) / units

    return run


def race(benchmark: Callable[..., object], rounds: int, runners: dict[str, Runner]) -> dict[str, float]:
    """Return the minimum time of each runner over `rounds` turns (A B C A B C …).

    pytest-benchmark shows the first runner. The minimum is taken because other work on the machine only adds time. One
    turn before the first is not counted.
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
    """Return the rows as lines of text; if `judged`, a bound that is not met is marked."""
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
