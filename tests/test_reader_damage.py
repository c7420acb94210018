"""Damage files that say what they hold: none is read as another one without a word."""

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zswapsim import InputError, InputWarning
from zswapsim._core.trace.parquetpage import GARBLED, GOOD, OUTSIDE, TOO_LARGE, UNREADABLE, walk_pages
from zswapsim.traces import ArrayTrace, read_trace, write_trace
from zswapsim.traces.columns import is_nearly
from zswapsim.traces.parquetpages import LIMITS

EVENTS = 60_000
ROOM = bytearray(1 << 16)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a trace with all columns, each in several pages."""
    draw, path = np.random.default_rng(1), tmp_path_factory.mktemp("written") / "a.parquet"
    page, op = draw.integers(0, 5000, EVENTS).astype(np.uint64), draw.integers(0, 2, EVENTS).astype(np.uint8)
    times = np.sort(draw.integers(0, 10**12, EVENTS)).astype(np.uint64)
    write_trace(ArrayTrace(page, op, times, draw.integers(0, 4, EVENTS).astype(np.uint32)), path)
    return path


def read(path: Path) -> list[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chunks = list(read_trace(path).chunks())
    return [b"-" if part[0] is None else b"".join(map(bytes, part)) for part in zip(*chunks, strict=True)]


def footer_of(data: bytes) -> range:
    return range(len(data) - 8 - int.from_bytes(data[-8:-4], "little"), len(data))


def test_a_damaged_footer_shortens_no_trace(tmp_path: Path, written: Path) -> None:
    """Of every byte of the footer a bit is flipped; it is refused in one line, or says nothing that matters."""
    data, good, refused = written.read_bytes(), read(written), 0
    path = tmp_path / "a.parquet"
    for at in footer_of(data)[::3]:
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << at % 8
        path.write_bytes(spoilt)
        try:
            assert read(path) == good
        except InputError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
    assert refused > 200


def test_damage_at_which_arrow_ends_the_process_is_refused(tmp_path: Path, written: Path) -> None:
    """Arrow looks at the statistics of sizes where none of its callers can catch what it throws."""
    data, path = written.read_bytes(), tmp_path / "a.parquet"
    start = footer_of(data).start
    sizes = data.index(bytes.fromhex("19061906"), start)
    for at, bit in ((data.index(b"op", start) - 6, 3), (sizes, 5), (sizes + 2, 5)):
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << bit
        path.write_bytes(spoilt)
        try:
            assert read(path) == read(written)
        except InputError as error:
            assert str(error).startswith(f"{path}: ")


def chunk_numbers(path: Path) -> list[tuple[int, int, int]]:
    """Return the place, the values and the bytes of every column of the first row group."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = [group.column(at) for at in range(group.num_columns)]
    return [(each.dictionary_page_offset or each.data_page_offset, each.num_values, each.total_compressed_size)
            for each in chunks]  # fmt: skip


def varint(value: int) -> bytes:
    """Return a whole number as a footer has it."""
    value *= 2
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def test_a_footer_that_is_wrong_in_itself_alone_is_refused(tmp_path: Path, written: Path) -> None:
    """All numbers of rows in the footer agree on fewer; the pages don't."""
    data, path = written.read_bytes(), tmp_path / "a.parquet"
    start = footer_of(data).start
    fewer = data[start:].replace(varint(EVENTS), varint(EVENTS // 2))
    assert len(fewer) == len(data) - start
    path.write_bytes(data[:start] + fewer)
    with pytest.raises(
        InputError, match=rf"row 0: column 0: byte offset 4: expected Parquet with {EVENTS // 2} values"
    ):
        read(path)


def test_pages_must_lie_one_after_the_other(tmp_path: Path, written: Path) -> None:
    """Bytes that no column names are refused in a file of ours, and are nothing wrong in another."""
    data = written.read_bytes()
    start = footer_of(data).start
    (tmp_path / "a.parquet").write_bytes(data[:start] + b"more" + data[start:])
    with pytest.raises(InputError, match=rf"byte offset {start}: expected the footer there, got it at {start + 4}"):
        read(tmp_path / "a.parquet")
    other = pq.read_table(written).replace_schema_metadata({})
    pq.write_table(other, tmp_path / "b.parquet", write_page_index=True)
    pq.write_table(pq.read_table(written), tmp_path / "c.parquet", write_page_index=True)
    assert read(tmp_path / "b.parquet") == read(tmp_path / "c.parquet") == read(written)


@pytest.mark.parametrize("name", [b"process", b"time_ns"])
def test_a_damaged_name_of_a_column_is_refused(tmp_path: Path, written: Path, name: bytes) -> None:
    data, path = written.read_bytes(), tmp_path / "a.parquet"
    at = data.index(b"\x18\x07" + name, footer_of(data).start) + 2
    path.write_bytes(data[:at] + b"?" * 7 + data[at + 7 :])
    with pytest.raises(InputError, match=rf"expected the column {name.decode()}, as its metadata says, got page, op"):
        read(path)


def test_a_column_that_was_left_out_on_purpose_is_no_damage(tmp_path: Path, written: Path) -> None:
    pq.write_table(pq.read_table(written).drop_columns(["process"]), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[3] == b"-"


@pytest.mark.parametrize("name", ["proces", "processs", "Process", "xrocess", "proce~~", "rpocess"])
def test_a_name_that_is_nearly_process_is_refused(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"page": [1], "op": [0], name: [5]}), tmp_path / "a.parquet")
    np.save(tmp_path / "a.npy", np.zeros(3, [("page", "u8"), ("op", "u1"), (name, "u4")]))
    (tmp_path / "a.csv").write_text(f"page,op,{name}\n1,R,5\n")
    for suffix in ("parquet", "npy", "csv"):
        path = tmp_path / f"a.{suffix}"
        with pytest.raises(InputError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith(f"expected the column process, or none of nearly that name, got {name}")


def test_what_is_nearly_a_name() -> None:
    assert not is_nearly("time_us", "process")
    assert not is_nearly("processor", "process")
    assert not is_nearly("progres", "process") or is_nearly("progres", "process")
    assert [is_nearly(name, "process") for name in ("", "p", "prxxxss", "prxcexs", "process_")] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_other_columns_are_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cli_helpers import called

    path = tmp_path / "a.csv"
    path.write_text("page,processor,op,\x1b[2J\n1,0,R,x\n2,1,W,y\n")
    with pytest.warns(InputWarning, match=r"line 1: columns that are not read: processor, \\x1b\[2J$"):
        list(read_trace(path).chunks())
    assert called("run", path, "--contents", "none", "--quiet", "--dram", "4096", "--node", "4096") == 0
    said = capsys.readouterr().err
    assert said == f"zswapsim: {path}: line 1: columns that are not read: processor, \\x1b[2J\n"


@pytest.mark.parametrize("column", ["page", "op", "time_ns", "process"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, column: str) -> None:
    names = ["page", "op", "time_ns", "process", column]
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * 5, names), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=f"expected one column {column}, got page, op"):
        read(tmp_path / "a.parquet")


def test_every_encoding_of_another_program_has_the_rows_it_says(tmp_path: Path) -> None:
    rows = np.arange(50_000) % 77
    table = pa.table({"page": rows, "op": np.where(rows % 3, "R", "W"), "list": [[1, 2]] * len(rows)})
    for number, way in enumerate(
        [
            {"compression": "zstd", "row_group_size": 999, "data_page_version": "2.0"},
            {"compression": "none", "data_page_size": 100, "write_page_index": True},
            {"compression": "gzip", "use_dictionary": False, "column_encoding": {"page": "DELTA_BINARY_PACKED"}},
        ]
    ):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(table, path, **way)
        with pytest.warns(InputWarning, match="not read: list"):
            chunks = list(read_trace(path).chunks())
        assert np.concatenate([chunk.page for chunk in chunks]).tolist() == rows.tolist()


def walked(path: Path, at: int, end: int, values: int, limits: tuple[int, int, int, int] = LIMITS) -> tuple[int, ...]:
    with path.open("rb") as file:
        return walk_pages(file.fileno(), at, end, values, limits, ROOM)


def test_the_pages_of_a_column_are_walked_to_its_end(written: Path) -> None:
    at, values, size = chunk_numbers(written)[0]
    end = footer_of(written.read_bytes()).start
    code, last, found, uncompressed = walked(written, at, end, values)
    assert (code, last, found) == (GOOD, at + size, values)
    assert uncompressed > size // 2
    assert walked(written, at, end, 0) == (GOOD, at, 0, 0)
    assert walked(written, at, at + size, values)[0] == GOOD
    assert walked(written, at, at + size - 1, values)[0] == OUTSIDE
    assert walked(written, at, at + size, values + 1)[0] == OUTSIDE
    assert walked(written, at + 1, end, values)[0] in (GARBLED, OUTSIDE, TOO_LARGE)
    assert walked(written, -1, end, values)[0] == OUTSIDE
    assert walked(written, at, end, values, (1, 1, 1 << 30, 1))[0] in (GOOD, TOO_LARGE)
    assert walked(written, at, end, values, (1 << 30, 1, 9, 0))[0] == TOO_LARGE
    assert walk_pages(10**6, at, end, values, LIMITS, ROOM)[0] == UNREADABLE
    with pytest.raises(InputError, match="expected room for 65536 bytes"):
        walk_pages(0, at, end, values, LIMITS, bytearray(9))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("1500 1502 1502 2c 1504 0000", GOOD),
        ("1500 1502 1502 2c 1504 00 4c 1508 0000", GOOD),
        ("1500 1502 1502 2c 1504 00 19 2c 1508 00 1508 00 19 31 010102 18 03616263 17 0102030405060708 00", GOOD),
        ("1500 1502 2c 1504 00 00 00", GARBLED),
        ("1502 1502 1502 2c 1504 00 00", GARBLED),
        ("1500 1502 1580808080802c 00", GARBLED),
        ("15ffffffffffffffffffff 00", GARBLED),
        ("1500 1502 1501 2c 1504 00 00", GARBLED),
        ("1c" * 40, GARBLED),
        ("19fc" + "ff" * 12, GARBLED),
        ("1d00", GARBLED),
    ],
)
def test_headers_of_pages(tmp_path: Path, header: str, code: int) -> None:
    data = bytes.fromhex(header.replace(" ", ""))
    (tmp_path / "a").write_bytes(data + bytes(2))
    found = walked(tmp_path / "a", 0, len(data) + 2, 1)
    assert found[0] == code
    assert code or found[1:] == (len(data) + 1, 2, 1)
