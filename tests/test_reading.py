"""Test reading ahead in a thread, and the fast paths of the forms that have one."""

import os
import re
import signal
import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import started

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.oracle import decode
from zswapsim.traces import ArrayTrace, DenseTrace, read_trace, write_trace
from zswapsim.traces.ahead import ahead
from zswapsim.traces.oracle import RECORD
from zswapsim.traces.parquet import ParquetTrace
from zswapsim.traces.trace import READ_EVENTS


def readers() -> list[threading.Thread]:
    """Return the threads that remain after each had time to finish its work."""
    left = [thread for thread in threading.enumerate() if thread.name == "zswapsim-reader"]
    for thread in left:
        thread.join(30)
    return [thread for thread in left if thread.is_alive()]


class Source:
    """Yield numbers, and note how the iteration ended."""

    def __init__(self, error: Exception | None = None) -> None:
        self.made, self.closed, self.error, self.reached = 0, False, error, threading.Event()

    def items(self, count: int) -> Generator[int, None, None]:
        try:
            for number in range(count):
                self.made += 1
                if self.made == 4:
                    self.reached.set()
                yield number
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def test_items_come_in_order_from_another_thread() -> None:
    main, made_in = threading.current_thread(), set()

    def items() -> Generator[int, None, None]:
        for number in range(1000):
            made_in.add(threading.current_thread())
            yield number

    assert list(ahead(items())) == list(range(1000))
    assert len(made_in) == 1
    assert main not in made_in
    assert readers() == []


def test_an_error_is_raised_in_its_place() -> None:
    source, seen = Source(InputError("a.csv: line 3")), []
    with pytest.raises(InputError, match="line 3"):
        seen.extend(ahead(source.items(5)))
    assert (readers(), seen, source.closed) == ([], [0, 1, 2, 3, 4], True)


def test_it_is_not_too_far_ahead_and_ends_when_left() -> None:
    source = Source()
    reading = ahead(source.items(10**9), depth=3)
    assert next(reading) == 0
    assert source.reached.wait(30)
    assert source.made == 4
    reading.close()  # type: ignore[attr-defined]
    assert (readers(), source.made, source.closed) == ([], 4, True)


def test_one_inside_another_ends_too() -> None:
    source = Source()
    outer = ahead(number for number in ahead(source.items(10**9)))
    assert [next(outer), next(outer)] == [0, 1]
    outer.close()  # type: ignore[attr-defined]
    assert (readers(), source.closed) == ([], True)


def test_a_trace_that_is_left_or_bad_leaves_no_thread(tmp_path: Path) -> None:
    dense = DenseTrace(read_trace("gen:uniform,pages=100,events=5e6"), keep_events=0)
    dense.scan()
    chunks = dense.chunks()
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    (tmp_path / "a.csv").write_text("page,op\n1,R\nx,R\n")
    with pytest.raises(InputError, match="line 3"):
        DenseTrace(read_trace(tmp_path / "a.csv")).scan()
    assert readers() == []


@pytest.mark.parametrize("suffix", [".parquet", ".bin", ".bin.zst", ".csv", ".npy"])
def test_accesses_are_the_chunks_without_times(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    page, op = rng.integers(0, 2**64, 300_000, np.uint64), rng.integers(0, 2, 300_000, np.uint8)
    write_trace(ArrayTrace(page, op, np.arange(300_000)), tmp_path / f"a{suffix}")
    trace = read_trace(tmp_path / f"a{suffix}")
    for chunks, timed in ((list(trace.chunks()), True), (list(trace.accesses()), suffix in (".csv", ".npy"))):
        assert (np.concatenate([chunk.page for chunk in chunks]) == page).all()
        assert (np.concatenate([chunk.op for chunk in chunks]) == (0 if "bin" in suffix else op)).all()
        assert all((chunk.time_ns is not None) == timed for chunk in chunks)


@pytest.mark.parametrize("kind", ["uint64", "int64", "uint8", "dictionary"])
@pytest.mark.parametrize("ops", [["W", "R", "W"], ["R", "R", "W"], [1, 0, 1]])
def test_parquet_columns_of_any_kind(tmp_path: Path, kind: str, ops: list[object]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    page = pa.array([7, 250, 7], pa.uint64() if kind == "dictionary" else getattr(pa, kind)())
    page = page.dictionary_encode() if kind == "dictionary" else page
    for op in (pa.array(ops), pa.array(ops).dictionary_encode()):
        pq.write_table(pa.table({"page": page, "op": op}), tmp_path / "a.parquet")
        (chunk,) = ParquetTrace(tmp_path / "a.parquet").accesses()
        assert chunk.page.tolist() == [7, 250, 7]
        assert chunk.op.tolist() == [int(each in ("W", 1)) for each in ops]


def test_parquet_of_one_large_row_group(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    page = np.random.default_rng(0).integers(0, 1 << 40, 1_000_000).astype(np.uint64)
    table = pa.table({"page": page, "op": pa.array(np.zeros(len(page), np.uint8))})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=len(page))
    assert (np.concatenate([chunk.page for chunk in ParquetTrace(tmp_path / "a.parquet").accesses()]) == page).all()


def test_more_ops_than_there_can_be(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    ops = [f"{'RW'[number % 2]}" for number in range(700)] + [f"op {number}" for number in range(700)]
    pq.write_table(pa.table({"page": np.arange(1400), "op": ops}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="row 700: column op: expected R or W, got 'op 0'"):
        list(ParquetTrace(tmp_path / "a.parquet").accesses())


def test_decode_says_which_record_is_garbled() -> None:
    records = np.zeros(5, RECORD)
    records["object"], records["next"] = [1, 2**64 - 1, 3, 4, 5], [-1, 5, 2**63 - 1, -1, 20]
    pages = np.empty(5, np.uint64)
    assert decode(records.tobytes(), 0, pages) == 5
    assert pages.tolist() == records["object"].tolist()
    assert decode(records.tobytes(), 5, pages) == 1
    records["next"][3] = -2
    assert decode(records.tobytes(), 0, pages) == 3
    assert decode(b"", 0, pages[:0]) == 0
    with pytest.raises(InputError, match="100 bytes and room for 5"):
        decode(records.tobytes()[:100], 0, pages)


def test_an_interruption_while_reading_says_how_far_it_was(tmp_path: Path) -> None:
    """The trace is a pipe into which nothing more is written: the reader hangs, and its thread is abandoned."""
    piece = np.zeros(READ_EVENTS, RECORD)
    piece["object"], piece["next"] = np.arange(READ_EVENTS) % 1000, -1
    os.mkfifo(tmp_path / "a.bin")
    with started("run", tmp_path / "a.bin", "--contents", "none") as process, (tmp_path / "a.bin").open("wb") as pipe:
        for _ in range(7):  # more than what is read ahead
            pipe.write(piece.tobytes())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    read = re.fullmatch(rf"zswapsim: interrupted: {tmp_path}/a.bin: had read (\S+) accesses to 1,000 pages, .*\n", err)
    assert read is not None, err
    assert int(read[1].replace(",", "")) in range(0, 8 * READ_EVENTS, READ_EVENTS)
