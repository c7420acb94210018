"""Keep the files that all runs of root on this machine share: in a folder that nobody else can enter.

So no other user can make, read or lock one of them. No link is followed, and a pipe is not waited for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zswapsim.files.opening import File, adopt
from zswapsim.files.operation import operation

RUN = Path("/run/zswapsim")
FOLDER_ONLY, OWNER_ONLY = 0o700, 0o600
NEW = os.O_CREAT | os.O_EXCL


def open_shared(name: str, flags: int = 0) -> File:
    """Open a file of the folder for reading and writing; the folder is made if it is missing. Raises OSError."""
    path = RUN / name
    with _folder() as folder, operation("open", path):
        kept = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags | kept, OWNER_ONLY, dir_fd=folder)
    file = adopt(descriptor, "r+b", path)
    if not stat.S_ISREG(file.state().st_mode):
        file.close()
        raise OSError(22, "expected a regular file", str(path))
    return file


def shared_names(suffix: str) -> list[str]:
    """Return the names in the folder that end so, in order. Raises OSError."""
    with _folder() as folder, operation("list", RUN):
        return sorted(name for name in os.listdir(folder) if name.endswith(suffix))


def remove_shared(name: str) -> None:
    """Remove a file of the folder, if it is there. Raises OSError."""
    with _folder() as folder, operation("unlink", RUN / name), suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def _folder() -> Iterator[int]:
    """Open the folder, or make it. Raises OSError, also for a link and for a folder that others can enter."""
    with operation("mkdir", RUN), suppress(FileExistsError):
        os.mkdir(RUN, FOLDER_ONLY)
    with operation("open", RUN):
        descriptor = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(1, "expected a folder that only its owner can enter, this user", str(RUN))
        yield descriptor
    finally:
        os.close(descriptor)
