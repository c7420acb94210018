"""Ways to see which pages a process references, beginning with those that every kernel has."""

from __future__ import annotations

from abc import ABC, abstractmethod

from zswapsim.live.procfs import Process
from zswapsim.live.softdirty import CLEAR_SOFT_DIRTY, kernel_tracks

CLEAR_ANONYMOUS = 2  # Documentation/filesystems/proc.rst, clear_refs
MAJOR_OF_FILES = "major faults count pages read from files beside those from swap"
TLB_HIDES = "pages whose translation stays in a processor's TLB are missed until it falls out"
NO_WRITES = "writes are not told from reads"


class References(ABC):
    """A way to see references of one process; making it begins the interval.

    Raises ZswapsimError where this machine or these rights don't offer it, InputError where the process has ended.
    """

    source: str
    limits: list[str]

    @abstractmethod
    def __init__(self, process: Process) -> None: ...

    @abstractmethod
    def look(self) -> int | None:
        """Bytes referenced since the beginning; None where that is not seen."""


class Counters(References):
    """Sizes and fault counters of /proc/PID: nothing is changed, and no right is needed."""

    source = "fault counters and sizes of /proc/PID"

    def __init__(self, process: Process, better: str | None = None) -> None:
        self.process = process
        self.limits = [
            "an access to a page that is there makes no fault: the working set is not known, all of it may be in use",
            MAJOR_OF_FILES,
            NO_WRITES,
        ]
        if better:
            self.limits.append(f"no better source: {better}")

    def look(self) -> None:
        """Nothing is seen."""


class ClearedReferences(References):
    """Accessed bits, cleared once through /proc/PID/clear_refs and then counted in smaps, for one's own processes.

    Clearing leaves translations in the TLB, and an access by one of them sets no bit. Clearing soft-dirty bits flushes
    them (fs/proc/task_mmu.c, clear_refs_write); where the kernel has no such bits, that is all it does, so it is done.
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
        process.referenced_bytes()  # a refusal comes before anything is changed
        process.clear_refs(CLEAR_ANONYMOUS)
        if flushes:
            process.clear_refs(CLEAR_SOFT_DIRTY)

    def look(self) -> int:
        """Bytes of anonymous mappings whose accessed bit is set again."""
        return self.process.referenced_bytes()
