"""Ask what is at a path, without opening it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from zswapsim.files.operation import StrPath, operation


def exists(path: StrPath) -> bool:
    """Return False only if there is nothing; if one may not look, opening it tells why."""
    try:
        with operation("exists", path):
            os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:  # may fail without effect: opening it tells why
        pass
    return True


def state_of(path: StrPath) -> os.stat_result:
    """Return what the file system knows of a file, at the end of all links. Raises OSError, ValueError."""
    with operation("stat", path):
        return os.stat(path)


def is_folder(path: StrPath) -> bool:
    """Return True if there is a folder, False if there is something else or nothing. Raises other OSErrors."""
    try:
        return stat.S_ISDIR(state_of(path).st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def is_special(path: StrPath) -> bool:
    """Return True if there is a device, pipe or socket."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def files_below(folder: StrPath, suffix: str) -> Iterator[tuple[str, int]]:
    """Yield every file of that suffix below a folder, and its size."""
    for above, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(above, name)
            if name.endswith(suffix) and os.path.isfile(path):
                yield path, state_of(path).st_size
