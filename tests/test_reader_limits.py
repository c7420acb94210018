"""Read files of a few bytes that stand for far more: work and memory are bounded, and beyond the limits is one line."""

import json
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.refusals import complaint
from zswapsim import InputError, Result
from zswapsim.live.damon import _histograms
from zswapsim.traces import ArrayTrace, DenseTrace, read_trace, write_trace
from zswapsim.traces.contents import Contents, read_contents
from zswapsim.traces.covered import Covered
from zswapsim.traces.damo import read_snapshots
from zswapsim.traces.damosnapshot import make_snapshot
from zswapsim.traces.dense import most_kept
from zswapsim.traces.jsontext import decode_json
from zswapsim.traces.thrift import CutOffError, GarbledError, Thrift
from zswapsim.traces.whole import KEEP_EVENTS

LINE = "k 1 [0] {at}.0: damon:damon_aggregated: target_id={target} nr_regions={count} {span}: 1 2\n"
REGION = '{"start": 0, "end": 4096, "nr_accesses": {"samples": 1}, "age": {"aggr_intervals": 1}}'
DEEP = "[" * 500_000 + "]" * 500_000
TAKEN = '{"start_time": 0, "end_time": 5, "regions": [%s]}'


def line(span: str, at: int = 1, target: int = 0, count: int = 1) -> str:
    return LINE.format(at=at, target=target, count=count, span=span)


def peak(work: Callable[[], object]) -> int:
    """Return the most bytes of Python and numpy that `work` holds at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line(f"0-{2**64 - 1}"), "expected regions of at most 67108864 pages, got one of 4503599627370495"),
        (line("0-4096", count=10**9 - 1), "line 1: expected a snapshot of at most 131072 regions"),
        (line("0-4096", count=0), "line 1: expected a snapshot of 0 regions"),
        (line("0-4096", at=10**12 - 1), "line 1: expected a time below 2**63 nanoseconds"),
        ("base_time_absolute: 99999999999 d\n", "no whole snapshot"),
        (line("0-8192") + "x" * 20000, "line 2: expected lines of text, got one of 20000 bytes"),
    ],
)
def test_a_record_of_damon_that_stands_for_too_much(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.damo"
    path.write_text(text)
    if "base_time" in text:
        expected = "expected a record of DAMON with at least one whole snapshot, got none"
    assert expected in complaint(path)


@pytest.mark.parametrize("second", [line("65536-69632", 2), line("0-4096", 2, target=1)])
def test_pages_of_a_record_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    """Pages that were counted before are not counted again, but those of another target are."""
    monkeypatch.setattr("zswapsim.traces.damo.MOST_PAGES", 16)
    path = tmp_path / "a.damo"
    path.write_text(line("0-65536") + line("4096-65536", 2) + line("0-4096", 3))
    assert sum(len(chunk.page) for chunk in read_trace(path).chunks()) == 32
    path.write_text(line("0-65536") + second)
    assert "expected at most 16 accessed pages, got more: too much for a trace" in complaint(path)


def test_a_region_at_the_limit_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.damo"
    path.write_text(line(f"0-{2**38}"))
    chunk = next(iter(read_trace(path).chunks()))
    assert chunk.page[:3].tolist() == [0, 1, 2]


def test_accesses_of_a_record_are_bounded_by_its_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.damo.FREE_ACCESSES", 8)
    monkeypatch.setattr("zswapsim.traces.damo.ACCESSES_A_REGION", 2)
    path = tmp_path / "a.damo"
    path.write_text("".join(line("0-16384", at) for at in range(1, 5)))
    assert sum(len(chunk.page) for chunk in read_trace(path).chunks()) == 16
    path.write_text("".join(line("0-16384", at) for at in range(1, 6)))
    assert "target 0, at 5000000000 ns: expected at most 18 accesses, got 20 or more" in complaint(path)


def test_first_snapshots_and_targets_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.damo"
    path.write_text("".join(line("0-4096", target=target) for target in range(9)))
    assert len(list(read_snapshots(path))) == 9
    monkeypatch.setattr("zswapsim.traces.damotext.MOST_WAITING", 17)
    assert "expected at most 17 regions in the first snapshots of targets" in complaint(path)
    monkeypatch.undo()
    monkeypatch.setattr("zswapsim.traces.damo.MOST_TARGETS", 8)
    assert "expected a record of at most 8 targets" in complaint(path)


def test_raw_form_has_no_more_regions_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "a.damo"
    head = "monitoring_start: 1 s\nmonitoring_end: 2 s\nmonitoring_duration: 1 s\ntarget_id: 0\nnr_regions: {}\n"
    path.write_text("base_time_absolute: 0\n" + head.format(0) + "1000-2000(4 K): 1 1\n")
    assert "line 7: expected a line as damo report access --raw_form prints it" in complaint(path)
    path.write_text("base_time_absolute: 0\n" + head.format(10**6))
    assert "line 6: expected a snapshot of at most 131072 regions" in complaint(path)
    path.write_text("base_time_absolute: 99999999999 d\n" + head.format(1) + "1000-2000(4 K): 1 1\n")
    assert "line 7: expected a time below 2**63 nanoseconds" in complaint(path)


def test_json_of_any_length_is_read_a_snapshot_at_a_time(tmp_path: Path) -> None:
    """16 MiB of JSON in a few KB of zlib take the memory of one block."""
    path = tmp_path / "a.damo"
    taken = (TAKEN % REGION) + " " * 40_000
    path.write_bytes(zlib.compress(b'[{"target_id": 0, "snapshots": [%s]}]' % ", ".join([taken] * 400).encode()))
    assert path.stat().st_size < 65536
    assert peak(lambda: [None for _ in read_snapshots(path)]) < 8 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" + " " * (2 << 20), "a part has more than 1 MiB"),
        ('[{"target_id": 0, "snapshots": [' + " " * (2 << 20), "a part has more than 1 MiB"),
        ('[{"target_id": 0, "snapshots": [{"start_time": "' + "1" * (17 << 20), "a part has more than 16 MiB"),
        ('[{"a":' * 200_000, "a part has more than 1 MiB"),
        (
            '[{"target_id": 0, "snapshots": [], "x":' + "[" * 500_000 + "]" * 500_000 + "}]",
            "expected JSON that is not nested so deeply",
        ),
        ('[{"target_id": 0, "snapshots": [1, 2]}]', "expected other text than '1,2]' in $[0]"),
        ('[{"target_id": 0, "snapshots": []} {}]', "expected other text than '{' in $[0]"),
        ('[{"target_id": 0, "snapshots": []}]]', "expected other text than ']' in $[0]"),
        ('[{"target_id": 0, "snapshots": []}', "Input data was truncated"),
        ('[{"target_id": 0, "snapshots": []}] x', "Input data was truncated"),
        ('[{"target_id": 0, "snapshots": [{}]}]', "in $[0].snapshots[0]: Object missing required field `start_time`"),
        ('[{"snapshots": []}]', "Object missing required field `target_id`"),
    ],
)
def test_json_that_is_no_record(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.damo"
    path.write_text(text)
    assert f"expected the JSON of a record of DAMON: {expected}" in complaint(path)


def test_json_in_other_orders_and_spellings(tmp_path: Path) -> None:
    """The target may follow its snapshots; strings may hold brackets; a key may be written with an escape."""
    path, taken = tmp_path / "a.damo", TAKEN % REGION
    odd = '"note": "]}\\\\\\"[{", "list": [{"snapshots": [[1]]}]'
    path.write_text(
        f'[{{{odd}, "snapshots" :\n[{taken} , {taken}], "target_id": "7"}}, {{"target_id": 8, "snapshots": []}},'
        f'{{"target_id": 9, "snap\\u0073hots": [{taken}]}}]'
    )
    assert [(each.target, each.end_ns) for each in read_snapshots(path)] == [(7, 5), (7, 5), (9, 5)]


def test_json_is_cut_alike_in_blocks_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.damo"
    record = {"note": 'a "[{" \\', "target_id": 3, "snapshots": [json.loads(TAKEN % REGION)] * 2}
    path.write_text(json.dumps([record, record], indent=1))
    expected = [each._replace(start=0, end=0, accesses=0, age_ns=0) for each in read_snapshots(path)]
    for length in (1, 2, 3, 7, 64):
        monkeypatch.setattr("zswapsim.traces.jsonpieces.BLOCK_BYTES", length)
        assert [each._replace(start=0, end=0, accesses=0, age_ns=0) for each in read_snapshots(path)] == expected


def test_what_waits_for_its_target_and_a_snapshot_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.damo"
    path.write_text(f'[{{"snapshots": [{", ".join([TAKEN % REGION] * 5)}], "target_id": 7}}]')
    monkeypatch.setattr("zswapsim.traces.damojson.MOST_WAITING", 9)
    assert "expected target_id before snapshots of more than 9 regions" in complaint(path)
    monkeypatch.setattr("zswapsim.traces.damojson.MOST_REGIONS", 0)
    assert "$[0].snapshots[0]: expected at most 0 regions, got 1" in complaint(path)


def test_nothing_may_follow_zlib(tmp_path: Path) -> None:
    path = tmp_path / "a.damo"
    path.write_bytes(zlib.compress(f'[{{"target_id": 7, "snapshots": [{TAKEN % REGION}]}}]'.encode()) + b" ")
    assert "expected nothing after the end of the zlib data, got more" in complaint(path)


def test_a_few_kilobytes_of_zstd_are_read_in_bounded_memory(tmp_path: Path) -> None:
    """A trace may be this dense, so it is not refused."""
    path = tmp_path / "a.csv.zst"
    path.write_bytes(zstandard.compress(b"page,op\n" + b"1,R\n" * (5 << 20), 1))
    assert path.stat().st_size < 8192
    assert peak(lambda: sum(len(chunk.page) for chunk in read_trace(path).chunks())) < 64 << 20


def test_a_line_of_columns_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("page,op" + "," * 20000 + "\n1,R" + "," * 20000 + "\n")
    assert "line 1: expected a header with the columns page and op, got 20008 bytes" in complaint(path)


def test_elements_of_many_fields_are_read_in_bounded_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.npy.PIECE_BYTES", 4096)
    np.save(tmp_path / "a.npy", np.arange(1000, dtype=np.uint64))
    chunks = list(read_trace(tmp_path / "a.npy").chunks())
    assert {len(chunk.page) for chunk in chunks} == {512, 488}


@pytest.mark.parametrize("keep", [100, 99])
def test_a_file_of_many_more_events_than_bytes_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    """The limit changes no counter. A pipe can't be read again, so all of its events are kept."""
    path = tmp_path / "a.csv"
    path.write_text("page,op\n" + "1,R\n2,W\n" * 50)
    monkeypatch.setattr("zswapsim.traces.dense.FREE_EVENTS", keep - path.stat().st_size)
    monkeypatch.setattr("zswapsim.traces.dense.EVENTS_A_BYTE", 1)
    dense = DenseTrace(read_trace(path))
    dense.scan()
    path.write_text("page,op\n1,R\n")
    if keep == 100:
        assert sum(len(pages) for pages, _ in dense.chunks()) == dense.events == 100
    else:
        with pytest.raises(InputError, match="expected 100 events as in the first pass: it changed meanwhile"):
            list(dense.chunks())
    assert most_kept(None) == most_kept("/dev/null") == most_kept(tmp_path / "none") == KEEP_EVENTS


def test_many_processes_take_no_table_each() -> None:
    """A process of one page costs no more than a page."""
    events = 100_000
    trace = ArrayTrace(np.ones(events, np.uint64), process=np.arange(events, dtype=np.uint32))
    dense = DenseTrace(trace)
    assert peak(dense.scan) < 16 << 20
    assert dense.pages == events
    assert dense.processes().tolist() == list(range(events))
    assert set(dense.addresses().tolist()) == {1}


def parquet(path: Path, columns: dict[str, object], **how: object) -> Path:
    pq.write_table(pa.table(columns), path, **how)
    return path


def test_rows_of_parquet_are_bounded_by_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "a.parquet", {"page": np.zeros(3 << 20, np.uint64), "op": np.zeros(3 << 20, np.uint8)})
    assert sum(len(chunk.page) for chunk in read_trace(path).chunks()) == 3 << 20
    monkeypatch.setattr("zswapsim.traces.parquetpages.ROWS_A_BYTE", 16)
    assert "rows in" in complaint(path)


@pytest.mark.parametrize("text", ["R" * (3 << 20)])
def test_a_page_of_parquet_that_is_small_in_the_file_alone_is_refused(tmp_path: Path, text: str) -> None:
    path = parquet(tmp_path / "a.parquet", {"page": [1], "op": [text]}, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 16384
    assert "expected Parquet with pages within the limits, got one that takes more memory" in complaint(path)


def test_schema_and_footer_of_parquet_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"page": [1], "op": [0]} | {f"c{number}": [0] for number in range(5000)}
    path = parquet(tmp_path / "a.parquet", columns)
    assert "expected a schema of at most 4096 elements, got 5003" in complaint(path)
    monkeypatch.setattr("zswapsim.traces.parquetfooter.MOST_FOOTER_BYTES", 100)
    assert "expected a footer of at most 100 bytes" in complaint(path)


def test_thrift_is_read_to_a_depth_and_to_its_end() -> None:
    assert Thrift(bytes.fromhex("15021c150400 39 1c 15 06 00 00".replace(" ", ""))).record() == {
        1: 1, 2: {1: 2}, 5: [{1: 3}],
    }  # fmt: skip
    with pytest.raises(GarbledError):
        Thrift(b"\x1c" * 100).record()
    with pytest.raises(GarbledError):
        Thrift(b"\x15" + b"\xff" * 20).record()
    for data in (b"", b"\x15", b"\x18\x05abc", b"\x19\xf7\xff\xff\xff\xff\x0f", b"\x1c\x15\x02\x00", b"\x17\0\0"):
        with pytest.raises(CutOffError):
            Thrift(data).record()


def test_json_that_is_nested_too_deeply_is_one_line() -> None:
    deep = f'{{"settings": {{"a": {DEEP}}}}}'
    with pytest.raises(InputError, match="expected a result in JSON: expected JSON that is not nested so deeply"):
        Result.from_json(deep)
    with pytest.raises(InputError, match="expected a result in JSON: "):
        Result.from_json(b"\xff")
    with pytest.raises(InputError, match="here: "):
        decode_json(b"9" * 5000, int, "here")


def test_covered_pages_are_counted_once() -> None:
    draw, covered, seen = np.random.default_rng(3), Covered(), set()
    for _ in range(300):
        first = draw.integers(0, 5000, 20).astype(np.uint64)
        last = first + draw.integers(0, 9, 20).astype(np.uint64)
        covered.add(first, last)
        for low, high in zip(first.tolist(), last.tolist(), strict=True):
            seen.update(range(low, high))
        assert not covered.exceeds(len(seen))
        assert covered.exceeds(len(seen) - 1)


def lies_in_file(array: object) -> bool:
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def test_a_large_recipe_lies_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    small = read_contents("recipe:mix,pages=2100,seed=3")
    monkeypatch.setattr("zswapsim.traces.contents.IN_MEMORY_BYTES", 1 << 20)
    large = read_contents("recipe:mix,pages=2100,seed=3")
    assert isinstance(small, Contents)
    assert isinstance(large, Contents)
    assert [small.images.nbytes, large.images.nbytes] == [2100 * 4096] * 2
    assert [lies_in_file(small.images), lies_in_file(large.images)] == [False, True]
    assert small.hash == large.hash


def test_the_steps_of_a_record_are_not_held() -> None:
    """A thousand snapshots of 10,000 pages take the memory of a few."""
    pages = np.arange(10_000, dtype=np.uint64) * np.uint64(4096)
    row = (0, 10_000 * 4096, 0, 3)
    taken = [make_snapshot(0, at, at + 1, [row]) for at in range(1000)]
    assert peak(lambda: _histograms(taken, pages, 1e-6)) < 8 << 20


def test_rows_of_a_timeline_and_windows_of_a_curve_are_bounded() -> None:
    from zswapsim import Settings, curves, run

    with pytest.raises(InputError, match="--window 1: expected at most 131072 rows of the timeline in 200000 accesses"):
        run("gen:loop,pages=4,events=200000", None, Settings(dram="64K", window=1))
    with pytest.raises(InputError, match="--window 1: expected at most 16384 windows in 20000 accesses"):
        curves("gen:loop,pages=4,events=20000", window=1)


def test_more_than_two_tiers_are_refused() -> None:
    from zswapsim.study.settings.backends import parse_backend

    with pytest.raises(InputError, match="expected two tiers at most"):
        parse_backend("zram" + "/zswap" * 5000)


def test_the_first_chunk_of_a_large_trace_needs_no_other(tmp_path: Path) -> None:
    write_trace(read_trace("gen:scan,pages=3000"), tmp_path / "a.csv")
    assert len(list(islice(read_trace(tmp_path / "a.csv").chunks(), 1))) == 1
