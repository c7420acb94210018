"""Cut the JSON of a record of DAMON into pieces while it is read, so that a record of any size takes little memory.

The JSON is a list of records, each with a list "snapshots". Brackets outside of strings are counted; a snapshot ends
where as many were closed as opened. A piece is decoded by whoever wants it; only the text between pieces is judged
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim.traces.streams import Source

BLOCK_BYTES = 1 << 18
MOST_SNAPSHOT_BYTES, MOST_HEAD_BYTES = 16 << 20, 1 << 20
FILE, LIST, RECORD, FIELD = 0, 1, 2, 3
"""How many brackets are open in the file, in the list of records, in a record, and in a list that a record holds."""
QUOTE, OPENING, CLOSING = ord('"'), b"[{", b"]}"
KEY = re.compile(rb'"snapshots"\s*:\s*\[\Z')


class Piece(NamedTuple):
    """A snapshot of a record, or (with number -1) the record itself, whose list of snapshots is empty."""

    record: int
    snapshot: int
    head: bytes
    """The record up to its snapshots; of the record itself, the whole of it."""
    text: bytes


class Bracket(NamedTuple):
    """A bracket outside of strings, and how many are open after it."""

    at: int
    opens: bool
    depth: int


class Brackets:
    """Find the brackets of a text that comes in blocks."""

    def __init__(self) -> None:
        self.depth, self.in_string = FILE, False

    def of(self, block: bytes) -> list[Bracket]:
        """Return those brackets of the next block that begin or end a snapshot or what holds one.

        A block must not end between a backslash and what it escapes.
        """
        seen = np.frombuffer(block.replace(b"\\\\", b"__").replace(b'\\"', b"__"), np.uint8)
        quotes = np.cumsum(seen == QUOTE) + self.in_string
        outside = quotes % 2 == 0
        opens = outside & ((seen == OPENING[0]) | (seen == OPENING[1]))
        closes = outside & ((seen == CLOSING[0]) | (seen == CLOSING[1]))
        depth = self.depth + np.cumsum(opens.astype(np.int64) - closes)
        places = np.flatnonzero((opens & (depth <= FIELD + 1)) | (closes & (depth <= FIELD)))
        if len(seen):
            self.depth, self.in_string = int(depth[-1]), bool(quotes[-1] % 2)
        found = zip(places.tolist(), opens[places].tolist(), depth[places].tolist(), strict=True)
        return [Bracket(*each) for each in found]


class Cutter:
    """Cut a text into pieces. `text` is what was read since the last cut."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.text, self.head = bytearray(), b""
        self.record, self.snapshot = -1, -1
        self.most = MOST_HEAD_BYTES
        self.inside = False  # a list of snapshots

    def feed(self, block: bytes, brackets: list[Bracket]) -> Iterator[Piece]:
        """Yield the pieces that end in the next block. Raises InputError."""
        start = 0
        for at, opens, depth in brackets:
            take = self._opened if opens else self._closed
            self._add(block[start : at + 1])
            start = at + 1
            yield from take(depth)
        self._add(block[start:])

    def end(self) -> None:
        """Refuse a text that ends here, unless its list is closed."""
        if self.text.strip() or (self.record == -1 and not self.head):
            raise self.wrong("Input data was truncated")

    def _opened(self, depth: int) -> Iterator[Piece]:
        if depth == LIST:
            self._expect(b"[" if not self.head else None)
            self.head = b"["
        elif depth == RECORD:
            self._expect(b"{" if self.record < 0 else b",{", keep=True)
            self.record, self.snapshot = self.record + 1, -1
        elif depth == FIELD and KEY.search(self.text, max(0, len(self.text) - 256)):
            self.inside, self.head = True, bytes(self.text)
            self.text.clear()
        elif depth == FIELD + 1 and self.inside:
            self._expect(b"{" if self.snapshot < 0 else b",{", keep=True)
            self.snapshot, self.most = self.snapshot + 1, MOST_SNAPSHOT_BYTES
        yield from ()

    def _closed(self, depth: int) -> Iterator[Piece]:
        if depth == FIELD and self.inside:
            yield Piece(self.record, self.snapshot, self.head, bytes(self.text))
            self.text.clear()
            self.most = MOST_HEAD_BYTES
        elif depth == RECORD and self.inside:
            self._expect(b"]")
            self.inside = False
            self.text += self.head + b"]"
        elif depth == LIST:
            text = bytes(self.text)
            self.text.clear()
            yield Piece(self.record, -1, text, text)
        elif depth <= FILE:
            self._expect(b"]" if depth == FILE else None)

    def _expect(self, text: bytes | None, *, keep: bool = False) -> None:
        """Refuse other text than this since the last cut, but for white space; `keep` its last character."""
        got = b"".join(bytes(self.text).split())
        if text is None or got != text:
            where = f"in $[{max(self.record, 0)}]" + f".snapshots[{self.snapshot}]" * (self.snapshot >= 0)
            raise self.wrong(f"expected other text than {got[:20].decode('ascii', 'backslashreplace')!r} {where}")
        self.text[:] = text[-1:] if keep else b""

    def _add(self, part: bytes) -> None:
        self.text += part
        if len(self.text) > self.most:
            raise self.wrong(f"a part has more than {self.most >> 20} MiB (perf_script has no limit)")

    def wrong(self, said: str) -> InputError:
        """Make an error."""
        return InputError(f"{self.what}: {said}")


def json_pieces(what: str, source: Source) -> Iterator[Piece]:
    """Yield every snapshot of every record, and every record after its snapshots.

    Raises InputError, whose message begins with `what`, if the text is no list of records, or a snapshot is too large.
    """
    buffer, kept = memoryview(bytearray(BLOCK_BYTES)), b""
    brackets, cutter = Brackets(), Cutter(what)
    while count := source.readinto(buffer):
        block = kept + bytes(buffer[:count])
        cut = len(block) - _odd_backslashes(block)
        kept = block[cut:]
        yield from cutter.feed(block[:cut], brackets.of(block[:cut]))
    yield from cutter.feed(kept, brackets.of(kept))
    if brackets.depth != FILE:
        raise cutter.wrong("Input data was truncated")
    cutter.end()


def _odd_backslashes(block: bytes) -> int:
    """Return 1 if the block ends in a backslash that escapes what follows, else 0."""
    return (len(block) - len(block.rstrip(b"\\"))) % 2
