"""Define the sizes of a benchmark run, the pages it works on, and the table of ratios at its end.

``BENCH=smoke`` makes every size tiny: it shows that the benchmarks run, but its figures mean nothing.
"""

import os
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from page_mix import mixed_pages
from race import Row, table

ROWS = pytest.StashKey[list[Row]]()


@dataclass(frozen=True)
class Scale:
    """The amounts that are measured."""

    pages: int  # pages of one pass over the page store
    rounds: int  # rounds of each rival
    accesses: int  # accesses of a replay that only counts
    footprint: int  # its pages
    stored_accesses: int  # accesses of a replay with contents
    stored_footprint: int  # its pages


SMOKE = Scale(pages=64, rounds=2, accesses=20_000, footprint=1_000, stored_accesses=4_000, stored_footprint=400)
FULL = Scale(
    pages=8192,
    rounds=9,
    accesses=20_000_000,
    footprint=1_000_000,
    stored_accesses=2_000_000,
    stored_footprint=65_536,
)


def is_smoke() -> bool:
    """Return True if this run only shows that the benchmarks run."""
    chosen = os.environ.get("BENCH", "full")
    if chosen not in {"full", "smoke"}:
        raise pytest.UsageError(f"BENCH={chosen}: expected full or smoke")
    return chosen == "smoke"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture(scope="session")
def scale() -> Scale:
    return SMOKE if is_smoke() else FULL


@pytest.fixture(scope="session")
def pages(scale: Scale) -> NDArray[np.uint8]:
    return mixed_pages(scale.pages)


@pytest.fixture(scope="session")
def ratios(request: pytest.FixtureRequest) -> list[Row]:
    """Return the rows of the table, to which each benchmark appends its own."""
    return request.config.stash[ROWS]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("ratios")
    for line in table(rows, judged=not is_smoke()):
        terminalreporter.write_line(line)
    if is_smoke():
        terminalreporter.write_line("a smoke run: the sizes are tiny and the figures mean nothing")
