"""Read DAMON's records as text: the tracepoint's lines, and the raw form of `damo report access`.

    kdamond.0    77 [000]   581.127857: damon:damon_aggregated: target_id=0 nr_regions=1432 4294967296-4304613376: 0 53

(include/trace/events/damon.h.) trace-cmd leaves out the system's name, `damo record` the processor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim.traces.damosnapshot import (
    END_OF_TIME_NS,
    MOST_REGIONS,
    MOST_WAITING,
    UNKNOWN,
    Row,
    Snapshot,
    make_snapshot,
)
from zswapsim.traces.lines import numbered_lines, shown
from zswapsim.traces.streams import open_source

BINARY = b"PERFILE2"
AGGREGATED = re.compile(
    rb".{0,128}?\s(\d{1,12})\.(\d{1,9}):\s{1,64}(?:damon:)?damon_aggregated:\s{1,64}target_id=(\d{1,20})"
    rb" nr_regions=(\d{1,9}) (\d{1,20})-(\d{1,20}): (-?\d{1,10})(?: (-?\d{1,10}))?\s*$"
)
RAW_HEADS = (b"monitoring_start", b"monitoring_end", b"monitoring_duration", b"target_id", b"nr_regions")
RAW_REGION = re.compile(rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ?\([^)]{1,40}\):?\s+(-?\d{1,10})(?:\s+(-?\d{1,10}))?\s*$")
TIME = re.compile(r"\s*(-?)([\d,]+(?:\.\d+)?) ?(ns|us|ms|s|m|h|d)?")
UNITS = {None: 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


def text_snapshots(path: str | Path, compressed: bool = False) -> Iterator[Snapshot]:
    """Yield the snapshots of a text in either form. Raises InputError on one that is neither."""
    with open_source(path, compressed) as source:
        lines = _Lines(str(path), numbered_lines(str(path), source))
        first = lines.first()
        if first.startswith(BINARY):
            raise InputError(f"{path}: a binary record of perf: expected the text that damo or perf script makes of it")
        raw = first.startswith((b"base_time_absolute:", b"monitoring_start:"))
        yield from _dated(str(path), _raw(lines) if raw else _traced(lines))


class _Lines:
    """The number of lines that are examined at once before they are read."""

    def __init__(self, name: str, lines: Iterator[tuple[int, bytes]]) -> None:
        self.name, self.lines = name, lines
        self.held: list[tuple[int, bytes]] = []

    def first(self) -> bytes:
        """Return the first line that is not blank."""
        for number, line in self.lines:
            if line.strip():
                self.held = [(number, line)]
                return line
        return b""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        yield from self.held
        yield from self.lines

    def refuse(self, number: int, what: str, line: bytes) -> InputError:
        """Make an error at a line."""
        return InputError(f"{self.name}: line {number}: expected {what}, got {shown(line)}")


class _Undated(NamedTuple):
    """A snapshot that may not know its beginning yet."""

    target: int
    start_ns: int | None
    end_ns: int
    rows: list[Row]

    def since(self, start_ns: int) -> Iterator[Snapshot]:
        """Return the snapshot with its beginning, or nothing if it has no region."""
        if self.rows:
            yield make_snapshot(self.target, max(0, min(start_ns, self.end_ns)), self.end_ns, self.rows)


def _dated(name: str, found: Iterator[_Undated]) -> Iterator[Snapshot]:
    """Give every snapshot its beginning: the end of the target's snapshot before.

    The first snapshot of a target lasts as long as the second; one that stays alone has no length. Raises InputError if
    too much waits for a second one.
    """
    known: dict[int, _Undated | int] = {}
    waiting = 0
    for each in found:
        before = known.get(each.target)
        if each.start_ns is not None:
            yield from each.since(each.start_ns)
        elif before is None:
            known[each.target] = each
            waiting += 1 + len(each.rows)
            if waiting > MOST_WAITING:
                raise InputError(f"{name}: expected at most {MOST_WAITING} regions in the first snapshots of targets")
        else:
            if isinstance(before, _Undated):
                waiting -= len(before.rows)
                yield from before.since(2 * before.end_ns - each.end_ns)
                before = before.end_ns
            yield from each.since(before)
            known[each.target] = each.end_ns
    for alone in known.values():
        if isinstance(alone, _Undated):
            yield from alone.since(alone.end_ns)


def _traced(lines: _Lines) -> Iterator[_Undated]:
    """Yield the snapshots of the tracepoint's lines, without those that lost lines."""
    rows: list[Row] = []
    now: tuple[bytes, bytes] | None = None
    end_ns = 0
    for number, line in lines:
        if not line.strip() or line.startswith(b"#"):
            continue
        found = AGGREGATED.match(line)
        if found is None:
            if b"damon_" in line and b"damon_aggregated" not in line:
                continue  # a line of another tracepoint
            raise lines.refuse(number, "a line of damon:damon_aggregated", line)
        seconds, fraction, target, regions, start, end, accesses, age = found.groups()
        if now != (target, regions):
            rows, now = [], (target, regions)
            end_ns = _time(lines, number, line, int(seconds) * 10**9 + int(fraction.ljust(9, b"0")))
            _refuse_many(lines, number, line, int(regions))
        if len(rows) >= int(regions):
            raise lines.refuse(number, f"a snapshot of {int(regions)} regions", line)
        rows.append(_row(lines, number, line, (start, end, accesses, age), 10))
        if len(rows) == int(regions):
            # After a record's only snapshot damo writes another of one region with -1 accesses, to give the end time.
            yield _Undated(int(target), None, end_ns, [row for row in rows if row[2] >= 0])
            rows, now = [], None


def _row(lines: _Lines, number: int, line: bytes, fields: tuple[bytes, bytes, bytes, bytes | None], base: int) -> Row:
    start, end, accesses, age = fields
    low, high = int(start, base), int(end, base)
    if low > high or high >= 2**64:
        raise lines.refuse(number, "a region that ends after its start, below 2**64", line)
    return low, high, int(accesses), UNKNOWN if age is None else int(age)


def _raw(lines: _Lines) -> Iterator[_Undated]:
    """Yield the snapshots of `damo report access --raw_form`, with times as numbers or as people read them."""
    values: dict[bytes, int] = {}
    rows: list[Row] = []
    base = 0
    for number, line in lines:
        name, _, rest = line.partition(b":")
        if not line.strip() or line.startswith((b"#", b"data source:")):
            continue
        if name == b"base_time_absolute":
            base = _number(lines, number, rest)
        elif name in RAW_HEADS:
            values[name] = _number(lines, number, rest)
            _refuse_many(lines, number, line, values.get(b"nr_regions", 0))
            rows = []
        elif (found := RAW_REGION.match(line)) and len(values) == len(RAW_HEADS) and len(rows) < values[b"nr_regions"]:
            rows.append(_row(lines, number, line, (found[1], found[2], found[3], found[4]), 16))
        else:
            raise lines.refuse(number, "a line as damo report access --raw_form prints it", line)
        if rows and len(rows) == values[b"nr_regions"]:
            start, end = (_time(lines, number, line, base + values[key]) for key in RAW_HEADS[:2])
            yield _Undated(values[b"target_id"], max(0, start), max(0, end), rows)
            rows, values = [], {}


def _time(lines: _Lines, number: int, line: bytes, time_ns: int) -> int:
    """Return a time. Raises InputError unless it is below 2**63 nanoseconds."""
    if abs(time_ns) >= END_OF_TIME_NS:
        raise lines.refuse(number, "a time below 2**63 nanoseconds", line)
    return time_ns


def _refuse_many(lines: _Lines, number: int, line: bytes, regions: int) -> None:
    if not 0 <= regions <= MOST_REGIONS:
        raise lines.refuse(number, f"a snapshot of at most {MOST_REGIONS} regions", line)


def _number(lines: _Lines, number: int, text: bytes) -> int:
    value = parse_time(text.decode("ascii", "replace").strip())
    if value is None:
        raise lines.refuse(number, "a number or a time", text)
    return value


def parse_time(text: str) -> int | None:
    """Return the nanoseconds of ``5 s 144.822 ms``.

    A number without a unit is itself; None stands for any other text.
    """
    total, at, sign = 0, 0, 1
    while at < len(text):
        found = TIME.match(text, at)
        if found is None or len(text) > 80:
            return None
        whole = found[2].replace(",", "")
        sign = -1 if found[1] else sign
        total += round(float(whole) * UNITS[found[3]]) if "." in whole else int(whole or "0") * UNITS[found[3]]
        at = found.end()
    return sign * total if text else None
