"""Read and write the native form, Parquet with a row for each event. Arrow does both, and reads any Parquet.

A file has the columns page (uint64), op ("R" or "W", dictionary-encoded) and, if the trace has them, time_ns (uint64)
and process (uint32). The file's key-value metadata has ``zswapsim.trace`` with the form's version, the trace's name and
its columns. Pages of the file carry checksums, which Arrow verifies on reading; what the metadata says of rows and
places is compared with the pages (parquetpages.py).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types
from pyarrow.parquet import ParquetFile, ParquetWriter

from zswapsim._core.base.errors import InputError
from zswapsim.files.arrow import arrow_file
from zswapsim.text import encodable
from zswapsim.traces.columns import left_out, shown
from zswapsim.traces.jsontext import decode_json
from zswapsim.traces.parquetpages import check_footer, check_rows
from zswapsim.traces.streams import garbled
from zswapsim.traces.trace import READ_EVENTS, WRITE, Chunk, Progress, Trace, refuse_empty

KEY = b"zswapsim.trace"
VERSION = 1
OPS = ("R", "W")
NO_OP = 255
BUFFER_BYTES = 1 << 20  # bytes of a column that are read at once: a row group may be larger than memory


class About(msgspec.Struct):
    """Hold the metadata of a file that zswapsim wrote; older files don't list their columns."""

    version: int
    columns: list[str] = []


class ParquetTrace(Trace):
    """A Parquet file with the columns page and op, optionally time_ns and process; a warning names others.

    Page, time_ns and process may have any integer type; op may be text (R or W) or an integer (0 or 1). Raises
    InputError if the file can't be read or lacks a column.
    """

    def __init__(self, path: str | Path) -> None:
        self.name, self.path = str(path), path
        with self._opened() as file:
            written = _written(self.name, file.schema_arrow)
            self.columns = self._columns(file.schema_arrow, written)
            self.rows = file.metadata.num_rows
            self.events = self.rows or None
            leaves = [number for number in range(len(file.schema)) if file.schema.column(number).path in self.columns]
            check_rows(path, self.rows, leaves, whole=written is not None)

    def chunks(self) -> Iterator[Chunk]:
        """Yield every row."""
        return refuse_empty(self.name, self._chunks(self.columns))

    def accesses(self) -> Iterator[Chunk]:
        """Yield every row, without its time."""
        return refuse_empty(self.name, self._chunks([column for column in self.columns if column != "time_ns"]))

    def _chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        row = 0
        with self._opened(read_dictionary=["op"]) as file:
            batches = file.iter_batches(READ_EVENTS, columns=list(columns), use_threads=False)
            while True:
                with garbled(f"{self.name}: row {row}: expected Parquet"):
                    batch = next(batches, None)
                    if batch is None:
                        break
                    chunk = self._chunk(batch, row)
                row += batch.num_rows
                yield chunk
        if row != self.rows:
            raise InputError(f"{self.name}: row {row}: expected {self.rows} rows, as the file's metadata says")

    @contextmanager
    def _opened(self, read_dictionary: Sequence[str] = ()) -> Iterator[Any]:
        check_footer(self.path)
        with garbled(f"{self.name}: not a whole Parquet file: expected Parquet"):
            source = arrow_file(self.path)  # the other thread reads without the GIL
            parquet = ParquetFile(
                source,
                read_dictionary=list(read_dictionary),
                buffer_size=BUFFER_BYTES,
                pre_buffer=False,
                page_checksum_verification=True,
            )
        with source:
            yield parquet

    def _columns(self, schema: pa.Schema, written: Collection[str] | None) -> tuple[str, ...]:
        """Return the known columns of the file, which has the columns `written` if it says so.

        Raises InputError if page or op is missing, a known column is there twice or of a wrong type, or one that was
        written is lacking.
        """
        for column in Chunk._fields:
            if schema.names.count(column) > 1 or (column in ("page", "op") and column not in schema.names):
                raise InputError(f"{self.name}: expected one column {column}, got {shown(schema.names)}")
        left_out(self.name, schema.names, written or ())
        columns = tuple(column for column in Chunk._fields if column in schema.names)
        for column in columns:
            kind = schema.field(column).type
            kind = kind.value_type if types.is_dictionary(kind) else kind
            text = types.is_string(kind) or types.is_large_string(kind)
            if not types.is_integer(kind) and not (column == "op" and text):
                raise InputError(
                    f"{self.name}: column {column}: expected integers{' or R and W' * (column == 'op')}, got {kind}"
                )
        return columns

    def _chunk(self, batch: pa.RecordBatch, row: int) -> Chunk:
        """Return the events of a batch whose first is row `row` (from 0)."""
        arrays: dict[str, Any] = dict(zip(batch.schema.names, batch.columns, strict=True))
        for column, array in arrays.items():
            if array.null_count:
                at = row + int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
                raise InputError(f"{self.name}: row {at}: column {column}: expected a value, got null")
        whole = {column: self._integers(column, array, row) for column, array in arrays.items() if column != "op"}
        ops = self._ops(arrays["op"], row)
        return Chunk(whole["page"], ops, whole.get("time_ns"), whole.get("process"))

    def _integers(self, column: str, array: Any, row: int) -> NDArray[Any]:
        dtype = np.uint32 if column == "process" else np.uint64
        if hasattr(array, "dictionary_decode"):
            array = array.dictionary_decode()
        values = array.to_numpy(zero_copy_only=False)
        if not np.can_cast(values.dtype, dtype):
            most = np.iinfo(dtype).max
            self._refuse(column, values, (values < 0) | (values > most), row, f"0 to {most}")
        return np.ascontiguousarray(values, dtype)

    def _ops(self, array: Any, row: int) -> NDArray[np.uint8]:
        if not types.is_dictionary(array.type):
            array = array.dictionary_encode()
        code_of = {OPS[0]: 0, OPS[1]: WRITE, 0: 0, 1: WRITE}
        codes = np.full(256, NO_OP, np.uint8)
        values = array.dictionary.slice(0, len(codes)).to_pylist()
        codes[: len(values)] = [code_of.get(value, NO_OP) for value in values]
        ops = _translated(array.indices.to_numpy(zero_copy_only=False), codes)
        if ops.max(initial=0) > WRITE:
            at = int((ops > WRITE).argmax())
            raise InputError(f"{self.name}: row {row + at}: column op: expected R or W, got {array[at].as_py()!r}")
        return ops

    def _refuse(self, column: str, values: NDArray[Any], wrong: NDArray[np.bool_], row: int, expected: str) -> None:
        if wrong.any():
            at = int(wrong.argmax())
            raise InputError(f"{self.name}: row {row + at}: column {column}: expected {expected}, got {values[at]}")


def _written(name: str, schema: pa.Schema) -> list[str] | None:
    """Return the columns that the file was written with, if zswapsim wrote it; None if it says nothing of that."""
    text = (schema.metadata or {}).get(KEY)
    if text is None:
        return None
    return decode_json(text, About, f"{name}: metadata {KEY.decode()}").columns


def _translated(indices: NDArray[Any], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return codes[indices], and the last code for an index beyond them."""
    places = indices.view(f"u{indices.dtype.itemsize}")
    if places.dtype == np.uint64:  # take() can't convert it
        places = np.minimum(places, NO_OP).astype(np.uint32)
    return codes.take(places, mode="clip")


def write_parquet(trace: Trace, file: IO[bytes], progress: Progress | None = None) -> int:
    """Write `trace` in the native form and return how many events it has. The columns are those of its first chunk."""
    events, writer = 0, None
    try:
        for chunk in trace.chunks():
            batch = _batch(chunk, trace.name)
            if writer is None:
                writer = ParquetWriter(
                    file,
                    batch.schema,
                    compression="lz4",
                    use_dictionary=["op"],
                    column_encoding=dict.fromkeys(set(batch.schema.names) - {"op"}, "DELTA_BINARY_PACKED"),
                    write_page_checksum=True,
                )
            elif batch.schema != writer.schema:
                raise InputError(f"{trace.name}: event {events}: expected the same columns in every chunk")
            writer.write_batch(batch)
            events += len(chunk.page)
            if progress:
                progress(events, trace.events or 0)
    finally:
        if writer is not None:
            writer.close()
    return events


def _batch(chunk: Chunk, name: str) -> pa.RecordBatch:
    columns = {
        "page": pa.array(chunk.page),
        "op": pa.DictionaryArray.from_arrays(pa.array(chunk.op.astype(np.int8)), pa.array(OPS)),
    }
    if chunk.time_ns is not None:
        columns["time_ns"] = pa.array(chunk.time_ns)
    if chunk.process is not None:
        columns["process"] = pa.array(chunk.process)
    about = json.dumps({"version": VERSION, "name": encodable(name), "columns": list(columns)})
    fields = [pa.field(column, array.type, nullable=False) for column, array in columns.items()]
    schema = pa.schema(fields, {KEY: about.encode()})
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)
