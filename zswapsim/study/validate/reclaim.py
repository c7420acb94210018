"""Compare the reclaimers with the running kernel's: the same trace, in as many frames, on real anonymous memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.kernel import zram
from zswapsim.kernel.own import Own
from zswapsim.kernel.replay import READ_EVERY, Replayed, accesses, replay
from zswapsim.study.run.result import INTERRUPTED
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.validate.page_store import Progress, chosen_codecs, model_codec
from zswapsim.traces import Contents, DenseTrace

RUNS, LONG_S = 3, 60.0  # runs of the kernel in one size; only one if it takes longer than LONG_S seconds
KERNEL_STATISTICS = f"fault_access=1,stats_every={READ_EVERY},stats_cpus={os.cpu_count() or 1}"
"""Parameters of two-list if the group's statistics are read as often as by the replaying process (docs/reclaim.md)."""
MODEL_SPECS = {"two-list": f"two-list:{KERNEL_STATISTICS}", "lru": "lru", "mglru": "mglru"}
"""The reclaimers that are compared with the kernel, and the spec of each."""
BACKEND = "zram:charged=0"
"""zram that is not charged: the kernel charges the group for its pages, but not for the pool."""


class SwapValidated(msgspec.Struct, kw_only=True):
    """Hold the counts of kernel and model for one trace in one size of memory with one of our reclaimers.

    `kernel` and `model` have `swap_ins` and `swap_outs`, which include the zero map's, `pool_frames` in use at the end,
    and `seconds`, the wall time of the replay.
    """

    trace: str
    dram_bytes: int
    reclaim: str
    settings: str
    """The reclaimer with its parameters."""
    kernel: dict[str, int | float]
    model: dict[str, int | float]
    kernel_swap_ins: list[int]
    """Swap-ins of each of the kernel's runs, ascending; `kernel` is the run in the middle."""

    def spread(self) -> float:
        """Return the difference between the kernel's runs, as a share of the run in the middle."""
        return (self.kernel_swap_ins[-1] - self.kernel_swap_ins[0]) / max(self.kernel["swap_ins"], 1)

    def distance(self) -> float:
        """Return how many more swap-ins the model has, as a share of the kernel's swap-ins."""
        return self.model["swap_ins"] / self.kernel["swap_ins"] - 1 if self.kernel["swap_ins"] else 0.0


class Incidents(NamedTuple):
    """Hold the functions that are told what went wrong with a replay."""

    killed: Callable[[str, int], None]
    """The kernel killed the process of a trace in so many bytes, which has no row then."""
    disturbed: Callable[[str], None]
    """Others swapped during a replay; the line says what."""


def reclaimers_to_compare(lru_gen: str | None) -> list[str]:
    """Return the reclaimers that are compared, by the text of /sys/kernel/mm/lru_gen/enabled; None if it is missing."""
    on = lru_gen is not None and int(lru_gen.strip(), 16) & 1
    return ["mglru", "two-list", "lru"] if on else ["two-list", "lru"]


def validate_swap(
    own: Own,
    traces: Sequence[DenseTrace],
    sizes: Sequence[str],
    reclaimers: Sequence[str],
    contents: Contents,
    codec: str | None = None,
    *,
    incidents: Incidents,
    progress: Progress | None = None,
) -> Iterator[SwapValidated]:
    """Replay each trace in each size of DRAM: three times by the kernel, then by each of `reclaimers`.

    A page keeps the image that it begins with; writes make it dirty. The default `codec` is lz4 if the kernel has it.
    `incidents` are told as they happen. Raises InputError, ZswapsimError, OSError.
    """
    device = own.device()
    present = zram.algorithms(device.number)
    chosen = chosen_codecs(present, [codec or ("lz4" if "lz4" in present else present[0])])[0]
    contents.next_image = np.arange(len(contents), dtype=np.uint32)
    steps, done = len(traces) * len(sizes) * (1 + len(reclaimers)), 0
    for trace in traces:
        with accesses(iter(trace.chunks()), contents.images, trace.pages) as shared:
            for dram in frames_of(sizes, trace):
                runs = repeat_replay(partial(replay, own, device, chosen, shared, dram, noticed=incidents.disturbed))
                done += 1
                if not runs:
                    incidents.killed(trace.name, dram * PAGE_SIZE)
                    done += len(reclaimers)
                    continue
                for name in reclaimers:
                    if progress is not None:
                        progress(done, steps)
                    done += 1
                    yield _run_model(trace, contents, dram, name, model_codec(chosen) or "lzo", runs)


def repeat_replay(once: Callable[[], Replayed | None]) -> list[Replayed]:
    """Return an odd number of runs, sorted by swap-ins, since the kernel's vary; none if a run was killed."""
    runs: list[Replayed] = []
    while len(runs) < RUNS:
        if (found := once()) is None:
            return []
        runs.append(found)
        if found.seconds > LONG_S:
            return [found]
    return sorted(runs, key=lambda run: run.swap_ins)


def frames_of(sizes: Sequence[str], trace: DenseTrace) -> list[int]:
    """Return the frames of each size; shares are of the trace's footprint.

    Raises InputError, also if nothing would be swapped out.
    """
    trace.scan()
    found = [Settings(dram=size, reclaim="two-list").frames(trace.pages)[0] for size in sizes]
    for size, frames in zip(sizes, found, strict=True):
        if frames >= trace.pages:
            raise InputError(f"--dram {size}: expected less than {trace.name} has: {trace.pages} pages")
    return found


def _run_model(
    trace: DenseTrace, contents: Contents, frames: int, name: str, codec: str, runs: Sequence[Replayed]
) -> SwapValidated:
    """Run the model on what the kernel did; `runs` are the kernel's, sorted by swap-ins."""
    dram = frames * PAGE_SIZE
    settings = Settings(dram=dram, backend=BACKEND, compressor=codec, reclaim=MODEL_SPECS[name], verify=False)
    result = run(trace, contents, settings)
    counters = result.counters
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
    return SwapValidated(
        trace=trace.name,
        dram_bytes=dram,
        reclaim=name,
        settings=MODEL_SPECS[name],
        kernel=runs[len(runs) // 2]._asdict(),
        kernel_swap_ins=[each.swap_ins for each in runs],
        model={
            "swap_ins": counters["major_faults"],
            "swap_outs": counters["pswpout"] + counters["swpout_zero"],
            "pool_frames": counters["pool_total_size"] // PAGE_SIZE,
            "seconds": result.times_ns["replay"] / 1e9,
        },
    )
