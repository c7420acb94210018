"""Read what procfs and psutil count for one process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import psutil

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.found import exists
from zswapsim.files.operation import reason
from zswapsim.files.system import read_text, write_text
from zswapsim.hostpage import refuse_other_page_size
from zswapsim.traces.process import has_ended, kernel_thread, no_such_process, not_allowed, process_id, stat_fields

MINOR_FAULTS, MAJOR_FAULTS = 7, 9  # Documentation/filesystems/proc.rst, table 1-4, less the two fields before the state
KIB = 1024


class Counted(NamedTuple):
    """A process's own counters at one moment: bytes, and faults and seconds of processor time since it began."""

    resident_bytes: int
    swapped_bytes: int
    minor_faults: int
    major_faults: int
    cpu_seconds: float


class Process:
    """One running program, by its number and start time, so that reuse of the number is noticed.

    Raises InputError if `pid` is no process, has ended, or is a kernel thread, and if the host's pages are not 4 KiB.
    """

    def __init__(self, pid: int | str) -> None:
        self.pid = process_id(pid)
        self.what = f"pid {self.pid}"
        refuse_other_page_size(self.what)
        self._process = self._found()
        self.count()

    def _found(self) -> psutil.Process:
        try:
            process = psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            raise no_such_process(self.what) from None
        except psutil.AccessDenied:
            raise ZswapsimError(not_allowed(self.what)) from None
        return process

    def count(self) -> Counted:
        """Return the counters now, which every user may read. Raises InputError if the process has ended."""
        try:
            status = dict(_lines(read_text(f"/proc/{self.pid}/status")))
            stat = stat_fields(self.pid)
            times = self._process.cpu_times()
            gone = not self._process.is_running() or stat[0] in (b"Z", b"X")
        except PermissionError:
            raise ZswapsimError(not_allowed(self.what)) from None
        except (OSError, psutil.NoSuchProcess):
            raise has_ended(self.what) from None
        if gone:
            raise has_ended(self.what)
        if "RssAnon" not in status:
            raise kernel_thread(self.what)
        return Counted(
            status["RssAnon"] * KIB,
            status.get("VmSwap", 0) * KIB,
            int(stat[MINOR_FAULTS]),
            int(stat[MAJOR_FAULTS]),
            times.user + times.system,
        )

    def referenced_bytes(self) -> int:
        """Return the bytes of anonymous mappings whose accessed bit is set. Raises as :meth:`read` does."""
        total, of_anonymous = 0, False
        for line in self.read("smaps").splitlines():
            head = line.split(None, 5)
            if "-" in head[0]:
                of_anonymous = head[4] == "0"
            elif of_anonymous and head[0] == "Referenced:":
                total += int(head[1]) * KIB
        return total

    def read(self, name: str) -> str:
        """Return the text of ``/proc/PID/NAME``.

        Raises InputError if the process has ended, ZswapsimError if refused.
        """
        try:
            return read_text(f"/proc/{self.pid}/{name}")
        except PermissionError:
            raise ZswapsimError(not_allowed(self.what)) from None
        except OSError:
            raise has_ended(self.what) from None

    def clear_refs(self, kind: int) -> None:
        """Write `kind` into ``/proc/PID/clear_refs``. Raises as :meth:`read` does, and if the kernel can't."""
        try:
            write_text(f"/proc/{self.pid}/clear_refs", str(kind))
        except PermissionError:
            raise ZswapsimError(not_allowed(self.what)) from None
        except (FileNotFoundError, ProcessLookupError):
            if exists(f"/proc/{self.pid}"):
                raise ZswapsimError(f"{self.what}: this kernel has no clear_refs (CONFIG_PROC_PAGE_MONITOR)") from None
            raise has_ended(self.what) from None
        except OSError as error:
            raise ZswapsimError(f"{self.what}: clear_refs: {reason(error)}") from None


def threads_of(pid: int) -> frozenset[int]:
    """Return the process and its threads, since perf may name either. Raises InputError if there is no such process."""
    try:
        return frozenset({pid, *(thread.id for thread in psutil.Process(pid).threads())})
    except psutil.NoSuchProcess:
        raise no_such_process(f"pid {pid}") from None
    except psutil.AccessDenied:
        return frozenset({pid})


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield every ``Name: NUMBER kB`` of a file."""
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()
        if len(number) == 2 and number[1] == "kB":
            yield name, int(number[0])
