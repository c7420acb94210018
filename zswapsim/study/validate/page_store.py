"""Compare the page store with the running kernel's zram: the same pages, every field of mm_stat, the time a page."""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import CorruptPageError, InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.compressors import available
from zswapsim.kernel import zram
from zswapsim.kernel.direct import DirectDevice
from zswapsim.kernel.own import Device, Own
from zswapsim.store import PageStore

Progress = Callable[[int, int], None]
Pages = NDArray[np.uint8]

MODELLED = {"lz4": "lz4-linux", "lzo": "lzo", "lzo-rle": "lzo-rle", "zstd": "zstd", "deflate": "deflate"}
"""Our codec for each of the kernel's, by the kernel's names."""
BATCH_PAGES = 256  # written or read at once, so that the time of the system call itself is small
ROUNDS = 5
WRITE, READ = 0, 1
POOL_SLACK = 4 << 20  # room for zspages that are not full


class Validated(msgspec.Struct, kw_only=True):
    """Hold mm_stat, and `write_ns` and `read_ns` a page, of both sides for one set of pages with one codec."""

    codec: str
    """The kernel's name of the codec."""
    pages: str
    kernel: dict[str, int | float]
    model: dict[str, int | float] | None
    """None if we have no such codec."""

    def unequal(self) -> list[str]:
        """Return the fields of mm_stat in which the two differ."""
        if self.model is None:
            return []
        return [field for field in zram.MM_STAT if field in self.kernel and self.kernel[field] != self.model[field]]


def validate_pages(
    own: Own, sources: Sequence[tuple[str, Pages]], codecs: Sequence[str], progress: Progress | None = None
) -> Iterator[Validated]:
    """Write and read each set of pages (name, uint8[n, 4096]) with each codec, or without `codecs` with all codecs.

    Raises InputError for a codec that the kernel does not have, CorruptPageError if a page is read with other contents,
    ZswapsimError and OSError if the kernel rejects a request.
    """
    device = own.device()
    chosen = chosen_codecs(zram.algorithms(device.number), codecs)
    total = sum(len(pages) for _, pages in sources) * len(chosen) * ROUNDS
    done = 0
    for name, pages in sources:
        for codec in chosen:
            sides = SideBySide(device, codec, pages)
            for _ in range(ROUNDS):
                sides.run_round()
                done += len(pages)
                if progress is not None:
                    progress(done, total)
            yield sides.result(name)


def chosen_codecs(present: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the wanted codecs, or else all, by the kernel's names; our names are accepted too. Raises InputError."""
    ours = {model: kernel for kernel, model in MODELLED.items()}
    chosen = [name if name in present else ours.get(name, name) for name in wanted]
    for name, asked in zip(chosen, wanted, strict=True):
        if name not in present:
            raise InputError(f"--codec {asked}: expected one that this kernel's zram has: {', '.join(present)}")
    return list(dict.fromkeys(chosen or present))


def model_codec(kernel_name: str) -> str | None:
    """Return our codec for one of the kernel's; None if there is none or its library is missing."""
    name = MODELLED.get(kernel_name)
    usable = {info.name for info in available() if not info.missing}
    return name if name in usable else None


class SideBySide:
    """Write and read pages in rounds with the kernel and the store alternately, one batch with each.

    Each round begins with an empty device and an empty store. The store keeps its frames from round to round, because a
    process takes a fault for each frame the first time, and the kernel does not. The side that is first alternates by
    batch and by round. The time of a batch is the minimum of all rounds.
    """

    def __init__(self, device: Device, codec: str, pages: Pages) -> None:
        self.device, self.codec, self.pages = device, codec, pages
        self.ours = model_codec(codec)
        self.starts = range(0, len(pages), BATCH_PAGES)
        self.least = np.full((2, 2, len(self.starts)), np.iinfo(np.int64).max)  # by side, write or read, and batch
        self.loaded = np.empty((BATCH_PAGES, PAGE_SIZE), np.uint8)
        self.rounds = 0
        self.store = PageStore(len(pages) * PAGE_SIZE + POOL_SLACK, self.ours or "store", chain_size=zram.chain_size())
        self.kernel: dict[str, int] = {}
        self.model: dict[str, int] = {}

    def run_round(self) -> None:
        """Write all pages and read all pages, once on each side; the first round's mm_stat is kept."""
        zram.set_up(self.device.number, self.codec, len(self.pages) * PAGE_SIZE)
        self._fill_and_read()
        zram.reset(self.device.number)
        for slot in range(len(self.pages)):
            self.store.invalidate(slot)
        self.rounds += 1

    def _fill_and_read(self) -> None:
        with DirectDevice(self.device.file, BATCH_PAGES) as direct:
            for batch in range(len(self.starts)):
                self._run_batch(batch, WRITE, direct)
            if not self.rounds:
                self.kernel = zram.mm_stat(self.device.number)
                self.model = model_mm_stat(self.store)
            for batch in range(len(self.starts)):
                self._run_batch(batch, READ, direct)

    def _run_batch(self, batch: int, step: int, direct: DirectDevice) -> None:
        """Write (`step` 0) or read (`step` 1) one batch on each side."""
        start = self.starts[batch]
        pages = self.pages[start : start + BATCH_PAGES]
        held = direct.fill(pages) if step == WRITE else direct.buffer[: len(pages)]
        sides = [self._time_kernel, self._time_model]
        if (batch + self.rounds) % 2:
            sides.reverse()
        for side in sides:
            spent = side(step, direct, start, held)
            row = self.least[0 if side == self._time_kernel else 1, step]
            row[batch] = min(row[batch], spent)
        if step == READ and not (np.array_equal(held, pages) and np.array_equal(self.loaded[: len(pages)], pages)):
            raise CorruptPageError(f"{self.codec}: pages from {start} on were read with other contents")

    def _time_kernel(self, step: int, direct: DirectDevice, start: int, held: Pages) -> int:
        return direct.write(start, len(held)) if step == WRITE else direct.read(start, len(held))

    def _time_model(self, step: int, _direct: DirectDevice, start: int, held: Pages) -> int:
        slots = np.arange(start, start + len(held), dtype=np.uint32).data
        into = self.loaded[: len(held)]
        clock = time.perf_counter_ns()
        if step == WRITE:
            self.store.store_pages(slots, held.data)
        else:
            self.store.load_pages(slots, into.data)
        return time.perf_counter_ns() - clock

    def result(self, name: str) -> Validated:
        """Return the fields and the times of the rounds up to now."""
        spent = self.least.sum(axis=2) / len(self.pages)
        kernel, model = (
            {**fields, "write_ns": round(float(write), 1), "read_ns": round(float(read), 1)}
            for fields, (write, read) in zip((self.kernel, self.model), spent, strict=True)
        )
        return Validated(codec=self.codec, pages=name, kernel=kernel, model=model if self.ours else None)


def model_mm_stat(store: PageStore) -> dict[str, int]:
    """Return the store's counters as zram's mm_stat; the only limit of a store is its node."""
    stats = store.stats()
    return {
        "orig_data_size": stats["stored_pages"] * PAGE_SIZE,
        "compr_data_size": stats["compr_data_size"],
        "mem_used_total": stats["pool_total_size"],
        "mem_limit": 0,
        "mem_used_max": stats["peak_pool_total_size"],
        "same_pages": stats["same_filled_pages"],
        "pages_compacted": stats["pages_compacted"],
        "huge_pages": stats["stored_incompressible_pages"],
        "huge_pages_since": stats["huge_pages_since"],
    }
