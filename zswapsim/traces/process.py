"""Find a process by its number, open its procfs files, and describe every refusal."""

from __future__ import annotations

from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim.files.opening import File, open_file, read_bytes
from zswapsim.files.operation import reason

PF_KTHREAD = 0x00200000  # include/linux/sched.h; the ninth field of /proc/PID/stat
MOST_DIGITS = 10
LARGEST_PID = 1 << 22  # PID_MAX_LIMIT, include/linux/threads.h


def process_id(pid: int | str) -> int:
    """Return `pid` as a number. Raises InputError if no process could have it."""
    text = str(pid)
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or not 0 < int(text) <= LARGEST_PID:
        raise InputError(f"pid {text}: expected the number of a process")
    return int(text)


def proc_file(pid: int, name: str, what: str) -> File:
    """Open ``/proc/PID/NAME`` unbuffered. Raises InputError if there is no such process, ZswapsimError if refused."""
    try:
        return open_file(f"/proc/{pid}/{name}")
    except PermissionError:
        raise ZswapsimError(not_allowed(what)) from None
    except (FileNotFoundError, ProcessLookupError):
        raise no_such_process(what) from None
    except OSError as error:
        raise ZswapsimError(f"{what}: cannot read its memory: {reason(error)}") from error


def stat_fields(pid: int) -> list[bytes]:
    """Return the fields of ``/proc/PID/stat`` from the third on, the state. Raises OSError."""
    return read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def is_kernel_thread(pid: int) -> bool:
    """Return True if the process has no memory of its own. Raises OSError."""
    return bool(int(stat_fields(pid)[6]) & PF_KTHREAD)


def kernel_thread(what: str) -> InputError:
    """Make the error for a kernel thread."""
    return InputError(f"{what}: it is a kernel thread, which has no memory of its own: expected a program")


def no_such_process(what: str) -> InputError:
    """Make the error for a number that no process has."""
    return InputError(f"{what}: no such process: expected a running one")


def has_ended(what: str) -> InputError:
    """Make the error for a process that has ended."""
    return InputError(f"{what}: it has ended: expected a running process")


def not_allowed(what: str) -> str:
    """Return the message for a process of another user."""
    return f"{what}: not allowed to read its memory: expected a process of this user (or run as root)"
