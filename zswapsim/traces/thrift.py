"""Read records of Thrift's compact protocol, in which Parquet writes what it says of itself and of its pages.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
WHOLE = (I16, I32, I64)
DEEPEST = 16
SIZES = {TRUE: 1, FALSE: 1, BYTE: 1, DOUBLE: 8}
LONG_LIST = 15
LAST_SHIFT = 63

Fields = dict[int, "int | Fields | list[Fields]"]
"""The whole numbers, records and lists of records in a record, by the field's number."""


class CutOffError(Exception):
    """The bytes end within the record."""


class GarbledError(Exception):
    """The bytes are no record."""


class Thrift:
    """Read `data` from `at` on. All methods raise CutOffError and GarbledError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def record(self) -> Fields:
        """Return the record that begins here, and step behind it. Texts and lists of other things are left out."""
        with _cut_off():
            fields, self.at = _record(self.data, self.at, 0)
        return fields

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and kind of each field of the record that begins here; the caller steps behind its value."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.whole()
            yield number, head & 15

    def whole(self) -> int:
        """Return the whole number that begins here."""
        with _cut_off():
            value, self.at = _unsigned(self.data, self.at)
        return value >> 1 ^ -(value & 1)

    def list_head(self) -> tuple[int, int]:
        """Return how many elements the list has that begins here, and of which kind; step before the first."""
        with _cut_off():
            count, kind, self.at = _list_head(self.data, self.at)
        return count, kind

    def skip(self, kind: int) -> None:
        """Step behind a value of this kind."""
        with _cut_off():
            self.at = _skip(self.data, self.at, kind, 0)

    def _byte(self) -> int:
        with _cut_off():
            byte = self.data[self.at]
        self.at += 1
        return byte


@contextmanager
def _cut_off() -> Iterator[None]:
    try:
        yield
    except IndexError:
        raise CutOffError from None


def _record(data: bytes, at: int, depth: int) -> tuple[Fields, int]:
    """Return the fields of the record at `at`, and where it ends. It is written flat: there are many pages."""
    fields: Fields = {}
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head > 15:
            number += head >> 4
        else:
            number, at = _unsigned(data, at)
            number = number >> 1 ^ -(number & 1)
        if kind in WHOLE:
            value = data[at]
            at += 1
            if value > 127:
                value, at = _unsigned(data, at - 1)
            fields[number] = value >> 1 ^ -(value & 1)
        elif kind == STRUCT:
            _refuse_deep(depth)
            fields[number], at = _record(data, at, depth + 1)
        elif kind == LIST:
            fields[number], at = _list(data, at, depth)
        elif kind > FALSE:  # truth values lie in the kind itself
            at = _skip(data, at, kind, depth)
    return fields, at + 1


def _list(data: bytes, at: int, depth: int) -> tuple[list[Fields], int]:
    """Return the records of a list, or nothing of another list, and where it ends."""
    count, kind, at = _list_head(data, at)
    _refuse_deep(depth)
    records = []
    for _ in range(count):
        if kind == STRUCT:
            fields, at = _record(data, at, depth + 1)
            records.append(fields)
        else:
            at = _skip(data, at, kind, depth + 1)
    return records, at


def _skip(data: bytes, at: int, kind: int, depth: int) -> int:
    """Return where a value ends. In a list, truth values take a byte."""
    size = SIZES.get(kind)
    if size is not None:
        data[at + size - 1]  # it must be there, or a list could have any number of them
        return at + size
    if kind in WHOLE:
        return _unsigned(data, at)[1]
    if kind == BINARY:
        length, at = _unsigned(data, at)
        return at + length
    if kind in (LIST, SET):
        return _list(data, at, depth)[1]
    if kind == STRUCT:
        _refuse_deep(depth)
        return _record(data, at, depth + 1)[1]
    raise GarbledError(f"a field of kind {kind}")


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    head = data[at]
    if head >> 4 < LONG_LIST:
        return head >> 4, head & 15, at + 1
    count, at = _unsigned(data, at + 1)
    return count, head & 15, at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > LAST_SHIFT:
            raise GarbledError("a number of more than 64 bits")


def _refuse_deep(depth: int) -> None:
    if depth > DEEPEST:
        raise GarbledError("records lie too deep in each other")
