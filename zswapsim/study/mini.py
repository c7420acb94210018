"""Curves of reclaimers whose faults at one size say nothing of another: a small replay for each size, all in one pass.

A DRAM of c frames is stood for by one of c * rate, that sees the sampled pages alone (Waldspurger, Saemundsson, Ahmad
and Park, "Cache modeling and optimization using miniature simulations", USENIX ATC 2017).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend import CountingBackend
from zswapsim._core.replay import Replay
from zswapsim.study.cost import PRESETS
from zswapsim.study.onepass import Progress, walk
from zswapsim.study.policies import default_batch
from zswapsim.study.reclaim import open_reclaimer
from zswapsim.study.sampled import Sample, sample_size
from zswapsim.study.stackcurve import Curve
from zswapsim.traces import DenseTrace


def mini_curve(
    trace: DenseTrace,
    reclaim: str,
    frames: Sequence[int],
    *,
    rate: float | None = None,
    sampled_pages: int | None = None,
    shift: int = 0,
    progress: Progress | None = None,
) -> Curve:
    """The curve of a reclaimer, written as in Settings, at ascending sizes of DRAM, in one pass.

    `rate` or `sampled_pages` as for :func:`~zswapsim.study.sampled.sample_size`; with neither all pages are replayed at
    every size, and counts are exact. Sizes are spread over all processors. Takes 8 bytes a sampled page and size, and
    the reclaimer's own.

    Raises InputError, HostMemoryError.
    """
    trace.scan()
    wanted = trace.pages
    if rate is not None or sampled_pages is not None:
        wanted = sample_size(trace, rate, sampled_pages)
    sample = Sample(trace, wanted, shift)
    engines = [open_mini(reclaim, size, sample) for size in frames]

    def take(pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        numbers, sampled_ops = (pages, ops) if wanted == trace.pages else sample.of(pages, ops)
        for _ in pool.map(lambda engine: engine.feed(numbers, sampled_ops), engines):
            pass

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        done, interrupted = walk(trace, take, progress=progress)
    found = [engine.counters_now() for engine in engines]
    firsts = round(found[0]["minor_faults"] / sample.rate)

    def scaled(counts: Sequence[int]) -> list[int]:
        return [round(count / sample.rate) for count in counts]

    return Curve(
        trace=trace.name,
        method=f"mini:{reclaim}:rate={sample.rate:.4g}",
        frames=list(frames),
        major_faults=[min(count, done - firsts) for count in scaled([each["major_faults"] for each in found])],
        swap_outs=scaled([each["reclaimed_pages"] for each in found]),
        dirty_swap_outs=scaled([each["reclaimed_pages"] - each["dropped_clean_pages"] for each in found]),
        accesses=done,
        first_accesses=firsts,
        pages=trace.pages,
        error=0.0 if wanted == trace.pages else None,
        errors=[0.0] * len(frames) if wanted == trace.pages else [],
        interrupted=interrupted,
    )


def open_mini(reclaim: str, frames: int, sample: Sample) -> Replay:
    """A replay of a sample's pages for a DRAM of `frames` frames. Copies stay until a write, so dirty ones are told."""
    batch = max(round(default_batch(reclaim) * sample.rate), 1)
    scaled = max(round(frames * sample.rate), batch)
    backend = CountingBackend(PRESETS["cxl-nvme"], exclusive=False)
    return Replay(sample.pages, scaled, backend, batch=batch, reclaimer=open_reclaimer(reclaim))
