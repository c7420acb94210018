"""Files that are read at once, beside the same files read piece by piece."""

import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zswapsim import InputError, read_trace, write_trace
from zswapsim._core.base.errors import BusyError
from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.oraclefile import OracleFile
from zswapsim.traces import ArrayTrace, Chunk, DenseTrace, Trace
from zswapsim.traces.whole import KEEP_EVENTS, WholeFile, begin, events_begun, open_whole

FORMS = {"oracleGeneral": ".bin", "parquet": ".parquet"}


class InPieces(Trace):
    """A trace that can't be read at once."""

    def __init__(self, trace: Trace) -> None:
        self.name, self.trace = trace.name, trace

    def chunks(self) -> Iterator[Chunk]:
        return self.trace.chunks()

    def accesses(self) -> Iterator[Chunk]:
        return self.trace.accesses()


def scanned(trace: Trace) -> tuple[list[int], list[int], list[int], int]:
    """Numbers, ops, original pages and writes."""
    dense = DenseTrace(trace)
    dense.scan()
    pages, ops = (np.concatenate(column) for column in zip(*dense.chunks(), strict=True))
    return pages.tolist(), ops.tolist(), dense.originals().tolist(), dense.writes


def is_whole(path: Path, form: str) -> bool:
    """Whether the file is read at once, to its end."""
    whole = open_whole(str(path), form, KEEP_EVENTS)
    return whole is not None and whole.wait(60) and whole.good


def random_trace(events: int, most: int, writes: float) -> ArrayTrace:
    draw = np.random.default_rng(events)
    page = draw.integers(0, most, events, np.uint64, endpoint=True)
    return ArrayTrace(page, (draw.random(events) < writes).astype(np.uint8), np.arange(events, dtype=np.uint64))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("writes", [0, 0.3, 1])
@pytest.mark.parametrize(("events", "most"), [(1, 0), (2, 2**64 - 1), (50_001, 2**22), (1_100_000, 900)])
def test_is_what_is_read_in_pieces(tmp_path: Path, form: str, writes: float, events: int, most: int) -> None:
    file = tmp_path / f"a{FORMS[form]}"
    write_trace(random_trace(events, most, writes), file)
    assert is_whole(file, form)
    assert scanned(read_trace(file)) == scanned(InPieces(read_trace(file)))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=300), st.integers(0, 64))
def test_reads_differences_of_every_width(
    tmp_path_factory: pytest.TempPathFactory, pages: list[int], bits: int
) -> None:
    file = tmp_path_factory.mktemp("width") / "a.parquet"
    write_trace(ArrayTrace(np.array(pages, np.uint64) >> np.uint64(min(bits, 63))), file)
    assert is_whole(file, "parquet")
    assert scanned(read_trace(file)) == scanned(InPieces(read_trace(file)))


@pytest.mark.parametrize("how", [{"compression": "zstd"}, {"use_dictionary": True}, {"data_page_version": "2.0"}, {}])
def test_leaves_other_parquet_to_arrow(tmp_path: Path, how: dict[str, object]) -> None:
    trace = random_trace(5000, 100, 0.5)
    write_trace(trace, tmp_path / "a.parquet")
    pq.write_table(pq.read_table(tmp_path / "a.parquet"), tmp_path / "b.parquet", **how)
    assert not is_whole(tmp_path / "b.parquet", "parquet")
    assert scanned(read_trace(tmp_path / "b.parquet")) == scanned(trace)


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_is_never_read_as_another(tmp_path: Path, form: str) -> None:
    """It is refused, or the damage is where nothing was to be read."""
    file, draw = tmp_path / f"a{FORMS[form]}", np.random.default_rng(5)
    write_trace(random_trace(3000, 10**6, 0.5), file)
    whole, good = file.read_bytes(), scanned(read_trace(file))
    for _ in range(300):
        spoilt = bytearray(whole)
        at = int(draw.integers(len(whole))) if form == "parquet" else int(draw.integers(3000)) * 24 + 23
        spoilt[at] ^= 0x80 if form == "oracleGeneral" else 1 << int(draw.integers(8))
        file.write_bytes(spoilt)
        opened = open_whole(str(file), form, KEEP_EVENTS)
        if opened is not None and opened.wait(60) and opened.good:
            numbers, _ = opened.file.take()
            assert np.asarray(numbers).tolist() == good[0]


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_file_is_refused_at_every_length(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"a{FORMS[form]}"
    write_trace(random_trace(40, 9, 0.5), file)
    data = file.read_bytes()
    for length in range(len(data)):
        file.write_bytes(data[:length])
        assert is_whole(file, form) == (form == "oracleGeneral" and length > 0 and length % 24 == 0)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_begun_is_taken_over_once(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"a{FORMS[form]}"
    write_trace(random_trace(1000, 50, 0.5), file)
    assert begin(str(file))
    assert events_begun(str(file)) == 1000
    first = scanned(read_trace(file))
    assert events_begun(str(file)) == 0
    assert scanned(read_trace(file)) == first


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_changed_since_is_read_anew(tmp_path: Path, form: str) -> None:
    file, other = tmp_path / f"a{FORMS[form]}", random_trace(2000, 50, 0.5)
    write_trace(random_trace(1000, 50, 0.5), file)
    assert begin(str(file))
    write_trace(other, file)
    assert scanned(read_trace(file))[0] == scanned(other)[0]


def test_nothing_is_begun_that_is_no_file(tmp_path: Path) -> None:
    assert not begin(str(tmp_path / "none.bin"))
    assert not begin(str(tmp_path / "none"))
    assert not begin("gen:zipf,pages=10,events=100")
    (tmp_path / "folder.bin").mkdir()
    assert not begin(str(tmp_path / "folder.bin"))


def test_more_events_than_are_kept_are_read_in_pieces(tmp_path: Path) -> None:
    for form, suffix in FORMS.items():
        write_trace(random_trace(1000, 50, 0.5), tmp_path / f"a{suffix}")
        assert open_whole(str(tmp_path / f"a{suffix}"), form, 999) is None


def test_stops_and_gives_nothing(tmp_path: Path) -> None:
    write_trace(random_trace(1000, 50, 0.5), tmp_path / "a.bin")
    with (tmp_path / "a.bin").open("rb") as file:
        reader = OracleFile(file.fileno(), 1000, DenseMap())
        reader.stop()
        assert not reader.read()
        with pytest.raises(InputError, match="expected to have been read"):
            reader.take()
    before = threading.active_count()
    WholeFile(str(tmp_path / "a.bin"), "oracleGeneral", KEEP_EVENTS).stop()
    assert threading.active_count() == before


def ask_for_ever(pages: DenseMap) -> NoReturn:
    while True:
        pages.originals()


def test_a_second_thread_is_refused() -> None:
    """While one reads, neither the file nor its table of pages is another's."""
    source, sink = os.pipe()
    reader = OracleFile(source, 1, DenseMap())
    thread = threading.Thread(target=reader.read)
    thread.start()
    with pytest.raises(BusyError):
        ask_for_ever(reader.pages)
    with pytest.raises(BusyError):
        reader.read()
    os.write(sink, struct.pack("<IQIq", 0, 7, 1, -1))
    os.close(sink)
    thread.join()
    os.close(source)
    assert reader.pages.originals().tolist() == [7]
