"""Model pools that share DRAM with the workload: zswap before a swap device, and zram as a swap device."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

from tests.reference.replay import Contents, Machine, Swap
from tests.reference.store import Store, same_filled

PAGE = 4096
Length = Callable[[bytes], int]


def spare_frames(frames: int) -> int:
    """Return the frames beyond `frames` that reclaim may use: min_free_kbytes."""
    return min(max(isqrt(16 * 4 * frames), 128), 1 << 18) // 4


class DramPool(Machine):
    """A machine whose pool and workload share `frames` frames."""

    def __init__(self, frames: int, contents: Contents, store: Store, device_pages: int, *, exclusive: bool = True,
                 **others: Any) -> None:  # fmt: skip
        super().__init__(frames, contents, Swap(store, device_pages, exclusive=exclusive), **others)
        self.store, self.pool, self.queue, self.device = store, store.pool, self.swap.queue, self.swap.device
        more = ["failed_writes", "bd_reads", "bd_writes", "recompressed_pages", "recompress_fail"]
        self.count |= dict.fromkeys([*more, "reject_compress_poor"], 0)

    def lacks_frames(self, wanted: int = 1) -> bool:
        return len(self.resident) + self.pool.frames() + self.others + wanted > self.frames

    def set_pool_limit(self) -> None:
        """Let the pool use the frames that the workload does not; a page that is being swapped out has its frame."""
        self.pool.limit = self.frames + spare_frames(self.frames) - len(self.resident) - self.others

    def compressed_bytes(self) -> int:
        return sum(held.length for held in self.store.slots.values())

    def free_slot(self, number: int) -> None:
        super().invalidate(number)


EVENTS = ("zswpin", "zswpout", "zswpwb", "pswpin", "pswpout")


class Group:
    """A memory cgroup. `max_pages` is memory.zswap.max, in pages of compressed bytes."""

    def __init__(self, parent: int | None, max_pages: int | None, writeback: bool) -> None:
        self.parent, self.max_pages, self.writeback = parent, max_pages, writeback
        self.disk_swapins = self.deferred = 0
        self.events = dict.fromkeys(EVENTS, 0)


class Zswap(DramPool):
    """Model zswap. `groups` lists (parent, max_pages, writeback) of the groups below the root, `group_of` by page."""

    def __init__(self, frames: int, contents: Contents, length_of: Length, device_pages: int, *, chain_size: int = 8,
                 max_pool_percent: int = 20, accept_threshold_percent: int = 90, version: tuple[int, int] = (6, 18),
                 group_bytes: int | None = None, writeback: bool = True, shrinker: bool = False, priority: int = 12,
                 retries: int = 16, groups: Any = (), group_of: Any = None, **others: Any) -> None:  # fmt: skip
        store = Store(PAGE, length_of, chain_size, raw_from=PAGE, detects_same_filled=version < (6, 12))
        super().__init__(frames, contents, store, device_pages, **others)
        self.max_pool_frames = frames * max_pool_percent // 100
        self.accept = self.max_pool_frames * accept_threshold_percent // 100
        self.stores_incompressible = version >= (6, 18)
        first = (None, None if group_bytes is None else group_bytes // PAGE, writeback)
        self.groups = [Group(*each) for each in (first, *groups)]
        self.group_of = group_of or {}
        self.shrinker, self.priority, self.retries = shrinker, priority, retries
        self.full = False
        self.next_shrink: int | None = None

    # -- groups ---------------------------------------------------------------------------------------------------

    def group(self, number: int) -> Group:
        return self.groups[self.group_of.get(number, 0)]

    def with_ancestors(self, group: Group) -> list[Group]:
        """Return the group and its ancestors."""
        return [group] if group.parent is None else [group, *self.with_ancestors(self.groups[group.parent])]

    def stored_lengths(self, group: Group) -> list[int]:
        """Return the compressed lengths of the pages that the group and its descendants have stored."""
        held = self.store.slots.items()
        return [each.length for slot, each in held if group in self.with_ancestors(self.group(slot))]

    def over_limit(self, group: Group) -> bool:
        limited = [each for each in self.with_ancestors(group) if each.max_pages is not None]
        return any(sum(self.stored_lengths(each)) // PAGE >= each.max_pages for each in limited)

    def may_write_back(self, group: Group) -> bool:
        return all(each.writeback for each in self.with_ancestors(group))

    def queue_of(self, group: Group) -> list[int]:
        """Return the slots of the group alone, oldest first."""
        return [slot for slot in self.queue if self.group(slot) is group]

    def group_stats(self) -> list[dict[str, int]]:
        found = []
        for group in self.groups:
            below = [each for each in self.groups if group in self.with_ancestors(each)]
            events = {name: sum(each.events[name] for each in below) for name in EVENTS}
            lengths = self.stored_lengths(group)
            found.append({"zswap": sum(lengths), "zswapped": len(lengths)} | events)
        return found

    def charge_events(self, number: int, before: dict[str, int]) -> None:
        """Charge the events counted since `before` to this page's group."""
        for name in EVENTS:
            self.group(number).events[name] += self.count[name] - before[name]

    # -- pages ----------------------------------------------------------------------------------------------------

    def swap_in(self, number: int) -> None:
        before = self.count.copy()
        super().swap_in(number)
        self.charge_events(number, before)
        self.group(number).disk_swapins += self.count["pswpin"] - before["pswpin"]

    def swap_out(self, number: int, data: bytes) -> bool:
        if len(self.store.slots) + len(self.device) >= self.swap.device_pages:
            return False  # no swap slot
        if self.accepts(number) and self.store_compressed(number, data):
            self.group(number).events["zswpout"] += 1
            return True
        on_device = self.may_write_back(self.group(number)) and self.to_device(number)
        self.group(number).events["pswpout"] += on_device
        if self.full:
            self.shrink_worker()
        return on_device

    def accepts(self, number: int) -> bool:
        group = self.group(number)
        if self.over_limit(group) and self.shrink_one(group) != "written":
            return False
        if self.pool.frames() >= self.max_pool_frames:
            self.count["pool_limit_hit"] += 1
            self.full = True
        elif self.full and self.pool.frames() <= self.accept:
            self.full = False
        return not self.full

    def store_compressed(self, number: int, data: bytes) -> bool:
        word = self.store.detects_same_filled and same_filled(data)
        poor = not word and (self.faults.refuses(data) or self.store.length_of(data) >= PAGE)
        if poor and not (self.stores_incompressible and self.may_write_back(self.group(number))):
            self.count["reject_compress_fail"] += 1
            return False
        self.set_pool_limit()
        if self.store_in_pool(number, data, raw=poor):
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
            return "rotated"
        if not self.decode(self.store, slot):
            self.queue.move_to_end(slot)
            self.count["reject_reclaim_fail"] += 1
            return "failed"
        self.faults.check_device("write")
        before = self.count.copy()
        self.free_slot(slot)
        self.to_device(slot)
        self.count["zswpwb"] += 1
        self.count["written_back_pages"] += 1
        self.charge_events(slot, before)
        return "written"

    def shrink_worker(self) -> None:
        """Scan one entry of each group in order, beginning after the group at which the last call stopped."""
        failures = attempts = 0
        whole = self.next_shrink is None
        while failures < self.retries:
            self.next_shrink = 0 if self.next_shrink is None else self.next_shrink + 1
            if self.next_shrink == len(self.groups):
                self.next_shrink = None
                if whole and not attempts:
                    return  # a second walk would find nothing either
                failures += not attempts
                attempts, whole = 0, True
            else:
                done = self.shrink_one(self.groups[self.next_shrink])
                attempts += done != "nothing left"
                failures += done in ("rotated", "failed")
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
        held = self.stored_lengths(group)
        freeable = (queued - kept) * (sum(held) // PAGE) // len(held) if held else 0
        if not freeable:
            return
        delta = 2 * (freeable >> self.priority)
        total, scanned = min((group.deferred >> self.priority) + delta, 2 * freeable), 0
        while total and (total >= 128 or total >= freeable):
            part = min(total, 128)
            if [self.shrink_one(group) for _ in range(part)].count("written") == 0:
                break
            total -= part
            scanned += part
        group.deferred = min(max(group.deferred + delta - scanned, 0), 2 * freeable)


class Zram(DramPool):
    """Model zram. `stronger` are the compressed lengths by the codecs for recompression, weakest codec first."""

    def __init__(self, frames: int, contents: Contents, length_of: Length, device_pages: int, *, chain_size: int = 8,
                 mem_limit: int = 0, disksize: int = 0, stronger: tuple[Length, ...] = (), charged: bool = True,
                 **others: Any) -> None:  # fmt: skip
        super().__init__(frames, contents, Store(PAGE, length_of, chain_size), device_pages, **others)
        self.mem_limit, self.disksize, self.stronger = mem_limit, disksize, stronger
        self.charged = charged  # the pool takes frames of the workload's DRAM
        self.accessed: dict[int, int] = {}
        self.idle: set[int] = set()
        self.incompressible: set[int] = set()
        self.codec: dict[int, int] = {}

    def lacks_frames(self, wanted: int = 1) -> bool:
        return super().lacks_frames(wanted - (0 if self.charged else self.pool.frames()))

    def set_pool_limit(self) -> None:
        super().set_pool_limit()
        if not self.charged:
            self.pool.limit = 1 << 32

    def swap_out(self, number: int, data: bytes) -> bool:
        if self.no_slot(number):
            return False
        kept = self.write_slot(number, data)
        self.count["failed_writes"] += not kept
        return kept

    def no_slot(self, number: int) -> bool:
        new = number not in self.store.slots and number not in self.device
        return bool(self.disksize) and new and len(self.store.slots) + len(self.device) >= self.disksize

    def write_slot(self, number: int, data: bytes) -> bool:
        self.set_pool_limit()
        if not same_filled(data) and self.faults.refuses(data):
            return False
        if self.exceeds_mem_limit(data) or not self.store.store(number, data):
            return False
        self.device.discard(number)
        self.clear_marks(number)
        self.accessed[number] = self.count["accesses"]
        self.count["pswpout"] += 1
        return True

    def exceeds_mem_limit(self, data: bytes) -> bool:
        """Return True if the page would exceed mem_limit. zram allocates first, so the peak counts those frames."""
        if not self.mem_limit or same_filled(data):
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

    def clear_marks(self, number: int) -> None:
        self.idle.discard(number)
        self.incompressible.discard(number)
        self.codec.pop(number, None)

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped:
            self.count["swpin_zero"] += 1
            return
        if number in self.device:
            self.faults.check_device("read")
            self.count["bd_reads"] += 1
        else:
            self.decode_or_end(self.store, number)
        self.count["pswpin"] += 1
        if number in self.store.slots:
            assert self.store.load(number) == self.contents.images[page.image]
        self.idle.discard(number)
        self.accessed[number] = self.count["accesses"]
        if self.swap.exclusive:
            self.free_slot(number)
            page.dirty = True

    def invalidate(self, number: int) -> None:
        if self.swap.exclusive:
            self.free_slot(number)

    def free_slot(self, number: int) -> None:
        super().free_slot(number)
        self.clear_marks(number)

    # -- sysfs ----------------------------------------------------------------------------------------------------

    def objects(self) -> dict[int, int]:
        return {slot: held.length for slot, held in self.store.slots.items() if held.place is not None}

    def mark_idle(self, age: int | None) -> None:
        now = self.count["accesses"]
        old = {slot for slot in self.objects() if age is None or now - self.accessed[slot] > age}
        self.idle = self.idle | old if age is None else old

    def select_slots(self, choice: str) -> list[int]:
        """Return the slots of a choice in order: the largest first, in steps of 64 bytes, then the last slot first."""
        found = self.objects()
        if "idle" in choice:
            found = {slot: length for slot, length in found.items() if slot in self.idle}
        if "huge" in choice:
            found = {slot: length for slot, length in found.items() if length == PAGE}
        if choice == "incompressible":
            found = {slot: length for slot, length in found.items() if slot in self.incompressible}
        return sorted(found, key=lambda slot: (found[slot] // 64, slot), reverse=True)

    def write_back_slots(self, choice: str, limit: int, slots: set[int]) -> int:
        written = 0
        for slot in [slot for slot in self.select_slots(choice) if slot in slots]:
            if written == limit:
                break
            if not self.decode(self.store, slot):
                continue
            if len(self.device) == self.swap.device_pages:
                break
            self.faults.check_device("write")
            self.free_slot(slot)
            self.device.add(slot)
            self.count["bd_writes"] += 1
            written += 1
        return written

    def recompress(self, choice: str, threshold: int, priority: int, limit: int) -> None:
        """Recompress the slots of a choice, with the codec number `priority`, or with every codec if that is 0."""
        self.set_pool_limit()
        numbers = range(priority or 1, (priority or len(self.stronger)) + 1)
        for slot in self.select_slots(choice):
            left = slot not in self.incompressible and self.codec.get(slot, 0) + 1 < numbers.stop
            if not left or self.store.slots[slot].length < threshold:
                continue
            if not limit or not self.recompress_slot(slot, threshold, numbers):
                break
            limit -= 1

    def recompress_slot(self, slot: int, threshold: int, numbers: range) -> bool:
        held = self.store.slots[slot]
        if not self.decode(self.store, slot):
            return False
        self.idle.discard(slot)
        old = self.pool.class_for(held.length).size
        for number in range(max(self.codec.get(slot, 0) + 1, numbers.start), numbers.stop):
            length = PAGE if self.faults.refuses(held.page) else self.stronger[number - 1](held.page)
            if self.pool.class_for(length).size < old and not (threshold and length >= threshold):
                return self.replace_object(slot, number, length)
        if numbers.stop > len(self.stronger):
            self.incompressible.add(slot)
            self.count["recompress_fail"] += 1
        return True

    def replace_object(self, slot: int, number: int, length: int) -> bool:
        length_of, self.store.length_of = self.store.length_of, lambda page: length
        stored = self.store.store(slot, self.store.slots[slot].page)
        self.store.length_of = length_of
        if stored:
            self.codec[slot] = number
            self.count["recompressed_pages"] += 1
        return stored
