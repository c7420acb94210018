"""Find what a dead process has left, and remove it.

Everything that is made for a while has a name of our own pattern, and its owner holds a lock on it. A process that is
killed loses its locks. So whatever has such a name, belongs to this user and can be locked has no owner any more.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

from zswapsim.files.locks import try_lock
from zswapsim.files.operation import StrPath, operation

FILE = re.compile(r"\.zswapsim-[0-9a-f]{16}\.tmp")
FOLDER = re.compile(r"zswapsim-[0-9a-f]{16}\.tmp")


def new_file_name() -> str:
    """Return the name of a temporary file beside an output."""
    return f".{new_folder_name()}"


def new_folder_name() -> str:
    """Return the name of a temporary folder."""
    return f"zswapsim-{os.urandom(8).hex()}.tmp"


def remove_dead_files(folder: StrPath) -> None:
    """Remove the temporary files in `folder` whose owners are dead."""
    for name in _names(folder, FILE):
        with suppress(OSError):  # may fail without effect: the next start tries again
            _remove_dead(os.path.join(folder, name), of_folder=False)


def remove_dead_folders(folder: StrPath) -> None:
    """Remove the temporary folders in `folder` whose owners are dead."""
    for name in _names(folder, FOLDER):
        with suppress(OSError):  # may fail without effect: the next start tries again
            _remove_dead(os.path.join(folder, name), of_folder=True)


def remove_tree(path: StrPath) -> None:
    """Remove a temporary folder and the files in it."""
    with operation("list", path):
        names = os.listdir(path)
    for name in names:
        inside = os.path.join(path, name)
        with operation("unlink", inside):
            os.unlink(inside)
    with operation("rmdir", path):
        os.rmdir(path)


def _names(folder: StrPath, pattern: re.Pattern[str]) -> list[str]:
    try:
        with operation("list", folder):
            return [name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except OSError:  # may fail without effect: a folder that can't be listed hides what is left in it
        return []


def _remove_dead(path: str, *, of_folder: bool) -> None:
    kind = os.O_RDONLY | os.O_DIRECTORY if of_folder else os.O_RDWR
    with operation("open", path):
        descriptor = os.open(path, kind | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        alone = of_folder or (stat.S_ISREG(state.st_mode) and state.st_nlink == 1)
        if alone and state.st_uid == os.geteuid() and try_lock(descriptor):
            if of_folder:
                remove_tree(path)
            else:
                with operation("unlink", path):
                    os.unlink(path)
    finally:
        os.close(descriptor)
