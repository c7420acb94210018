"""Mark a file or folder as in use for as long as its owner lives: by a lock, which the kernel drops with the owner."""

from __future__ import annotations

import errno
import fcntl
import os

TAKEN = (errno.EAGAIN, errno.EACCES)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder. Return False if another process has it, or has removed it meanwhile.

    On a file system without locks this raises OSError.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return os.fstat(descriptor).st_nlink > 0


def hold(descriptor: int) -> bool:
    """Lock what this process has just made. Return False if it was taken for a dead owner's and removed.

    Without locks, it is held too: nobody can then tell if its owner lives, and nobody removes it.
    """
    try:
        return try_lock(descriptor)
    except OSError:  # may fail without effect: what can't be locked is never removed by others
        return True
