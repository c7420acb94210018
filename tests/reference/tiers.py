"""A private node or zram before zswap: what the first can't keep goes to zswap, and from there to the device."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.reference.pools import Zram, Zswap, spare_frames
from tests.reference.replay import BATCH, Contents
from tests.reference.store import Store

PAGE = 4096


class NodeBeforeZswap(Zswap):
    def __init__(self, frames: int, contents: Contents, length_of: Any, device_pages: int, *, node_frames: int,
                 chain_size: int = 8, accept_threshold_percent: int = 90, **others: Any) -> None:  # fmt: skip
        super().__init__(
            frames, contents, length_of, device_pages, chain_size=chain_size,
            accept_threshold_percent=accept_threshold_percent, **others,
        )  # fmt: skip
        self.fast = Store(node_frames * PAGE, length_of, chain_size)
        self.target = node_frames * accept_threshold_percent // 100
        self.ages: OrderedDict[int, bool] = OrderedDict()  # slot -> referenced, oldest first
        self.stored_at: dict[int, int] = {}
        self.clock = 0
        self.count["demoted_pages"] = 0

    def swap_out(self, number: int, data: bytes) -> bool:
        if not self.keep(number, data):
            return False
        self.clock += 1
        self.stored_at[number] = self.clock
        return True

    def keep(self, number: int, data: bytes) -> bool:
        if self.settle_fast(number, data):
            return True
        self.count["pool_limit_hit"] += 1
        if self.make_room_in_node(number, data):
            return True
        self.count["reject_alloc_fail"] += 1
        return super().swap_out(number, data)

    def settle_fast(self, number: int, data: bytes) -> bool:
        if not self.fast.store(number, data):
            return False
        if self.fast.slots[number].place is not None:
            self.ages[number] = True
        self.count["zswpout"] += 1
        return True

    def make_room_in_node(self, number: int, data: bytes) -> bool:
        if self.fast.compact() and self.settle_fast(number, data):
            return True
        while True:
            wrote = self.demote()
            if wrote and self.fast.pool.frames() - self.fast.pool.compactable() > self.target:
                continue
            self.fast.compact()
            if self.settle_fast(number, data):
                return True
            if not wrote:
                return False

    def demote(self) -> int:
        """How many pages went to zswap, before one that it does not take; that one is the youngest then."""
        wrote = 0
        while wrote < BATCH and self.ages:
            slot, referenced = next(iter(self.ages.items()))
            if referenced:
                self.ages[slot] = False
                self.ages.move_to_end(slot)
                continue
            if not super().swap_out(slot, self.fast.load(slot)):
                self.count["reject_reclaim_fail"] += 1
                self.ages.move_to_end(slot)
                break
            self.leave(slot)
            self.count["demoted_pages"] += 1
            wrote += 1
        return wrote

    def leave(self, number: int) -> None:
        self.ages.pop(number, None)
        self.fast.invalidate(number)

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped or number not in self.fast.slots:
            super().swap_in(number)
            return
        assert self.fast.load(number) == self.contents.images[page.image]
        self.count["zswpin"] += 1
        if self.swap.exclusive:
            self.leave(number)
            page.dirty = True
        elif number in self.ages:
            self.ages[number] = True

    def forget(self, number: int) -> None:
        self.leave(number)
        super().forget(number)

    def counters(self) -> dict[str, int]:
        slow, fast = super().counters(), self.fast.stats()
        both = {name: slow[name] + fast[name] for name in fast}
        behind = [self.stored_at[slot] for slot in (*self.store.slots, *self.device)]
        stale = sum(self.stored_at[slot] < max(behind, default=0) for slot in self.fast.slots)
        return slow | both | {"fast_pages": fast["stored_pages"], "stale_pages": stale}


class ZramBeforeZswap(Zram):
    """`behind` are Zswap's parameters. Its pages and its counters are those of this machine."""

    def __init__(self, frames: int, contents: Contents, length_of: Any, device_pages: int, *, chain_size: int = 8,
                 behind: dict[str, Any], mem_limit: int = 0, disksize: int = 0, stronger: Any = (),
                 **others: Any) -> None:  # fmt: skip
        super().__init__(
            frames, contents, length_of, 1, chain_size=chain_size, mem_limit=mem_limit, disksize=disksize,
            stronger=stronger, **others,
        )  # fmt: skip
        exclusive = others.get("exclusive", True)
        self.slow = Zswap(
            frames, contents, length_of, device_pages, chain_size=chain_size, exclusive=exclusive, **behind
        )
        self.count |= self.slow.count | {"demoted_pages": 0}
        self.slow.count, self.slow.pages, self.slow.resident = self.count, self.pages, self.resident
        self.slow.share = self.share  # type: ignore[method-assign]
        self.stored_at: dict[int, int] = {}
        self.clock = 0

    def group_stats(self) -> list[dict[str, int]]:
        return self.slow.group_stats()

    def frames_of_pools(self) -> int:
        return self.pool.frames() + self.slow.pool.frames()

    def short(self) -> bool:
        return len(self.resident) + self.frames_of_pools() >= self.frames

    def share(self) -> None:
        left = self.frames + spare_frames(self.frames) - len(self.resident) - self.frames_of_pools()
        for pool in (self.pool, self.slow.pool):
            pool.limit = left + pool.frames()

    def shrink(self) -> None:
        self.slow.shrink()

    def swap_out(self, number: int, data: bytes) -> bool:
        kept = not self.no_slot(number) and self.keep(number, data)
        if not kept and not self.slow.swap_out(number, data):
            return False
        self.clock += 1
        self.stored_at[number] = self.clock
        return True

    def swap_in(self, number: int) -> None:
        if number in self.store.slots or self.pages[number].zero_mapped:
            super().swap_in(number)
        else:
            self.slow.swap_in(number)

    def forget(self, number: int) -> None:
        self.drop(number)
        self.slow.forget(number)

    def write_back_slots(self, choice: str, most: int, slots: set[int]) -> int:
        wrote = 0
        for slot in [slot for slot in self.chosen(choice) if slot in slots]:
            if wrote == most or not self.slow.swap_out(slot, self.store.load(slot)):
                break
            self.drop(slot)
            self.count["demoted_pages"] += 1
            wrote += 1
        return wrote

    def counters(self) -> dict[str, int]:
        found, slow, fast = super().counters(), self.slow.store.stats(), self.store.stats()
        both = {name: slow[name] + fast[name] for name in fast}
        behind = [self.stored_at[slot] for slot in (*self.slow.store.slots, *self.slow.device)]
        stale = sum(self.stored_at[slot] < max(behind, default=0) for slot in self.store.slots)
        return found | both | {
            "fast_pages": fast["stored_pages"], "stale_pages": stale, "device_pages": len(self.slow.device),
        }  # fmt: skip
