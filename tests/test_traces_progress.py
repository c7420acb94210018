"""Test what is reported while traces are read and written: it rises to the total, and never says more."""

import io
from collections.abc import Iterator

import numpy as np
import pytest

from zswapsim.traces import ArrayTrace, Chunk, DenseTrace, Trace
from zswapsim.traces.csvform import write_csv
from zswapsim.traces.npy import write_npy
from zswapsim.traces.oracle import RECORD, write_oracle
from zswapsim.traces.parquet import write_parquet

CHUNKS = (3, 1, 5)
EVENTS = sum(CHUNKS)


class InChunks(Trace):
    """Have chunks of three sizes, and say how many events there are or not."""

    def __init__(self, known: bool) -> None:
        self.name, self.events = "chunks", EVENTS if known else None

    def chunks(self) -> Iterator[Chunk]:
        place = 0
        for size in CHUNKS:
            numbers = np.arange(place, place + size)
            yield Chunk((numbers % 4).astype(np.uint64), (numbers % 2).astype(np.uint8))
            place += size


def ends(scale: int = 1) -> list[int]:
    return [int(end) * scale for end in np.cumsum(CHUNKS)]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("write", [write_csv, write_npy, write_parquet])
def test_a_writer_reports_the_events_written_and_the_total_if_it_is_known(write, known):
    seen: list[tuple[int, int]] = []
    trace = ArrayTrace(np.zeros(EVENTS, np.uint64), name="reads") if write is write_npy else InChunks(known)
    if write is write_npy and not known:
        trace.events = None
    assert write(trace, io.BytesIO(), lambda done, total: seen.append((done, total))) == EVENTS
    assert seen[-1] == (EVENTS, EVENTS if known else 0)
    assert seen == sorted(seen)
    assert write(InChunks(known) if write is not write_npy else trace, io.BytesIO()) == EVENTS


@pytest.mark.parametrize("known", [True, False])
def test_oraclegeneral_is_written_in_two_passes(known):
    seen: list[tuple[int, int]] = []
    out = io.BytesIO()
    assert write_oracle(InChunks(known), out, lambda done, total: seen.append((done, total))) == EVENTS
    first = [(end, 2 * EVENTS if known else 0) for end in ends()]
    second = [(EVENTS + end, 2 * EVENTS) for end in ends()]
    assert seen == first + second
    records = np.frombuffer(out.getvalue(), RECORD)
    assert records["object"].tolist() == [place % 4 for place in range(EVENTS)]
    assert records["next"].tolist() == [place + 5 if place + 4 < EVENTS else -1 for place in range(EVENTS)]


@pytest.mark.parametrize("known", [True, False])
def test_a_scan_reports_each_chunk(known):
    seen: list[tuple[int, int]] = []
    dense = DenseTrace(InChunks(known))
    dense.scan(lambda done, total: seen.append((done, total)))
    assert seen == [(end, EVENTS if known else 0) for end in ends()]
    assert (dense.events, dense.pages, dense.writes) == (EVENTS, 4, EVENTS // 2)
    dense.scan(lambda *_: pytest.fail("it was scanned"))


@pytest.mark.parametrize("kept", [EVENTS, EVENTS - 1])
def test_a_trace_that_is_kept_is_read_once_and_another_again(kept):
    dense = DenseTrace(InChunks(True))
    dense.keep_events = kept
    dense.scan()
    assert (dense._kept is None) == (kept < EVENTS)
    pages = np.concatenate([page for page, _ in dense.chunks()])
    assert pages.tolist() == [place % 4 for place in range(EVENTS)]
