"""The page store beside the running kernel's zram: the same pages, every field of mm_stat, and the time a page."""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import CorruptPageError, InputError
from zswapsim.compressors import available
from zswapsim.kernel import zram
from zswapsim.kernel.direct import DirectDevice
from zswapsim.kernel.own import Device, Own
from zswapsim.store import PageStore
from zswapsim.study.sizes import PAGE_SIZE

Progress = Callable[[int, int], None]
Pages = NDArray[np.uint8]

MODELLED = {"lz4": "lz4-linux", "lzo": "lzo", "lzo-rle": "lzo-rle", "zstd": "zstd", "deflate": "deflate"}
"""The kernel's codecs by its names, and ours for them."""
BATCH_PAGES = 256  # written or read at once: the system call's own time is then little beside the pages'
ROUNDS = 5
WRITE, READ = 0, 1
POOL_SLACK = 4 << 20  # zspages that are not full


class Validated(msgspec.Struct, kw_only=True):
    """One set of pages under one codec: the fields of mm_stat, `write_ns` and `read_ns` a page, of either side."""

    codec: str
    """By the kernel's name."""
    pages: str
    kernel: dict[str, int | float]
    model: dict[str, int | float] | None
    """None where we have no such codec."""

    def unequal(self) -> list[str]:
        """The fields of mm_stat in which the two differ."""
        if self.model is None:
            return []
        return [field for field in zram.MM_STAT if field in self.kernel and self.kernel[field] != self.model[field]]


def validate_pages(
    own: Own, sources: Sequence[tuple[str, Pages]], codecs: Sequence[str], progress: Progress | None = None
) -> Iterator[Validated]:
    """Write each set of pages (name, uint8[n, 4096]) with each codec; none given: all that the kernel has.

    Raises InputError on a codec that the kernel doesn't have, CorruptPageError where a page comes back otherwise,
    ZswapsimError and OSError where the kernel refuses something.
    """
    device = own.device()
    chosen = chosen_codecs(zram.algorithms(device.number), codecs)
    total = sum(len(pages) for _, pages in sources) * len(chosen) * ROUNDS
    done = 0
    for name, pages in sources:
        for codec in chosen:
            bench = Bench(device, codec, pages)
            for _ in range(ROUNDS):
                bench.round()
                done += len(pages)
                if progress is not None:
                    progress(done, total)
            yield bench.result(name)


def chosen_codecs(present: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The codecs to try, by the kernel's names; ours are understood. Raises InputError."""
    ours = {model: kernel for kernel, model in MODELLED.items()}
    chosen = [name if name in present else ours.get(name, name) for name in wanted]
    for name, asked in zip(chosen, wanted, strict=True):
        if name not in present:
            raise InputError(f"--codec {asked}: expected one that this kernel's zram has: {', '.join(present)}")
    return list(dict.fromkeys(chosen or present))


def model_codec(kernel_name: str) -> str | None:
    """Our codec for a kernel's one; None where there is none or its library is missing."""
    name = MODELLED.get(kernel_name)
    usable = {info.name for info in available() if not info.missing}
    return name if name in usable else None


class Bench:
    """Rounds of writing and reading pages, in turns with the kernel: a batch there, the same batch here.

    Each round begins with an empty device and an empty store. The store keeps its frames, which were touched before, as
    the kernel's were; a process gets each frame cleared, and by a fault, only the first time. Which of the two goes
    first alternates by batch and by round. A batch's time is the least of all rounds.
    """

    def __init__(self, device: Device, codec: str, pages: Pages) -> None:
        self.device, self.codec, self.pages = device, codec, pages
        self.ours = model_codec(codec)
        self.starts = range(0, len(pages), BATCH_PAGES)
        self.least = np.full((2, 2, len(self.starts)), np.iinfo(np.int64).max)  # side, write or read, batch
        self.loaded = np.empty((BATCH_PAGES, PAGE_SIZE), np.uint8)
        self.rounds = 0
        self.store = PageStore(len(pages) * PAGE_SIZE + POOL_SLACK, self.ours or "store", chain_size=zram.chain_size())
        self.kernel: dict[str, int] = {}
        self.model: dict[str, int] = {}

    def round(self) -> None:
        """Write all and read all, once on either side; the first round's mm_stat is kept."""
        zram.set_up(self.device.number, self.codec, len(self.pages) * PAGE_SIZE)
        self._fill_and_read()
        zram.reset(self.device.number)
        for slot in range(len(self.pages)):
            self.store.invalidate(slot)
        self.rounds += 1

    def _fill_and_read(self) -> None:
        with DirectDevice(self.device.file, BATCH_PAGES) as direct:
            for batch in range(len(self.starts)):
                self._in_turns(batch, WRITE, direct)
            if not self.rounds:
                self.kernel = zram.mm_stat(self.device.number)
                self.model = model_mm_stat(self.store)
            for batch in range(len(self.starts)):
                self._in_turns(batch, READ, direct)

    def _in_turns(self, batch: int, step: int, direct: DirectDevice) -> None:
        """One batch on either side: writing where `step` is 0, reading where it is 1."""
        start = self.starts[batch]
        pages = self.pages[start : start + BATCH_PAGES]
        held = direct.fill(pages) if step == WRITE else direct.buffer[: len(pages)]
        sides = [self._kernel, self._model]
        if (batch + self.rounds) % 2:
            sides.reverse()
        for side in sides:
            spent = side(step, direct, start, held)
            row = self.least[0 if side == self._kernel else 1, step]
            row[batch] = min(row[batch], spent)
        if step == READ and not (np.array_equal(held, pages) and np.array_equal(self.loaded[: len(pages)], pages)):
            raise CorruptPageError(f"{self.codec}: pages {start} and on came back with other contents")

    def _kernel(self, step: int, direct: DirectDevice, start: int, held: Pages) -> int:
        return direct.write(start, len(held)) if step == WRITE else direct.read(start, len(held))

    def _model(self, step: int, _direct: DirectDevice, start: int, held: Pages) -> int:
        slots = np.arange(start, start + len(held), dtype=np.uint32).data
        into = self.loaded[: len(held)]
        clock = time.perf_counter_ns()
        if step == WRITE:
            self.store.store_pages(slots, held.data)
        else:
            self.store.load_pages(slots, into.data)
        return time.perf_counter_ns() - clock

    def result(self, name: str) -> Validated:
        """What the rounds so far found."""
        spent = self.least.sum(axis=2) / len(self.pages)
        kernel, model = (
            {**fields, "write_ns": round(float(write), 1), "read_ns": round(float(read), 1)}
            for fields, (write, read) in zip((self.kernel, self.model), spent, strict=True)
        )
        return Validated(codec=self.codec, pages=name, kernel=kernel, model=model if self.ours else None)


def model_mm_stat(store: PageStore) -> dict[str, int]:
    """The store's counters as zram's mm_stat; a store has no limit but its node."""
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
