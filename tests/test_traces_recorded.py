"""Read page faults that perf recorded, and snapshots that DAMON took, as traces. The samples are recordings.

`faults.perf.zst`, `user.perf.zst`: a program that maps 100 pages, reads every second one, writes all, and twice frees
the upper half and writes it again; as perf 6.1 printed it, without names of functions and files. The others: DAMON of
Linux 6.18 over physical memory, as `damo` 3.4.3 wrote it in each of its forms (the first 192 MiB above 4 GiB, which
damo cut out), and as perf printed it.
"""

import json
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import zstandard
from cli_helpers import as_json, zswapsim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zswapsim._core.base.errors import InputError
from zswapsim.traces import Chunk, read_trace, write_trace
from zswapsim.traces.damo import DamoTrace, Spans, read_snapshots
from zswapsim.traces.damotext import parse_time
from zswapsim.traces.perf import PerfTrace

DATA = Path(__file__).parent / "data"
DAMO = ["damon.data", "damon-json.damo.zst", "damon-script.damo.zst", "damon-raw.damo.zst"]


def plain(name: str) -> bytes:
    data = (DATA / name).read_bytes()
    return zstandard.ZstdDecompressor().decompress(data) if name.endswith(".zst") else data


def whole(path: str | Path) -> Chunk:
    chunks = list(read_trace(path).chunks())
    return Chunk(*(None if part[0] is None else np.concatenate(part) for part in zip(*chunks, strict=True)))


def assert_refused(path: Path, data: bytes, expected: str) -> None:
    """Write a file that is no trace, and check that reading it fails with one line that names it."""
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        whole(path)
    assert str(caught.value).startswith(f"{path}: {expected}")
    assert "\n" not in str(caught.value)


def mapping(pages: list[int]) -> dict[int, int]:
    """Return how often each of the program's 100 pages occurs: they begin the longest run of neighbours."""
    counts, best = Counter(pages), range(0)
    for page in counts:
        run = page
        while page - 1 not in counts and run in counts:
            run += 1
        best = max(best, range(page, run), key=len)
    return {page - best[0]: counts[page] for page in best[:100]}


@pytest.mark.parametrize(("name", "events", "processes"), [("faults", 299, [13449]), ("user", 296, None)])
def test_page_faults_are_those_of_the_program(name: str, events: int, processes: list[int] | None) -> None:
    seen = whole(DATA / f"{name}.perf.zst")
    expected = {page: (2 if page % 2 == 0 else 1) + (2 if page >= 50 else 0) for page in range(100)}
    assert len(seen.page) == events
    assert mapping(seen.page.tolist()) == expected
    assert (None if seen.process is None else np.unique(seen.process).tolist()) == processes
    assert (np.diff(seen.time_ns.astype(np.int64)) >= 0).all()


def test_the_tracepoint_tells_writes() -> None:
    seen = whole(DATA / "user.perf.zst")
    assert sum(mapping(seen.page[seen.op == 1].tolist()).values()) == 200
    assert seen.time_ns[0] % 1000 > 0  # perf script --ns
    assert not whole(DATA / "faults.perf.zst").op.any()


def test_faults_of_one_process(tmp_path: Path) -> None:
    assert (
        sum(len(chunk.page) for chunk in PerfTrace(DATA / "faults.perf.zst", True, processes={13449}).chunks()) == 299
    )
    with pytest.raises(InputError, match="the trace is empty"):
        list(PerfTrace(DATA / "faults.perf.zst", True, processes={1}).chunks())


LINE = "toucher 7/8 [001]   12.000001:          1 page-faults:     7f5c2bdd3123 [unknown] (//anon) 11c8 main (/x)"


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace("page-faults:", "page-faults:u:"),
        LINE.replace("7/8", "7"),
        LINE.replace(" [001]", ""),
        LINE.replace("toucher", "a  b: 5 c"),
        LINE.partition(" [unknown]")[0],
        LINE.partition(" 11c8")[0] + "\n\t            11c8 main+0x6f (/x)\n\t  7ff0 [unknown] ([unknown])\n",
        "12.000001: major-faults: 7f5c2bdd3fff",
        "x 7 12.000001000: exceptions:page_fault_kernel: address=0x7f5c2bdd3000 ip=main+0x3 error_code=0x4",
        f"# captured on: today\n\n{LINE}\r\n x 7 13.000000: 250000 cycles: 55d0 main (/x)",
        f"x 7 11.000000: 1 page-faults: ffffffff817554ea f ([kernel]) 11c8 main (/x)\n{LINE}",
    ],
)
def test_lines_as_perf_prints_them(tmp_path: Path, line: str) -> None:
    path = tmp_path / "recorded"
    path.write_text(line)
    seen = whole(path)
    assert (seen.page.tolist(), seen.time_ns.tolist()) == ([0x7F5C2BDD3], [12_000_001_000])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected the text of perf script, got no event"),
        ("x 7 11.000000: 5 cycles: 55d0", "the trace is empty"),
        ("x 7 11.000000: 1 page-faults: 55d0 main+0x3 (/x)", "line 1: expected the address of a page fault"),
        (f"{LINE}\nx 7 11.000000: 1 page-faults: 55d0 f(int) (/x)", "line 2: expected the address of a page fault"),
        (f"{LINE}\n\nnonsense", "line 3: expected an event as perf script prints it, got 'nonsense'"),
        (f"{LINE}\n{LINE.replace('7/8', '7')}", "line 2: expected process and thread in every line or in none"),
        ("x 7 1.000000: exceptions:page_fault_user: address=0xg ip=1 error_code=0x4", "line 1: expected address=0x"),
        (LINE.replace("7/8", "9999999999/8"), "line 1: expected a process below 2**32"),
        ("PERFILE2\x01\x02", "a binary record of perf: expected the text of perf script"),
        ("x" * 20000, "line 1: expected lines of text, got one of 20000 bytes"),
    ],
)
def test_text_that_is_none_of_perf(tmp_path: Path, text: str, expected: str) -> None:
    assert_refused(tmp_path / "a.perf", text.encode(), expected)


def test_damo_s_forms_hold_the_same() -> None:
    held = json.loads(zlib.decompress(plain("damon.data")))[0]["snapshots"]
    for name in DAMO:
        found = list(read_snapshots(DATA / name, name.endswith(".zst")))
        assert len(found) == len(held) == 6
        for snapshot, expected in zip(found, held, strict=True):
            regions = expected["regions"]
            assert snapshot.start.tolist() == [int(each["start"].replace(",", "")) for each in regions]
            assert snapshot.end.tolist() == [int(each["end"].replace(",", "")) for each in regions]
            assert snapshot.accesses.tolist() == [each["nr_accesses"]["samples"] for each in regions]
            assert snapshot.end_ns == pytest.approx(int(expected["end_time"]), abs=10**6)
            ages = [int(each["age"]["aggr_intervals"]) for each in regions]
            lasted = snapshot.end_ns - snapshot.start_ns
            assert snapshot.age_ns.tolist() == [age * lasted for age in ages]
            if name == "damon.data":
                assert snapshot.start_ns == int(expected["start_time"])


def test_damon_as_perf_prints_it_is_what_damo_made_of_it() -> None:
    whole_memory = list(read_snapshots(DATA / "damon-perf.damo.zst", True))
    part = list(read_snapshots(DATA / "damon.data"))
    assert [len(snapshot.start) for snapshot in whole_memory] == [1432, 1457]
    for all_of_it, some in zip(whole_memory, part, strict=False):
        inside = all_of_it.end <= some.end[-1]
        np.testing.assert_array_equal(all_of_it.start[inside], some.start[: inside.sum()])
        np.testing.assert_array_equal(all_of_it.accesses[inside], some.accesses[: inside.sum()])
        assert all_of_it.end_ns == some.end_ns


def test_every_page_of_an_accessed_region_is_read_once_a_snapshot() -> None:
    seen = whole(DATA / "damon.data")
    expected = [
        page
        for snapshot in read_snapshots(DATA / "damon.data")
        for start, end, accesses in zip(snapshot.start, snapshot.end, snapshot.accesses, strict=True)
        for page in range(int(start) >> 12, int(end) >> 12)
        if accesses > 0
    ]
    assert seen.page.tolist() == expected
    assert not seen.op.any()
    assert not seen.process.any()
    assert (np.diff(seen.time_ns.astype(np.int64)) >= 0).all()


def test_spans_are_cut_anywhere() -> None:
    spans = Spans(np.array([0x1000, 0x5000, 0x9800], np.uint64), np.array([0x3000, 0x5FFF, 0xC000], np.uint64))
    assert spans.part(0, spans.pages).tolist() == [1, 2, 9, 10, 11]
    assert [spans.part(at, at + 1).tolist() for at in range(5)] == [[1], [2], [9], [10], [11]]


TRACED = "k 1 [0] {time}: damon:damon_aggregated: target_id={target} nr_regions={regions} {span}: {rest}\n"


def traced(time: str, target: int, *rows: tuple[str, str]) -> str:
    parts = (TRACED.format(time=time, target=target, regions=len(rows), span=span, rest=rest) for span, rest in rows)
    return "".join(parts)


def test_snapshots_of_several_targets_and_one_with_lost_lines(tmp_path: Path) -> None:
    path = tmp_path / "record"
    cut = traced("2.000000", 9, ("0-4096", "1 2"), ("4096-8192", "0 1")).splitlines(keepends=True)[0]
    path.write_text(
        traced("1.000000", 9, ("8192-12288", "0 4"), ("0-4096", "1 2"))
        + traced("1.100000", 4, ("0-4096", "3"))
        + "k 1 [0] 1.5: damon:damon_monitor_intervals_tune: sample_us=80000\n"
        + cut
        + traced("3.000000", 9, ("0-4096", "1 3"))
        + traced("3.100000", 4, ("0-4096", "0 1"))
    )
    found = [(each.target, each.start_ns, each.end_ns, each.age_ns.tolist()) for each in read_snapshots(path)]
    second = 10**9
    assert found == [
        (9, 0, second, [2 * second, 4 * second]),
        (9, second, 3 * second, [6 * second]),
        (4, 0, 1_100_000_000, [-1]),
        (4, 1_100_000_000, 3_100_000_000, [2 * second]),
    ]
    assert set(whole(path).process.tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "expected a record of DAMON with at least one whole snapshot, got none"),
        (b"k 1 [0] 1.0: damon:damon_aggregated: target_id=0", "line 1: expected a line of damon:damon_aggregated"),
        (traced("1.0", 0, ("8-4", "1 2")).encode(), "line 1: expected a region that ends after its start"),
        (b"base_time_absolute: 5\nnonsense", "line 2: expected a line as damo report access --raw_form prints it"),
        (b"base_time_absolute: 5 x", "line 1: expected a number or a time, got '5 x'"),
        (b"PERFILE2\x01", "a binary record of perf: expected the text that damo or perf script makes of it"),
        (b"[", "expected the JSON of a record of DAMON: Input data was truncated"),
        (b'[{"target_id": 0, "snapshots": {}}]', "expected the JSON of a record of DAMON: Expected `array`"),
        (
            b'[{"target_id": 0, "snapshots": [{"start_time": "x", "end_time": 1, "regions": []}]}]',
            "$[0].snapshots[0].start_time: expected a number from 0 to 2**63 - 1, got 'x'",
        ),
        (b"\x78\x9cgarbled", "the zlib data is garbled"),
        (zlib.compress(b"[" + b" " * 1000)[:-9], "the zlib data is cut off"),
    ],
)
def test_records_that_are_none_of_damo(tmp_path: Path, data: bytes, expected: str) -> None:
    assert_refused(tmp_path / "a.damo", data, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 ns", 0), ("5,144,822", 5144822), ("5 s 144 ms 822 us", 5144822000), ("9 m 35.983 s", 575983000000),
        ("1 h", 3600 * 10**9), ("-2 ms", -2000000), ("", None), ("x", None), ("5 x", None), ("5..1", None),
    ],
)  # fmt: skip
def test_times_as_damo_prints_them(text: str, expected: int | None) -> None:
    assert parse_time(text) == expected


def test_lines_of_an_older_kernel(tmp_path: Path) -> None:
    """In such a kernel targets were pointers, and regions had no age."""
    path = tmp_path / "record"
    line = "kdamond.0 4452 [000] {}.315633: damon:damon_aggregated: target_id=18446623435582458880 nr_regions=1 {}\n"
    span = "140731667070976-140731668037632: 0"
    path.write_text(line.format(82877, span) + line.format(82878, span))
    found = list(read_snapshots(path))
    assert [(each.target, each.age_ns.tolist()) for each in found] == [(18446623435582458880, [-1])] * 2


@pytest.mark.parametrize("name", [*DAMO, "damon-perf.damo.zst", "faults.perf.zst", "user.perf.zst"])
def test_a_record_is_known_by_its_beginning_and_converted(tmp_path: Path, name: str) -> None:
    path, target = tmp_path / "record", tmp_path / "a.parquet"
    path.write_bytes(plain(name))
    trace = read_trace(path)
    assert isinstance(trace, DamoTrace if "damon" in name else PerfTrace)
    if name != "damon-perf.damo.zst":  # the record covers the whole machine: a third of a million pages
        write_trace(trace, target)
        for left, right in zip(whole(path), whole(target), strict=True):
            np.testing.assert_array_equal(left, right)


def test_they_are_only_read(tmp_path: Path) -> None:
    for name in ("a.perf", "a.damo.zst"):
        with pytest.raises(InputError, match=f"{name}: a form that is only read: expected .parquet"):
            write_trace(read_trace("gen:scan,pages=4"), tmp_path / name)


def test_a_run_and_a_conversion_from_the_command_line() -> None:
    done = zswapsim("convert", DATA / "user.perf.zst", "-")
    assert done.stdout.startswith("page,op,time_ns\n7")
    assert done.stdout.count("\n") == 297
    ran = as_json("run", DATA / "faults.perf.zst", "--contents", "none")
    assert ran["counters"]["accesses"] == 299


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_record_that_was_changed_anywhere_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*DAMO, "faults.perf.zst", "user.perf.zst"]))
    text = bytearray(plain(name)[: data.draw(st.sampled_from([500, 5000, 10**9]))])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path / "changed.perf" if "perf" in name else tmp_path / "changed.damo"
    path.write_bytes(text)
    try:
        for chunk in islice(read_trace(path).chunks(), 3):  # one more digit may be many more pages
            assert len(chunk.page) == len(chunk.op) == len(chunk.time_ns)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
