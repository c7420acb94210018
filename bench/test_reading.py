"""Measure reading a trace: decoding it to dense numbers on one core, from the file to the printed result, and memory.

From the file to the result, our time is the whole command, from the start of the interpreter on. libcachesim's is one
call of `process_trace` over the same accesses in oracleGeneral, in a running process, with a table of the size at which
it is fastest. Both files are in the page cache. DRAM is a quarter of the footprint.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import is_smoke
from race import Row, race, timed

from zswapsim import read_trace, write_trace
from zswapsim._core.trace.dense import DenseMap
from zswapsim.traces import ArrayTrace, DenseTrace, Trace

libcachesim = pytest.importorskip("libcachesim", reason="libcachesim is not published for this machine")

EVENT_NS = 20  # 50 million events a second
AT_LEAST = {"oracleGeneral": 6, "Parquet": 5}
SUFFIX = {"oracleGeneral": ".oracleGeneral.bin", "Parquet": ".parquet"}
SPREAD = "oracleGeneral of pages far apart"  # pages of a 47-bit address space; small numbers are numbered faster
PAGE_BYTES = 8
ADDRESS_PAGES = 1 << 35  # pages of a 47-bit address space
CHUNK = 1 << 18


@pytest.fixture(scope="module")
def files(tmp_path_factory, scale) -> dict[str, Path]:
    """Write the same accesses in each form."""
    folder = tmp_path_factory.mktemp("reading")
    trace = read_trace(f"gen:zipf,pages={scale.footprint},events={scale.accesses},alpha=0.9,writes=0.2,seed=1")
    for suffix in SUFFIX.values():
        write_trace(trace, folder / f"trace{suffix}")
    files = {form: folder / f"trace{suffix}" for form, suffix in SUFFIX.items()}
    return files | {SPREAD: spread(trace, folder / "spread.oracleGeneral.bin")}


def spread(trace: Trace, file: Path) -> Path:
    chunks = list(trace.chunks())
    page, op = (np.concatenate([getattr(chunk, column) for chunk in chunks]) for column in ("page", "op"))
    write_trace(ArrayTrace(page * np.uint64(0x9E3779B1) % np.uint64(ADDRESS_PAGES), op), file)
    return file


@contextmanager
def one_core() -> Iterator[None]:
    """Keep all threads that are started here on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize("form", [*SUFFIX, SPREAD])
def test_decoding_to_dense_numbers(benchmark, scale, ratios, files, form) -> None:
    """Return the processor time of all threads, on one core."""

    def scan() -> float:
        began = time.process_time_ns()
        with one_core():
            DenseTrace(read_trace(files[form])).scan()
        return (time.process_time_ns() - began) / scale.accesses

    runners = {"ours": scan, "asked": lambda: EVENT_NS}
    best = race(benchmark, max(2, scale.rounds // 2), runners)
    ratios.append(Row(f"{form} to dense numbers, one core", "access", best["ours"], "asked", EVENT_NS, at_most=1))


def theirs(file: Path, pages: int) -> Callable[[], object]:
    def process() -> object:
        kind = libcachesim.TraceType.ORACLE_GENERAL_TRACE
        reader = libcachesim.TraceReader(str(file), kind, libcachesim.ReaderInitParam(ignore_obj_size=True))
        return libcachesim.LRU(pages // 4, hashpower=max(16, pages.bit_length())).process_trace(reader)

    return process


@pytest.mark.parametrize("form", SUFFIX)
def test_from_file_to_result(benchmark, scale, ratios, files, form) -> None:
    command = [sys.executable, "-m", "zswapsim", "run", str(files[form]), "--contents", "none", "--dram", "25%"]

    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the command as installed, with its bytecode

    def whole() -> None:
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        assert printed.startswith(f"completed: {scale.accesses:,} accesses")

    rival = theirs(files["oracleGeneral"], scale.footprint)
    runners = {"ours": timed(whole, scale.accesses), "libcachesim": timed(rival, scale.accesses)}
    # A start sometimes takes half as long again, so there are enough turns for one that does not.
    best = race(benchmark, scale.rounds, runners)
    what = f"{form} file to printed result, start included"
    bound = AT_LEAST[form]
    ratios.append(Row(what, "access", best["ours"], "process_trace", best["libcachesim"], at_least=bound))


@pytest.mark.parametrize("pages", [10**5, 10**6, 10**7, 10**8])
def test_memory_while_reading(benchmark, scale, ratios, pages) -> None:
    """Measure the largest memory a page of the table of page numbers, after every piece of the trace."""
    pages = min(pages, scale.footprint) if is_smoke() else pages
    most = [0.0]

    def number_all() -> None:
        table, out = DenseMap(), np.empty(CHUNK, np.uint32)
        for first in range(0, pages, CHUNK):
            numbers = np.arange(first, min(first + CHUNK, pages), dtype=np.uint64)
            table.map(numbers * np.uint64(0x9E3779B1) % np.uint64(ADDRESS_PAGES), out[: len(numbers)])
            most[0] = max(most[0], table.nbytes / len(table))

    benchmark.pedantic(number_all, rounds=1)
    what = f"memory of page numbers, {pages:,} pages"
    ratios.append(Row(what, "page", most[0], "asked", PAGE_BYTES, at_most=1, measure="B"))
