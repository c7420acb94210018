"""Model large folios over any of the machines: they are faulted in as one, and evicted as one or page by page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tests.reference.faults import Ended
from tests.reference.pools import Zram, Zswap
from tests.reference.replay import BATCH, PAGE, Machine, OutOfMemory, Page
from tests.reference.store import Stored
from tests.reference.tiers import NodeBeforeZswap, ZramBeforeZswap
from tests.reference.zsmalloc import NoFrame

COUNTERS = ("mthp_anon_fault_alloc", "mthp_swpin", "mthp_swpout", "mthp_zswpout", "mthp_swpout_fallback")


class Folios(Machine):
    """Model folios of `size` pages. If `whole`, a fault swaps in all pages of a folio that was swapped out as one.

    A unit is a large folio or a single page, and its number is that of its first page. `units` has the pages of each
    unit in DRAM. `state` of a folio is "large" (in DRAM as one), "pages" (split), or "swapped" (out as one). The last
    image is all zero.
    """

    def __init__(self, *args: Any, size: int, whole: bool, **others: Any) -> None:
        super().__init__(*args, **others)
        self.size, self.whole = size, whole
        self.zero_image = len(self.contents.images) - 1
        self.units: OrderedDict[int, list[int]] = OrderedDict()
        self.state: dict[int, str] = {}
        self.seen: set[int] = set()
        self.split_off: list[list[int]] = []
        self.count |= dict.fromkeys(COUNTERS, 0)
        self.swapped_in_pages = 0
        if self.reclaimer is not None:
            self.reclaimer.span = lambda unit: self.units[unit]

    def unit_of(self, number: int) -> int:
        first = number - number % self.size
        return first if self.state.get(first) == "large" else number

    # -- accesses -------------------------------------------------------------------------------------------------

    def change(self, number: int, write: bool) -> None:
        page = self.pages[number]
        if number not in self.seen:
            self.seen.add(number)
            self.make_dirty(number)
            page.image = (self.seed + number) % self.zero_image
        if write and not page.written:
            self.make_dirty(number)
            page.written = True
            page.image = self.contents.next_image[page.image]

    def make_dirty(self, number: int) -> None:
        """Mark a page's unit dirty. A large folio has one dirty flag, and its swap slots are freed together."""
        for each in self.units[self.unit_of(number)]:
            page = self.pages[each]
            if not page.dirty and not page.zero_mapped:
                self.invalidate(each)
            page.dirty, page.zero_mapped = True, False

    def handle_access(self, number: int, write: bool) -> None:
        unit = self.unit_of(number)
        if unit in self.units:
            self.units.move_to_end(unit)
            if self.reclaimer is not None:
                self.reclaimer.mark_accessed(unit)
            return
        if self.reclaimer is not None:
            self.reclaimer.clock = self.count["accesses"]
        first = number - number % self.size
        before = self.state.get(first)
        large = before is None or (before == "swapped" and self.whole)
        pages = list(range(first, first + self.size)) if large else [number]
        while self.lacks_frames(len(pages)):
            self.reclaim(pages[0])
            self.shrink()
        if before is None:
            self.count["minor_faults"] += 1
            self.count["mthp_anon_fault_alloc"] += 1
            self.pages |= {each: Page(self.zero_image) for each in pages}
        else:
            self.swap_in_pages(pages)
        self.state[first] = "large" if large else "pages"
        self.resident |= dict.fromkeys(pages)
        self.map_unit(pages, before is not None)

    def swap_in_pages(self, pages: list[int]) -> None:
        self.count["major_faults"] += 1
        from_swap = len(pages) > 1 and not self.pages[pages[0]].zero_mapped
        for i, each in enumerate(pages):
            try:
                self.swap_in(each)
            except Ended:
                self.keep_brought_pages(pages[:i])
                raise
            self.pages[each].written = False
            self.swapped_in_pages += 1
        self.count["mthp_swpin"] += from_swap

    def keep_brought_pages(self, pages: list[int]) -> None:
        """Keep pages of a folio whose swap-in failed as single pages."""
        for each in pages:
            self.state[each - each % self.size] = "pages"
            self.resident[each] = None
            self.map_unit([each], True)

    def map_unit(self, pages: list[int], refault: bool) -> None:
        self.units[pages[0]] = pages
        if self.reclaimer is not None:
            self.reclaimer.insert(pages[0], refault)

    # -- reclaim --------------------------------------------------------------------------------------------------

    def reclaim(self, faulting: int) -> None:
        before = len(self.resident)
        if not before:
            raise OutOfMemory
        if self.reclaimer is None:
            self.reclaim_folios(before - min(self.batch, before))
        else:
            wanted = max(self.batch * len(self.units) // before, 1)
            self.reclaimer.reclaim(min(wanted, len(self.units)), self.evict_for_reclaimer, faulting)
            self.put_back_split()
        if len(self.resident) == before:
            raise OutOfMemory

    def reclaim_folios(self, target: int) -> None:
        for unit in list(self.units):
            if len(self.resident) <= target:
                break
            if self.evict_unit(unit):
                del self.units[unit]
            else:
                self.units.move_to_end(unit)
            self.put_back_split()

    def evict_for_reclaimer(self, unit: int) -> bool:
        self.reclaimer.record_shadow(unit)
        evicted = self.evict_unit(unit)
        if evicted:
            self.reclaimer.evicted(unit)
            del self.units[unit]
        return evicted

    def put_back_split(self) -> None:
        for pages in reversed(self.split_off):
            for each in pages:
                self.map_unit([each], False)
        self.split_off.clear()

    def evict_unit(self, unit: int) -> bool:
        """Evict a unit, or what can be evicted of it. Return True if its first page was evicted."""
        return self.evict_large(self.units[unit]) if len(self.units[unit]) > 1 else self.evict_one(unit)

    def evict_one(self, number: int) -> bool:
        evicted = self.evict(number)
        self.count["kept_pages"] += not evicted
        return evicted

    def evict_large(self, pages: list[int]) -> bool:
        held = [self.pages[each] for each in pages]
        if not any(page.dirty for page in held):
            self.count["dropped_clean_pages"] += self.size
        elif self.zero_map and not any(any(self.contents.images[page.image]) for page in held):
            self.count["swpout_zero"] += self.size
            for page in held:
                page.zero_mapped = True
        else:
            self.make_dirty(pages[0])
            done = self.swap_out_whole(pages)
            if done == "split":
                return self.split(pages)
            if done == "kept":
                self.count["kept_pages"] += self.size
                return False
        for number, page in zip(pages, held, strict=True):
            page.dirty = False
            del self.resident[number]
        self.state[pages[0]] = "swapped"
        self.count["reclaimed_pages"] += self.size
        return True

    def swap_out_whole(self, pages: list[int]) -> str:
        before = self.count["zswpout"]
        done = self.store_folio([(each, self.contents.images[self.pages[each].image]) for each in pages])
        if done == "stored":
            pooled = self.count["zswpout"] - before >= self.size
            self.count["mthp_zswpout" if pooled else "mthp_swpout"] += 1
        return done

    def split(self, pages: list[int]) -> bool:
        self.count["mthp_swpout_fallback"] += 1
        self.state[pages[0]] = "pages"
        evicted = [self.evict_one(each) for each in pages]
        self.split_off.append([each for each, done in zip(pages[1:], evicted[1:], strict=True) if not done])
        if not evicted[0]:
            self.units[pages[0]] = pages[:1]
        return evicted[0]

    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        """Store a folio on a disk or in a private node. Return "stored", "split" if room is short, else "kept"."""
        if self.swap.store is None and self.swap.device_pages - len(self.swap.device) < self.size:
            return "split"
        for i, (number, data) in enumerate(pages):
            try:
                stored = self.swap_out(number, data)
            except Ended:
                self.undo([each for each, _ in pages[:i]])
                raise
            if not stored:
                self.undo([each for each, _ in pages[:i]])
                return "split"
        return "stored"

    def undo(self, stored: list[int]) -> None:
        """Forget the first pages of a folio, which was not swapped out."""
        for number in stored:
            self.invalidate(number)

    def counters(self) -> dict[str, int]:
        return super().counters() | {"pages": len(self.seen)}


class WholeFolios(Folios):
    """Model a private node that compresses a folio as one. `whole_length(bytes)` is its compressed length.

    The compressed folio is cut into pieces of 4096 bytes and a rest; the folio's first slots hold one each.
    """

    def __init__(self, *args: Any, whole_length: Callable[[bytes], int], **others: Any) -> None:
        super().__init__(*args, **others)
        self.whole_length = whole_length

    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        first, data = pages[0][0], b"".join(data for _, data in pages)
        if self.whole_length(data) >= len(data):
            return super().store_folio(pages)
        if self.store_in_pool(first, data):
            return "stored"
        self.count["pool_limit_hit"] += 1
        if self.shrink_for(first, data):
            return "stored"
        self.count["reject_alloc_fail"] += 1
        if self.swap.device_pages - len(self.swap.device) < self.size:
            return "split"
        for number, _ in pages:
            self.to_device(number)
        return "stored"

    def store_in_pool(self, number: int, data: bytes, *, raw: bool = False) -> bool:
        if len(data) == PAGE:
            return super().store_in_pool(number, data, raw=raw)
        store, left = self.swap.store, self.whole_length(data)
        for i in range(self.size):
            length = min(left, PAGE)
            try:
                place = store.pool.alloc(min((length + 263) // 256 * 256 - 8, PAGE), number + i) if length else None
            except NoFrame:
                for slot in range(number, number + i):
                    store.invalidate(slot)
                return False
            store.slots[number + i] = Stored(data[i * PAGE : (i + 1) * PAGE], length, place, part=True)
            left -= length
        self.swap.queue[number] = True
        self.count["zswpout"] += self.size
        return True

    def write_back(self) -> int:
        written = 0
        while written < BATCH and self.swap.queue and len(self.swap.device) < self.swap.device_pages:
            slot, referenced = next(iter(self.swap.queue.items()))
            slots = range(slot, slot + (self.size if self.swap.store.slots[slot].part else 1))
            full = self.swap.device_pages - len(self.swap.device) < len(slots)
            if referenced or full:
                self.swap.queue[slot] = False
                self.swap.queue.move_to_end(slot)
            if referenced:
                continue
            if full:
                self.count["reject_reclaim_fail"] += 1
                break
            self.faults.check_device("write")
            for each in slots:
                self.invalidate(each)
                self.to_device(each)
            self.count["zswpwb"] += len(slots)
            self.count["written_back_pages"] += len(slots)
            written += 1
        return written


class FolioZswap(Folios, Zswap):
    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        if len(self.store.slots) + len(self.device) + self.size > self.swap.device_pages:
            return "split"
        group = self.group(pages[0][0])
        stored: list[int] = []
        try:
            if self.accepts(pages[0][0]):
                for number, data in pages:
                    if not self.store_compressed(number, data):
                        break
                    stored.append(number)
        except Ended:
            self.undo(stored)
            raise
        if len(stored) == self.size:
            group.events["zswpout"] += self.size
            return "stored"
        self.undo(stored)
        evicted = self.may_write_back(group) and all(self.to_device(number) for number, _ in pages)
        group.events["pswpout"] += self.size * evicted
        if self.full:
            self.shrink_worker()
        return "stored" if evicted else "kept"

    def undo(self, stored: list[int]) -> None:
        self.count["zswpout"] -= len(stored)
        for number in stored:
            self.free_slot(number)


class FolioZram(Folios, Zram):
    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        held = [*self.store.slots, *self.device]
        new = sum(each not in held for each, _ in pages)
        if self.disksize and new and len(held) + new > self.disksize:
            return "split"
        for i, (number, data) in enumerate(pages):
            try:
                stored = self.write_slot(number, data)
            except Ended:
                self.undo([each for each, _ in pages[:i]])
                raise
            if not stored:
                self.count["failed_writes"] += 1
                self.undo([each for each, _ in pages[:i]])
                return "kept"
        return "stored"

    def undo(self, stored: list[int]) -> None:
        self.count["pswpout"] -= len(stored)
        for number in stored:
            self.free_slot(number)


class FolioNodeBeforeZswap(Folios, NodeBeforeZswap):
    """Model two tiers under large folios: each page finds a tier by itself."""


class FolioZramBeforeZswap(Folios, ZramBeforeZswap):
    """Model two tiers under large folios: each page finds a tier by itself."""
