"""Ask what is at a path, without opening it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from zswapsim.files.operation import StrPath, operation


def exists(path: StrPath) -> bool:
    """Return False only if there is nothing; if one may not look, opening it tells why."""
    try:
        with operation("exists", path):
            return Path(path).exists()
    except OSError:  # may fail without effect: opening it tells why
        return True


def state_of(path: StrPath) -> os.stat_result:
    """Return what the file system knows of a file, at the end of all links. Raises OSError, ValueError."""
    with operation("stat", path):
        return os.stat(path)


def is_folder(path: StrPath) -> bool:
    """Return True if there is a folder."""
    try:
        return stat.S_ISDIR(state_of(path).st_mode)
    except (OSError, ValueError):
        return False


def files_below(folder: StrPath, suffix: str) -> Iterator[tuple[Path, int]]:
    """Yield every file of that suffix below a folder, and its size."""
    for path in Path(folder).rglob(f"*{suffix}"):
        if path.is_file():
            yield path, state_of(path).st_size
