"""Check that files read at once give what they give in pieces, and that damaged and cut files are refused."""

import os
import re
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from zswapsim import InputError, read_trace, write_trace
from zswapsim._core.base.errors import BusyError
from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.oraclefile import OracleFile
from zswapsim.traces import ArrayTrace, Chunk, DenseTrace, Trace
from zswapsim.traces.whole import KEEP_EVENTS, WholeFile, _begun, begin, open_whole

FORMS = {"oracleGeneral": ".bin", "parquet": ".parquet"}


class InPieces(Trace):
    """Return a trace that can't be read at once."""

    def __init__(self, trace: Trace) -> None:
        self.name, self.trace = trace.name, trace

    def chunks(self) -> Iterator[Chunk]:
        return self.trace.chunks()

    def accesses(self) -> Iterator[Chunk]:
        return self.trace.accesses()


def scanned(trace: Trace) -> tuple[list[int], list[int], list[int], int]:
    """Return numbers, ops, original pages and writes."""
    dense = DenseTrace(trace)
    dense.scan()
    pages, ops = (np.concatenate(column) for column in zip(*dense.chunks(), strict=True))
    return pages.tolist(), ops.tolist(), dense.originals().tolist(), dense.writes


def is_whole(path: Path) -> bool:
    """Return True if the file is read at once, to its end."""
    whole = open_whole(str(path), KEEP_EVENTS)
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
    pieces = scanned(InPieces(read_trace(file)))
    assert scanned(read_trace(file)) == pieces
    assert begin(str(file)) == (form == "oracleGeneral")
    assert scanned(read_trace(file)) == pieces


def test_a_damaged_record_is_left_to_the_other_reader(tmp_path: Path) -> None:
    file, draw = tmp_path / "a.bin", np.random.default_rng(5)
    write_trace(random_trace(3000, 10**6, 0.5), file)
    whole = file.read_bytes()
    for _ in range(30):
        spoilt, event = bytearray(whole), int(draw.integers(3000))
        after = int.from_bytes(spoilt[24 * event + 16 : 24 * event + 24], "little", signed=True)
        spoilt[24 * event + 23] ^= 0x80
        file.write_bytes(spoilt)
        assert is_whole(file) == (after == -1)  # libCacheSim's other form of "never"
        if after != -1:
            with pytest.raises(InputError, match=f"byte offset {24 * event}: expected a record"):
                DenseTrace(read_trace(file)).scan()


def test_a_damaged_parquet_file_is_never_read_as_another(tmp_path: Path) -> None:
    """The file is refused in one line that names it, or the damage is in bytes that are not read."""
    file, draw, refused = tmp_path / "a.parquet", np.random.default_rng(5), 0
    write_trace(random_trace(3000, 10**6, 0.5), file)
    whole, good = file.read_bytes(), scanned(read_trace(file))
    for _ in range(300):
        spoilt = bytearray(whole)
        spoilt[int(draw.integers(len(whole)))] ^= 1 << int(draw.integers(8))
        file.write_bytes(spoilt)
        try:
            assert scanned(read_trace(file)) == good
        except InputError as error:
            refused += 1
            assert str(error).startswith(f"{file}: ")
            assert "\n" not in str(error)
    assert refused > 200


def test_a_cut_file_is_refused_at_every_length(tmp_path: Path) -> None:
    for suffix in FORMS.values():
        file = tmp_path / f"a{suffix}"
        write_trace(random_trace(40, 9, 0.5), file)
        data = file.read_bytes()
        for length in range(len(data)):
            file.write_bytes(data[:length])
            if suffix == ".bin" and length > 0 and length % 24 == 0:
                assert is_whole(file)
                continue
            with pytest.raises(InputError, match=re.escape(f"{file}: ")):
                DenseTrace(read_trace(file)).scan()


def test_fewer_rows_than_the_file_says_are_refused(tmp_path: Path) -> None:
    write_trace(random_trace(1000, 50, 0.5), tmp_path / "a.parquet")
    trace = read_trace(tmp_path / "a.parquet")
    trace.rows += 1  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"a\.parquet: row 1000: expected 1001 rows, as the file's metadata says"):
        list(trace.chunks())


def test_what_was_begun_is_taken_over_once(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    write_trace(random_trace(1000, 50, 0.5), file)
    assert begin(str(file))
    whole = _begun[str(file)]
    assert open_whole(str(file), 1000) is whole
    assert open_whole(str(file), 1000) is not whole
    assert begin(str(file))
    first = scanned(read_trace(file))
    assert not _begun
    assert scanned(read_trace(file)) == first


def test_a_file_that_changed_since_is_read_anew(tmp_path: Path) -> None:
    file, other = tmp_path / "a.bin", random_trace(2000, 50, 0)
    write_trace(random_trace(1000, 50, 0.5), file)
    assert begin(str(file))
    write_trace(other, file)
    assert scanned(read_trace(file)) == scanned(other)


def test_nothing_is_begun_that_is_no_file(tmp_path: Path) -> None:
    assert not begin(str(tmp_path / "none.bin"))
    assert not begin(str(tmp_path / "none"))
    assert not begin("gen:zipf,pages=10,events=100")
    (tmp_path / "folder.bin").mkdir()
    assert not begin(str(tmp_path / "folder.bin"))


def test_more_events_than_are_kept_are_read_in_pieces(tmp_path: Path) -> None:
    write_trace(random_trace(1000, 50, 0.5), tmp_path / "a.bin")
    assert begin(str(tmp_path / "a.bin"))
    assert open_whole(str(tmp_path / "a.bin"), 999) is None
    assert not _begun


def test_stops_and_gives_nothing(tmp_path: Path) -> None:
    write_trace(random_trace(1000, 50, 0.5), tmp_path / "a.bin")
    with (tmp_path / "a.bin").open("rb") as file:
        reader = OracleFile(file.fileno(), 1000, DenseMap())
        reader.stop()
        assert not reader.read()
        with pytest.raises(InputError, match="expected to have been read"):
            reader.take()
    before = threading.active_count()
    WholeFile(str(tmp_path / "a.bin"), KEEP_EVENTS).stop()
    assert threading.active_count() == before


def ask_for_ever(pages: DenseMap) -> NoReturn:
    while True:
        pages.originals()


def test_a_second_thread_is_refused() -> None:
    """While one thread reads, no other thread can use the file or its table of pages."""
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
