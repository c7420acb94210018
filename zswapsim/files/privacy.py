"""Tell if a file is private, so that what is made of it becomes private too."""

from __future__ import annotations

import os
import stat

from zswapsim.files.found import state_of
from zswapsim.files.operation import StrPath
from zswapsim.files.temporary import OWNER_ONLY

HOLDS = "holds that process's private data, as it lay in memory (keys and passwords too); only you may read the file"
TELLS = "is made of private data of a process, and tells about it; only you may read the file"
"""Warnings about a file that is made of private pages: with parts of them, and with hashes and lengths of them."""


def is_private(path: StrPath) -> bool:
    """Return True if others may not read a file."""
    try:
        return state_is_private(state_of(path))
    except (OSError, ValueError):
        return False


def state_is_private(state: os.stat_result) -> bool:
    """Return True if others may not read a regular file, by what the file system knows of it."""
    return stat.S_ISREG(state.st_mode) and not state.st_mode & stat.S_IROTH


def permissions_for(private: bool) -> int | None:
    """Return the permissions of a file that is made of private data, or None if the umask decides."""
    return OWNER_ONLY if private else None
