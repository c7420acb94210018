"""Curves of reclaimers whose faults at one size say nothing of another: a small replay for each size, all in one pass.

A DRAM of c frames is stood for by one of c * rate, that sees the sampled pages alone (Waldspurger, Saemundsson, Ahmad
and Park, "Cache modeling and optimization using miniature simulations", USENIX ATC 2017).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import CountingBackend
from zswapsim._core.engine.replay import Replay
from zswapsim.study.cost import PRESETS
from zswapsim.study.curve import check_window
from zswapsim.study.onepass import Progress, walk
from zswapsim.study.policies import default_batch
from zswapsim.study.reclaim import open_reclaimer
from zswapsim.study.sampled import Sample, sample_size
from zswapsim.study.stackcurve import Curve
from zswapsim.traces import DenseTrace

COUNTED = ("minor_faults", "major_faults", "reclaimed_pages", "dropped_clean_pages")


def mini_curves(
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
    """The curve of a reclaimer, written as in Settings, at ascending sizes of DRAM, in one pass; and of its windows.

    `rate` or `sampled_pages` as for :func:`~zswapsim.study.sampled.sample_size`; with neither all pages are replayed at
    every size, and counts are exact. `window`: accesses of each of the curves in time; 0 for none. Sizes are spread
    over all processors. Takes 8 bytes a sampled page and size, and the reclaimer's own.

    Raises InputError, HostMemoryError.
    """
    check_window(window)
    trace.scan()
    wanted = trace.pages
    if rate is not None or sampled_pages is not None:
        wanted = sample_size(trace, rate, sampled_pages)
    minis = Minis(trace, reclaim, frames, Sample(trace, wanted, shift))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:

        def take(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
            accesses = (pages, ops) if wanted == trace.pages else minis.sample.of(pages, ops)
            for _ in pool.map(lambda engine: engine.feed(*accesses), minis.engines):
                pass

        done, interrupted = walk(trace, take, window=window, ended=minis.note, progress=progress)
    whole = minis.curve(Seen(0, [dict.fromkeys(COUNTED, 0)] * len(frames)), minis.seen(done))
    return msgspec.structs.replace(whole, interrupted=interrupted), minis.windows


class Seen(NamedTuple):
    """What replays have counted after so many accesses of the trace."""

    accesses: int
    counters: list[dict[str, int]]


class Minis:
    """A replay of a sample for each size, and what they count."""

    def __init__(self, trace: DenseTrace, reclaim: str, frames: Sequence[int], sample: Sample) -> None:
        self.trace, self.reclaim, self.frames, self.sample = trace, reclaim, list(frames), sample
        self.engines = [open_mini(reclaim, size, sample) for size in frames]
        self.windows: list[Curve] = []
        self._before = self.seen(0)

    def seen(self, done: int) -> Seen:
        """As it is now."""
        return Seen(done, [engine.counters_now() for engine in self.engines])

    def note(self, done: int) -> None:
        """A window has ended after `done` accesses."""
        now = self.seen(done)
        self.windows.append(self.curve(self._before, now))
        self._before = now

    def curve(self, before: Seen, after: Seen) -> Curve:
        """What was counted between two looks."""
        rate = self.sample.rate
        risen = [
            {name: round((now[name] - then[name]) / rate) for name in COUNTED}
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


def open_mini(reclaim: str, frames: int, sample: Sample) -> Replay:
    """A replay of a sample's pages for a DRAM of `frames` frames. Copies stay until a write, so dirty ones are told."""
    batch = max(round(default_batch(reclaim) * sample.rate), 1)
    scaled = max(round(frames * sample.rate), batch)
    backend = CountingBackend(PRESETS["cxl-nvme"], exclusive=False)
    return Replay(sample.pages, scaled, backend, batch=batch, reclaimer=open_reclaimer(reclaim))
