"""The targets that read files: traces in each form, contents, profiles, journals, dictionaries and results."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.fuzz.mutate import Mutation, binary, text
from tests.fuzz.targets import Target
from zswapsim import Result, Settings, get_compressor, make_profile, read_contents, read_profile, run
from zswapsim.compressors.dictionary import train_dictionary
from zswapsim.compressors.measure import Columns
from zswapsim.study.profile.journal import Journal, Part
from zswapsim.study.profile.record import Origin
from zswapsim.traces import ArrayTrace, read_trace, write_trace
from zswapsim.traces.convert import convert_trace
from zswapsim.traces.damo import read_snapshots

DATA = Path(__file__).parents[1] / "data"
MOST_EVENTS = 1 << 20
EVENTS = 80


def events(*, times: bool, processes: bool, seed: int = 1) -> ArrayTrace:
    draw = np.random.default_rng(seed)
    time_ns = np.sort(draw.integers(0, 10**10, EVENTS)).astype(np.uint64) if times else None
    process = draw.integers(1, 4, EVENTS).astype(np.uint32) if processes else None
    page = draw.choice(np.array([3, 5, 70, 2**40, 2**64 - 1], np.uint64), EVENTS)
    return ArrayTrace(page, draw.integers(0, 2, EVENTS).astype(np.uint8), time_ns, process)


def written(suffix: str) -> Callable[[], list[bytes]]:
    """Return a function that writes traces in a form."""

    def make() -> list[bytes]:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"a{suffix}")
            found = []
            for which in range(4):
                write_trace(events(times=bool(which & 1), processes=bool(which & 2), seed=which), path)
                found.append(path.read_bytes())
            return found

    return make


def read_events(suffix: str) -> Callable[[bytes, Path], object]:
    """Return a function that reads a file as a trace of this suffix, up to MOST_EVENTS events."""

    def read(data: bytes, folder: Path) -> object:
        path = folder / f"a{suffix}"
        path.write_bytes(data)
        seen, digest = 0, hashlib.blake2b()
        for chunk in read_trace(path).chunks():
            assert len(chunk.page) > 0
            for part, dtype in zip(chunk, (np.uint64, np.uint8, np.uint64, np.uint32), strict=True):
                assert part is None or (part.dtype == dtype and len(part) == len(chunk.page))
                digest.update(b"-" if part is None else np.ascontiguousarray(part))
            assert chunk.op.max() <= 1
            seen += len(chunk.page)
            if seen > MOST_EVENTS:
                break
        return seen, digest.hexdigest()

    return read


def unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def inside_zstd(mutation: Mutation) -> Mutation:
    """Change what is compressed, or sometimes the frame."""

    def change(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
        if random.randrange(3) == 0:
            return binary(random, data, samples)
        plain = [unpacked(each) for each in (data, random.choice(samples))]
        inner = mutation(random, plain[0], plain)
        frames = [inner] if random.randrange(4) else [inner[: len(inner) // 2], inner[len(inner) // 2 :]]
        return b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(each) for each in frames)

    return change


def inside_zlib(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
    """Change what is compressed, or sometimes the stream."""
    if random.randrange(3) == 0:
        return binary(random, data, samples)
    inner = zlib.decompress(data)
    return zlib.compress(text(random, inner, [inner]), random.choice((0, 1)))


def plain(name: str, most: int = 2500) -> bytes:
    data = (DATA / name).read_bytes()
    if name.endswith(".zst"):
        data = zstandard.decompress(data)
    return data if most == 0 else data[: data.rfind(b"\n", 0, most) + 1]


def perf_samples() -> list[bytes]:
    return [plain("faults.perf.zst"), plain("user.perf.zst")]


def damo_texts() -> list[bytes]:
    script, raw = plain("damon-script.damo.zst", 0).split(b"\n"), plain("damon-raw.damo.zst", 0).split(b"\n")
    short = [line.replace(b"nr_regions=%d " % len(script), b"nr_regions=2 ") for line in script[:4]]
    lines = [b"k 1 [0] %d.5: damon:damon_aggregated: target_id=%d nr_regions=2 %d-%d: 1 2" % (at, at % 2, at, at + 9000)
             for at in range(4, 12) for _ in range(2)]  # fmt: skip
    return [b"\n".join(lines), b"\n".join(raw[:40]), b"\n".join(short)]


def damo_jsons() -> list[bytes]:
    regions = b'{"start": "4,096", "end": 20480, "nr_accesses": {"samples": 3}, "age": {"aggr_intervals": "2"}}'
    usec = b'{"start": 0, "end": "8192", "nr_accesses": {"samples": "1"}, "age": {"usec": "5 ms"}}'
    taken = b'{"start_time": "1 s", "end_time": "1,100,000,000", "regions": [%s, %s]}' % (regions, usec)
    record = b'{"kdamond_idx": 0, "note": "a ] \\" {", "target_id": %s, "snapshots": [%s]}'
    return [
        b"[%s, %s]" % (record % (b"0", taken), record % (b'"7"', b",\n".join([taken] * 3))),
        b'[{"snapshots": [%s], "target_id": null}]' % taken,
    ]


def other_parquet() -> list[bytes]:
    """Write tables as other programs may: other types, encodings, pages of both versions, indexes, small row groups."""
    rows = np.arange(300) % 77
    table = pa.table({"page": rows, "op": np.where(rows % 3, "R", "W"), "other": rows * 1.5})
    ways = [
        {"compression": "zstd", "row_group_size": 100, "data_page_version": "2.0"},
        {"compression": "snappy", "use_dictionary": False, "write_page_index": True},
        {"compression": "gzip", "data_page_size": 100, "write_page_checksum": True},
        {"compression": "none", "use_dictionary": False, "column_encoding": {"page": "DELTA_BINARY_PACKED"}},
    ]
    found = []
    for way in ways:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, **way)
        found.append(sink.getvalue().to_pybytes())
    return found


def npy_samples() -> list[bytes]:
    return [*written(".npy")(), _saved(np.arange(99, dtype=np.int16)), _saved(np.zeros(5, "u8,S1")), _saved(np.eye(3))]


def _saved(array: np.ndarray) -> bytes:
    with TemporaryDirectory() as folder:
        np.save(Path(folder, "a.npy"), array)
        return Path(folder, "a.npy").read_bytes()


@cache
def _profile_folder() -> TemporaryDirectory[str]:
    folder: TemporaryDirectory[str] = TemporaryDirectory()
    make_profile(read_contents("recipe:mix,pages=40"), ["lz4", "zstd:level=1"], Path(folder.name, "a.parquet"))
    return folder


def profile_samples() -> list[bytes]:
    return [Path(_profile_folder().name, "a.parquet").read_bytes()]


def read_a_profile(data: bytes, folder: Path) -> object:
    (folder / "a.parquet").write_bytes(data)
    found = read_profile(folder / "a.parquet")
    sizes = {key: b"".join(map(bytes, columns)) for key, columns in found.columns.items()}
    return found.contents_hash, found.kind.tobytes(), found.content.tobytes(), sizes


HASH = "00" * 16


def journal_samples() -> list[bytes]:
    def numbers(count: int) -> Columns:
        return Columns(*(np.arange(count, dtype=dtype) for dtype in (np.uint16, np.uint32, np.uint32)))

    with TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        with Journal(path, HASH) as journal:
            for key, begin in (("lz4", 0), ("zstd:level=1", 256), ("lz4", 990)):
                journal.append(Part(key, Origin("liblz4.so", "1.9", "a processor"), begin, numbers(10)))
        return [Path(f"{path}.part").read_bytes()]


def read_a_journal(data: bytes, folder: Path) -> object:
    path = folder / "a.parquet"
    Path(f"{path}.part").write_bytes(data)
    with Journal(path, HASH) as journal:
        return [(part.key, part.begin, part.columns.size.tobytes()) for part in journal.parts(1000)]


def dictionary_samples() -> list[bytes]:
    contents = read_contents("recipe:text,pages=300")
    return [train_dictionary(contents.images, 2048)]


def read_a_dictionary(data: bytes, folder: Path) -> object:
    (folder / "a.dict").write_bytes(data)
    return get_compressor(f"zstd:dict={folder / 'a.dict'}").spec


def result_samples() -> list[bytes]:
    made = run("gen:zipf,pages=60,events=900", None, Settings(depth="counts"))
    return [made.to_json(), msgspec.structs.replace(made, timeline=[]).to_json()]


def read_a_result(data: bytes, _folder: Path) -> object:
    return Result.from_json(data).to_json()


def read_pages_file(data: bytes, folder: Path) -> object:
    (folder / "a.pages").write_bytes(data)
    found = read_contents(folder / "a.pages")
    assert found is not None
    return found.hash


def page_samples() -> list[bytes]:
    contents = read_contents("recipe:mix,pages=8")
    return [contents.images[:2].tobytes(), contents.images[3:6].tobytes(), bytes(8192)]


def read_regions(data: bytes, folder: Path) -> object:
    (folder / "a.damo").write_bytes(data)
    return sum(len(snapshot.start) for snapshot in read_snapshots(folder / "a.damo"))


def convert_any(data: bytes, folder: Path) -> object:
    """Recognise a file by its beginning, and convert it."""
    (folder / "a.unknown").write_bytes(data)
    return convert_trace(folder / "a.unknown", folder / "b.csv").pages


def compressed(samples: Callable[[], list[bytes]]) -> Callable[[], list[bytes]]:
    return lambda: [zstandard.ZstdCompressor(write_checksum=True).compress(each) for each in samples()]


def zlibbed() -> list[bytes]:
    return [zlib.compress(each) for each in damo_jsons()]


def mixed() -> list[bytes]:
    return [written(".parquet")()[0], npy_samples()[0], written(".csv")()[3], perf_samples()[0][:2000], damo_texts()[0]]


TARGETS = [
    Target("csv", written(".csv"), read_events(".csv"), text),
    Target("csv.zst", written(".csv.zst"), read_events(".csv.zst"), inside_zstd(text), checked=True),
    Target("oracle", written(".bin"), read_events(".bin"), binary),
    Target("oracle.zst", written(".bin.zst"), read_events(".bin.zst"), inside_zstd(binary), checked=True),
    Target("npy", npy_samples, read_events(".npy"), binary),
    Target("parquet", written(".parquet"), read_events(".parquet"), binary, checked=True),
    Target("parquet-of-others", other_parquet, read_events(".parquet"), binary),
    Target("perf", perf_samples, read_events(".perf"), text),
    Target("perf.zst", compressed(perf_samples), read_events(".perf.zst"), inside_zstd(text), checked=True),
    Target("damo-text", damo_texts, read_events(".damo"), text),
    Target("damo-json", damo_jsons, read_events(".damo"), text),
    Target("damo-zlib", zlibbed, read_events(".damo"), inside_zlib, checked=True),
    Target("damo.zst", compressed(damo_texts), read_events(".damo.zst"), inside_zstd(text), checked=True),
    Target("damo-snapshots", lambda: damo_texts() + damo_jsons(), read_regions, text),
    Target("any-form", mixed, convert_any, binary),
    Target("pages", page_samples, read_pages_file, binary),
    Target("profile", profile_samples, read_a_profile, binary, checked=True),
    Target("journal", journal_samples, read_a_journal, binary),
    Target("dictionary", dictionary_samples, read_a_dictionary, binary),
    Target("result", result_samples, read_a_result, text),
]
