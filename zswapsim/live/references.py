"""See which pages a process references, beginning with the ways that every kernel has."""

from __future__ import annotations

from abc import ABC, abstractmethod

from zswapsim.live.procfs import Process
from zswapsim.live.softdirty import CLEAR_SOFT_DIRTY, kernel_tracks

CLEAR_ANONYMOUS = 2  # Documentation/filesystems/proc.rst, clear_refs
MAJOR_OF_FILES = "major faults count pages read from files beside those from swap"
TLB_HIDES = "pages whose translation stays in a processor's TLB are missed until it is evicted"
NO_WRITES = "writes are not told from reads"


class References(ABC):
    """A way to see the references of one process; the constructor begins the interval.

    Raises ZswapsimError if this machine or the user's rights don't allow it, InputError if the process has ended.
    """

    source: str
    limits: list[str]

    @abstractmethod
    def __init__(self, process: Process) -> None: ...

    @abstractmethod
    def look(self) -> int | None:
        """Return the bytes referenced since the beginning, or None if they are not observed."""


class Counters(References):
    """Read sizes and fault counters of /proc/PID: nothing is changed, and no right is needed."""

    source = "fault counters and sizes of /proc/PID"

    def __init__(self, process: Process, better: str | None = None) -> None:
        self.process = process
        self.limits = [
            "an access to a present page makes no fault: the working set is not known, and all memory may be in use",
            MAJOR_OF_FILES,
            NO_WRITES,
        ]
        if better:
            self.limits.append(f"no better source: {better}")

    def look(self) -> None:
        """Return None: references are not observed."""


class ClearedReferences(References):
    """Clear accessed bits once through /proc/PID/clear_refs and count them in smaps later, for the user's processes.

    Clearing leaves translations in the TLB, and an access by one of them sets no bit. Clearing soft-dirty bits flushes
    the TLB (fs/proc/task_mmu.c, clear_refs_write). On a kernel without such bits it does nothing else, so it is done
    there.
    """

    source = "accessed bits cleared by /proc/PID/clear_refs and counted by smaps"

    def __init__(self, process: Process) -> None:
        self.process = process
        flushes = not kernel_tracks()
        self.limits = [
            "the process's accessed bits were cleared: reclaim takes its pages for idle until they are used again",
            "a huge page counts as referenced as a whole",
            *([] if flushes else [TLB_HIDES]),
            "only mappings without a file are counted: heap, stack, anonymous mmap",
            MAJOR_OF_FILES,
        ]
        process.referenced_bytes()  # a refusal is raised before anything is changed
        process.clear_refs(CLEAR_ANONYMOUS)
        if flushes:
            process.clear_refs(CLEAR_SOFT_DIRTY)

    def look(self) -> int:
        """Return the bytes of anonymous mappings whose accessed bit is set again."""
        return self.process.referenced_bytes()
