"""Pools in the DRAM that the workload uses too: zswap before a swap device, and zram as a swap device."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

from tests.reference.replay import Contents, Machine, Swap
from tests.reference.store import Store

PAGE = 4096
Length = Callable[[bytes], int]


def spare_frames(frames: int) -> int:
    """min_free_kbytes, in frames: what reclaim may take beyond `frames`."""
    return min(max(isqrt(16 * 4 * frames), 128), 1 << 18) // 4


class DramPool(Machine):
    """A machine whose pool and workload have `frames` frames between them."""

    def __init__(self, frames: int, contents: Contents, store: Store, device_pages: int, *, exclusive: bool = True,
                 **others: Any) -> None:  # fmt: skip
        super().__init__(frames, contents, Swap(store, device_pages, exclusive=exclusive), **others)
        self.store, self.pool, self.queue, self.device = store, store.pool, self.swap.queue, self.swap.device
        more = ["failed_writes", "bd_reads", "bd_writes", "recompressed_pages", "recompress_fail"]
        self.count |= dict.fromkeys([*more, "reject_compress_fail", "reject_compress_poor"], 0)

    def short(self, wanted: int = 1) -> bool:
        return len(self.resident) + self.pool.frames() + wanted > self.frames

    def share(self) -> None:
        """The pool may take what the workload leaves; a page on its way out still has its frame."""
        self.pool.limit = self.frames + spare_frames(self.frames) - len(self.resident)

    def compressed_bytes(self) -> int:
        return sum(held.length for held in self.store.slots.values())

    def drop(self, number: int) -> None:
        super().forget(number)


EVENTS = ("zswpin", "zswpout", "zswpwb", "pswpin", "pswpout")


class Group:
    """A memory cgroup: `most_pages` is memory.zswap.max, in pages of compressed bytes."""

    def __init__(self, parent: int | None, most_pages: int | None, writeback: bool) -> None:
        self.parent, self.most_pages, self.writeback = parent, most_pages, writeback
        self.disk_swapins = self.deferred = 0
        self.events = dict.fromkeys(EVENTS, 0)


class Zswap(DramPool):
    """`groups`: (parent, most pages, writeback) of each, the first of which holds all others; `group_of` by page."""

    def __init__(self, frames: int, contents: Contents, length_of: Length, device_pages: int, *, chain_size: int = 8,
                 max_pool_percent: int = 20, accept_threshold_percent: int = 90, version: tuple[int, int] = (6, 18),
                 group_bytes: int | None = None, writeback: bool = True, shrinker: bool = False, priority: int = 12,
                 retries: int = 16, groups: Any = (), group_of: Any = None, **others: Any) -> None:  # fmt: skip
        store = Store(PAGE, length_of, chain_size, raw_from=PAGE, keeps_words=version < (6, 12))
        super().__init__(frames, contents, store, device_pages, **others)
        self.most = frames * max_pool_percent // 100
        self.accept = self.most * accept_threshold_percent // 100
        self.keeps_poor = version >= (6, 18)
        first = (None, None if group_bytes is None else group_bytes // PAGE, writeback)
        self.groups = [Group(*each) for each in (first, *groups)]
        self.group_of = group_of or {}
        self.shrinker, self.priority, self.retries = shrinker, priority, retries
        self.full = False
        self.next_shrink: int | None = None

    # -- groups ---------------------------------------------------------------------------------------------------

    def group(self, number: int) -> Group:
        return self.groups[self.group_of.get(number, 0)]

    def up(self, group: Group) -> list[Group]:
        """The group and all above it."""
        return [group] if group.parent is None else [group, *self.up(self.groups[group.parent])]

    def held(self, group: Group) -> list[int]:
        """Lengths of what is stored of the group and of those below it."""
        return [held.length for slot, held in self.store.slots.items() if group in self.up(self.group(slot))]

    def over_limit(self, group: Group) -> bool:
        return any(
            each.most_pages is not None and sum(self.held(each)) // PAGE >= each.most_pages for each in self.up(group)
        )

    def may_write_back(self, group: Group) -> bool:
        return all(each.writeback for each in self.up(group))

    def queue_of(self, group: Group) -> list[int]:
        """Slots of the group alone, oldest first."""
        return [slot for slot in self.queue if self.group(slot) is group]

    def group_stats(self) -> list[dict[str, int]]:
        found = []
        for group in self.groups:
            below = [each for each in self.groups if group in self.up(each)]
            events = {name: sum(each.events[name] for each in below) for name in EVENTS}
            found.append({"zswap": sum(self.held(group)), "zswapped": len(self.held(group))} | events)
        return found

    def counted(self, number: int, before: dict[str, int]) -> None:
        """What has risen since `before` is of this page's group."""
        for name in EVENTS:
            self.group(number).events[name] += self.count[name] - before[name]

    # -- pages ----------------------------------------------------------------------------------------------------

    def swap_in(self, number: int) -> None:
        before = self.count.copy()
        super().swap_in(number)
        self.counted(number, before)
        self.group(number).disk_swapins += self.count["pswpin"] - before["pswpin"]

    def swap_out(self, number: int, data: bytes) -> bool:
        if len(self.store.slots) + len(self.device) >= self.swap.device_pages:
            return False  # no swap slot
        if self.admitted(number) and self.compress(number, data):
            self.group(number).events["zswpout"] += 1
            return True
        gone = self.may_write_back(self.group(number)) and self.to_device(number)
        self.group(number).events["pswpout"] += gone
        if self.full:
            self.work()
        return gone

    def admitted(self, number: int) -> bool:
        group = self.group(number)
        if self.over_limit(group) and self.shrink_one(group) != "wrote":
            return False
        if self.pool.frames() >= self.most:
            self.count["pool_limit_hit"] += 1
            self.full = True
        elif self.full and self.pool.frames() <= self.accept:
            self.full = False
        return not self.full

    def compress(self, number: int, data: bytes) -> bool:
        word = self.store.keeps_words and data == data[:8] * 512
        poor = self.keeps_poor and self.may_write_back(self.group(number))
        if not word and self.store.length_of(data) >= PAGE and not poor:
            self.count["reject_compress_fail"] += 1
            return False
        self.share()
        if self.settle(number, data):
            return True
        self.count["reject_alloc_fail"] += 1
        return False

    def shrink_one(self, group: Group) -> str:
        queue = self.queue_of(group)
        if not self.may_write_back(group) or not queue or len(self.device) == self.swap.device_pages:
            return "nothing left"
        slot = queue[0]
        if self.queue[slot]:
            self.queue[slot] = False
            self.queue.move_to_end(slot)
            return "spared"
        before = self.count.copy()
        self.drop(slot)
        self.to_device(slot)
        self.count["zswpwb"] += 1
        self.count["written_back_pages"] += 1
        self.counted(slot, before)
        return "wrote"

    def work(self) -> None:
        """One entry of each group in turn; the walk goes on where the last one ended."""
        failures = attempts = 0
        whole = self.next_shrink is None
        while failures < self.retries:
            self.next_shrink = 0 if self.next_shrink is None else self.next_shrink + 1
            if self.next_shrink == len(self.groups):
                self.next_shrink = None
                if whole and not attempts:
                    return  # as in all walks until it gives up
                failures += not attempts
                attempts, whole = 0, True
            else:
                done = self.shrink_one(self.groups[self.next_shrink])
                attempts += done != "nothing left"
                failures += done == "spared"
            if self.pool.frames() <= self.accept:
                return

    def shrink(self) -> None:
        for group in self.groups:
            if self.shrinker and self.may_write_back(group):
                self.shrink_group(group)

    def shrink_group(self, group: Group) -> None:
        queued = len(self.queue_of(group))
        kept = min(queued, group.disk_swapins)
        group.disk_swapins -= kept
        held = self.held(group)
        freeable = (queued - kept) * (sum(held) // PAGE) // len(held) if held else 0
        if not freeable:
            return
        delta = 2 * (freeable >> self.priority)
        total, scanned = min((group.deferred >> self.priority) + delta, 2 * freeable), 0
        while total and (total >= 128 or total >= freeable):
            part = min(total, 128)
            if [self.shrink_one(group) for _ in range(part)].count("wrote") == 0:
                break
            total -= part
            scanned += part
        group.deferred = min(max(group.deferred + delta - scanned, 0), 2 * freeable)


class Zram(DramPool):
    """`stronger`: what the codecs for recompression make of a page, from weak to strong."""

    def __init__(self, frames: int, contents: Contents, length_of: Length, device_pages: int, *, chain_size: int = 8,
                 mem_limit: int = 0, disksize: int = 0, stronger: tuple[Length, ...] = (),
                 **others: Any) -> None:  # fmt: skip
        super().__init__(frames, contents, Store(PAGE, length_of, chain_size), device_pages, **others)
        self.mem_limit, self.disksize, self.stronger = mem_limit, disksize, stronger
        self.accessed: dict[int, int] = {}
        self.idle: set[int] = set()
        self.incompressible: set[int] = set()
        self.codec: dict[int, int] = {}

    def swap_out(self, number: int, data: bytes) -> bool:
        if self.no_slot(number):
            return False
        kept = self.keep(number, data)
        self.count["failed_writes"] += not kept
        return kept

    def no_slot(self, number: int) -> bool:
        new = number not in self.store.slots and number not in self.device
        return bool(self.disksize) and new and len(self.store.slots) + len(self.device) >= self.disksize

    def keep(self, number: int, data: bytes) -> bool:
        self.share()
        if self.too_much(data) or not self.store.store(number, data):
            return False
        self.device.discard(number)
        self.unmark(number)
        self.accessed[number] = self.count["accesses"]
        self.count["pswpout"] += 1
        return True

    def too_much(self, data: bytes) -> bool:
        """mem_limit; the peak has the frames that were taken before that was seen."""
        if not self.mem_limit or data == data[:8] * 512:
            return False
        length = self.store.length_of(data)
        wanted = self.pool.class_for(PAGE if length >= self.store.raw_from else length)
        if any(zspage.free for zspage in wanted.zspages()):
            return False
        grown = self.pool.frames() + wanted.frames
        if grown > self.pool.limit or grown <= self.mem_limit:
            return False
        self.pool.peak = max(self.pool.peak, grown)
        return True

    def unmark(self, number: int) -> None:
        self.idle.discard(number)
        self.incompressible.discard(number)
        self.codec.pop(number, None)

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped:
            self.count["swpin_zero"] += 1
            return
        self.count["pswpin"] += 1
        self.count["bd_reads"] += number in self.device
        if number in self.store.slots:
            assert self.store.load(number) == self.contents.images[page.image]
        self.idle.discard(number)
        self.accessed[number] = self.count["accesses"]
        if self.swap.exclusive:
            self.drop(number)
            page.dirty = True

    def forget(self, number: int) -> None:
        if self.swap.exclusive:
            self.drop(number)

    def drop(self, number: int) -> None:
        super().drop(number)
        self.unmark(number)

    # -- from outside ---------------------------------------------------------------------------------------------

    def objects(self) -> dict[int, int]:
        return {slot: held.length for slot, held in self.store.slots.items() if held.place is not None}

    def mark_idle(self, age: int | None) -> None:
        now = self.count["accesses"]
        old = {slot for slot in self.objects() if age is None or now - self.accessed[slot] > age}
        self.idle = self.idle | old if age is None else old

    def chosen(self, choice: str) -> list[int]:
        """Largest first by 64 bytes, last slot first."""
        found = self.objects()
        if "idle" in choice:
            found = {slot: length for slot, length in found.items() if slot in self.idle}
        if "huge" in choice:
            found = {slot: length for slot, length in found.items() if length == PAGE}
        if choice == "incompressible":
            found = {slot: length for slot, length in found.items() if slot in self.incompressible}
        return sorted(found, key=lambda slot: (found[slot] // 64, slot), reverse=True)

    def write_back_slots(self, choice: str, most: int, slots: set[int]) -> int:
        wrote = 0
        for slot in self.chosen(choice):
            if wrote == most or len(self.device) == self.swap.device_pages:
                break
            if slot in slots:
                self.drop(slot)
                self.device.add(slot)
                self.count["bd_writes"] += 1
                wrote += 1
        return wrote

    def recompress(self, choice: str, threshold: int, priority: int, most: int) -> None:
        """`priority`: the one codec to take, 0 for all."""
        self.share()
        numbers = range(priority or 1, (priority or len(self.stronger)) + 1)
        for slot in self.chosen(choice):
            left = slot not in self.incompressible and self.codec.get(slot, 0) + 1 < numbers.stop
            if not left or self.store.slots[slot].length < threshold:
                continue
            if not most or not self.recompress_slot(slot, threshold, numbers):
                break
            most -= 1

    def recompress_slot(self, slot: int, threshold: int, numbers: range) -> bool:
        held = self.store.slots[slot]
        self.idle.discard(slot)
        old = self.pool.class_for(held.length).size
        for number in range(max(self.codec.get(slot, 0) + 1, numbers.start), numbers.stop):
            length = self.stronger[number - 1](held.page)
            if self.pool.class_for(length).size < old and not (threshold and length >= threshold):
                return self.exchange(slot, number, length)
        if numbers.stop > len(self.stronger):
            self.incompressible.add(slot)
            self.count["recompress_fail"] += 1
        return True

    def exchange(self, slot: int, number: int, length: int) -> bool:
        length_of, self.store.length_of = self.store.length_of, lambda page: length
        stored = self.store.store(slot, self.store.slots[slot].page)
        self.store.length_of = length_of
        if stored:
            self.codec[slot] = number
            self.count["recompressed_pages"] += 1
        return stored
