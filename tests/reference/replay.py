"""Model the whole machine: DRAM as an ordered dict, the reference store as the pool, queues as lists.

A page is a number and the number of its image; only the store uses the image's bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.reference.faults import Ended, Faults
from tests.reference.readahead import Cluster, Vma
from tests.reference.reclaim import Reclaimer
from tests.reference.store import Store, same_filled

PAGE = 4096
BATCH = 32


class OutOfMemory(Exception):
    """No resident page could be evicted."""


@dataclass
class Contents:
    """Page images, and for each the image that replaces it at a write."""

    images: list[bytes]
    next_image: list[int]


@dataclass
class Page:
    image: int
    written: bool = False  # since it was faulted in
    dirty: bool = True
    zero_mapped: bool = False


class DevicePages(set[int]):
    """The pages on a swap device, and the most that were there at once."""

    peak = 0

    def add(self, number: int) -> None:
        super().add(number)
        self.peak = max(self.peak, len(self))


@dataclass
class Swap:
    """The state of a swap backend. It is a plain disk if `store` is None."""

    store: Store | None
    device_pages: int
    accept_threshold_percent: int = 90
    exclusive: bool = True
    queue: OrderedDict[int, bool] = field(default_factory=OrderedDict)  # slot -> referenced, oldest first
    device: DevicePages = field(default_factory=DevicePages)
    target: int = 0  # frames at which the shrinker stops

    def __post_init__(self) -> None:
        if isinstance(self.store, Store):
            self.target = self.store.pool.limit * self.accept_threshold_percent // 100


def shrink_until_stored(store: Store, target: int, put: Callable[[], bool], write_back: Callable[[], int]) -> bool:
    """Make room in a full pool until `put` stores the page, by compaction and by batches of `write_back`.

    Writeback goes on until compaction would leave at most `target` frames. Return False if that was not enough.
    """
    if store.compact() and put():
        return True
    while True:
        written = write_back()
        if written and store.pool.frames() - store.pool.compactable() > target:
            continue
        store.compact()
        if put():
            return True
        if not written:
            return False


class Machine:
    """Model :class:`zswapsim._core.engine.replay.Replay` over a backend."""

    def __init__(
        self, frames: int, contents: Contents, swap: Swap, *, batch: int = 1, reclaimer: Reclaimer | None = None,
        zero_map: bool = True, seed: int = 0, readahead: Cluster | Vma | None = None,
    ) -> None:  # fmt: skip
        self.frames, self.contents, self.swap, self.batch, self.zero_map = frames, contents, swap, batch, zero_map
        self.seed = seed
        self.reclaimer = reclaimer  # None is exact LRU
        self.readahead = readahead
        self.cached: set[int] = set()  # resident pages that are in the swap cache and not mapped
        self.pages: dict[int, Page] = {}
        self.resident: OrderedDict[int, None] = OrderedDict()  # least recently used first
        self.out_of_memory = False
        self.faults = Faults()
        self.others = 0  # frames of DRAM that neither the workload nor the pool holds
        self.count = dict.fromkeys(
            [
                "accesses",
                "writes",
                "minor_faults",
                "major_faults",
                "swpin_zero",
                "swpout_zero",
                "reclaimed_pages",
                "dropped_clean_pages",
                "kept_pages",
                "zswpin",
                "zswpout",
                "zswpwb",
                "pswpin",
                "pswpout",
                "written_back_pages",
                "pool_limit_hit",
                "reject_reclaim_fail",
                "reject_alloc_fail",
                "reject_compress_fail",
                "decompress_fail",
                "swap_ra",
                "swap_ra_hit",
                "swap_ra_unused",
            ],
            0,
        )

    # -- accesses -------------------------------------------------------------------------------------------------

    def access(self, number: int, write: bool) -> None:
        if self.out_of_memory:
            return
        try:
            self.handle_access(number, write)
        except OutOfMemory:
            self.out_of_memory = True
            return
        self.count["accesses"] += 1
        self.count["writes"] += write
        self.change(number, write)

    def change(self, number: int, write: bool) -> None:
        """Change a page at its first write since it was faulted in; its slot is then no longer valid."""
        page = self.pages[number]
        if write and not page.written:
            page.written = page.dirty = True
            page.zero_mapped = False
            self.invalidate(number)
            page.image = self.contents.next_image[page.image]

    def handle_access(self, number: int, write: bool) -> None:
        if number in self.resident:
            self.resident.move_to_end(number)
            if number in self.cached:
                self.map_cached(number, write)
            elif self.reclaimer is not None:
                self.reclaimer.mark_accessed(number)
            return
        if self.reclaimer is not None:
            self.reclaimer.clock = self.count["accesses"]
        if self.readahead is not None and number in self.pages:
            self.read_ahead(number)
        self.make_room(number)
        refault = number in self.pages
        if number not in self.pages:
            self.count["minor_faults"] += 1
            self.pages[number] = Page((self.seed + number) % len(self.contents.images))
        else:
            self.count["major_faults"] += 1
            self.swap_in(number)
            if self.readahead is not None:
                self.readahead.mapped(number, write)
        self.map_page(number, refault)

    def map_page(self, number: int, refault: bool) -> None:
        self.pages[number].written = False
        self.resident[number] = None
        if self.reclaimer is not None:
            self.reclaimer.insert(number, refault)

    def make_room(self, number: int) -> None:
        while self.lacks_frames():
            self.reclaim(number)
            self.shrink()

    # -- readahead ------------------------------------------------------------------------------------------------

    def read_ahead(self, number: int) -> None:
        for other in self.readahead.window(number):
            if other == number or other not in self.pages or other in self.resident:
                continue
            try:
                self.make_room(other)
            except OutOfMemory:
                return
            self.swap_in(other)
            self.count["swap_ra"] += 1
            self.map_page(other, True)
            self.cached.add(other)
            if self.reclaimer is not None:
                self.reclaimer.hits[other] = 0

    def map_cached(self, number: int, write: bool) -> None:
        self.cached.remove(number)
        self.count["swap_ra_hit"] += 1
        self.readahead.hit(number)
        self.readahead.mapped(number, write)
        if self.reclaimer is not None:
            self.reclaimer.map_cached(number)

    def lacks_frames(self, wanted: int = 1) -> bool:
        """Return True if fewer than `wanted` frames are free."""
        return len(self.resident) + self.others + wanted > self.frames

    def shrink(self) -> None:
        """Run the dynamic shrinker of a backend that has one, after each reclaim."""

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped:
            self.count["swpin_zero"] += 1
        elif number in self.swap.device:
            self.faults.check_device("read")
            self.count["pswpin"] += 1
        else:
            self.decode_or_end(self.swap.store, number)
            self.count["zswpin"] += 1
            assert self.swap.store.load(number) == self.contents.images[page.image]
            if self.swap.exclusive:
                self.invalidate(number)
                page.dirty = True
            elif number in self.swap.queue:
                self.swap.queue[number] = True

    def decode(self, store: Store, number: int) -> bool:
        """Decompress a slot. Return False if its bytes are corrupt; a plug-in that breaks its contract ends the run."""
        error = self.faults.decompress.get(store.slots[number].page) if store.is_compressed(number) else None
        self.count["decompress_fail"] += error is not None
        if error == "PluginError":
            raise Ended(error)
        return error is None

    def decode_or_end(self, store: Store, number: int) -> None:
        """Decompress a slot that a process waits for."""
        if not self.decode(store, number):
            raise Ended("CorruptPageError")

    def invalidate(self, number: int) -> None:
        """Forget the backend's copy of this page."""
        self.swap.device.discard(number)
        self.swap.queue.pop(number, None)
        if self.swap.store is not None:
            self.swap.store.invalidate(number)

    # -- reclaim --------------------------------------------------------------------------------------------------

    def reclaim(self, faulting: int) -> None:
        wanted = min(self.batch, len(self.resident))
        if not wanted:
            raise OutOfMemory
        if self.reclaimer is None:
            evicted = self.reclaim_oldest(wanted)
        else:
            evicted = self.reclaimer.reclaim(wanted, self.evict_for_reclaimer, faulting)
        if not evicted:
            raise OutOfMemory

    def evict_for_reclaimer(self, number: int) -> bool:
        if self.evict(number):
            self.reclaimer.evicted(number)
            return True
        self.count["kept_pages"] += 1
        return False

    def reclaim_oldest(self, wanted: int) -> int:
        evicted = 0
        for number in list(self.resident):
            if evicted == wanted:
                break
            if self.evict(number):
                evicted += 1
            else:
                self.count["kept_pages"] += 1
                self.resident.move_to_end(number)
        return evicted

    def evict(self, number: int) -> bool:
        page = self.pages[number]
        if not page.dirty:
            self.count["dropped_clean_pages"] += 1
        elif self.zero_map and not any(self.contents.images[page.image]):
            self.count["swpout_zero"] += 1
            page.zero_mapped = True
        elif not self.swap_out(number, self.contents.images[page.image]):
            return False
        page.dirty = False
        del self.resident[number]
        self.count["reclaimed_pages"] += 1
        if self.readahead is not None:
            self.count["swap_ra_unused"] += number in self.cached
            self.cached.discard(number)
            self.readahead.evicted(number)
        return True

    def swap_out(self, number: int, data: bytes) -> bool:
        if self.swap.store is None:
            return self.to_device(number)
        if not same_filled(data) and self.faults.refuses(data):
            self.count["reject_compress_fail"] += 1
            return self.to_device(number)
        if self.store_in_pool(number, data):
            return True
        self.count["pool_limit_hit"] += 1
        if self.shrink_for(number, data):
            return True
        self.count["reject_alloc_fail"] += 1
        return self.to_device(number)

    def to_device(self, number: int) -> bool:
        if len(self.swap.device) == self.swap.device_pages:
            return False
        self.faults.check_device("write")
        self.swap.device.add(number)
        self.count["pswpout"] += 1
        return True

    def store_in_pool(self, number: int, data: bytes, *, raw: bool = False) -> bool:
        if not self.swap.store.store(number, data, raw=raw):
            return False
        if self.swap.store.slots[number].place is not None:
            self.swap.queue[number] = True
        self.count["zswpout"] += 1
        return True

    # -- the shrinker ---------------------------------------------------------------------------------------------

    def shrink_for(self, number: int, data: bytes) -> bool:
        store, target = self.swap.store, self.swap.target
        return shrink_until_stored(store, target, lambda: self.store_in_pool(number, data), self.write_back)

    def write_back(self) -> int:
        written = 0
        while written < BATCH and self.swap.queue and len(self.swap.device) < self.swap.device_pages:
            slot, referenced = next(iter(self.swap.queue.items()))
            if referenced:
                self.swap.queue[slot] = False
                self.swap.queue.move_to_end(slot)
                continue
            if not self.decode(self.swap.store, slot):
                self.swap.queue.move_to_end(slot)
                self.count["reject_reclaim_fail"] += 1
                break
            self.faults.check_device("write")
            self.invalidate(slot)
            self.to_device(slot)
            self.count["zswpwb"] += 1
            self.count["written_back_pages"] += 1
            written += 1
        return written

    def counters(self) -> dict[str, int]:
        held = {} if self.swap.store is None else self.swap.store.stats()
        reclaimed = {} if self.reclaimer is None else self.reclaimer.count
        return (
            self.count
            | reclaimed
            | held
            | {
                "pages": len(self.pages),
                "resident_pages": len(self.resident),
                "device_pages": len(self.swap.device),
                "peak_device_pages": self.swap.device.peak,
            }
        )
