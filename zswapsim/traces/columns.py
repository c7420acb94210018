"""Judge the columns that a file of a trace has beside those that are read."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

from zswapsim._core.base.errors import InputError
from zswapsim.inputwarning import InputWarning
from zswapsim.traces.trace import Chunk

PROCESS = "process"
MOST_DIFFERENT = 2
MOST_SHOWN = 8


def left_out(name: str, columns: Sequence[str], meant: Collection[str] = ()) -> tuple[str, ...]:
    """Return the columns of the file `name` that are not read, and warn of them.

    `meant` are the columns that the file was written with, if it says so. Raises InputError if one of these, or the
    process, is lacking beside a column whose name may be what damage has made of it: without it, all processes would
    become one.
    """
    unread = tuple(column for column in columns if column not in Chunk._fields)
    lacking = [column for column in meant if column not in columns]
    if lacking and any(column not in meant for column in columns):
        raise InputError(f"{name}: expected the column {lacking[0]}, as its metadata says, got {shown(columns)}")
    for column in unread:
        if PROCESS not in columns and is_nearly(column, PROCESS):
            raise InputError(
                f"{name}: expected the column {PROCESS}, or none of nearly that name, got {shown([column])}"
            )
    if unread:
        warnings.warn(f"{name}: columns that are not read: {shown(unread)}", InputWarning, stacklevel=2)
    return unread


def is_nearly(column: str, name: str) -> bool:
    """Tell if two names differ in case, in two characters, or by one character that one of them lacks."""
    left, right = column.lower(), name.lower()
    if len(left) == len(right):
        return sum(one != other for one, other in zip(left, right, strict=True)) <= MOST_DIFFERENT
    shorter, longer = sorted((left, right), key=len)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def shown(columns: Sequence[str]) -> str:
    """Format names of columns for a message: not too many, and nothing unprintable."""
    names = [ascii(column[:40])[1:-1] for column in columns[:MOST_SHOWN]]
    return ", ".join([*names, *(["…"] if len(columns) > MOST_SHOWN else [])]) or "none"
