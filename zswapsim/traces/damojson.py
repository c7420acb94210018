"""Read DAMON's records as JSON, plain or in zlib: the form that `damo record` writes by default.

A record is a list, one entry a target, each with its intervals and snapshots. Numbers are numbers or text; text may
have commas (``"4,294,967,296"``) and units (``"5 s 144 ms"``) for people to read. One snapshot is decoded at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.traces.damosnapshot import MOST_REGIONS, MOST_WAITING, UNKNOWN, Row, Snapshot, make_snapshot
from zswapsim.traces.damotext import parse_time
from zswapsim.traces.inflate import Inflated
from zswapsim.traces.jsonpieces import Piece, json_pieces
from zswapsim.traces.jsontext import decode_json
from zswapsim.traces.streams import Source, open_source

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


class Head(msgspec.Struct):
    """Hold the fields that a record has before its snapshots."""

    target_id: Text | msgspec.UnsetType | None = msgspec.UNSET


class Record(msgspec.Struct):
    """A record without its snapshots."""

    target_id: Text | None
    snapshots: list[Taken]
    """Empty, unless the key is written in a way of its own."""


def json_snapshots(path: str | Path, compressed: bool = False) -> Iterator[Snapshot]:
    """Yield every snapshot of every record. Raises InputError that names the place by its JSON path."""
    with open_source(path, compressed) as source:
        yield from _Reader(path).snapshots(Inflated(path, source))


class _Reader:
    """Decode the pieces of a file. Snapshots wait if their target is named after them."""

    def __init__(self, path: str | Path) -> None:
        self.path, self.what = path, f"{path}: expected the JSON of a record of DAMON"
        self.head = b""
        self.target: int | None = None
        self.waiting: list[Snapshot] = []
        self.regions = 0

    def snapshots(self, source: Source) -> Iterator[Snapshot]:
        """Yield every snapshot, in the order of the file."""
        for piece in json_pieces(self.what, source):
            if piece.snapshot < 0:
                yield from self._end(piece)
                continue
            target = self._target(piece)
            where = f"$[{piece.record}].snapshots[{piece.snapshot}]"
            taken = decode_json(piece.text, Taken, f"{self.what}: in {where}")
            found = _snapshot(self.path, where, target or 0, taken)
            if target is None:
                self._wait(found)
            else:
                yield found

    def _target(self, piece: Piece) -> int | None:
        """Return the target that the record names before its snapshots, None if there is none."""
        if piece.head is not self.head:
            self.head = piece.head
            named = decode_json(piece.head + b"]}", Head, self.what).target_id
            unset = isinstance(named, msgspec.UnsetType)
            self.target = None if unset else _whole(self.path, f"$[{piece.record}].target_id", named or 0)
        return self.target

    def _wait(self, found: Snapshot) -> None:
        self.waiting.append(found)
        self.regions += 1 + len(found.start)
        if self.regions > MOST_WAITING:
            raise InputError(f"{self.path}: expected target_id before snapshots of more than {MOST_WAITING} regions")

    def _end(self, piece: Piece) -> Iterator[Snapshot]:
        """Yield the snapshots that could not be yielded before the end of their record."""
        record = decode_json(piece.text, Record, self.what)
        target = _whole(self.path, f"$[{piece.record}].target_id", record.target_id or 0)
        yield from (each._replace(target=target) for each in self.waiting)
        for index, taken in enumerate(record.snapshots):
            yield _snapshot(self.path, f"$[{piece.record}].snapshots[{index}]", target, taken)
        self.waiting, self.regions = [], 0


def _snapshot(path: str | Path, where: str, target: int, taken: Taken) -> Snapshot:
    if len(taken.regions) > MOST_REGIONS:
        raise InputError(f"{path}: {where}: expected at most {MOST_REGIONS} regions, got {len(taken.regions)}")
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
