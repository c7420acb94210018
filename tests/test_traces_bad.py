"""Read files that are no traces: the error is one line that names the file, the place in it and what was expected."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.refusals import complaint
from zswapsim._core.base.errors import InputError, OutputError
from zswapsim.traces import read_trace, write_trace
from zswapsim.traces.forms import FORMS

TEXTS = [
    ("", "the trace is empty"),
    ("page,op\n", "the trace is empty"),
    ("page,op", "the trace is empty"),
    ("page,op\n1,R\n2,X\n", "line 3: expected R or W, got 'X'"),
    ("page,op\n1,R\n2,\n", "line 3: expected R or W, got ''"),
    ("page,op\n1,R\n2,RW\n", "line 3: expected R or W, got 'RW'"),
    ("page,op\n1,r\n", "line 2: expected R or W, got 'r'"),
    ("page,op\n1,R\n2\n", "line 3: expected 2 columns, got fewer"),
    ("page,op\n1,R\n40", "line 3: expected 2 columns, got fewer"),
    ("page,op\n1,R\n40,", "line 3: expected R or W, got ''"),
    ("page,op\n1,R,5\n", "line 2: expected 2 columns, got more"),
    ("page,op\n1,R\n\n2,W\n", "line 3: expected a page number in hexadecimal, got ''"),
    ("page,op\n1,R\n,W\n", "line 3: expected a page number in hexadecimal, got ''"),
    ("page,op\n1,R\n12g4,W\n", "line 3: expected a page number in hexadecimal, got '12g4'"),
    ("page,op\n-1,R\n", "line 2: expected a page number in hexadecimal, got '-1'"),
    ("page,op\n0x,R\n", "line 2: expected a page number in hexadecimal, got '0x'"),
    ("page,op\n 1,R\n", "line 2: expected a page number in hexadecimal, got ' 1'"),
    ("page,op\n10000000000000000,R\n", "line 2: expected a page number below 2**64, in hexadecimal, got '1000"),
    ("page,op\n\x00\x01\xff,R\n", "line 2: expected a page number in hexadecimal, got '"),
    ("1fff,W\n", "line 1: expected a header with the columns page and op, missing page and op in '1fff,W'"),
    ("page,operation\n1,W\n", "line 1: expected a header with the columns page and op, missing op in 'page,operation'"),
    ("op\nW\n", "missing page in 'op'"),
    ("page,op,page\n1,W,2\n", "line 1: the column page appears twice"),
    ("page,op,time_ns\n1,W,1.5\n", "line 2: expected nanoseconds, a whole number below 2**64, got '1.5'"),
    ("page,op,time_ns\n1,W,18446744073709551616\n", "line 2: expected nanoseconds, a whole number below 2**64"),
    ("page,op,process\n1,W,4294967296\n", "line 2: expected a process, a whole number below 2**32, got '4294967296'"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
@pytest.mark.parametrize("compressed", [False, True], ids=["csv", "csv.zst"])
def test_csv(tmp_path: Path, text: str, expected: str, compressed: bool) -> None:
    path, data = tmp_path / f"a.csv{'.zst' * compressed}", text.encode("latin-1")
    path.write_bytes(zstandard.ZstdCompressor().compress(data) if compressed else data)
    assert expected in complaint(path)


def test_a_line_number_far_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"page,op\n" + b"1,R\n" * 2_500_000 + b"1,Q\n")
    assert "line 2500002: expected R or W, got 'Q'" in complaint(path)


def records(*nexts: int) -> bytes:
    return b"".join(struct.pack("<IQIq", 0, at, 512, after) for at, after in enumerate(nexts))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the trace is empty"),
        (records(-1, -1)[:-1], "byte offset 24: expected a record of 24 bytes, got 23"),
        (records(-1) + b"x", "byte offset 24: expected a record of 24 bytes, got 1"),
        (records(5, -1, 2), "byte offset 48: expected a record whose next_access_vtime is -1 or above"),
        (records(5, -7), "byte offset 24: expected a record whose next_access_vtime is -1 or above its own position 1"),
        (b"page,op\n1,R\n2,R\n3,R\n444,R\n", "byte offset 24: expected a record of 24 bytes, got 2"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["bin", "bin.zst"])
def test_oracle_general(tmp_path: Path, data: bytes, expected: str, compressed: bool) -> None:
    path = tmp_path / f"a.bin{'.zst' * compressed}"
    path.write_bytes(zstandard.ZstdCompressor().compress(data) if compressed else data)
    assert expected in complaint(path)


@pytest.mark.parametrize("suffix", ["csv.zst", "bin.zst"])
def test_zstd_cut_off_and_garbled(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write_trace(read_trace("gen:zipf,pages=1e4,events=2e5"), path)
    data = path.read_bytes()
    for cut in (1, 3, 4, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        assert "the zstd data is cut off" in complaint(path)
    path.write_bytes(data[:20000] + bytes(100) + data[20100:])
    complaint(path)
    path.write_bytes(data + b"garbage")
    assert "of the decompressed trace: the zstd data is garbled" in complaint(path)
    path.write_bytes(b"page,op\n1,R\n")
    assert "byte offset 0 of the decompressed trace: the zstd data is garbled" in complaint(path)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"page": [1]}, "expected one column op, got page"),
        ({"op": ["R"], "pages": [1]}, "expected one column page, got op, pages"),
        ({"page": [1, None], "op": ["R", "W"]}, "row 1: column page: expected a value, got null"),
        ({"page": [1, 2, 3], "op": ["R", "W", None]}, "row 2: column op: expected a value, got null"),
        ({"page": [1, 2], "op": ["R", "X"]}, "row 1: column op: expected R or W, got 'X'"),
        ({"page": [1, 2], "op": [0, 2]}, "row 1: column op: expected R or W, got 2"),
        ({"page": [1, -2], "op": ["R", "W"]}, "row 1: column page: expected 0 to 18446744073709551615, got -2"),
        ({"page": [1.5], "op": ["R"]}, "column page: expected integers, got double"),
        ({"page": ["1"], "op": ["R"]}, "column page: expected integers, got string"),
        ({"page": [1], "op": [1.0]}, "column op: expected integers or R and W, got double"),
        ({"page": [1], "op": ["R"], "process": [1 << 32]}, "row 0: column process: expected 0 to 4294967295"),
        ({"page": np.array([], np.uint64), "op": np.array([], np.uint8)}, "the trace is empty"),
    ],
)
def test_parquet(tmp_path: Path, table: dict[str, list[object]], expected: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    assert expected in complaint(tmp_path / "a.parquet")


def test_parquet_cut_off_and_garbled(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_trace(read_trace("gen:zipf,pages=1e4,events=1e5"), path)
    data = path.read_bytes()
    for cut in (0, 3, 8, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        assert "expected Parquet, got garbled or missing bytes" in complaint(path)
    path.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    assert "row 0: expected Parquet, got garbled or missing bytes" in complaint(path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([], np.uint64), "the trace is empty"),
        (np.array([1.5]), "expected integers, or records with page and op, got float64"),
        (np.array([[1, 2]]), "expected an array of one dimension, got shape (1, 2)"),
        (np.array(7), "expected an array of one dimension, got shape ()"),
        (np.array([1, -2]), "element 1: page: expected 0 to 18446744073709551615, got -2"),
        (np.array([(1, 2)], [("page", "u8"), ("x", "u1")]), "expected integers, or records with page and op"),
        (np.array([(1, b"R"), (1, b"")], [("page", "u8"), ("op", "S1")]), "element 1: op: expected R or W, got b''"),
        (np.array([(1, 2)], [("page", "u8"), ("op", "u1")]), "element 0: op: expected 0 or 1, got 2"),
        (
            np.array([(1, 1, 1 << 32)], [("page", "u8"), ("op", "u1"), ("process", "i8")]),
            "element 0: process: expected",
        ),
        (np.array([({},)], [("page", "O")]), "expected integers, or records with page and op"),
    ],
)
def test_npy(tmp_path: Path, array: np.ndarray, expected: str) -> None:
    np.save(tmp_path / "a.npy", array)
    assert expected in complaint(tmp_path / "a.npy")


def test_npy_cut_off_and_garbled(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(100, dtype=np.uint64))
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert "byte offset 927: expected 100 elements of 8 bytes after a header of 128, 928 bytes" in complaint(path)
    path.write_bytes(data + b"x")
    assert "928 bytes in all, got 929" in complaint(path)
    for garbled in (b"", data[:5], data[:50], b"\x93NUMPY\x09\x09" + data[8:], data[:20] + b"((((" + data[24:]):
        path.write_bytes(garbled)
        assert "byte offset 0: expected the header of a .npy file" in complaint(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for suffix in [suffix for form in FORMS.values() for suffix in form.suffixes]:
        path = tmp_path / f"a{suffix}"
        assert "no such trace: expected a file, gen:NAME" in complaint(path)
        path.mkdir()
        assert complaint(path) == f"{path}: cannot read: Is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("page,op\n1,R\n")
    path.chmod(0)
    assert complaint(path) == f"{path}: cannot read: Permission denied"


def test_unknown_forms(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for data in (b"", b"hello", bytes(range(256)) * 20, b"\x28\xb5\x2f\xfd garbage"):
        path.write_bytes(data)
        complaint(path)
    with pytest.raises(InputError, match=r"a\.txt: unknown form of a trace: expected \.parquet, \.csv"):
        write_trace(read_trace("gen:scan,pages=3"), path)
    with pytest.raises(InputError, match="bundled:nothing: unknown trace 'nothing': expected one of json, sort"):
        read_trace("bundled:nothing")
    with pytest.raises(InputError, match=r"no such trace|expected a file's name"):
        read_trace("a\0b.csv")


def test_a_bad_trace_leaves_no_output(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("page,op\n" + "1,R\n" * 2_000_000 + "oops\n")
    for suffix in (".parquet", ".csv", ".csv.zst", ".npy", ".bin", ".bin.zst"):
        with pytest.raises(InputError, match="line 2000002"):
            write_trace(read_trace(tmp_path / "in.csv"), tmp_path / f"out{suffix}")
    (tmp_path / "empty.csv").write_text("page,op\n")
    for suffix in (".parquet", ".csv", ".csv.zst", ".npy", ".bin", ".bin.zst"):
        with pytest.raises(InputError, match="the trace is empty"):
            write_trace(read_trace(tmp_path / "empty.csv"), tmp_path / f"out{suffix}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty.csv", "in.csv"]


SAMPLE = read_trace("gen:zipf,pages=300,events=400,seed=3")


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Write a valid file of every form."""
    folder, found = tmp_path_factory.mktemp("samples"), {}
    for form in FORMS.values():
        write_trace(SAMPLE, folder / f"a{form.suffixes[0]}")
        found[form.suffixes[0]] = (folder / f"a{form.suffixes[0]}").read_bytes()
    return found


MUTATIONS = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "zero", "copy"]), st.integers(0, 2**32), st.integers(0, 2**32)),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    """Damage `data`, half of the time in its first or last 200 bytes, where headers and footers are."""
    for what, place, value in mutations:
        at = place % (len(data) + 1)
        if place % 4 == 0:
            at = min(place % 200, len(data))
        elif place % 4 == 1:
            at = max(0, len(data) - place % 200)
        if what == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << value % 8)]) + data[at + 1 :]
        elif what == "cut":
            data = data[:at]
        elif what == "insert":
            data = data[:at] + value.to_bytes(8, "little") + data[at:]
        elif what == "zero":
            data = data[:at] + bytes(len(data[at : at + value % 50])) + data[at + value % 50 :]
        else:
            data = data[:at] + data[value % (len(data) + 1) :][:100] + data[at:]
    return data


@pytest.mark.parametrize("suffix", [form.suffixes[0] for form in FORMS.values()])
@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(mutations=MUTATIONS)
def test_a_mutated_trace_reads_or_is_refused(
    tmp_path: Path, samples: dict[str, bytes], suffix: str, mutations: list[tuple[str, int, int]]
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(mutated(samples[suffix], mutations))
    message = f"{path}: "
    try:
        for chunk in read_trace(path).chunks():
            assert len(chunk.page) == len(chunk.op) > 0
            assert chunk.page.dtype == np.uint64
            assert chunk.op.max() <= 1
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(alphabet="0123456789abcdefxRW,\n\r g-", max_size=80))
def test_csv_agrees_with_an_obvious_reader(tmp_path: Path, body: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"page,op\n" + body.encode())
    expected = obvious(body)
    try:
        got = [
            pair
            for chunk in read_trace(path).chunks()
            for pair in zip(chunk.page.tolist(), chunk.op.tolist(), strict=True)
        ]
    except InputError:
        got = None
    assert got == expected


def obvious(body: str) -> list[tuple[int, int]] | None:
    """Return the events of a CSV body, None if it is malformed or empty."""
    lines, events = body.split("\n"), []
    if lines[-1] == "":
        lines.pop()
    for line in lines:
        fields = line.removesuffix("\r").split(",")
        if len(fields) != 2 or fields[1] not in ("R", "W"):
            return None
        digits = fields[0].removeprefix("0x") if fields[0].startswith("0x") else fields[0]
        if not digits or set(digits) - set("0123456789abcdef") or int(digits, 16) >= 2**64:
            return None
        events.append((int(digits, 16), int(fields[1] == "W")))
    return events or None


FULL = """
import resource, signal, sys
from zswapsim._core.base.errors import OutputError
from zswapsim.traces import read_trace, write_trace
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_trace(read_trace("gen:uniform,pages=1e6,events=2e6"), sys.argv[1])
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("suffix", [form.suffixes[0] for form in FORMS.values()])
def test_a_file_that_can_grow_no_more(tmp_path: Path, suffix: str) -> None:
    import subprocess
    import sys

    path = tmp_path / f"a{suffix}"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{path}: cannot write: File too large\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [form.suffixes[0] for form in FORMS.values()])
def test_a_full_disk(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="cannot write: No space left on device"):
        write_trace(read_trace("gen:uniform,pages=1e6,events=2e6"), path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
