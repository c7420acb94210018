"""The reclaimers beside the running kernel's: the same trace, in as many frames, on real anonymous memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec
import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim.kernel import zram
from zswapsim.kernel.own import Own
from zswapsim.kernel.replay import READ_EVERY, Replayed, accesses, replay
from zswapsim.study.result import INTERRUPTED
from zswapsim.study.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.sizes import PAGE_SIZE
from zswapsim.study.validate import Progress, chosen_codecs, model_codec
from zswapsim.traces import Contents, DenseTrace

RUNS, LONG_S = 3, 60.0  # of the kernel, in one size; one alone where it takes longer than so many seconds
KERNEL_STATISTICS = f"fault_access=1,stats_every={READ_EVERY},stats_cpus={os.cpu_count() or 1}"
"""Of the two lists, where the group's statistics are read as often as the replaying process does (docs/reclaim.md)."""
BESIDE = {"two-list": f"two-list:{KERNEL_STATISTICS}", "lru": "lru", "mglru": "mglru"}
"""The reclaimers that are compared with the kernel, and how each is set."""
BACKEND = "zram:charged=0"
"""The kernel charges the group for its pages and not for the pool."""


class SwapValidated(msgspec.Struct, kw_only=True):
    """One trace in one size of memory under one of our reclaimers.

    `kernel` and `model` have `swap_ins` and `swap_outs` (the zero map's included), `pool_frames` (in use at the end)
    and `seconds` (wall time of the replay).
    """

    trace: str
    dram_bytes: int
    reclaim: str
    settings: str
    """The reclaimer with its parameters."""
    kernel: dict[str, int | float]
    model: dict[str, int | float]
    kernel_swap_ins: list[int]
    """Of each of the kernel's runs, ascending; `kernel` is the one in the middle."""

    def spread(self) -> float:
        """How far the kernel's runs lie apart, as a share of the one in the middle."""
        return (self.kernel_swap_ins[-1] - self.kernel_swap_ins[0]) / max(self.kernel["swap_ins"], 1)

    def distance(self) -> float:
        """How much more often the model swaps in, as a share of the kernel's swap-ins."""
        return self.model["swap_ins"] / self.kernel["swap_ins"] - 1 if self.kernel["swap_ins"] else 0.0


def reclaimers(lru_gen: str | None) -> list[str]:
    """Which of ours stand beside the kernel's, by what /sys/kernel/mm/lru_gen/enabled says; None where it is not."""
    on = lru_gen is not None and int(lru_gen.strip(), 16) & 1
    return ["mglru", "two-list", "lru"] if on else ["two-list", "lru"]


def validate_swap(
    own: Own,
    traces: Sequence[DenseTrace],
    sizes: Sequence[str],
    beside: Sequence[str],
    contents: Contents,
    codec: str | None = None,
    *,
    killed: Callable[[str, int], None],
    progress: Progress | None = None,
) -> Iterator[SwapValidated]:
    """Replay each trace in each size of DRAM: by the kernel, thrice, then by each reclaimer of `beside`.

    A page keeps the image that it begins with; writes make it dirty. Without a `codec` it is lz4 where the kernel has
    it. `killed(trace, bytes)` is called where the kernel killed the process; that size gives no row. Raises InputError,
    ZswapsimError, OSError.
    """
    device = own.device()
    present = zram.algorithms(device.number)
    chosen = chosen_codecs(present, [codec or ("lz4" if "lz4" in present else present[0])])[0]
    contents.next_image = np.arange(len(contents), dtype=np.uint32)
    steps, done = len(traces) * len(sizes) * (1 + len(beside)), 0
    for trace in traces:
        with accesses(iter(trace.chunks()), contents.images, trace.pages) as shared:
            for dram in frames_of(sizes, trace):
                runs = repeated(partial(replay, own, device, chosen, shared, dram))
                done += 1
                if not runs:
                    killed(trace.name, dram * PAGE_SIZE)
                    done += len(beside)
                    continue
                for name in beside:
                    if progress is not None:
                        progress(done, steps)
                    done += 1
                    yield _beside(trace, contents, dram, name, model_codec(chosen) or "lzo", runs)


def repeated(once: Callable[[], Replayed | None]) -> list[Replayed]:
    """An odd number of runs by their swap-ins, since the kernel's vary; none at all where one was killed."""
    runs: list[Replayed] = []
    while len(runs) < RUNS:
        if (found := once()) is None:
            return []
        runs.append(found)
        if found.seconds > LONG_S:
            return [found]
    return sorted(runs, key=lambda run: run.swap_ins)


def frames_of(sizes: Sequence[str], trace: DenseTrace) -> list[int]:
    """Frames for each size; a share is of the trace's footprint. Raises InputError, also where nothing would swap."""
    trace.scan()
    found = [Settings(dram=size, reclaim="two-list").frames(trace.pages)[0] for size in sizes]
    for size, frames in zip(sizes, found, strict=True):
        if frames >= trace.pages:
            raise InputError(f"--dram {size}: expected less than {trace.name} has: {trace.pages} pages")
    return found


def _beside(
    trace: DenseTrace, contents: Contents, frames: int, name: str, codec: str, runs: Sequence[Replayed]
) -> SwapValidated:
    """The model's run of what the kernel did: `runs`, by their swap-ins."""
    dram = frames * PAGE_SIZE
    settings = Settings(dram=dram, backend=BACKEND, compressor=codec, reclaim=BESIDE[name], verify=False)
    result = run(trace, contents, settings)
    counters = result.counters
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
    return SwapValidated(
        trace=trace.name,
        dram_bytes=dram,
        reclaim=name,
        settings=BESIDE[name],
        kernel=runs[len(runs) // 2]._asdict(),
        kernel_swap_ins=[each.swap_ins for each in runs],
        model={
            "swap_ins": counters["major_faults"],
            "swap_outs": counters["pswpout"] + counters["swpout_zero"],
            "pool_frames": counters["pool_total_size"] // PAGE_SIZE,
            "seconds": result.times_ns["replay"] / 1e9,
        },
    )
