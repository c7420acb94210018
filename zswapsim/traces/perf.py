"""Read page faults as `perf script` prints them: a trace of the accesses that the kernel had to handle.

A line of text is an event: what ran, its process and thread, a processor, seconds, how often, the event's name, and
what belongs to it (tools/perf/builtin-script.c; tools/perf/Documentation/perf-script.txt).

    toucher 4711/4711 [001]   822.016537:          1 page-faults:     5652fe84b028 [unknown] ([unknown]) ...
    toucher 4711 [000]   802.539752: exceptions:page_fault_user: address=0x7f2bcdbaf ip=0x7f2bcdb97 error_code=0x6

Software events carry an address where `perf record -d` made them and `perf script -F +addr` prints them, and don't tell
reads from writes. The tracepoint has both (arch/x86/include/asm/trace/exceptions.h, trap_pf.h).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim.traces.damotext import BINARY
from zswapsim.traces.lines import numbered_lines, shown
from zswapsim.traces.streams import open_source
from zswapsim.traces.trace import READ, READ_EVENTS, WRITE, Chunk, Trace, refuse_empty

EVENTS = (b"page-faults", b"faults", b"minor-faults", b"major-faults")
TRACEPOINTS = (b"exceptions:page_fault_user", b"exceptions:page_fault_kernel")
PF_WRITE = 1 << 1  # X86_PF_WRITE
PAGE_SHIFT = 12
KERNEL = 1 << 63
MOST = {"time": 2**64, "process": 2**32}

COMMAND = (rb"[ \t]{0,64}[^ \t]{1,64}[ \t]{1,64}", rb"(?:.{0,64}?[ \t]{1,64})??")
"""Matches the command: mostly a word, but it may have blanks, or be left out. The second is ten times slower."""
EVENT = (
    rb"(?:(\d{1,10})(?:/(\d{1,10}))?[ \t]{1,64})?(?:\[\d{1,6}\][ \t]{1,64})?"
    rb"(\d{1,12})\.(\d{9}|\d{6}):[ \t]{1,64}(?:\d{1,20}[ \t]{1,64})?([A-Za-z_][\w.-]{0,99}(?::[\w.-]{1,99}){0,2}):(.*)$"
)
HEADS = tuple(re.compile(command + EVENT) for command in COMMAND)
ADDRESS = re.compile(rb"\s*([0-9a-f]{1,16})(?:\s+(.*))?$")
SECOND = re.compile(rb"(?:^|\)\s{1,64})[0-9a-f]{4,16}(?:\s|$)")
"""Matches the place that touched the address, after the names of the address."""
FIELDS = re.compile(rb"\s*address=(?:0x)?([0-9a-f]{1,16}) ip=\S{1,200} error_code=0x([0-9a-f]{1,16})\s*$")
CALLER = re.compile(rb"\s+[0-9a-f]{1,16}\s.{0,4096}$")
"""Matches a line of a call chain, below its event."""


class Head(NamedTuple):
    """The fields with which every line begins."""

    process: int
    """The process; -1 if the line names none."""
    both: bool
    """True if process and thread are named, so that the first is known to be the process."""
    time_ns: int
    event: bytes
    rest: bytes


class PerfTrace(Trace):
    """The page faults of a text by `perf script`, in pages of 4096 bytes. Times are perf's clock.

    Processes differ if the text names process and thread (``perf script -F +pid``); with the thread alone all
    lines are taken for one address space. Other events, call chains, comments and addresses of the kernel are left out.
    `processes` selects the faults of these processes, if the text tells processes from threads.
    """

    def __init__(self, path: str | Path, compressed: bool = False, processes: Container[int] | None = None) -> None:
        self.name, self.path, self.compressed, self.processes = str(path), path, compressed, processes

    def chunks(self) -> Iterator[Chunk]:
        """Yield every page fault. Raises InputError as :class:`Trace` says; the message names the line."""
        return refuse_empty(self.name, self._chunks())

    def _chunks(self) -> Iterator[Chunk]:
        page, op, times, process = [], [], [], []
        both: bool | None = None
        for head, address, wrote, number in self._faults():
            if both is None:
                both = head.both
            if both != head.both:
                raise InputError(f"{self.name}: line {number}: expected process and thread in every line or in none")
            page.append(address >> PAGE_SHIFT)
            op.append(WRITE if wrote else READ)
            times.append(head.time_ns)
            process.append(head.process)
            if len(page) == READ_EVENTS:  # numbers in lists take much memory
                yield _chunk(page, op, times, process if both else None)
                page, op, times, process = [], [], [], []
        if page:
            yield _chunk(page, op, times, process if both else None)

    def _faults(self) -> Iterator[tuple[Head, int, bool, int]]:
        """Yield (head, address, True for a write, line) of every page fault at an address of user space."""
        events = 0
        for number, line, below in self._lines():
            head = _head(self.name, number, line)
            if head is None:
                continue
            events += 1
            if head.event not in EVENTS and head.event not in TRACEPOINTS:
                continue
            if self.processes is not None and head.process not in self.processes:
                continue
            address, wrote = _fault(self.name, number, head, below)
            if address < KERNEL:
                yield head, address, wrote, number
        if events == 0:
            raise InputError(f"{self.name}: expected the text of perf script, got no event")

    def _lines(self) -> Iterator[tuple[int, bytes, bool]]:
        """Yield (number, line, True if a call chain follows)."""
        with open_source(self.path, self.compressed) as source:
            before: tuple[int, bytes] | None = None
            for number, line in numbered_lines(self.name, source):
                if number == 1 and line.startswith(BINARY):
                    raise InputError(
                        f"{self.name}: a binary record of perf: expected the text of perf script -F +addr -i"
                    )
                if before is not None:
                    yield *before, line.startswith(b"\t")
                before = number, line
            if before is not None:
                yield *before, False


def _chunk(page: list[int], op: list[int], times: list[int], process: list[int] | None) -> Chunk:
    return Chunk(
        np.array(page, np.uint64),
        np.array(op, np.uint8),
        np.array(times, np.uint64),
        None if process is None else np.array(process, np.uint32),
    )


def perf_head(line: bytes) -> Head | None:
    """Return the fields with which a line begins; None if it is no event of perf's."""
    found = HEADS[0].match(line) or HEADS[1].match(line)
    if found is None:
        return None
    process, thread, seconds, fraction, event, rest = found.groups()
    time_ns = int(seconds) * 10**9 + (int(fraction) * 1000 if len(fraction) == 6 else int(fraction))
    return Head(-1 if process is None else int(process), thread is not None, time_ns, _without_modifiers(event), rest)


@lru_cache(maxsize=256)
def _without_modifiers(event: bytes) -> bytes:
    """Return the event's name, without a modifier after it, as in page-faults:u."""
    return next((known for known in (*EVENTS, *TRACEPOINTS) if event.startswith(known + b":")), event)


def _head(name: str, number: int, line: bytes) -> Head | None:
    """Return the head of an event, or None for a line to be skipped. Raises InputError on a line that is neither."""
    if not line.strip() or line.startswith(b"#"):
        return None
    head = perf_head(line)
    if head is None:
        if CALLER.match(line):
            return None
        raise InputError(f"{name}: line {number}: expected an event as perf script prints it, got {shown(line)}")
    if head.time_ns >= MOST["time"] or head.process >= MOST["process"]:
        raise InputError(f"{name}: line {number}: expected a process below 2**32 and a time below 2**64 ns")
    return head


def _fault(name: str, number: int, head: Head, below: bool) -> tuple[int, bool]:
    """Return the address of a page fault, and True for a write. Raises InputError if the line has no address."""
    if head.event in TRACEPOINTS:
        fields = FIELDS.match(head.rest)
        if fields is None:
            raise InputError(
                f"{name}: line {number}: expected address=0x… ip=0x… error_code=0x…, got {shown(head.rest)}"
            )
        return int(fields[1], 16), bool(int(fields[2], 16) & PF_WRITE)
    found = ADDRESS.match(head.rest)
    # A single place with its name and file, and no call chain below: the code that ran, not the data it touched.
    if found is None or (found[2] is not None and not below and not SECOND.search(found[2])):
        raise InputError(
            f"{name}: line {number}: expected the address of a page fault (perf record -d, perf script -F +addr),"
            f" got {shown(head.rest)}"
        )
    return int(found[1], 16), False
