"""Read traces over the seams of blocks, chunks and limits: what is read, and the place that an error names."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.refusals import complaint
from zswapsim.traces import Chunk, DenseTrace, Trace, read_trace, write_trace
from zswapsim.traces.damo import read_snapshots
from zswapsim.traces.lines import LONGEST
from zswapsim.traces.perf import PerfTrace

FAULT = "x {process}/8 [001] {time}: 1 page-faults: {address} main (/x) 11c8 f (/y)\n"
DAMON = "k 1 [0] {at}: damon:damon_aggregated: target_id={target} nr_regions={count} {span}: {rest}\n"
EMPTY_RAW = (
    "base_time_absolute: 0\nmonitoring_start: 0\nmonitoring_end: 1 s\nmonitoring_duration: 1 s\ntarget_id: 0\n"
    "nr_regions: 2\n1000-1000(0 B): 1 1\n2000-3000(4 K): 1 1\n"
)
EMPTY_JSON = (
    '[{"target_id": 0, "snapshots": [{"start_time": 0, "end_time": 1, "regions": ['
    '{"start": 4096, "end": 4096, "nr_accesses": {"samples": 1}, "age": {"aggr_intervals": 1}},'
    '{"start": 8192, "end": 12288, "nr_accesses": {"samples": 1}, "age": {}}]}]}]'
)


def fault(time: str = "12.000001", process: int = 7, address: str = "7f5c2bdd3123") -> str:
    return FAULT.format(time=time, process=process, address=address)


def damon(span: str, at: str = "1.0", target: int = 0, rest: str = "1 2", count: int = 1) -> str:
    return DAMON.format(span=span, at=at, target=target, rest=rest, count=count)


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def whole(trace: Trace) -> Chunk:
    chunks = list(trace.chunks())
    return Chunk(*(None if part[0] is None else np.concatenate(part) for part in zip(*chunks, strict=True)))  # type: ignore[arg-type]


def refused(path: Path) -> str:
    """Return what is wrong with a file, without its name."""
    return complaint(path).removeprefix(f"{path}: ")


class InChunks(Trace):
    """Fifty events in chunks of ten."""

    def __init__(self) -> None:
        self.name, self.events = "chunks", 50

    def chunks(self) -> Iterator[Chunk]:
        for first in range(0, 50, 10):
            yield Chunk(np.arange(first, first + 10, dtype=np.uint64) % 7, np.ones(10, np.uint8))


@pytest.mark.parametrize("bad", [0, 1, 2, 5])
def test_a_bad_record_is_named_by_its_place_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    monkeypatch.setattr("zswapsim.traces.oracle.READ_EVENTS", 2)
    records = b"".join(struct.pack("<IQIq", 0, 9, 512, bad if at == bad else -1) for at in range(6))
    expected = (
        f"byte offset {24 * bad}: expected a record whose next_access_vtime is -1 or above its own position {bad}"
    )
    assert refused(written(tmp_path / "a.bin", records)) == f"{expected}, got {bad}"
    good = struct.pack("<IQIq", 3, 9, 512, -1) * bad
    cut = refused(written(tmp_path / "b.bin", good + b"12345"))
    assert cut == f"byte offset {24 * bad}: expected a record of 24 bytes, got 5"


def test_records_of_several_blocks_keep_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.oracle.READ_EVENTS", 2)
    path = written(tmp_path / "a.bin", b"".join(struct.pack("<IQIq", at, 2**63 + at, 1, -1) for at in range(5)))
    events = whole(read_trace(path))
    assert events.page.tolist() == [2**63 + at for at in range(5)]
    assert events.time_ns.tolist() == [at * 10**9 for at in range(5)]
    assert events.op.tolist() == [0] * 5


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npy", ".bin"])
def test_progress_goes_on_from_chunk_to_chunk(tmp_path: Path, suffix: str) -> None:
    calls: list[tuple[int, int]] = []
    assert write_trace(InChunks(), tmp_path / f"a{suffix}", lambda *at: calls.append(at)) == 50
    most = 100 if suffix == ".bin" else 50
    assert calls == [(done, most) for done in range(10, most + 1, 10)]


def test_progress_of_a_scan_goes_on() -> None:
    calls: list[tuple[int, int]] = []
    DenseTrace(InChunks()).scan(lambda *at: calls.append(at))
    assert calls == [(10 * number, 50) for number in range(1, 6)]


def test_chunks_of_page_faults_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.perf.READ_EVENTS", 3)
    monkeypatch.setattr("zswapsim.traces.lines.BLOCK_BYTES", 32)
    lines = [fault(f"{at}.000001", at % 3, f"{at}000") for at in range(1, 9)]
    chunks = list(PerfTrace(written(tmp_path / "a.perf", "".join(lines))).chunks())
    assert [len(part) for chunk in chunks for part in chunk] == [3] * 8 + [2] * 4
    events = [np.concatenate(part).tolist() for part in zip(*chunks, strict=True)]
    ats = range(1, 9)
    assert events == [[*ats], [0] * 8, [at * 10**9 + 1000 for at in ats], [at % 3 for at in ats]]


def test_the_largest_numbers_of_page_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.perf"
    last = whole(read_trace(written(path, fault("18446744073.709551615", 2**32 - 1, "7fffffffffffffff"))))
    assert [part.tolist() for part in last] == [[2**51 - 1], [0], [2**64 - 1], [2**32 - 1]]
    said = "line 1: expected a process below 2**32 and a time below 2**64 ns"
    assert refused(written(path, fault(process=2**32))) == said
    assert refused(written(path, fault("18446744073.709551616"))) == said
    assert refused(written(path, fault(address="8000000000000000"))).startswith("the trace is empty")


@pytest.mark.parametrize(("error", "op"), [(0, 0), (1, 0), (2, 1), (4, 0), (6, 1), (5, 0)])
def test_the_write_bit_of_an_error_code(tmp_path: Path, error: int, op: int) -> None:
    text = f"x 7 1.000000: exceptions:page_fault_user: address=0x5000 ip=0x1 error_code=0x{error}\n"
    events = whole(read_trace(written(tmp_path / "a.perf", text)))
    assert (events.page.tolist(), events.op.tolist(), events.process) == ([5], [op], None)


def test_lines_up_to_the_longest_and_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.perf"
    assert whole(read_trace(written(path, "#" * LONGEST + "\n" + fault()))).page.tolist() == [0x7F5C2BDD3]
    said = refused(written(path, fault() + "#" * (LONGEST + 1) + "\n"))
    assert said == f"line 2: expected lines of text, got one of {LONGEST + 1} bytes or more"
    monkeypatch.setattr("zswapsim.traces.lines.BLOCK_BYTES", 16)
    assert refused(written(path, "#\r\n\n" + fault() * 3 + "none")) == (
        "line 6: expected an event as perf script prints it, got 'none'"
    )


@pytest.mark.parametrize(
    "text",
    [
        damon("4096-4096", count=2) + damon("8192-12288", count=2) + damon("0-4096", "2.0"),
        EMPTY_RAW,
        EMPTY_JSON,
    ],
)
def test_an_empty_region_is_no_error(tmp_path: Path, text: str) -> None:
    first = next(iter(read_snapshots(written(tmp_path / "a.damo", text))))
    assert (first.start.tolist(), first.end.tolist()) == ([4096, 8192], [4096, 12288])
    assert whole(read_trace(tmp_path / "a.damo")).page[:1].tolist() == [2]


def test_a_snapshot_never_begins_after_its_end(tmp_path: Path) -> None:
    json = '[{"target_id": 0, "snapshots": [{"start_time": 9, "end_time": 5, "regions": []}]}]'
    assert [(each.start_ns, each.end_ns) for each in read_snapshots(written(tmp_path / "a.damo", json))] == [(5, 5)]
    text = damon("0-4096", "3.0") + damon("0-4096", "2.0") + damon("0-4096", "4.0")
    spans = [(each.start_ns, each.end_ns) for each in read_snapshots(written(tmp_path / "b.damo", text))]
    second = 10**9
    assert spans == [(3 * second, 3 * second), (2 * second, 2 * second), (2 * second, 4 * second)]
    early = damon("0-4096", "1.0") + damon("0-4096", "9.0")
    assert next(iter(read_snapshots(written(tmp_path / "c.damo", early)))).start_ns == 0


def test_accesses_are_spread_over_their_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of regions that were not accessed are left out; targets are numbered as they appear."""
    monkeypatch.setattr("zswapsim.traces.damo.CHUNK_EVENTS", 3)
    text = "".join(
        damon("0-8192", f"{at}.0", 9, "1 2", 3) + damon("8192-65536", f"{at}.0", 9, "0 2", 3)
        + damon("65536-73728", f"{at}.0", 9, "3 2", 3) + damon("0-4096", f"{at}.5", 4)
        for at in (1, 2)
    )  # fmt: skip
    events = whole(read_trace(written(tmp_path / "a.damo", text)))
    quarter = 250_000_000
    first, other = [at * quarter for at in range(4)], [500_000_000]
    assert events.process.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert events.page.tolist() == [0, 1, 16, 17] * 2 + [0, 0]
    assert events.time_ns.tolist() == [*first, *(10**9 + at for at in first), *other, 1_500_000_000]


def test_ages_in_microseconds_and_unknown_ones(tmp_path: Path) -> None:
    region = '{"start": %d, "end": %d, "nr_accesses": {"samples": 1}, "age": %s}'
    ages = ['{"usec": 3000}', '{"usec": "5 ms"}', "{}", '{"aggr_intervals": 2}', '{"usec": 2999}']
    regions = ", ".join(region % (at, at + 1, age) for at, age in enumerate(ages))
    taken = '{"start_time": 0, "end_time": "%s", "regions": [%s]}'
    snapshots = f"{taken % ('1 ms', regions)}, {taken % ('0', region % (0, 1, ages[0]))}"
    path = written(tmp_path / "a.damo", f'[{{"target_id": null, "snapshots": [{snapshots}]}}]')
    first, second = read_snapshots(path)
    assert first.age_ns.tolist() == [3 * 10**6, 5 * 10**6, -1, 2 * 10**6, 2 * 10**6]
    assert second.age_ns.tolist() == [-1]
    assert first.target == 0


@pytest.mark.parametrize("number", ["-1", "9223372036854775808", '"1e400"', '"x"', "1e300", '""', "null"])
def test_numbers_that_are_none_are_named_by_their_place(tmp_path: Path, number: str) -> None:
    region = f'{{"start": 0, "end": 1, "nr_accesses": {{"samples": {number}}}, "age": {{}}}}'
    taken = '{"start_time": 0, "end_time": 1, "regions": [%s]}'
    text = f'[{{"target_id": 0, "snapshots": [{taken % ""}, {taken % region}]}}]'
    said = refused(written(tmp_path / "a.damo", text))
    assert said.startswith(
        "$[0].snapshots[1].regions[0].nr_accesses.samples: expected a number from 0 to 2**63 - 1, got"
    )


def test_a_wrong_element_is_named_by_its_place_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.npy.PIECE_BYTES", 512)
    values = np.arange(300, dtype=np.int64)
    values[250] = -5
    np.save(tmp_path / "a.npy", values)
    assert refused(tmp_path / "a.npy") == "element 250: page: expected 0 to 18446744073709551615, got -5"
    records = np.zeros(300, [("page", "u8"), ("op", "u1"), ("process", "u8")])
    records["process"] = 2**32 - 1
    np.save(tmp_path / "b.npy", records)
    assert whole(read_trace(tmp_path / "b.npy")).process.tolist() == [2**32 - 1] * 300
    records["op"][299] = 2
    np.save(tmp_path / "b.npy", records)
    assert refused(tmp_path / "b.npy") == "element 299: op: expected 0 or 1, got 2"


@pytest.mark.parametrize(
    ("column", "wrong", "said"),
    [
        ("page", None, "row 250: column page: expected a value, got null"),
        ("page", -3, "row 250: column page: expected 0 to 18446744073709551615, got -3"),
        ("op", 2, "row 250: column op: expected R or W, got 2"),
        ("process", 2**32, "row 250: column process: expected 0 to 4294967295, got 4294967296"),
    ],
)
def test_a_wrong_row_is_named_by_its_place_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, wrong: int | None, said: str
) -> None:
    monkeypatch.setattr("zswapsim.traces.parquet.READ_EVENTS", 100)
    columns: dict[str, list[int | None]] = {"page": [1] * 300, "op": [0] * 300, "process": [2**32 - 1] * 300}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=70)
    assert whole(read_trace(tmp_path / "a.parquet")).process.tolist() == [2**32 - 1] * 300
    columns[column][250] = wrong
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=70)
    assert refused(tmp_path / "a.parquet") == said


def test_damaged_zstd_is_named_by_the_place_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.csvform.BLOCK_BYTES", 64)
    text = b"page,op\n" + b"1,R\n" * 30
    path = written(tmp_path / "a.csv.zst", zstandard.compress(text) + zstandard.compress(b"2,W\n")[:-3])
    assert refused(path) == f"byte offset {len(text)} of the decompressed trace: the zstd data is cut off"
    damaged = zstandard.ZstdCompressor(write_checksum=True).compress(b"2,W\n")
    path = written(path, zstandard.compress(text) + damaged[:-1] + bytes([damaged[-1] ^ 1]))
    said = refused(path)
    assert said.startswith(f"byte offset {len(text)} of the decompressed trace: the zstd data is garbled")


def test_the_largest_numbers_of_csv(tmp_path: Path) -> None:
    head = "process,time_ns,op,page\n"
    path = written(tmp_path / "a.csv", f"{head}4294967295,18446744073709551615,W,ffffffffffffffff\n")
    assert [part.tolist() for part in whole(read_trace(path))] == [[2**64 - 1], [1], [2**64 - 1], [2**32 - 1]]
    assert refused(written(path, f"{head}0,0,R,1\n4294967296,0,R,1\n")).startswith("line 3: expected a process")
