"""Lay out tables of plain text, aligned and readable without colour, in blocks that fit the terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from zswapsim.text import BOLD, BOLD_GREEN, RESET, printable

GAP = "  "
MARK = "*"


class Column(NamedTuple):
    """Hold a heading and a cell for every row; `best` names the rows to mark."""

    title: str
    cells: Sequence[str]
    left: bool = False
    best: frozenset[int] = frozenset()


def render(keys: Sequence[Column], columns: Sequence[Column], width: int | None = None, colour: bool = False) -> str:
    """Return the table as lines of text, without a newline at the end.

    `keys` stand at the left of every block; `columns` follow, as many to a block as fit in `width` characters (all of
    them if `width` is None). A best cell has ``*`` behind it, and is bold and green if `colour` is true.
    """
    keys, columns = [_safe(column) for column in keys], [_safe(column) for column in columns]
    blocks = _blocks(_width(keys), columns, width)
    return "\n\n".join("\n".join(_lines([*keys, *block], colour)) for block in blocks)


def _safe(column: Column) -> Column:
    """Return the column with cells that are safe to show: they may hold names."""
    return column._replace(title=printable(column.title), cells=[printable(cell) for cell in column.cells])


def _blocks(taken: int, columns: Sequence[Column], width: int | None) -> list[list[Column]]:
    blocks: list[list[Column]] = [[]]
    used = taken
    for column in columns:
        needed = len(GAP) + _width([column])
        if width is not None and blocks[-1] and used + needed > width:
            blocks.append([])
            used = taken
        blocks[-1].append(column)
        used += needed
    return blocks


def _width(columns: Sequence[Column]) -> int:
    return sum(_column_width(column) for column in columns) + len(GAP) * max(0, len(columns) - 1)


def _column_width(column: Column) -> int:
    """Return the width of the widest cell, with a place for the mark if a cell of the column is marked."""
    return max(map(len, (column.title, *column.cells))) + len(MARK) * bool(column.best)


def _lines(columns: Sequence[Column], colour: bool) -> list[str]:
    titles = GAP.join(_pad(column.title, column) for column in columns).rstrip()
    rule = GAP.join("-" * _column_width(column) for column in columns)
    lines = [f"{BOLD}{titles}{RESET}" if colour else titles, rule]
    rows = range(max((len(column.cells) for column in columns), default=0))
    return [*lines, *(GAP.join(_cell(column, row, colour) for column in columns).rstrip() for row in rows)]


def _cell(column: Column, row: int, colour: bool) -> str:
    marked = row in column.best
    text = _pad(column.cells[row], column, MARK if marked else " ")
    return f"{BOLD_GREEN}{text}{RESET}" if colour and marked else text


def _pad(text: str, column: Column, mark: str = " ") -> str:
    """Align `text` and its mark, so that numbers end under one another even if only some are marked."""
    room = _column_width(column)
    whole = text + mark if column.best else text
    return whole.ljust(room) if column.left else whole.rjust(room)
