"""Observe a running process for some time: the pages that it touches, its faults and writes."""

from __future__ import annotations

import time
from collections.abc import Callable

from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim.live.activity import Activity, Referenced
from zswapsim.live.idlepages import IdlePages
from zswapsim.live.procfs import Counted, Process
from zswapsim.live.references import ClearedReferences, Counters, References
from zswapsim.live.softdirty import SoftDirty

LOOKS = 8
LONGEST_SECONDS = 86400.0
SOURCES: dict[str, type[References]] = {
    "idle-pages": IdlePages,
    "clear-refs": ClearedReferences,
    "counters": Counters,
}
METHODS = ("auto", *SOURCES)
"""Ways to see references. "auto" is idle-pages if this machine and the user's rights allow it, else counters."""

Progress = Callable[[int, int], None]


def observe(
    pid: int | str,
    seconds: float = 10.0,
    *,
    method: str = "auto",
    writes: bool = False,
    progress: Progress | None = None,
) -> Activity:
    """Observe for `seconds` how process `pid` uses its memory, by one of :data:`METHODS`, while it runs on.

    ``counters`` only reads; ``idle-pages`` and ``clear-refs`` clear accessed bits, which the second does without notice
    to reclaim; `writes` clears soft-dirty bits, so that every page written is faulted once. docs/live.md describes what
    each sees. `progress` is called with (tenths of a second passed, all). Raises InputError on a bad argument, if there
    is no such process and if it ends meanwhile, ZswapsimError if the method is not available here, or the process may
    not be observed.
    """
    if not 0 < seconds <= LONGEST_SECONDS:
        raise InputError(f"seconds {seconds}: expected more than 0 and at most {LONGEST_SECONDS:.0f}")
    if method not in METHODS:
        raise InputError(f"method {method}: expected one of {', '.join(METHODS)}")
    process = Process(pid)
    references = _best(process) if method == "auto" else SOURCES[method](process)
    written = SoftDirty(process) if writes else None
    before, began = process.count(), time.monotonic()
    curve: list[Referenced] = []
    for at in _moments(seconds):
        _sleep_until(began, at, seconds, progress)
        looked = references.look()
        if looked is not None:
            curve.append(Referenced(time.monotonic() - began, max(looked, curve[-1].bytes if curve else 0)))
    share = written.share(curve[-1].bytes if curve else None) if written else None
    lasted = time.monotonic() - began
    return _activity(process, references, written, (before, process.count()), lasted, curve, share)


def _best(process: Process) -> References:
    try:
        return IdlePages(process)
    except ZswapsimError as error:
        if isinstance(error, InputError):
            raise
        return Counters(process, str(error))


def _moments(seconds: float) -> list[float]:
    """Return ever longer intervals: the last is half of the whole, so that short reuse is seen in detail."""
    return [seconds / 2**back for back in range(LOOKS - 1, -1, -1)]


def _sleep_until(began: float, at: float, seconds: float, progress: Progress | None) -> None:
    while (left := began + at - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
        if progress:
            progress(min(int(10 * (time.monotonic() - began)), int(10 * seconds)), int(10 * seconds))


def _activity(
    process: Process,
    references: References,
    written: SoftDirty | None,
    counts: tuple[Counted, Counted],
    lasted: float,
    curve: list[Referenced],
    share: float | None,
) -> Activity:
    before, after = counts
    return Activity(
        name=f"pid:{process.pid}",
        source=references.source + (f", {written.source}" if written else ""),
        limits=[*references.limits, *(written.limits if written else [])],
        seconds=lasted,
        resident_bytes=after.resident_bytes,
        swapped_bytes=after.swapped_bytes,
        minor_faults=after.minor_faults - before.minor_faults,
        major_faults=after.major_faults - before.major_faults,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        curve=curve,
        write_share=share,
    )
