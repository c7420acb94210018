"""How many pages a compressing device loses: headroom x notice delay x inflow x drop in compressibility.

Every point is a replay, at sizes depth, of pages that are swapped out one after the other to a device that is filled up
to just below its high water mark; from there on pages compress worse. Beside it the counter-example to every control at
allocation: zeros that are overwritten in place, at bytes depth.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.cram import CramPlan, open_cram, physical_sizes
from zswapsim.compressors.measure import Measured
from zswapsim.machine import SWAP_BACKEND
from zswapsim.study.cost import PRESETS
from zswapsim.study.sizes import PAGE_SIZE

Progress = Callable[[int, int], None]
TICK_NS = 100
"""An event of the study's traces. Inflow is at most a page in one, 41 GB/s."""
MOST_INFLOW = PAGE_SIZE * 1_000_000_000 // TICK_NS
UNLIMITED = (1 << 32) - 1
EPISODE = 3
"""After the drop, pages arrive for so many notice delays, and as many as the headroom would hold."""


class HeadroomCase(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the study. Raises InputError for a value out of range."""

    control: str = "watermarks"
    headroom_percent: float = 10.0
    """Physical space above the high water mark."""
    delay_ns: int = 1_000_000
    """How old a reading is when software gets it, and how long a token takes."""
    inflow: int = 1_000_000_000
    """Bytes of pages a second that are swapped out."""
    ratio_before: float = 3.0
    """What pages compress to, until the device is filled to just below the high water mark."""
    ratio_after: float = 1.0
    """And from there on."""
    physical: int = 64 << 20
    """Bytes."""
    advertised_ratio: float = 4.0
    zero_ns: int = 1_000_000_000
    """Between two batches of zeroing."""
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
    """What became of the pages of one case."""

    case: HeadroomCase
    swapped_out: int
    """Pages that left DRAM."""
    stored_pages: int
    """Of these, to the device; the others went to the swap device."""
    lost_pages: int
    refused_pages: int
    written_back_pages: int
    peak_pressure: int


class Overwritten(msgspec.Struct, kw_only=True):
    """What became of pages of zeros on the device that were overwritten with what does not compress."""

    form: str
    control: str
    budget: int
    pages: int
    zeros_pressure: int
    """Of 1000, while all pages were zero."""
    in_place_writes: int
    promotions: int
    lost_pages: int
    bus_errors: int
    """Readers that were told, when every page was read in the end."""
    compared_pages: int
    """Reads and faults of which the bytes were compared with what was written, all of them the same."""


def study(
    controls: Sequence[str],
    headrooms: Sequence[float],
    delays_ns: Sequence[int],
    inflows: Sequence[int],
    ratios_after: Sequence[float],
    common: HeadroomCase,
    progress: Progress | None = None,
) -> list[HeadroomPoint]:
    """A point for every combination, the headroom varying fastest; the rest is as in `common`. Raises InputError."""
    names = ("control", "ratio_after", "inflow", "delay_ns", "headroom_percent")
    rows = list(itertools.product(controls, ratios_after, inflows, delays_ns, headrooms))
    cases = [HeadroomCase(**(msgspec.structs.asdict(common) | dict(zip(names, row, strict=True)))) for row in rows]
    points = []
    for number, case in enumerate(cases):
        points.append(point(case))
        if progress is not None:
            progress(number + 1, len(cases))
    return points


def point(case: HeadroomCase) -> HeadroomPoint:
    """One case, replayed. Raises InputError, HostMemoryError."""
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
    """Lengths of all pages, in the order in which they arrive: one more than are swapped out."""
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
    """The page of every tick, in chunks: a new one as often as the inflow brings one."""
    per_second = 1_000_000_000 // TICK_NS
    events = -(-pages * PAGE_SIZE * per_second // inflow)

    def part(first: int) -> NDArray[np.uint32]:
        # Split, so that no product exceeds 64 bits.
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


# -- the counter-example ------------------------------------------------------------------------------------------

WAYS = (
    ("swap", "watermarks", 0),
    ("tier", "watermarks", 0),
    ("tier", "watermarks", 100),
    ("tier", "counting", 100),
    ("tier", "tokens", 100),
)
"""Form, control, and budget of writable pages in per cent."""


def overwritten_zeros(
    codec: Codec, pages: int = 4096, ratio: float = 4.0, delay_ticks: int = 1000
) -> list[Overwritten]:
    """Zeros on a device of `pages` advertised frames, overwritten in place, under each of WAYS; real bytes.

    The pages are first written with zeros where they are, so that those that may be are writable, then with noise, one
    an access; then all are read. Nothing is zeroed meanwhile. Raises InputError, HostMemoryError.
    """
    if not 64 <= pages <= 1 << 20:
        raise InputError(f"{pages} pages: expected 64 to {1 << 20}")
    return [_overwrite(codec, pages, ratio, delay_ticks, *way) for way in WAYS]


def _overwrite(
    codec: Codec, pages: int, ratio: float, delay: int, form: str, control: str, percent: int
) -> Overwritten:
    budget = pages * percent // 100
    plan = CramPlan(
        physical=int(pages * PAGE_SIZE / ratio),
        tier=form == "tier",
        control=control,
        delay=delay,
        zero_every=1 << 40,
        budget=budget,
        token_batch=1024,
    )
    dram_frames = pages // 16
    node, dram = (FrameArena(count * PAGE_SIZE) for count in (pages, dram_frames))
    backend = open_cram(
        plan, PRESETS["cxl-nvme"], node.grant(SWAP_BACKEND), SwapDevice(UNLIMITED, backed=True), codec, None
    )
    images, next_image = _zeros_then_noise(pages)
    replay = Replay(
        pages,
        dram_frames,
        backend,
        dram=dram.grant("workload"),
        images=images,
        next_image=next_image,
        zero=np.array([not image.any() for image in images], np.uint8),
        zero_map=False,
    )
    numbers = np.arange(pages, dtype=np.uint32)
    reads, writes = np.zeros(pages, np.uint8), np.ones(pages, np.uint8)
    replay.feed(numbers, reads)
    replay.feed(numbers, writes)
    zeros = replay.counters_now()
    replay.feed(numbers, writes)
    replay.feed(numbers, reads)
    found = replay.counters_now()
    return Overwritten(
        form=form,
        control=control,
        budget=budget,
        pages=pages,
        zeros_pressure=zeros["pool_total_size"] * 1000 // zeros["physical_size"],
        in_place_writes=found["in_place_writes"],
        promotions=found["promotions"],
        lost_pages=found["lost_pages"],
        bus_errors=found["poisoned_reads"],
        compared_pages=replay.verified_pages,
    )


def _zeros_then_noise(pages: int) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Images: every page begins with zeros; a write makes zeros of it again, the next one noise."""
    images = np.zeros((pages + 2, PAGE_SIZE), np.uint8)
    images[-1] = np.random.default_rng(0).integers(0, 256, PAGE_SIZE, dtype=np.uint8)
    next_image = np.full(pages + 2, pages, np.uint32)
    next_image[pages:] = pages + 1
    return images, next_image
