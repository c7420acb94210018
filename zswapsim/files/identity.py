"""Tell if two paths lead to one file, which may not exist yet."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from zswapsim.files.found import state_of
from zswapsim.files.operation import StrPath


class Identity(NamedTuple):
    """The file at the end of a path: its device and inode, or those of the folder that it will be made in."""

    device: int
    inode: int
    name: str = ""
    """The name in the folder, if the file does not exist yet."""


def identity(path: StrPath) -> Identity | None:
    """Return the file at the end of all links; None if it has no identity.

    A character device has none: it holds no data that could be lost, and may be given twice. Nor has a path whose
    folder can't be looked into: it can't be opened either.
    """
    try:
        return of_state(state_of(path))
    except FileNotFoundError:
        return _to_be_made(path)
    except (OSError, ValueError):
        return None


def of_state(state: os.stat_result) -> Identity | None:
    """Return the identity of a file by what the file system knows of it."""
    return None if stat.S_ISCHR(state.st_mode) else Identity(state.st_dev, state.st_ino)


def _to_be_made(path: StrPath) -> Identity | None:
    folder, name = os.path.split(os.path.realpath(path))
    try:
        state = state_of(folder)
    except (OSError, ValueError):
        return None
    return Identity(state.st_dev, state.st_ino, name)
