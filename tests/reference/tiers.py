"""A private node before zswap: what the node can't keep goes to zswap, and from there to the device."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.reference.pools import Zswap
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
        if self.make_room(number, data):
            return True
        self.count["reject_alloc_fail"] += 1
        if super().swap_out(number, data):
            return True
        self.count["reject_reclaim_fail"] += 1
        return False

    def settle_fast(self, number: int, data: bytes) -> bool:
        if not self.fast.store(number, data):
            return False
        if self.fast.slots[number].place is not None:
            self.ages[number] = True
        self.count["zswpout"] += 1
        return True

    def make_room(self, number: int, data: bytes) -> bool:
        if self.fast.compact() and self.settle_fast(number, data):
            return True
        while True:
            wrote = self.demote()
            if wrote is None:
                return False
            if wrote and self.fast.pool.frames() - self.fast.pool.compactable() > self.target:
                continue
            self.fast.compact()
            if self.settle_fast(number, data):
                return True
            if not wrote:
                return False

    def demote(self) -> int | None:
        """How many pages went to zswap; None where it takes no more."""
        wrote = 0
        while wrote < BATCH and self.ages:
            slot, referenced = next(iter(self.ages.items()))
            if referenced:
                self.ages[slot] = False
                self.ages.move_to_end(slot)
                continue
            if not super().swap_out(slot, self.fast.load(slot)):
                return None
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
