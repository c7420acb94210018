"""Compare a Parquet file's footer with the headers of its pages, before anything else is read of it.

The footer says how many rows there are and where the columns lie, and no checksum covers it. A damaged one may name
fewer rows, or a place within a column. But every page begins with a header that says how many values and bytes it has,
so the pages that the footer names must come to its number of rows. The headers also tell how much memory the pages
take, which a few bytes of zstd can make as large as one likes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace import parquetpage
from zswapsim._core.trace.parquetpage import walk_pages
from zswapsim.files.opening import File
from zswapsim.traces.parquetfooter import EXPECTED, MAGIC, ColumnChunk, Footer
from zswapsim.traces.streams import open_file

BUFFER_BYTES = 1 << 16
MOST_VALUES = 1 << 62
FREE_ROWS, ROWS_A_BYTE = 1 << 20, 1 << 16
"""A file has at most FREE_ROWS, and ROWS_A_BYTE for each of its bytes: runs of equal values take almost none."""
FREE_PAGE_BYTES, MOST_RATIO = 64 << 20, 64
"""A page has at most FREE_PAGE_BYTES, or MOST_RATIO times the bytes that it has in the file."""
LEAST_PAGE_BYTES, BYTES_A_VALUE = 1 << 20, 32
"""And it has at most LEAST_PAGE_BYTES, and BYTES_A_VALUE for each value."""
LIMITS = (FREE_PAGE_BYTES, MOST_RATIO, LEAST_PAGE_BYTES, BYTES_A_VALUE)
HELD_A_BYTE = 64
"""A file that is held in memory has at most FREE_ROWS values in a column and FREE_PAGE_BYTES, and HELD_A_BYTE values
and bytes for each of its bytes."""
COMPLAINTS = {
    parquetpage.GARBLED: ("the header of a page", "garbled or missing bytes"),
    parquetpage.OUTSIDE: ("pages within the file", "one beyond its footer"),
    parquetpage.TOO_LARGE: ("pages within the limits", "one that takes more memory"),
    parquetpage.UNREADABLE: ("pages", "an error on reading them"),
}


def check_footer(path: str | Path, expected: str = EXPECTED) -> None:
    """Raise InputError, which says `expected`, if the file has no footer, or one too large for Arrow."""
    with open_file(path) as file:
        next(Footer(str(path), file, expected).row_groups(), None)


def check_rows(path: str | Path, rows: int, columns: Collection[int], *, whole: bool) -> None:
    """Raise InputError unless the pages of the columns with these numbers come to `rows` rows.

    `whole` is true of a file whose columns and rows lie one after the other without gaps, as zswapsim writes them; then
    all columns are checked.
    """
    with open_file(path) as file:
        footer = Footer(str(path), file)
        most = FREE_ROWS + ROWS_A_BYTE * footer.size
        if not 0 <= rows <= most:
            raise InputError(f"{path}: expected at most {most} rows in {footer.size} bytes, got {rows}")
        walk, followed = _Walk(footer, file, whole=whole), False
        for group in footer.row_groups():
            for number, chunk in enumerate(group.columns):
                followed |= chunk.followed
                if whole or number in columns:
                    walk.column(number, chunk, group.rows)
            walk.rows += group.rows
        if walk.rows != rows or footer.rows != rows:
            raise InputError(
                f"{path}: row {min(rows, walk.rows)}: expected {rows} rows, as the file's metadata says, got"
                f" {walk.rows} in its row groups"
            )
        if whole and rows and not followed and walk.at != footer.start:
            raise InputError(f"{path}: byte offset {walk.at}: expected the footer there, got it at {footer.start}")


def check_held(path: str | Path) -> None:
    """Raise InputError if a file of any columns takes more memory than its size allows, or its footer is damaged.

    The file's columns and rows lie one after the other without gaps, as zswapsim writes them.
    """
    with open_file(path) as file:
        footer = Footer(str(path), file)
        walk = _Walk(footer, file, whole=True)
        for group in footer.row_groups():
            for number, chunk in enumerate(group.columns):
                most = FREE_ROWS + HELD_A_BYTE * footer.size
                if not 0 <= chunk.values <= most:
                    raise walk.wrong(number, chunk.first, f"at most {most} values", chunk.values)
                walk.column(number, chunk, chunk.values)
            walk.rows += group.rows
        most = FREE_PAGE_BYTES + HELD_A_BYTE * footer.size
        if walk.uncompressed > most:
            raise InputError(f"{path}: expected at most {most} bytes in {footer.size}, got {walk.uncompressed}")
        if walk.rows != footer.rows:
            raise InputError(f"{path}: expected {footer.rows} rows, got {walk.rows} in its row groups")


class _Walk:
    """Walk over the pages of a file; `at` is behind the last one, `rows` the rows of the row groups before."""

    def __init__(self, footer: Footer, file: File, *, whole: bool) -> None:
        self.name, self.file, self.end, self.whole = footer.name, file, footer.start, whole
        self.at, self.rows, self.uncompressed = len(MAGIC), 0, 0
        self.buffer = bytearray(BUFFER_BYTES)

    def column(self, number: int, chunk: ColumnChunk, expected: int) -> None:
        """Check that the pages of a column have `expected` values."""
        if expected == chunk.values == 0:
            return  # it has no page
        if self.whole and chunk.first != self.at:
            raise self.wrong(number, self.at, "the column's first page", f"byte offset {chunk.first}")
        first = max(-1, min(chunk.first, self.end))
        code, at, values, uncompressed = walk_pages(
            self.file.fileno(), first, self.end, min(expected, MOST_VALUES), LIMITS, self.buffer
        )
        if code:
            raise self.wrong(number, at, *COMPLAINTS[code])
        if values != expected or chunk.values != expected:
            got = f"{values} in its pages, {chunk.values} in the footer"
            raise self.wrong(number, chunk.first, f"{expected} values", got)
        if self.whole and at != chunk.first + chunk.compressed:
            raise self.wrong(number, chunk.first, f"{chunk.compressed} bytes of pages", at - chunk.first)
        self.at = at
        self.uncompressed += uncompressed

    def wrong(self, number: int, at: int, expected: str, got: object) -> InputError:
        """Make an error about a column."""
        where = f"row {self.rows}: column {number}: byte offset {at}"
        return InputError(f"{self.name}: {where}: expected Parquet with {expected}, got {got}")
