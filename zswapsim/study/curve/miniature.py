"""Compute the curve of any reclaimer: with a small replay for each size of DRAM, all in one pass over the trace.

A DRAM of c * rate frames that sees the sampled pages alone stands for one of c frames (Waldspurger, Saemundsson, Ahmad
and Park, "Cache modeling and optimization using miniature simulations", USENIX ATC 2017).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim.reclaimers.future import next_accesses
from zswapsim.reclaimers.names import OPT, default_batch, parse_reclaim
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.starting import thread_pool
from zswapsim.study.curve.exact import check_window
from zswapsim.study.curve.sampled import Sample, sample_size
from zswapsim.study.curve.stack_curve import Curve
from zswapsim.study.curve.trace_walk import Progress, walk_trace
from zswapsim.study.run.future import trace_future
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import DenseTrace

COUNTERS = ("minor_faults", "major_faults", "reclaimed_pages", "dropped_clean_pages")


def miniature_curves(
    trace: DenseTrace,
    reclaim: str,
    frames: Sequence[int],
    *,
    rate: float | None = None,
    sampled_pages: int | None = None,
    shift: int = 0,
    window: int = 0,
    progress: Progress | None = None,
) -> tuple[Curve, list[Curve]]:
    """Return the curve of a reclaimer, written as in Settings, at ascending sizes of DRAM, and those of its windows.

    `rate` and `sampled_pages` are those of :func:`~zswapsim.study.curve.sampled.sample_size`; without them all pages
    are replayed at every size, and counts are exact. `window` is the number of accesses of each of the curves in time,
    0 for none. Sizes are spread over all processors. Takes 8 bytes a sampled page and size, and the reclaimer's memory.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    trace.scan()
    wanted = trace.pages
    if rate is not None or sampled_pages is not None:
        wanted = sample_size(trace, rate, sampled_pages)
    future = sample_future(trace, reclaim, wanted, shift)
    replays = MiniatureReplays(trace, reclaim, frames, Sample(trace, wanted, shift), future)
    with thread_pool(len(os.sched_getaffinity(0))) as pool:

        def feed(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
            accesses = (pages, ops) if wanted == trace.pages else replays.sample.select(pages, ops)
            for _ in pool.map(lambda engine: engine.feed(*accesses), replays.engines):
                pass

        done, interrupted = walk_trace(trace, feed, window=window, end_window=replays.end_window, progress=progress)
    start = Counted(0, [dict.fromkeys(COUNTERS, 0)] * len(frames))
    whole = replays.curve(start, replays.counted(done))
    return msgspec.structs.replace(whole, interrupted=interrupted), replays.windows


class Counted(NamedTuple):
    """Hold the counters of all replays after so many accesses of the trace."""

    accesses: int
    counters: list[dict[str, int]]


class MiniatureReplays:
    """Run a replay of a sample for each size, and make curves of their counters."""

    def __init__(
        self, trace: DenseTrace, reclaim: str, frames: Sequence[int], sample: Sample, future: NextAccesses | None
    ) -> None:
        self.trace, self.reclaim, self.frames, self.sample = trace, reclaim, list(frames), sample
        self.engines = [open_miniature(reclaim, size, sample, future) for size in frames]
        self.windows: list[Curve] = []
        self._before = self.counted(0)

    def counted(self, done: int) -> Counted:
        """Return the counters as they are now, after `done` accesses."""
        return Counted(done, [engine.counters_now() for engine in self.engines])

    def end_window(self, done: int) -> None:
        """Add the curve of the window that ends after `done` accesses."""
        now = self.counted(done)
        self.windows.append(self.curve(self._before, now))
        self._before = now

    def curve(self, before: Counted, after: Counted) -> Curve:
        """Return the curve of what was counted from `before` to `after`."""
        rate = self.sample.rate
        risen = [
            {name: round((now[name] - then[name]) / rate) for name in COUNTERS}
            for then, now in zip(before.counters, after.counters, strict=True)
        ]
        accesses, firsts = after.accesses - before.accesses, risen[0]["minor_faults"]
        return Curve(
            trace=self.trace.name,
            method=f"mini:{self.reclaim}:rate={rate:.4g}",
            frames=self.frames,
            major_faults=[min(each["major_faults"], accesses - firsts) for each in risen],
            swap_outs=[each["reclaimed_pages"] for each in risen],
            dirty_swap_outs=[each["reclaimed_pages"] - each["dropped_clean_pages"] for each in risen],
            accesses=accesses,
            first_accesses=firsts,
            pages=self.trace.pages,
            error=0.0 if rate == 1 else None,
            errors=[0.0] * len(risen) if rate == 1 else [],
        )


def sample_future(trace: DenseTrace, reclaim: str, wanted: int, shift: int) -> NextAccesses | None:
    """Return the accesses of a sample of `wanted` pages; None if the reclaimer does not use them."""
    if wanted == trace.pages or parse_reclaim(reclaim)[0] != OPT:
        return trace_future(reclaim, trace)
    sample = Sample(trace, wanted, shift)
    return next_accesses((sample.select(*chunk)[0] for chunk in trace.chunks()), trace.events, wanted)


def open_miniature(reclaim: str, frames: int, sample: Sample, future: NextAccesses | None = None) -> Replay:
    """Return a replay of a sample's pages that stands for a DRAM of `frames` frames.

    The backend keeps copies until a write, so that clean pages can be dropped and dirty ones counted.
    """
    batch = max(round(default_batch(reclaim) * sample.rate), 1)
    scaled = max(round(frames * sample.rate), batch)
    backend = CountingBackend(PRESETS["cxl-nvme"], exclusive=False)
    return Replay(sample.pages, scaled, backend, batch=batch, reclaimer=open_reclaimer(reclaim, future))
