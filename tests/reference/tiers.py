"""Model a private node or zram before zswap. Zswap gets the pages that the fast tier rejects or demotes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.reference.pools import Zram, Zswap, spare_frames
from tests.reference.replay import BATCH, Contents, shrink_until_stored
from tests.reference.store import Store, same_filled

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
        self.fast_queue: OrderedDict[int, bool] = OrderedDict()  # slot -> referenced, oldest first
        self.stored_at: dict[int, int] = {}
        self.clock = 0
        self.count["demoted_pages"] = 0

    def swap_out(self, number: int, data: bytes) -> bool:
        if not self.store_in_tiers(number, data):
            return False
        self.clock += 1
        self.stored_at[number] = self.clock
        return True

    def store_in_tiers(self, number: int, data: bytes) -> bool:
        if not same_filled(data) and self.faults.refuses(data):
            self.count["reject_compress_fail"] += 1
            return super().swap_out(number, data)
        if self.store_in_fast(number, data):
            return True
        self.count["pool_limit_hit"] += 1
        if self.shrink_for_fast(number, data):
            return True
        self.count["reject_alloc_fail"] += 1
        return super().swap_out(number, data)

    def store_in_fast(self, number: int, data: bytes) -> bool:
        if not self.fast.store(number, data):
            return False
        if self.fast.slots[number].place is not None:
            self.fast_queue[number] = True
        self.count["zswpout"] += 1
        return True

    def shrink_for_fast(self, number: int, data: bytes) -> bool:
        return shrink_until_stored(self.fast, self.target, lambda: self.store_in_fast(number, data), self.demote)

    def demote(self) -> int:
        """Demote pages to zswap until it rejects one, which becomes the youngest. Return how many it took."""
        written = 0
        while written < BATCH and self.fast_queue:
            slot, referenced = next(iter(self.fast_queue.items()))
            if referenced:
                self.fast_queue[slot] = False
                self.fast_queue.move_to_end(slot)
                continue
            if not self.decode(self.fast, slot) or not super().swap_out(slot, self.fast.load(slot)):
                self.count["reject_reclaim_fail"] += 1
                self.fast_queue.move_to_end(slot)
                break
            self.invalidate_fast(slot)
            self.count["demoted_pages"] += 1
            written += 1
        return written

    def invalidate_fast(self, number: int) -> None:
        self.fast_queue.pop(number, None)
        self.fast.invalidate(number)

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped or number not in self.fast.slots:
            super().swap_in(number)
            return
        self.decode_or_end(self.fast, number)
        assert self.fast.load(number) == self.contents.images[page.image]
        self.count["zswpin"] += 1
        if self.swap.exclusive:
            self.invalidate_fast(number)
            page.dirty = True
        elif number in self.fast_queue:
            self.fast_queue[number] = True

    def invalidate(self, number: int) -> None:
        self.invalidate_fast(number)
        super().invalidate(number)

    def counters(self) -> dict[str, int]:
        slow, fast = super().counters(), self.fast.stats()
        both = {name: slow[name] + fast[name] for name in fast}
        in_slow = [self.stored_at[slot] for slot in (*self.store.slots, *self.device)]
        stale = sum(self.stored_at[slot] < max(in_slow, default=0) for slot in self.fast.slots)
        return slow | both | {"fast_pages": fast["stored_pages"], "stale_pages": stale}


class ZramBeforeZswap(Zram):
    """Model zram before zswap. `slow_options` are Zswap's parameters; both tiers share pages and counters."""

    def __init__(self, frames: int, contents: Contents, length_of: Any, device_pages: int, *, chain_size: int = 8,
                 slow_options: dict[str, Any], mem_limit: int = 0, disksize: int = 0, stronger: Any = (),
                 **others: Any) -> None:  # fmt: skip
        super().__init__(
            frames, contents, length_of, 1, chain_size=chain_size, mem_limit=mem_limit, disksize=disksize,
            stronger=stronger, **others,
        )  # fmt: skip
        exclusive = others.get("exclusive", True)
        self.slow = Zswap(
            frames, contents, length_of, device_pages, chain_size=chain_size, exclusive=exclusive, **slow_options
        )
        self.count |= self.slow.count | {"demoted_pages": 0}
        self.slow.count, self.slow.pages, self.slow.resident = self.count, self.pages, self.resident
        self.slow.set_pool_limit = self.set_pool_limit  # type: ignore[method-assign]
        self.slow.faults = self.faults
        self.stored_at: dict[int, int] = {}
        self.clock = 0

    def group_stats(self) -> list[dict[str, int]]:
        return self.slow.group_stats()

    def frames_of_pools(self) -> int:
        return self.pool.frames() + self.slow.pool.frames()

    def lacks_frames(self, wanted: int = 1) -> bool:
        return len(self.resident) + self.frames_of_pools() + self.others + wanted > self.frames

    def set_pool_limit(self) -> None:
        left = self.frames + spare_frames(self.frames) - len(self.resident) - self.frames_of_pools() - self.others
        for pool in (self.pool, self.slow.pool):
            pool.limit = left + pool.frames()

    def shrink(self) -> None:
        self.slow.shrink()

    def swap_out(self, number: int, data: bytes) -> bool:
        kept = not self.no_slot(number) and self.write_slot(number, data)
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

    def invalidate(self, number: int) -> None:
        self.free_slot(number)
        self.slow.invalidate(number)

    def write_back_slots(self, choice: str, limit: int, slots: set[int]) -> int:
        written = 0
        for slot in [slot for slot in self.select_slots(choice) if slot in slots]:
            if written == limit:
                break
            if not self.decode(self.store, slot):
                continue
            if not self.slow.swap_out(slot, self.store.load(slot)):
                break
            self.free_slot(slot)
            self.count["demoted_pages"] += 1
            written += 1
        return written

    def counters(self) -> dict[str, int]:
        found, slow, fast = super().counters(), self.slow.store.stats(), self.store.stats()
        both = {name: slow[name] + fast[name] for name in fast}
        in_slow = [self.stored_at[slot] for slot in (*self.slow.store.slots, *self.slow.device)]
        stale = sum(self.stored_at[slot] < max(in_slow, default=0) for slot in self.store.slots)
        return found | both | {
            "fast_pages": fast["stored_pages"], "stale_pages": stale, "device_pages": len(self.slow.device),
            "peak_device_pages": self.slow.device.peak,
        }  # fmt: skip
