"""Replay a trace on real anonymous memory, in a memory-limited group whose pages are swapped out to a zram device."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import ZswapsimError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import write_all
from zswapsim.files.system import memory_file
from zswapsim.kernel import groups, zram
from zswapsim.kernel.others import foreign_swap, read_activity
from zswapsim.kernel.own import Device, Own, environment
from zswapsim.signals import held, released
from zswapsim.starting import start_process

TABLE_PAGES = 512  # entries of one page of the page table, at each level
DEVICE_SLACK = 1024  # pages beyond the footprint: for the header, and for slots that are freed late
READ_EVERY = 500
"""The accesses between two readings of the group's statistics."""


class Accesses(NamedTuple):
    """A trace in descriptors that a child can read: `footprint` pages in use, and their images."""

    pages: int
    ops: int
    images: int
    footprint: int


class Replayed(NamedTuple):
    """The kernel's counts; the swap-ins and swap-outs include the pages of the zero map."""

    swap_ins: int
    swap_outs: int
    pool_frames: int
    """Pages in use after the last access."""
    seconds: float


@contextmanager
def accesses(
    chunks: Iterator[tuple[NDArray[np.uint32], NDArray[np.uint8]]], images: NDArray[np.uint8], footprint: int
) -> Iterator[Accesses]:
    """Put a trace and its images (uint8[K, 4096]) into memory files without a name, so that none can remain."""
    descriptors = [memory_file(f"zswapsim-{what}") for what in ("pages", "ops", "images")]
    try:
        for pages, ops in chunks:
            _append(descriptors[0], pages)
            _append(descriptors[1], ops)
        _append(descriptors[2], images)
        yield Accesses(descriptors[0], descriptors[1], descriptors[2], footprint)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _append(descriptor: int, array: NDArray[np.uint32] | NDArray[np.uint8]) -> None:
    write_all(descriptor, np.ascontiguousarray(array).data, "a trace in memory")


def page_tables(pages: int) -> int:
    """Return the frames of the page tables of `pages` pages, which the group has to hold beside the pages.

    There are four levels of 512 entries; the top one exists before the process joins the group. A mapping that is not
    aligned has one table more at the lowest level.
    """
    lowest = -(-pages // TABLE_PAGES) + 1
    return lowest + -(-lowest // TABLE_PAGES)


def replay(
    own: Own,
    device: Device,
    codec: str,
    trace: Accesses,
    frames: int,
    *,
    noticed: Callable[[str], None] | None = None,
) -> Replayed | None:
    """Replay with `frames` frames for the pages. Return None if the kernel killed the process because memory ran out.

    The device, which must not be set up, is the swap space of the replay, and empty at first: a swap space that was
    used before has slots that are not free yet. The group's statistics are read every :data:`READ_EVERY` accesses: the
    kernel flushes them then, and otherwise decides by old ones. `noticed` is told what others swapped meanwhile.
    Raises ZswapsimError, OSError.
    """
    size = (trace.footprint + DEVICE_SLACK) * PAGE_SIZE
    zram.set_up(device.number, codec, size)
    own.swap_on(device, size)
    before = read_activity()
    group = own.group()
    groups.set_limit(group, (frames + page_tables(trace.footprint)) * PAGE_SIZE)
    with replaying(trace) as child:
        found = _measured(child, device, group)
        if found is not None and noticed is not None:
            foreign = foreign_swap(before, read_activity(), device.file, found.swap_ins, found.swap_outs)
            if foreign is not None:
                noticed(foreign)
    own.remove_group(group)  # after an exception, the guard would do these three
    own.swap_off(device)
    zram.reset(device.number)
    return found


@contextmanager
def replaying(trace: Accesses) -> Iterator[subprocess.Popen[str]]:
    """Start the replaying process, which waits for its group. It is killed when the block ends."""
    files = [f"/proc/self/fd/{descriptor}" for descriptor in (trace.pages, trace.ops, trace.images)]
    with held():
        child = start_process(
            [sys.executable, "-m", "zswapsim.kernel.replayer", *files, str(trace.footprint), str(READ_EVERY)],
            "the replaying process",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(trace.pages, trace.ops, trace.images),
            env=environment(),
            text=True,
            process_group=0,  # Ctrl-C is sent to this process, which ends the other
        )
        try:
            with released():
                yield child
        finally:
            child.kill()
            child.communicate()


def _measured(child: subprocess.Popen[str], device: Device, group: Path) -> Replayed | None:
    assert child.stdin is not None
    assert child.stdout is not None
    if child.stdout.readline() != "ready\n":
        raise ZswapsimError(f"the replaying process did not start (exit {child.wait()})")
    child.stdin.write(f"{group}\n")
    child.stdin.flush()
    said = child.stdout.readline()
    if not said:
        _check_killed(child, group)
        return None
    told: Mapping[str, float] = json.loads(said)
    outs, swapped = groups.swapped(group)
    return Replayed(int(told["major_faults"]), outs, _pool_frames(device, swapped), told["seconds"])


def _pool_frames(device: Device, swapped: int) -> int:
    """Return the frames of the pool that `swapped` pages of the group take.

    All groups swap to the device: the pages of others are subtracted, by their share.
    """
    stat = zram.mm_stat(device.number)
    stored = stat["orig_data_size"] // PAGE_SIZE
    return round(stat["mem_used_total"] / PAGE_SIZE * min(1.0, swapped / stored)) if stored else 0


def _check_killed(child: subprocess.Popen[str], group: Path) -> None:
    """Return True if the group's limit ended the process. Raises ZswapsimError."""
    code = child.wait()
    if code != -signal.SIGKILL or not groups.kills(group):
        raise ZswapsimError(f"the replaying process failed (exit {code})")
