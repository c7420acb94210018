"""Only one run at a time may swap: all swap to the device that is first, and would count each other's pages."""

import os

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.locks import try_lock
from zswapsim.files.opening import File
from zswapsim.files.shared import open_shared

LOCK = "swap.lock"
MOST_BYTES = 32


def lock_swap() -> File:
    """Return a file that holds the lock; closing it in every process that has it gives the lock back.

    Raises ZswapsimError if another run holds it, OSError.
    """
    file = open_shared(LOCK, os.O_CREAT)
    try:
        if not try_lock(file.fileno()):
            holder = file.read_at(MOST_BYTES, 0).decode("ascii", "replace").strip()
            raise ZswapsimError(
                f"validate --swap: another one is running (process {holder}), and each would count the other's pages;"
                " wait until it has ended"
            )
        file.truncate(0)
        file.write_at(f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        file.close()
        raise
    return file
