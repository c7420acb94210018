"""Read what a Parquet file says of its rows and columns, in its footer.

Arrow reads it too, but ends the process on some that are damaged when it is asked for a column's place.
(https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim.files.opening import File
from zswapsim.files.operation import reason
from zswapsim.traces.streams import file_bytes
from zswapsim.traces.thrift import FALSE, LIST, STRUCT, WHOLE, CutOffError, Fields, GarbledError, Thrift

MAGIC = b"PAR1"
EXPECTED = "not a whole Parquet file: expected Parquet"
TAIL_BYTES = 8
MOST_FOOTER_BYTES = 64 << 20
MOST_SCHEMA = 1 << 12
SCHEMA, ROWS, ROW_GROUPS = 2, 3, 4  # of FileMetaData
COLUMNS, GROUP_ROWS = 1, 3  # of RowGroup
META, OFFSET_INDEX, COLUMN_INDEX = 3, 4, 6  # of ColumnChunk
VALUES, COMPRESSED, DATA_PAGE, DICTIONARY_PAGE, BLOOM_FILTER = 5, 7, 9, 11, 14  # of ColumnMetaData


class ColumnChunk(NamedTuple):
    """The values of a column in a row group: where its pages lie, and how many values and bytes they have."""

    first: int
    values: int
    compressed: int
    followed: bool
    """True if an index or a filter lies between the pages and the footer."""


class RowGroup(NamedTuple):
    """Some rows, and their columns in the order of the schema."""

    rows: int
    columns: list[ColumnChunk]


class Footer:
    """The footer of a file. Raises InputError if it is not whole, or too large; its row groups are read on demand."""

    def __init__(self, name: str, file: File, expected: str = EXPECTED) -> None:
        self.name, self.file, self.expected = name, file, expected
        self.size = file_bytes(name)
        tail = self._read(max(0, self.size - TAIL_BYTES), TAIL_BYTES)
        length = int.from_bytes(tail[:4], "little")
        self.start = self.size - TAIL_BYTES - length
        if tail[4:] != MAGIC or self.start < len(MAGIC):
            raise self._garbled("no footer at its end")
        if length > MOST_FOOTER_BYTES:
            raise InputError(f"{name}: expected a footer of at most {MOST_FOOTER_BYTES} bytes, got {length}")
        self.data = self._read(self.start, length)
        self.rows, self.schema = 0, False

    def row_groups(self) -> Iterator[RowGroup]:
        """Yield every row group; `rows` is known after the first, and in any case at the end."""
        try:
            reader = Thrift(self.data)
            for number, kind in reader.fields():
                if number == ROWS and kind in WHOLE:
                    self.rows = reader.whole()
                elif number == SCHEMA and kind == LIST:
                    self._skip_schema(reader)
                elif number == ROW_GROUPS and kind == LIST:
                    yield from self._groups(reader)
                elif kind > FALSE:
                    reader.skip(kind)
        except (CutOffError, GarbledError) as error:
            raise self._garbled(str(error) or "it ends too early") from None

    def _skip_schema(self, reader: Thrift) -> None:
        count, kind = reader.list_head()
        if count > MOST_SCHEMA:
            raise InputError(f"{self.name}: expected a schema of at most {MOST_SCHEMA} elements, got {count}")
        for _ in range(count):
            reader.skip(kind)
        self.schema = True

    def _groups(self, reader: Thrift) -> Iterator[RowGroup]:
        count, kind = reader.list_head()
        if not self.schema or (kind != STRUCT and count):
            raise GarbledError("no row groups after the schema")
        for _ in range(count):
            group = reader.record()
            columns = group.get(COLUMNS, [])
            chunks = [_chunk(each.get(META), each) for each in columns] if isinstance(columns, list) else []
            yield RowGroup(number_of(group, GROUP_ROWS), chunks)

    def _read(self, at: int, count: int) -> bytes:
        data = b""
        try:
            while len(data) < count and (part := self.file.read_at(count - len(data), at + len(data))):
                data += part
        except OSError as error:
            raise InputError(f"{self.name}: byte offset {at}: cannot read: {reason(error)}") from error
        return data

    def _garbled(self, said: str) -> InputError:
        return InputError(f"{self.name}: {self.expected}, got garbled or missing bytes: {said}")


def number_of(fields: object, number: int) -> int:
    """Return a whole number of a record, -1 if it has none there."""
    value = fields.get(number) if isinstance(fields, dict) else None
    return value if isinstance(value, int) else -1


def _chunk(meta: object, chunk: Fields) -> ColumnChunk:
    data, dictionary = number_of(meta, DATA_PAGE), number_of(meta, DICTIONARY_PAGE)
    return ColumnChunk(
        dictionary if 0 < dictionary < data else data,
        number_of(meta, VALUES),
        number_of(meta, COMPRESSED),
        max(number_of(chunk, OFFSET_INDEX), number_of(chunk, COLUMN_INDEX), number_of(meta, BLOOM_FILTER)) > 0,
    )
