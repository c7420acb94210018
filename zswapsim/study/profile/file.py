"""Write and read a content profile as a Parquet file, with a row for each distinct content.

The columns are hash (16 bytes, BLAKE2b), kind (uint8), pages (list of uint32: the images that hold it, from 0), and for
each codec a struct of its name with size (uint16), compress_ns and decompress_ns (uint32). The file's key-value
metadata has ``zswapsim.profile``: the version of the format, the name, hash and number of the images, and the origin of
each codec's figures. Pages of the file carry checksums, which are verified on reading.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.arguments import instance, path_text
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.compressors.measure import Columns
from zswapsim.files.atomic import atomic_write
from zswapsim.files.privacy import is_private, permissions_for
from zswapsim.json_text import json_line
from zswapsim.study.profile.record import DIGEST_BYTES, Origin, Profile
from zswapsim.traces.jsontext import decode_json
from zswapsim.traces.kinds import DATA
from zswapsim.traces.parquetpages import check_footer, check_held
from zswapsim.traces.streams import garbled, open_file

if TYPE_CHECKING:
    import pyarrow as pa  # slow to import, and a run without a profile's file does not need it

KEY = b"zswapsim.profile"
VERSION = 1
EXPECTED = "expected a profile in Parquet"
MOST_KIND = DATA + 7
CODEC_TYPE = "struct<size: uint16, compress_ns: uint32, decompress_ns: uint32>"


class _About(msgspec.Struct):
    version: int
    contents: str
    contents_hash: str
    pages: Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]
    codecs: dict[str, Origin]
    private: bool = False


def write_profile(profile: Profile, path: str | Path) -> None:
    """Write the file completely or not at all; of private contents, for its owner alone. Raises OutputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    instance(profile, Profile, "profile")
    path_text(path, "path")
    rows = len(profile.kind)
    ends = np.cumsum(np.bincount(profile.content, minlength=rows))
    arrays = {
        "hash": pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(DIGEST_BYTES), rows, [None, pa.py_buffer(np.ascontiguousarray(profile.digest))]
        ),
        "kind": pa.array(profile.kind),
        "pages": pa.ListArray.from_arrays(
            pa.array(np.append(0, ends).astype(np.int32)),
            pa.array(np.argsort(profile.content, kind="stable").astype(np.uint32)),
        ),
    }
    for key, columns in profile.columns.items():
        arrays[key] = pa.StructArray.from_arrays([pa.array(each) for each in columns], Columns._fields)
    about = _About(
        VERSION, profile.contents_name, profile.contents_hash, len(profile.content), profile.origins, profile.private
    )
    table = pa.table(arrays).replace_schema_metadata({KEY: json_line(about)})
    with atomic_write(path, permissions=permissions_for(profile.private)) as file:
        pq.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)


def read_profile(path: str | Path) -> Profile:
    """Return the profile in a file. Raises InputError with file and column if it is none or its parts do not match."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path_text(path, "path")
    check_footer(path, EXPECTED)
    with open_file(path) as file, garbled(f"{path}: {EXPECTED}"):
        parquet = pq.ParquetFile(pa.PythonFile(file, mode="r"), page_checksum_verification=True)
        about = _about(path, parquet.schema_arrow)
        check_held(path)
        table = parquet.read().combine_chunks()
        table.validate(full=True)
    return _Reader(path, about, table).profile()


def _about(path: str | Path, schema: "pa.Schema") -> _About:
    text = (schema.metadata or {}).get(KEY)
    if text is None:
        raise InputError(f"{path}: metadata: expected {KEY.decode()}, as `zswapsim profile` writes it, got none")
    about = decode_json(text, _About, f"{path}: metadata {KEY.decode()}")
    if about.version != VERSION:
        raise InputError(f"{path}: a profile of version {about.version}: expected {VERSION}")
    return about


class _Reader:
    """Read the columns of a table as arrays, and check each before it is used."""

    def __init__(self, path: str | Path, about: _About, table: "pa.Table") -> None:
        self.path, self.about, self.table, self.rows = path, about, table, table.num_rows

    def profile(self) -> Profile:
        """Return the profile after checking that all columns fit together."""
        about = self.about
        content, digest = self._content(), self._digest()
        hashed = hashlib.blake2b(digest[content].tobytes(), digest_size=DIGEST_BYTES).hexdigest()
        if hashed != about.contents_hash:
            raise self._wrong("hash", f"hashes that come to {about.contents_hash}", hashed)
        kind = self._numbers("kind", self._column("kind", "uint8"), 0, MOST_KIND)
        columns = {key: self._codec(key) for key in about.codecs}
        name = str(self.path)
        made = Profile(name, about.contents, about.contents_hash, content, kind, digest, columns, about.codecs)
        made.private = about.private or is_private(self.path)
        return made

    def _content(self) -> NDArray[np.uint32]:
        """Return the row of each page, uint32[K], from the lists of pages."""
        lists = self._column("pages", "list<uint32>")
        lengths = np.diff(lists.offsets.to_numpy())
        pages = self._numbers("pages", lists.flatten(), 0, self.about.pages - 1)
        if len(pages) != self.about.pages or not lengths.all():
            raise self._wrong("pages", f"{self.about.pages} pages in all, at least one a row", len(pages))
        content = np.full(len(pages), self.rows, np.uint32)
        content[pages] = np.repeat(np.arange(self.rows, dtype=np.uint32), lengths)
        firsts = pages[np.append(0, np.cumsum(lengths)[:-1])]
        if not np.array_equal(np.argsort(content, kind="stable"), pages) or (firsts[1:] < firsts[:-1]).any():
            raise self._wrong("pages", "each page once, in order, and rows in order of their first", "another order")
        return content

    def _digest(self) -> NDArray[np.uint64]:
        array = self._column("hash", f"fixed_size_binary[{DIGEST_BYTES}]")
        words = np.frombuffer(array.buffers()[1], np.uint64)
        return words[2 * array.offset : 2 * (array.offset + len(array))].reshape(-1, 2)

    def _codec(self, key: str) -> Columns:
        size, *times = self._column(key, CODEC_TYPE).flatten()
        most = np.iinfo(np.uint32).max
        compress_ns, decompress_ns = (
            self._numbers(f"{key}.{name}", each, 0, most) for name, each in zip(Columns._fields[1:], times, strict=True)
        )
        return Columns(self._numbers(f"{key}.size", size, 1, PAGE_SIZE), compress_ns, decompress_ns)

    def _column(self, name: str, kind: str) -> Any:
        """Return a column of that type in one piece, with a value in every row. Raises InputError."""
        names = self.table.schema.names
        if names.count(name) != 1:
            raise self._wrong(name, "one such column", ", ".join(names) or "none at all")
        column = self.table.column(name)
        if (found := _type_name(column.type)) != kind:
            raise self._wrong(name, kind, found)
        if column.null_count:
            raise self._wrong(name, "a value in every row", f"{column.null_count} nulls")
        return column.combine_chunks()

    def _numbers(self, name: str, array: Any, least: int, most: int) -> NDArray[Any]:
        """Return an array whose numbers are from `least` to `most`. Raises InputError."""
        if array.null_count:
            raise self._wrong(name, "a value in every row", f"{array.null_count} nulls")
        values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        wrong = (values < least) | (values > most)
        if wrong.any():
            row = int(wrong.argmax())
            raise self._wrong(name, f"{least} to {most}", f"{values[row]} in row {row}")
        return values

    def _wrong(self, column: str, expected: object, got: object) -> InputError:
        return InputError(f"{self.path}: column {column}: expected {expected}, got {got}")


def _type_name(kind: Any) -> str:
    """Return a type as text; for a list, without the name of its element, for which writers use different names."""
    return f"list<{kind.value_type}>" if str(kind).startswith("list<") else str(kind)
