"""Large folios over any of the machines: groups of pages that come in together, and go as one or page by page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tests.reference.pools import Zram, Zswap
from tests.reference.replay import BATCH, PAGE, Machine, OutOfMemory, Page
from tests.reference.store import Stored
from tests.reference.zsmalloc import NoFrame

COUNTERS = ("mthp_anon_fault_alloc", "mthp_swpin", "mthp_swpout", "mthp_zswpout", "mthp_swpout_fallback")


class Folios(Machine):
    """Folios of `size` pages; `whole`: a fault brings back all of one that went as one. The last image is all zero.

    A folio is known by its first page: in `units`, with its pages, while it is in DRAM, and in `form`.
    """

    def __init__(self, *args: Any, size: int, whole: bool, **others: Any) -> None:
        super().__init__(*args, **others)
        self.size, self.whole = size, whole
        self.zero_image = len(self.contents.images) - 1
        self.units: OrderedDict[int, list[int]] = OrderedDict()
        self.form: dict[int, str] = {}
        self.seen: set[int] = set()
        self.waiting: list[list[int]] = []
        self.count |= dict.fromkeys(COUNTERS, 0)
        self.brought = 0
        if self.reclaimer is not None:
            self.reclaimer.span = lambda unit: self.units[unit]

    def unit_of(self, number: int) -> int:
        first = number - number % self.size
        return first if self.form.get(first) == "large" else number

    # -- accesses -------------------------------------------------------------------------------------------------

    def access(self, number: int, write: bool) -> None:
        if self.out_of_memory:
            return
        try:
            self.touch(number, write)
        except OutOfMemory:
            self.out_of_memory = True
            return
        self.count["accesses"] += 1
        self.count["writes"] += write
        page = self.pages[number]
        if number not in self.seen:
            self.seen.add(number)
            self.disown(number)
            page.image = (self.seed + number) % self.zero_image
        if write and not page.written:
            self.disown(number)
            page.written = True
            page.image = self.contents.next_image[page.image]

    def disown(self, number: int) -> None:
        """A large folio has one dirty flag, and keeps its swap slots or loses them together."""
        for each in self.units[self.unit_of(number)]:
            page = self.pages[each]
            if not page.dirty and not page.zero_mapped:
                self.forget(each)
            page.dirty, page.zero_mapped = True, False

    def touch(self, number: int, write: bool) -> None:
        unit = self.unit_of(number)
        if unit in self.units:
            self.units.move_to_end(unit)
            if self.reclaimer is not None:
                self.reclaimer.touch(unit)
            return
        if self.reclaimer is not None:
            self.reclaimer.clock = self.count["accesses"]
        first = number - number % self.size
        before = self.form.get(first)
        large = before is None or (before == "outside" and self.whole)
        pages = list(range(first, first + self.size)) if large else [number]
        while self.short(len(pages)):
            self.reclaim(pages[0])
            self.shrink()
        if before is None:
            self.count["minor_faults"] += 1
            self.count["mthp_anon_fault_alloc"] += 1
            self.pages |= {each: Page(self.zero_image) for each in pages}
        else:
            self.bring(pages)
        self.form[first] = "large" if large else "apart"
        self.resident |= dict.fromkeys(pages)
        self.enter_unit(pages, before is not None)

    def bring(self, pages: list[int]) -> None:
        self.count["major_faults"] += 1
        self.count["mthp_swpin"] += len(pages) > 1 and not self.pages[pages[0]].zero_mapped
        for each in pages:
            self.swap_in(each)
            self.pages[each].written = False
            self.brought += 1

    def enter_unit(self, pages: list[int], refault: bool) -> None:
        self.units[pages[0]] = pages
        if self.reclaimer is not None:
            self.reclaimer.insert(pages[0], refault)

    # -- reclaim --------------------------------------------------------------------------------------------------

    def reclaim(self, coming: int) -> None:
        before = len(self.resident)
        if not before:
            raise OutOfMemory
        if self.reclaimer is None:
            self.reclaim_folios(before - min(self.batch, before))
        else:
            wanted = max(self.batch * len(self.units) // before, 1)
            self.reclaimer.reclaim(min(wanted, len(self.units)), self.evict_for_reclaimer, coming)
            self.enter_waiting()
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
            self.enter_waiting()

    def evict_for_reclaimer(self, unit: int) -> bool:
        self.reclaimer.remember(unit)
        gone = self.evict_unit(unit)
        if gone:
            self.reclaimer.gone(unit)
            del self.units[unit]
        return gone

    def enter_waiting(self) -> None:
        for pages in reversed(self.waiting):
            for each in pages:
                self.enter_unit([each], False)
        self.waiting.clear()

    def evict_unit(self, unit: int) -> bool:
        """Whether its first page is gone."""
        return self.evict_large(self.units[unit]) if len(self.units[unit]) > 1 else self.evict_one(unit)

    def evict_one(self, number: int) -> bool:
        gone = self.evict(number)
        self.count["kept_pages"] += not gone
        return gone

    def evict_large(self, pages: list[int]) -> bool:
        held = [self.pages[each] for each in pages]
        if not any(page.dirty for page in held):
            self.count["dropped_clean_pages"] += self.size
        elif self.zero_map and not any(any(self.contents.images[page.image]) for page in held):
            self.count["swpout_zero"] += self.size
            for page in held:
                page.zero_mapped = True
        else:
            self.disown(pages[0])
            done = self.swap_out_whole(pages)
            if done == "split":
                return self.split(pages)
            if done == "stays":
                self.count["kept_pages"] += self.size
                return False
        for number, page in zip(pages, held, strict=True):
            page.dirty = False
            del self.resident[number]
        self.form[pages[0]] = "outside"
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
        self.form[pages[0]] = "apart"
        gone = [self.evict_one(each) for each in pages]
        self.waiting.append([each for each, went in zip(pages[1:], gone[1:], strict=True) if not went])
        if not gone[0]:
            self.units[pages[0]] = pages[:1]
        return gone[0]

    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        """``stored``; ``split`` where room is short; ``stays`` where it can't go. A disk, and a private node."""
        if self.swap.store is None and self.swap.device_pages - len(self.swap.device) < self.size:
            return "split"
        for i, (number, data) in enumerate(pages):
            if not self.swap_out(number, data):
                for each, _ in pages[:i]:
                    self.forget(each)
                return "split"
        return "stored"

    def counters(self) -> dict[str, int]:
        return super().counters() | {"pages": len(self.seen)}


class WholeFolios(Folios):
    """A private node that compresses a folio as one. `whole_length(bytes)` is what the codec makes of it.

    What comes of it is cut into pieces of a page and a rest, which the first slots have.
    """

    def __init__(self, *args: Any, whole_length: Callable[[bytes], int], **others: Any) -> None:
        super().__init__(*args, **others)
        self.whole_length = whole_length

    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        first, data = pages[0][0], b"".join(data for _, data in pages)
        if self.whole_length(data) >= len(data):
            return super().store_folio(pages)
        if self.settle(first, data):
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

    def settle(self, number: int, data: bytes) -> bool:
        if len(data) == PAGE:
            return super().settle(number, data)
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
        wrote = 0
        while wrote < BATCH and self.swap.queue and len(self.swap.device) < self.swap.device_pages:
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
            for each in slots:
                self.forget(each)
                self.to_device(each)
            self.count["zswpwb"] += len(slots)
            self.count["written_back_pages"] += len(slots)
            wrote += 1
        return wrote


class FolioZswap(Folios, Zswap):
    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        if len(self.store.slots) + len(self.device) + self.size > self.swap.device_pages:
            return "split"
        group = self.group(pages[0][0])
        stored: list[int] = []
        if self.admitted(pages[0][0]):
            for number, data in pages:
                if not self.compress(number, data):
                    break
                stored.append(number)
        if len(stored) == self.size:
            group.events["zswpout"] += self.size
            return "stored"
        self.count["zswpout"] -= len(stored)
        for each in stored:
            self.drop(each)
        gone = self.may_write_back(group) and all(self.to_device(number) for number, _ in pages)
        group.events["pswpout"] += self.size * gone
        if self.full:
            self.work()
        return "stored" if gone else "stays"


class FolioZram(Folios, Zram):
    def store_folio(self, pages: list[tuple[int, bytes]]) -> str:
        held = [*self.store.slots, *self.device]
        new = sum(each not in held for each, _ in pages)
        if self.disksize and new and len(held) + new > self.disksize:
            return "split"
        for i, (number, data) in enumerate(pages):
            if not self.keep(number, data):
                self.count["failed_writes"] += 1
                self.count["pswpout"] -= i
                for each, _ in pages[:i]:
                    self.drop(each)
                return "stays"
        return "stored"
