"""Refuse a command whose output is also one of its inputs, or another output: writing it would destroy the other."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim.files.identity import Identity, identity, of_state
from zswapsim.files.operation import StrPath

STDOUT = "standard output"


class Named(NamedTuple):
    """A file of a command, and what it is for."""

    what: str
    """Its part in a message, as in "the trace to be read"."""
    path: StrPath


def keep_apart(inputs: Iterable[Named], outputs: Iterable[Named], *, stdout: bool = False) -> None:
    """Raise InputError if an output is also an input or another output, by device and inode.

    With `stdout`, what is printed counts as an output too, if it goes into a file.
    """
    known: dict[Identity, Named] = {}
    for each in inputs:
        found = identity(each.path)
        if found is not None and not found.name:  # a file that is not there can't be overwritten
            known.setdefault(found, each)
    if stdout:
        _add(known, _printed(), Named(STDOUT, STDOUT))
    for each in outputs:
        _add(known, identity(each.path), each)


def _add(known: dict[Identity, Named], found: Identity | None, each: Named) -> None:
    if found is None:
        return
    if found in known:
        raise InputError(f"{each.path}: it is {known[found].what}: expected another file for {each.what}")
    known[found] = each


def _printed() -> Identity | None:
    """Return the file into which standard output goes; None if that is no regular file."""
    with suppress(OSError, ValueError, AttributeError):  # may fail without effect: a closed stream overwrites nothing
        state = os.fstat(sys.stdout.fileno())
        return of_state(state) if stat.S_ISREG(state.st_mode) else None
    return None
