"""Read DAMON's records as JSON, plain or in zlib: the form that `damo record` writes by default.

A record is a list, one entry a target, each with its intervals and snapshots. Numbers are numbers or text; text may
have commas (``"4,294,967,296"``) and units (``"5 s 144 ms"``) for people to read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.traces.damotext import UNKNOWN, ZLIB_HEADS, Row, Snapshot, make_snapshot, parse_time
from zswapsim.traces.streams import open_source

MOST_BYTES = 2 << 30
BLOCK = 1 << 20
MOST = 2**63
Text = int | float | str


class Accesses(msgspec.Struct):
    """The sampling intervals in which a region was found accessed."""

    samples: Text | None = None


class Age(msgspec.Struct):
    """The number of aggregation intervals for which `nr_accesses` has been so."""

    usec: Text | None = None
    aggr_intervals: Text | None = None


class Region(msgspec.Struct):
    """A range of addresses that were accessed alike."""

    start: Text
    end: Text
    nr_accesses: Accesses
    age: Age


class Taken(msgspec.Struct):
    """The regions of one aggregation interval."""

    start_time: Text
    end_time: Text
    regions: list[Region]


class Record(msgspec.Struct):
    """All snapshots of one target."""

    target_id: Text | None
    snapshots: list[Taken]


def json_snapshots(path: str | Path, compressed: bool = False) -> Iterator[Snapshot]:
    """Yield every snapshot of every record. Raises InputError that names the place by its JSON path."""
    try:
        records = msgspec.json.decode(_text(path, compressed), type=list[Record])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: expected the JSON of a record of DAMON: {error}") from None
    for number, record in enumerate(records):
        target = _whole(path, f"$[{number}].target_id", record.target_id or 0)
        for index, taken in enumerate(record.snapshots):
            yield _snapshot(path, f"$[{number}].snapshots[{index}]", target, taken)


def _snapshot(path: str | Path, where: str, target: int, taken: Taken) -> Snapshot:
    start, end = (_whole(path, f"{where}.{name}", getattr(taken, name)) for name in ("start_time", "end_time"))
    rows = [
        _row(path, f"{where}.regions[{number}]", region, end - start) for number, region in enumerate(taken.regions)
    ]
    return make_snapshot(target, min(start, end), end, rows)


def _row(path: str | Path, where: str, region: Region, lasted_ns: int) -> Row:
    low, high = _whole(path, f"{where}.start", region.start), _whole(path, f"{where}.end", region.end)
    if low > high:
        raise InputError(f"{path}: {where}: expected a region that ends after its start")
    samples = _whole(path, f"{where}.nr_accesses.samples", region.nr_accesses.samples)
    age, usec = region.age.aggr_intervals, region.age.usec
    if age is None and usec is not None and lasted_ns > 0:
        return low, high, samples, _nanoseconds(path, f"{where}.age.usec", usec) // lasted_ns
    return low, high, samples, UNKNOWN if age is None else _whole(path, f"{where}.age.aggr_intervals", age)


def _nanoseconds(path: str | Path, where: str, value: Any) -> int:
    """Return an age in microseconds, from a number of them or from a time with its units."""
    whole = _whole(path, where, value)
    return whole if isinstance(value, str) and value.strip()[-1:].isalpha() else whole * 1000


def _whole(path: str | Path, where: str, value: Any) -> int:
    """Return a number in any of damo's spellings. Raises InputError if it is none, or does not fit 63 bits."""
    number = parse_time(value.strip()) if isinstance(value, str) else value
    if number is None or not 0 <= number < MOST:
        raise InputError(f"{path}: {where}: expected a number from 0 to 2**63 - 1, got {str(value)[:40]!r}")
    return int(number)


def _text(path: str | Path, compressed: bool) -> bytes:
    """Return the whole text, decompressed if it is in zlib. Raises InputError if that is cut, garbled or too large."""
    text, stream = bytearray(), None
    buffer = memoryview(bytearray(BLOCK))
    with open_source(path, compressed) as source:
        while count := source.readinto(buffer):
            if stream is None and not text and bytes(buffer[:2]) in ZLIB_HEADS:
                stream = zlib.decompressobj()
            text += buffer[:count] if stream is None else _inflated(path, stream, bytes(buffer[:count]))
            if len(text) > MOST_BYTES:
                raise InputError(f"{path}: expected at most {MOST_BYTES >> 30} GiB of JSON (perf_script has no limit)")
    if stream is not None and not stream.eof:
        raise InputError(f"{path}: the zlib data is cut off")
    return bytes(text)


def _inflated(path: str | Path, stream: Any, data: bytes) -> bytes:
    try:
        return bytes(stream.decompress(data, MOST_BYTES + 1))
    except zlib.error as error:
        raise InputError(f"{path}: the zlib data is garbled ({error})") from None
