"""Write and read traces in every form, and compare with readers and writers that others have defined."""

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zswapsim import InputWarning
from zswapsim._core.base.errors import InputError
from zswapsim.traces import ArrayTrace, Chunk, Trace, bundled_trace, read_trace, write_trace
from zswapsim.traces.convert import convert_trace

SUFFIXES = [".parquet", ".csv", ".csv.zst", ".npy"]
ORACLES = [".bin", ".oracleGeneral", ".oracleGeneral.bin", ".bin.zst", ".oracleGeneral.zst", ".oracleGeneral.bin.zst"]


def whole(trace: Trace) -> Chunk:
    """Return all events in one chunk."""
    chunks = list(trace.chunks())
    return Chunk(*(None if part[0] is None else np.concatenate(part) for part in zip(*chunks, strict=True)))  # type: ignore[arg-type]


def same(left: Chunk, right: Chunk) -> bool:
    return all(
        (a is None and b is None) or (a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b))
        for a, b in zip(left, right, strict=True)
    )


def said_of_columns(path: Path, columns: str) -> AbstractContextManager[object]:
    """Expect the warning that these columns are not read, if there are any."""
    return pytest.warns(InputWarning, match=f"{path}.*not read: {columns}$") if columns else nullcontext()


@st.composite
def traces(draw: Callable[..., Any]) -> ArrayTrace:
    count = draw(st.integers(1, 50))

    def column(dtype: type, most: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(0, most), min_size=count, max_size=count)), dtype)

    return ArrayTrace(
        column(np.uint64, 2**64 - 1) // np.uint64(draw(st.sampled_from([1, 2**61]))),
        column(np.uint8, 1),
        column(np.uint64, 2**64 - 1) if draw(st.booleans()) else None,
        column(np.uint32, 2**32 - 1) if draw(st.booleans()) else None,
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trace=traces())
def test_every_event_returns(tmp_path: Path, suffix: str, trace: ArrayTrace) -> None:
    path = tmp_path / f"trace{suffix}"
    assert write_trace(trace, path) == trace.events
    again = read_trace(path)
    assert again.events in (None, trace.events)
    assert same(whole(again), whole(trace))
    assert same(whole(again), whole(trace)), "a second pass starts anew"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ORACLES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trace=traces())
def test_oracle_general_as_libcachesim_defines_it(tmp_path: Path, suffix: str, trace: ArrayTrace) -> None:
    path = tmp_path / f"trace{suffix}"
    events, source = write_trace(trace, path), whole(trace)
    data = path.read_bytes()
    if suffix.endswith(".zst"):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    pages = source.page.tolist()
    for at, (time, page, size, after) in enumerate(struct.iter_unpack("<IQIq", data)):
        assert (page, size) == (pages[at], 4096)
        assert time == (0 if source.time_ns is None else min(int(source.time_ns[at]) // 10**9, 2**32 - 1))
        assert after == (pages.index(page, at + 1) + 1 if page in pages[at + 1 :] else -1)
    again = whole(read_trace(path))
    assert len(data) == 24 * events
    assert again.page.tolist() == pages
    assert not again.op.any()


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".bin", ".bin.zst"])
def test_longer_than_a_chunk(tmp_path: Path, suffix: str) -> None:
    trace = read_trace("gen:zipf,pages=5000,events=2.3e6,alpha=1.1,seed=4")
    path = tmp_path / f"trace{suffix}"
    write_trace(trace, path)
    chunks = list(read_trace(path).chunks())
    assert len(chunks) > 1
    assert max(len(chunk.page) for chunk in chunks) <= 1 << 20
    assert np.array_equal(np.concatenate([chunk.page for chunk in chunks]), whole(trace).page)
    written = 0 if "bin" in suffix else int(whole(trace).op.sum())
    assert sum(int(chunk.op.sum()) for chunk in chunks) == written


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_form_is_known_by_its_beginning(tmp_path: Path, suffix: str) -> None:
    trace = read_trace("gen:uniform,pages=50,events=500")
    write_trace(trace, tmp_path / f"trace{suffix}")
    (tmp_path / f"trace{suffix}").rename(tmp_path / "trace")
    assert np.array_equal(whole(read_trace(tmp_path / "trace")).page, whole(trace).page)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_trace(read_trace("gen:loop,pages=10,events=100"), tmp_path / "a.csv", lambda *at: calls.append(at))
    assert calls == [(100, 100)]


@pytest.mark.parametrize(
    ("text", "pages", "ops"),
    [
        ("page,op\n1fff000,W\n4033,R\n", [0x1FFF000, 0x4033], [1, 0]),
        ("page,op\r\nAB,W\r\nab,R\r\n", [0xAB, 0xAB], [1, 0]),
        ("page,op\n0x10,R", [16], [0]),
        ("\ufeffpage,op\nffffffffffffffff,W\n", [2**64 - 1], [1]),
        ("op,page\nW,7\n", [7], [1]),
        ("address,page,what,op\nzz,7,\u00e9,W\n,8,,R\n", [7, 8], [1, 0]),
        ("page,op\n00000000000000000000001,R\n", [1], [0]),
    ],
)
def test_csv_as_people_write_it(tmp_path: Path, text: str, pages: list[int], ops: list[int]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    with said_of_columns(path, "address, what" if "address" in text else ""):
        events = whole(read_trace(path))
    assert (events.page.tolist(), events.op.tolist()) == (pages, ops)


def test_csv_in_blocks_ends_lines_where_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.traces.csvform.BLOCK_BYTES", 64)
    trace = read_trace("gen:zipf,pages=1e5,events=2000,seed=2")
    write_trace(trace, tmp_path / "a.csv")
    assert same(whole(read_trace(tmp_path / "a.csv")), whole(trace))
    (tmp_path / "a.csv").write_text("page,op\n" + "1,R\n" * 20 + "1" * 70 + ",R\n")
    with pytest.raises(InputError, match="byte offset 88: expected lines of text"):
        whole(read_trace(tmp_path / "a.csv"))


def test_zstd_frames_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zst"
    pack = zstandard.ZstdCompressor().compress
    path.write_bytes(pack(b"page,op\n1,R\n2") + pack(b"2,W\n"))
    assert whole(read_trace(path)).page.tolist() == [1, 0x22]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64, ">u4"])
def test_npy_of_any_integers(tmp_path: Path, dtype: object) -> None:
    np.save(tmp_path / "a.npy", np.array([5, 6, 5], dtype))  # type: ignore[arg-type]
    events = whole(read_trace(tmp_path / "a.npy"))
    assert (events.page.tolist(), events.op.tolist()) == ([5, 6, 5], [0, 0, 0])


@pytest.mark.parametrize("op", ["S1", "U1", "u1", "?", "i8"])
def test_npy_of_records(tmp_path: Path, op: str) -> None:
    letters = ("R", "W") if op in ("S1", "U1") else (0, 1)
    np.save(
        tmp_path / "a.npy",
        np.array([(9, letters[1], 0.5), (8, letters[0], 1.5)], [("page", "<i4"), ("op", op), ("x", "f8")]),
    )
    with said_of_columns(tmp_path / "a.npy", "x"):
        events = whole(read_trace(tmp_path / "a.npy"))
    assert (events.page.tolist(), events.op.tolist()) == ([9, 8], [1, 0])


def test_parquet_of_other_tools(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    for ops in (["R", "W"], np.array([0, 1], np.uint8), pa.array(["R", "W"], pa.large_string())):
        pq.write_table(
            pa.table({"op": ops, "extra": [1.5, 2.5], "page": pa.array([3, 4], pa.int32())}), tmp_path / "a.parquet"
        )
        with said_of_columns(tmp_path / "a.parquet", "extra"):
            events = whole(read_trace(tmp_path / "a.parquet"))
        assert (events.page.tolist(), events.op.tolist()) == ([3, 4], [0, 1])


def test_parquet_is_the_native_form(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    write_trace(
        ArrayTrace(np.array([1, 2]), np.array([0, 1]), np.array([5, 6]), np.array([7, 8])), tmp_path / "a.parquet"
    )
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert [(field.name, field.type) for field in schema] == [
        ("page", pa.uint64()),
        ("op", pa.dictionary(pa.int8(), pa.string())),
        ("time_ns", pa.uint64()),
        ("process", pa.uint32()),
    ]
    assert schema.metadata[b"zswapsim.trace"] == (
        b'{"version": 1, "name": "array", "columns": ["page", "op", "time_ns", "process"]}'
    )
    assert pq.read_table(tmp_path / "a.parquet")["op"].to_pylist() == ["R", "W"]


@pytest.mark.parametrize(("name", "events", "pages"), [("sort", 312_898, 1118), ("json", 3_000_000, 2006)])
def test_bundled_traces(name: str, events: int, pages: int) -> None:
    trace = whole(read_trace(f"bundled:{name}"))
    assert (len(trace.page), len(np.unique(trace.page))) == (events, pages)
    assert trace.page[:4].tolist() == [0x1FFF000, 0x4033, 0x4032, 0x4000]
    assert bundled_trace(name).is_file()


def test_bundled_traces_stay_small() -> None:
    assert sum(file.stat().st_size for file in bundled_trace("sort").parent.glob("*.zst")) < 2_000_000


def test_conversion_counts_and_says_what_is_lost(tmp_path: Path) -> None:
    trace = ArrayTrace(np.array([1, 2, 1]), np.array([0, 1, 1]), np.array([5, 6, 7]), np.array([1, 1, 2]))
    write_trace(trace, tmp_path / "a.parquet")
    there = convert_trace(tmp_path / "a.parquet", tmp_path / "a.csv")
    assert there == (3, 3, 2, ())
    assert (tmp_path / "a.csv").read_text() == "page,op,time_ns,process\n1,R,5,1\n2,W,6,1\n1,W,7,2\n"
    gone = convert_trace(tmp_path / "a.csv", tmp_path / "a.bin")
    assert gone == (3, 3, 2, ("writes, which became reads", "processes", "parts of a second"))
    assert convert_trace(tmp_path / "a.bin", tmp_path / "b.bin").lost == ()
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_conversion_onto_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("page,op\n1,R\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    for target in ("a.csv", "b.csv", "../" + tmp_path.name + "/a.csv"):
        with pytest.raises(InputError, match="it is the trace to be read"):
            convert_trace(tmp_path / "a.csv", tmp_path / target)
    assert (tmp_path / "a.csv").read_text() == "page,op\n1,R\n"


def test_a_recorded_oracle_trace_is_written_as_it_was(traces_dir: Path, tmp_path: Path) -> None:
    source = traces_dir / "cloudPhysicsIO.oracleGeneral.bin"
    write_trace(read_trace(source), tmp_path / "a.bin")
    record = [("time", "<u4"), ("object", "<u8"), ("size", "<u4"), ("next", "<i8")]
    ours, theirs = np.fromfile(tmp_path / "a.bin", record), np.fromfile(source, record)
    for field in ("time", "object", "next"):
        assert np.array_equal(ours[field], theirs[field])


def test_array_trace_refuses_other_arrays() -> None:
    for page, op in (
        (np.array([-1]), None),
        (np.array([1.5]), None),
        (np.array([[1]]), None),
        (np.array([1]), np.array([2])),
        (np.array([1]), np.array([0, 0])),
        (np.array([], np.uint64), None),
    ):
        with pytest.raises(InputError):
            ArrayTrace(page, op)
