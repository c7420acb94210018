"""Count the pages that a compressing device loses, by headroom, notice delay, inflow and drop in compressibility.

Every point is a replay, at sizes depth, of pages that are swapped out one after the other to a device. When the device
is filled to just below its high water mark, pages begin to compress worse.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.cram import CramPlan, open_cram, physical_sizes
from zswapsim.compressors.measure import Measured
from zswapsim.machine import SWAP_BACKEND
from zswapsim.study.settings.cost import PRESETS

Progress = Callable[[int, int], None]
TICK_NS = 100
"""Time of an event of these traces. The inflow is at most a page an event, 41 GB/s."""
MOST_INFLOW = PAGE_SIZE * 1_000_000_000 // TICK_NS
UNLIMITED = (1 << 32) - 1
EPISODE = 3
"""After the drop, as many pages arrive as the headroom holds, and those of so many notice delays."""


class HeadroomCase(msgspec.Struct, frozen=True, kw_only=True):
    """Describe one device and the pages that arrive. Raises InputError for a value out of range."""

    control: str = "watermarks"
    headroom_percent: float = 10.0
    """Physical space above the high water mark."""
    delay_ns: int = 1_000_000
    """Age of a reading when software gets it, and time that a token takes."""
    inflow: int = 1_000_000_000
    """Bytes of pages that are swapped out in a second."""
    ratio_before: float = 3.0
    """Compression ratio of pages until the device is filled to just below the high water mark."""
    ratio_after: float = 1.0
    """Compression ratio of the pages after that."""
    physical: int = 64 << 20
    """Physical capacity, in bytes."""
    advertised_ratio: float = 4.0
    zero_ns: int = 1_000_000_000
    """Interval between two batches of zeroing freed frames."""
    token_batch: int = 1024

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("headroom", self.headroom_percent, 0.0, 90.0),
            ("delay", self.delay_ns, 0, 10_000_000_000),
            ("inflow", self.inflow, 1_000_000, MOST_INFLOW),
            ("before", self.ratio_before, 1.0, 64.0),
            ("after", self.ratio_after, 1.0, 64.0),
            ("physical", self.physical, 1 << 20, 1 << 36),
            ("advertised", self.advertised_ratio, 1.0, 64.0),
        ):
            if not least <= value <= most:
                raise InputError(f"--{name} {value}: expected {least} to {most}")


class HeadroomPoint(msgspec.Struct, kw_only=True):
    """Count what happened to the pages of one case."""

    case: HeadroomCase
    swapped_out: int
    """Pages that left DRAM."""
    stored_pages: int
    """Pages of these that the compressing device stored; the others went to the swap device."""
    lost_pages: int
    refused_pages: int
    written_back_pages: int
    peak_pressure: int


def replay_cases(
    controls: Sequence[str],
    headrooms: Sequence[float],
    delays_ns: Sequence[int],
    inflows: Sequence[int],
    ratios_after: Sequence[float],
    common: HeadroomCase,
    progress: Progress | None = None,
) -> list[HeadroomPoint]:
    """Replay every combination; the headroom varies fastest, and all else is as in `common`. Raises InputError."""
    names = ("control", "ratio_after", "inflow", "delay_ns", "headroom_percent")
    rows = list(itertools.product(controls, ratios_after, inflows, delays_ns, headrooms))
    cases = [HeadroomCase(**(msgspec.structs.asdict(common) | dict(zip(names, row, strict=True)))) for row in rows]
    points = []
    for number, case in enumerate(cases):
        points.append(replay_case(case))
        if progress is not None:
            progress(number + 1, len(cases))
    return points


def replay_case(case: HeadroomCase) -> HeadroomPoint:
    """Replay one case. Raises InputError, HostMemoryError."""
    high = max(1, 1000 - round(10 * case.headroom_percent))
    frames = int(case.physical * case.advertised_ratio) // PAGE_SIZE
    plan = CramPlan(
        physical=case.physical,
        maps=False,
        control=case.control,
        high=high,
        low=max(0, high - 100),
        delay=case.delay_ns // TICK_NS,
        zero_every=case.zero_ns // TICK_NS,
        token_batch=case.token_batch,
    )
    measured = _sizes(case, plan, frames)
    pages = len(measured.size)
    arena = FrameArena(frames * PAGE_SIZE, backed=False)
    backend = open_cram(plan, PRESETS["cxl-nvme"], arena.grant(SWAP_BACKEND), SwapDevice(UNLIMITED), None, measured)
    replay = Replay(pages, 1, backend, next_image=np.arange(pages, dtype=np.uint32), zero=np.zeros(pages, np.uint8))
    for events in _arrivals(pages, case.inflow):
        replay.feed(events, np.zeros(len(events), np.uint8))
    return _found(case, replay.counters_now())


def _sizes(case: HeadroomCase, plan: CramPlan, frames: int) -> Measured:
    """Return the lengths of all pages in the order in which they arrive, one page more than are swapped out."""
    before, after = (max(1, int(PAGE_SIZE / ratio)) for ratio in (case.ratio_before, case.ratio_after))
    taken_before, taken_after = (int(each) for each in physical_sizes(_measured([before, after]), plan.sector))
    filling = max(0, (plan.physical * plan.high - 1) // 1000 // taken_before)
    room = plan.physical - filling * taken_before
    arriving = -(-case.inflow * case.delay_ns // (PAGE_SIZE * 1_000_000_000))
    following = -(-room // taken_after) + EPISODE * arriving + 64
    filling = min(filling, frames)
    return _measured([before] * filling + [after] * (min(following, frames - filling) + 1))


def _measured(sizes: Sequence[int]) -> Measured:
    none, flags = np.zeros(len(sizes), np.uint32), np.zeros(len(sizes), np.bool_)
    return Measured("given", np.array(sizes, np.uint16), flags, flags, none, none)


def _arrivals(pages: int, inflow: int, chunk: int = 1 << 18) -> Iterator[NDArray[np.uint32]]:
    """Yield the page of every tick, in chunks: a new page as often as the inflow has one."""
    per_second = 1_000_000_000 // TICK_NS
    events = -(-pages * PAGE_SIZE * per_second // inflow)

    def part(first: int) -> NDArray[np.uint32]:
        # Whole seconds and the rest apart, so that no product exceeds 64 bits.
        ticks = np.arange(first, min(first + chunk, events), dtype=np.int64)
        whole, rest = np.divmod(ticks, per_second)
        numbers = (whole * inflow + rest * inflow // per_second) // PAGE_SIZE
        wanted: NDArray[np.uint32] = np.minimum(numbers, pages - 1).astype(np.uint32)
        return wanted

    return map(part, range(0, events, chunk))


def _found(case: HeadroomCase, counters: dict[str, int]) -> HeadroomPoint:
    return HeadroomPoint(
        case=case,
        swapped_out=counters["reclaimed_pages"],
        stored_pages=counters["zswpout"],
        lost_pages=counters["lost_pages"],
        refused_pages=sum(counters[f"reject_{why}"] for why in ("pressure", "bound", "token")),
        written_back_pages=counters["written_back_pages"],
        peak_pressure=counters["peak_pressure"],
    )
