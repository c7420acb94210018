"""Read and write traces in numpy's file form: page numbers alone, or records with the fields of an event."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim.files.operation import reason
from zswapsim.traces.columns import left_out
from zswapsim.traces.streams import file_bytes, open_file, open_source, out_of_memory, read_fully
from zswapsim.traces.trace import CHUNK_EVENTS, WRITE, Chunk, Progress, Trace, refuse_empty

HEADER_BYTES = 1 << 16  # numpy writes 128; a trace's header is never longer than this
WRITTEN_HEADER_BYTES = 192
MOST_ELEMENT_BYTES = 1 << 12
PIECE_BYTES = 16 << 20  # of the file that are read at once: an element may have many fields that are not read
FIELDS: dict[str, type[np.unsignedinteger[Any]]] = {
    "page": np.uint64,
    "op": np.uint8,
    "time_ns": np.uint64,
    "process": np.uint32,
}
FIELD_TYPES = {"page": "<u8", "op": "S1", "time_ns": "<u8", "process": "<u4"}


class NpyTrace(Trace):
    """A one-dimensional array: integers are pages that are read; records have page and op, perhaps time_ns, process.

    op is text or bytes (R or W), or an integer (0 or 1). A warning names other fields, which are not read.
    """

    def __init__(self, path: str | Path) -> None:
        self.name, self.path = str(path), path
        self.offset, self.dtype, self.elements = self._header()
        self.events = self.elements or None

    def _header(self) -> tuple[int, np.dtype[Any], int]:
        """Return (offset of the data, element type, elements). Raises InputError if the file has no such array."""
        with open_file(self.path) as file:
            try:
                start = BytesIO(file.read(HEADER_BYTES))
            except OSError as error:
                raise InputError(f"{self.name}: cannot read: {reason(error)}") from error
        try:
            version = np.lib.format.read_magic(start)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(start)
            count = int(shape[0]) if len(shape) == 1 else -1
        except MemoryError as error:
            raise out_of_memory(self.name, error) from error
        except Exception as error:  # numpy parses the header as Python, and garbled bytes fail in many ways
            said = " ".join(str(error).split())
            raise InputError(f"{self.name}: byte offset 0: expected the header of a .npy file: {said}") from error
        if count < 0:
            raise InputError(f"{self.name}: expected an array of one dimension, got shape {str(shape)[:60]}")
        self._refuse_type(dtype)
        size, needed = file_bytes(self.path), start.tell() + count * dtype.itemsize
        if size != needed:
            raise InputError(
                f"{self.name}: byte offset {min(size, needed)}: expected {count} elements of {dtype.itemsize} bytes"
                f" after a header of {start.tell()}, {needed} bytes in all, got {size}"
            )
        return start.tell(), dtype, count

    def _refuse_type(self, dtype: np.dtype[Any]) -> None:
        kinds = (
            {name: dtype[name].kind for name in FIELDS if name in dtype.names}
            if dtype.names
            else {"page": dtype.kind, "op": "u"}
        )
        good = {"page", "op"} <= kinds.keys() and all(
            kind in "iu" or (name == "op" and kind in "SUb") for name, kind in kinds.items()
        )
        if (
            not good
            or dtype.hasobject
            or dtype.itemsize > MOST_ELEMENT_BYTES
            or (dtype.names and any(dtype[n].shape for n in kinds))
        ):
            raise InputError(f"{self.name}: expected integers, or records with page and op, got {str(dtype)[:200]}")
        left_out(self.name, dtype.names or ())

    def chunks(self) -> Iterator[Chunk]:
        """Yield every element."""
        return refuse_empty(self.name, self._chunks())

    def _chunks(self) -> Iterator[Chunk]:
        events = 0
        with open_source(self.path, compressed=False) as source:
            read_fully(source, memoryview(bytearray(self.offset)))
            while events < self.elements:
                count = min(CHUNK_EVENTS, PIECE_BYTES // self.dtype.itemsize, self.elements - events)
                buffer = memoryview(bytearray(count * self.dtype.itemsize))
                if read_fully(source, buffer) < len(buffer):
                    raise InputError(f"{self.name}: element {events}: the file became shorter while it was read")
                yield self._chunk(np.frombuffer(buffer, self.dtype), events)
                events += count

    def _chunk(self, values: NDArray[Any], first: int) -> Chunk:
        if values.dtype.names is None:
            return Chunk(self._integers("page", values, first), np.zeros(len(values), np.uint8))
        parts = {name: values[name] for name in FIELDS if name in values.dtype.names}
        ops = self._ops(parts.pop("op"), first)
        whole = {name: self._integers(name, array, first) for name, array in parts.items()}
        return Chunk(whole["page"], ops, whole.get("time_ns"), whole.get("process"))

    def _integers(self, name: str, values: NDArray[Any], first: int) -> NDArray[Any]:
        most = np.iinfo(FIELDS[name]).max
        self._refuse(name, values, (values < 0) | (values > most), first, f"0 to {most}")
        return np.ascontiguousarray(values, FIELDS[name])

    def _ops(self, values: NDArray[Any], first: int) -> NDArray[np.uint8]:
        letters = {"S": (b"R", b"W"), "U": ("R", "W")}.get(values.dtype.kind, (0, 1))
        ops = np.where(values == letters[0], 0, np.where(values == letters[1], WRITE, 255)).astype(np.uint8)
        self._refuse("op", values, ops > WRITE, first, "R or W" if values.dtype.kind in "SU" else "0 or 1")
        return ops

    def _refuse(self, name: str, values: NDArray[Any], wrong: NDArray[np.bool_], first: int, expected: str) -> None:
        if wrong.any():
            at = int(wrong.argmax())
            raise InputError(
                f"{self.name}: element {first + at}: {name}: expected {expected}, got {values[at].item()!r}"
            )


def write_npy(trace: Trace, file: IO[bytes], progress: Progress | None = None) -> int:
    """Write `trace` as an array of records into a file that can seek. Return how many events it has."""
    events, dtype = 0, None
    for chunk in trace.chunks():
        fields = [name for name, values in zip(FIELDS, chunk, strict=True) if values is not None]
        if dtype is None:
            dtype = np.dtype([(name, FIELD_TYPES[name]) for name in fields])
            file.write(_header(dtype, 0))
        elif fields != list(dtype.names or ()):
            raise InputError(f"{trace.name}: event {events}: expected the fields {dtype.names} in every chunk")
        records = np.empty(len(chunk.page), dtype)
        for name, values in zip(FIELDS, chunk, strict=True):
            if values is not None:
                records[name] = np.array([b"R", b"W"])[values] if name == "op" else values
        file.write(records.tobytes())
        events += len(records)
        if progress:
            progress(events, trace.events or 0)
    if dtype is not None:
        file.seek(0)
        file.write(_header(dtype, events))
        file.seek(0, 2)
    return events


def _header(dtype: np.dtype[Any], events: int) -> bytes:
    """Return a header of WRITTEN_HEADER_BYTES, which can be written again once the number of events is known."""
    head = BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (events,)}
    np.lib.format.write_array_header_1_0(head, description)
    data = head.getvalue()
    text = data[10:].rstrip(b" \n").ljust(WRITTEN_HEADER_BYTES - 11) + b"\n"
    return data[:8] + len(text).to_bytes(2, "little") + text
