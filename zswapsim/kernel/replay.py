"""A trace on real anonymous memory, in a memory-limited group whose pages go to a zram device of our own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.hostpage import PAGE_BYTES
from zswapsim.kernel import groups, zram
from zswapsim.kernel.own import Device, Own, environment

TABLE_PAGES = 512  # pages that one page of the page table maps, at each level
DEVICE_SLACK = 1024  # pages more than the footprint: the header, and slots that are not free at once
READ_EVERY = 500
"""Accesses between two readings of the group's statistics."""


class Accesses(NamedTuple):
    """A trace in descriptors that a child can read: `footprint` pages in use, and the images that they hold."""

    pages: int
    ops: int
    images: int
    footprint: int


class Replayed(NamedTuple):
    """What the kernel did; the zero map's pages are among the swap-ins and swap-outs."""

    swap_ins: int
    swap_outs: int
    pool_frames: int
    """In use when the last access was made."""
    seconds: float


@contextmanager
def accesses(
    chunks: Iterator[tuple[NDArray[np.uint32], NDArray[np.uint8]]], images: NDArray[np.uint8], footprint: int
) -> Iterator[Accesses]:
    """A trace and its images (uint8[K, 4096]) in memory without a name, which can't be left behind."""
    descriptors = [os.memfd_create(f"zswapsim-{what}") for what in ("pages", "ops", "images")]
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
    left = np.ascontiguousarray(array).data.cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def page_tables(pages: int) -> int:
    """Frames that the page tables of `pages` pages take, which the group has to hold beside the pages.

    Four levels of 512 entries; the top one is there before the process joins the group. A mapping that is not aligned
    has one table more at the lowest level.
    """
    lowest = -(-pages // TABLE_PAGES) + 1
    return lowest + -(-lowest // TABLE_PAGES)


def replay(own: Own, device: Device, codec: str, trace: Accesses, frames: int) -> Replayed | None:
    """Replay with `frames` frames for the pages; None where the kernel killed the process for want of memory.

    The device, which is not set up, is the swap meanwhile, empty at first; a swap space that was used before has slots
    that are not free yet. The group's statistics are read every :data:`READ_EVERY` accesses: the kernel flushes them
    then, and else judges by old ones. Raises ZswapsimError, OSError.
    """
    size = (trace.footprint + DEVICE_SLACK) * PAGE_BYTES
    zram.set_up(device.number, codec, size)
    own.swap_on(device, size)
    group = own.group()
    groups.set_limit(group, (frames + page_tables(trace.footprint)) * PAGE_BYTES)
    with replaying(trace) as child:
        found = _measured(child, device, group)
    own.remove_group(group)  # had anything been raised, the guard would do these three
    own.swap_off(device)
    zram.reset(device.number)
    return found


@contextmanager
def replaying(trace: Accesses) -> Iterator[subprocess.Popen[str]]:
    """The replaying process, which waits for its group; it is ended with the block."""
    files = [f"/proc/self/fd/{descriptor}" for descriptor in (trace.pages, trace.ops, trace.images)]
    child = subprocess.Popen(
        [sys.executable, "-m", "zswapsim.kernel.replayer", *files, str(trace.footprint), str(READ_EVERY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(trace.pages, trace.ops, trace.images),
        env=environment(),
        text=True,
        process_group=0,  # Ctrl-C is for us; we end it
    )
    try:
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
    outs, held = groups.swapped(group)
    return Replayed(int(told["major_faults"]), outs, _pool_frames(device, held), told["seconds"])


def _pool_frames(device: Device, held: int) -> int:
    """Frames of the pool that `held` pages of the group take.

    The device is swap for everybody: what other groups have put there is taken off, by its share of the pages.
    """
    stat = zram.mm_stat(device.number)
    stored = stat["orig_data_size"] // PAGE_BYTES
    return round(stat["mem_used_total"] / PAGE_BYTES * min(1.0, held / stored)) if stored else 0


def _check_killed(child: subprocess.Popen[str], group: Path) -> None:
    """Whether it was the group's limit that ended the process. Raises ZswapsimError."""
    code = child.wait()
    if code != -signal.SIGKILL or not groups.kills(group):
        raise ZswapsimError(f"the replaying process failed (exit {code})")
