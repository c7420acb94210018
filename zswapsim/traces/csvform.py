"""Read and write traces as CSV: a header that names the columns, then one line an event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace import csvtext
from zswapsim.traces.columns import left_out
from zswapsim.traces.lines import LONGEST
from zswapsim.traces.streams import Source, open_source
from zswapsim.traces.trace import Chunk, Progress, Trace, refuse_empty

BLOCK_BYTES = 4 << 20  # a line has at least 4 bytes: no more than 2**20 events
LINE_BYTES = 52  # the longest that is written
ROLES = {"page": csvtext.PAGE, "op": csvtext.OP, "time_ns": csvtext.TIME_NS, "process": csvtext.PROCESS}
EXPECTED = {
    csvtext.PAGE: "a page number in hexadecimal",
    csvtext.OP: "R or W",
    csvtext.TIME_NS: "nanoseconds, a whole number below 2**64",
    csvtext.PROCESS: "a process, a whole number below 2**32",
}


class CsvTrace(Trace):
    """A CSV file: columns page (hexadecimal) and op (R or W), optionally time_ns and process.

    A warning names other columns, which are not read.
    """

    def __init__(self, path: str | Path, compressed: bool = False) -> None:
        self.name, self.path, self.compressed = str(path), path, compressed

    def chunks(self) -> Iterator[Chunk]:
        """Yield every line."""
        return refuse_empty(self.name, self._chunks())

    def _chunks(self) -> Iterator[Chunk]:
        roles, events = None, 0
        with open_source(self.path, self.compressed) as source:
            for text in _whole_lines(self.name, source):
                start = 0
                if roles is None:
                    start = bytes(text).index(b"\n") + 1
                    roles = _columns(self.name, bytes(text[:start]))
                if start < len(text):
                    chunk = _parse(self.name, text[start:], roles, events)
                    events += len(chunk.page)
                    yield chunk


def _whole_lines(name: str, source: Source) -> Iterator[memoryview]:
    """Yield blocks of at most BLOCK_BYTES that end in a newline. A newline that the file's last line lacks is added."""
    buffer = bytearray(BLOCK_BYTES)
    view, kept, offset = memoryview(buffer), 0, 0
    while count := source.readinto(view[kept:]):
        end = kept + count
        cut = buffer.rfind(b"\n", kept, end) + 1
        if cut:
            yield view[:cut]
        elif end == len(buffer):
            raise InputError(f"{name}: byte offset {offset}: expected lines of text, got none in {end} bytes")
        kept, offset = end - cut, offset + cut
        view[:kept] = bytes(view[cut:end])
    if kept:
        yield memoryview(bytes(view[:kept]) + b"\n")


def _columns(name: str, header: bytes) -> bytes:
    """Return the role of each column.

    Raises InputError on a header without page and op, or with a known column twice.
    """
    if len(header) > LONGEST:
        raise InputError(f"{name}: line 1: expected a header with the columns page and op, got {len(header)} bytes")
    names = header.decode("utf-8-sig", "replace").rstrip("\r\n").split(",")
    roles = bytes(ROLES.get(column, csvtext.SKIP) for column in names)
    for column, role in ROLES.items():
        if roles.count(role) > 1:
            raise InputError(f"{name}: line 1: the column {column} appears twice")
    missing = [column for column in ("page", "op") if ROLES[column] not in roles]
    if missing:
        raise InputError(
            f"{name}: line 1: expected a header with the columns page and op, missing {' and '.join(missing)}"
            f" in {_shown(header)}"
        )
    left_out(f"{name}: line 1", names)
    return roles


def _parse(name: str, text: memoryview, roles: bytes, before: int) -> Chunk:
    """Parse the events of whole lines that follow `before` others. Raises InputError with the line's number."""
    room = len(text) // 4
    page, op = np.empty(room, np.uint64), np.empty(room, np.uint8)
    time_ns = np.empty(room, np.uint64) if csvtext.TIME_NS in roles else None
    process = np.empty(room, np.uint32) if csvtext.PROCESS in roles else None
    count, code, column, position = csvtext.parse(text, roles, page, op, time_ns, process)
    if code:
        raise InputError(f"{name}: line {before + count + 2}: {_complaint(text, roles, code, column, position)}")
    return Chunk(
        page[:count],
        op[:count],
        None if time_ns is None else time_ns[:count],
        None if process is None else process[:count],
    )


def _complaint(text: memoryview, roles: bytes, code: int, column: int, position: int) -> str:
    rest = bytes(text[position : position + 4096]).split(b"\n")[0]
    if code in (csvtext.TOO_FEW, csvtext.TOO_MANY):
        return f"expected {len(roles)} columns, got {'fewer' if code == csvtext.TOO_FEW else 'more'}"
    expected = EXPECTED.get(roles[column], "a comma")
    if roles[column] == csvtext.PAGE and code == csvtext.TOO_LARGE:
        expected = "a page number below 2**64, in hexadecimal"
    return f"expected {expected}, got {_shown(rest.split(b',')[0])}"


def _shown(field: bytes) -> str:
    """Format a field for a message: one line, not too long, nothing unprintable."""
    text = field.decode("ascii", "backslashreplace").rstrip("\r\n")
    return repr(text if len(text) <= 40 else text[:40] + "…")


def write_csv(trace: Trace, file: IO[bytes], progress: Progress | None = None) -> int:
    """Write `trace` as CSV and return how many events it has. The columns are those of its first chunk."""
    events, columns = 0, None
    out = bytearray()
    for chunk in trace.chunks():
        if columns is None:
            columns = [column for column, values in zip(ROLES, chunk, strict=True) if values is not None]
            file.write(",".join(columns).encode() + b"\n")
        elif columns != [column for column, values in zip(ROLES, chunk, strict=True) if values is not None]:
            raise InputError(f"{trace.name}: event {events}: expected the columns {', '.join(columns)} in every chunk")
        if len(out) < LINE_BYTES * len(chunk.page):
            out = bytearray(LINE_BYTES * len(chunk.page))
        used = csvtext.format_events(chunk.page, chunk.op, chunk.time_ns, chunk.process, out)
        file.write(memoryview(out)[:used])
        events += len(chunk.page)
        if progress:
            progress(events, trace.events or 0)
    return events
