"""Model the reclaimers over Python lists, oldest page first.

`evict(page)` of the machine returns True if it evicted the page. A page that it kept counts as accessed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import isqrt

Evict = Callable[[int], bool]
GIB = 1 << 18  # pages


class Reclaimer:
    """Base of all reclaimers. `hits` are the accesses to each resident page since its last scan, up to `max_hits`."""

    max_hits = 1
    clock = 0  # accesses before this one; the machine sets it
    fault_access = 1  # the hits that a page has from its faulting access

    def __init__(self, frames: int, pages: int) -> None:
        self.frames, self.pages = frames, pages
        self.hits: dict[int, int] = {}
        self.span = lambda page: [page]  # the pages of the folio that this page represents in the lists
        self.count = dict.fromkeys(
            [
                "pgscan",
                "pgrefill",
                "pgactivate",
                "pgdeactivate",
                "workingset_refault_anon",
                "workingset_activate_anon",
                "workingset_restore_anon",
            ],
            0,
        )

    def mark_accessed(self, page: int) -> None:
        self.hits[page] = min(self.hits[page] + 1, self.max_hits)

    def map_cached(self, page: int) -> None:
        """Count the first access to a page that was read ahead. It had no hits before."""
        self.hits[page] = min(self.hits[page] + self.fault_access, self.max_hits)

    def insert(self, page: int, refault: bool) -> None:
        """Add a page that was faulted in. The faulting access is no hit."""
        self.hits[page] = 0
        self.add(page, refault)

    def evicted(self, page: int) -> None:
        del self.hits[page]

    def record_shadow(self, page: int) -> None:
        """Record the shadow of a page that is evicted, or of a large folio that is about to be evicted or split."""

    def add(self, page: int, refault: bool) -> None:
        raise NotImplementedError

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        """Evict pages so that `faulting` gets a frame. Return how many."""
        raise NotImplementedError


class Fifo(Reclaimer):
    max_hits = 0

    def __init__(self, frames: int, pages: int) -> None:
        super().__init__(frames, pages)
        self.queue: list[int] = []

    def add(self, page: int, refault: bool) -> None:
        self.queue.append(page)

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        evicted = 0
        tries = len(self.queue)
        while evicted < wanted and tries:
            page = self.queue.pop(0)
            self.count["pgscan"] += 1
            if self.hits[page]:
                self.hits[page] = 0
                self.queue.append(page)
                continue
            tries -= 1
            if evict(page):
                evicted += 1
            else:
                self.hits[page] = self.max_hits
                self.queue.append(page)
        return evicted


class Clock(Fifo):
    max_hits = 1


class Opt(Reclaimer):
    """Model Belady's minimum: evict the page whose next access is the farthest; if it has none, by its number."""

    max_hits = 0

    def __init__(self, frames: int, pages: int, accesses: list[int]) -> None:
        super().__init__(frames, pages)
        self.length = len(accesses)
        self.places: dict[int, list[int]] = {}
        for place, page in enumerate(accesses):
            self.places.setdefault(page, []).append(place)

    def add(self, page: int, refault: bool) -> None:
        pass

    def next_access(self, page: int) -> int:
        places = self.places[page]
        later = bisect_right(places, self.clock)
        return places[later] if later < len(places) else self.length + page

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        evicted = 0
        for page in sorted(self.hits, key=self.next_access, reverse=True):
            if evicted < wanted:
                self.count["pgscan"] += 1
                evicted += evict(page)
        return evicted


class Sieve(Reclaimer):
    def __init__(self, frames: int, pages: int) -> None:
        super().__init__(frames, pages)
        self.queue: list[int] = []
        self.hand: int | None = None  # a page; None is the oldest

    def add(self, page: int, refault: bool) -> None:
        self.queue.append(page)

    def younger(self, page: int) -> int | None:
        place = self.queue.index(page) + 1
        return self.queue[place] if place < len(self.queue) else None

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        evicted = 0
        tries = len(self.queue)
        while evicted < wanted and tries:
            page = self.queue[0] if self.hand is None else self.hand
            following = self.younger(page)
            self.count["pgscan"] += 1
            if self.hits[page]:
                self.hits[page] = 0
            else:
                tries -= 1
                if evict(page):
                    evicted += 1
                    self.queue.remove(page)
                else:
                    self.hits[page] = 1
            self.hand = following
        return evicted


class S3Fifo(Reclaimer):
    max_hits = 3

    def __init__(self, frames: int, pages: int) -> None:
        super().__init__(frames, pages)
        self.small: list[int] = []
        self.main: list[int] = []
        self.ghosts: list[int] = []
        self.small_size = max(frames * 10 // 100, 1)
        self.ghost_size = frames * 90 // 100
        self.ghost_hit: int | None = None
        self.was_full = False

    def forget_ghost(self, page: int) -> None:
        if page in self.ghosts:
            self.ghosts.remove(page)
            self.ghost_hit = page

    def add(self, page: int, refault: bool) -> None:
        self.forget_ghost(page)
        to_main = not self.was_full and len(self.small) >= self.small_size
        (self.main if to_main or self.ghost_hit == page else self.small).append(page)
        self.ghost_hit = None

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        self.forget_ghost(faulting)
        self.was_full = True
        untried = {"small": len(self.small), "main": len(self.main)}
        evicted = 0
        while evicted < wanted and sum(untried.values()):
            main_is_large = len(self.main) > self.frames - self.small_size
            from_main = untried["small"] == 0 or (main_is_large and untried["main"] > 0)
            evicted += (self.evict_main if from_main else self.evict_small)(evict, untried)
        return evicted

    def evict_small(self, evict: Evict, untried: dict[str, int]) -> int:
        while untried["small"]:
            page = self.small.pop(0)
            self.count["pgscan"] += 1
            untried["small"] -= 1
            if self.hits[page] >= 2:
                self.hits[page] = 0
                self.main.append(page)
                untried["main"] += 1
            elif evict(page):
                if self.ghost_size:
                    self.ghosts = [*self.ghosts, page][-self.ghost_size :]
                return 1
            else:
                self.hits[page] = 3
                self.small.append(page)
                return 0
        return 0

    def evict_main(self, evict: Evict, untried: dict[str, int]) -> int:
        while True:
            page = self.main.pop(0)
            self.count["pgscan"] += 1
            if not self.hits[page]:
                break
            self.hits[page] -= 1
            self.main.append(page)
        untried["main"] -= 1
        if evict(page):
            return 1
        self.hits[page] = 3
        self.main.append(page)
        return 0


class TwoList(Reclaimer):
    """Model Linux's active and inactive list. Decisions by statistics use the statistics that were flushed last."""

    def __init__(self, frames: int, pages: int, fault_access: int = 0, stats_every: int = 0,
                 stats_cpus: int = 0) -> None:  # fmt: skip
        super().__init__(frames, pages)
        self.fault_access, self.stats_every, self.stats_cpus = fault_access, stats_every, stats_cpus
        self.read = self.updates = 0
        self.stats = {"active": 0, "inactive": 0, "activated": 0}
        self.active: list[int] = []
        self.inactive: list[int] = []
        self.referenced: set[int] = set()
        self.workingset: set[int] = set()
        self.shadow: dict[int, tuple[int, bool]] = {}
        self.age = self.last_activated = 0

    def flush(self) -> None:
        activated = self.count["workingset_activate_anon"]
        self.stats = {"active": len(self.active), "inactive": len(self.inactive), "activated": activated}

    def flush_if_due(self) -> None:
        """Flush the statistics if they were read since the last fault. Nothing changed between two faults."""
        if self.stats_every and self.clock // self.stats_every != self.read:
            self.read = self.clock // self.stats_every
            if self.updates // 64 > self.stats_cpus or not self.stats_cpus:
                self.updates = 0
                self.flush()

    def flushed(self, name: str) -> int:
        if not self.stats_every:
            self.flush()
        return self.stats[name]

    def add(self, page: int, refault: bool) -> None:
        self.flush_if_due()
        self.updates += 8
        self.hits[page] = self.fault_access
        if refault and self.refault(page):
            self.active.append(page)
        else:
            self.inactive.append(page)

    def refault(self, page: int) -> bool:
        """Count a refault. Return True if the page is activated at once."""
        self.count["workingset_refault_anon"] += 1
        age, workingset = self.shadow.pop(page)
        if self.age - age > self.flushed("active"):
            return False
        self.age += 1
        self.count["workingset_activate_anon"] += 1
        if workingset:
            self.workingset.add(page)
            self.count["workingset_restore_anon"] += 1
        return True

    def evicted(self, page: int) -> None:
        super().evicted(page)
        self.updates += 9
        self.record_shadow(page)
        self.age += 1
        self.referenced.discard(page)
        self.workingset.discard(page)

    def record_shadow(self, page: int) -> None:
        self.shadow |= dict.fromkeys(self.span(page), (self.age, page in self.workingset))

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        force = False
        self.flush_if_due()
        for _ in range(16):
            self.skipped = False
            evicted = self.try_to_free(wanted, evict, force)
            if evicted:
                return evicted
            force = self.skipped
        return 0

    def try_to_free(self, wanted: int, evict: Evict, force: bool) -> int:
        evicted = 0
        for priority in range(12, -1, -1):
            if evicted >= wanted:
                break
            may_deactivate = force or self.flushed("activated") != self.last_activated or self.inactive_is_low()
            evicted += self.shrink(priority, wanted, evict, may_deactivate)
        self.last_activated = self.flushed("activated")
        return evicted

    def inactive_is_low(self) -> bool:
        active, inactive = self.flushed("active"), self.flushed("inactive")
        return inactive * (isqrt(10 * ((active + inactive) // GIB)) or 1) < active

    def shrink(self, priority: int, wanted: int, evict: Evict, may_deactivate: bool) -> int:
        evicted = 0
        inactive, active = len(self.inactive) >> priority, len(self.active) >> priority
        while inactive and evicted < wanted:
            evicted += self.shrink_inactive(min(inactive, 32), evict)
            inactive -= min(inactive, 32)
            if active and may_deactivate:
                self.shrink_active(min(active, 32))
            elif active:
                self.skipped = True
            active -= min(active, 32)
        if self.inactive_is_low():
            self.shrink_active(32)
        return evicted

    def shrink_inactive(self, batch: int, evict: Evict) -> int:
        evicted = 0
        isolated, self.inactive = self.inactive[:batch], self.inactive[batch:]
        for page in isolated:
            self.count["pgscan"] += 1
            if not self.hits[page]:
                if evict(page):
                    evicted += 1
                else:
                    self.activate(page)
                continue
            self.hits[page] = 0
            if page in self.referenced:
                self.activate(page)
            else:
                self.referenced.add(page)
                self.inactive.append(page)
        return evicted

    def activate(self, page: int) -> None:
        self.active.append(page)
        self.age += 1
        self.count["pgactivate"] += 1

    def shrink_active(self, batch: int) -> None:
        isolated, self.active = self.active[:batch], self.active[batch:]
        for page in isolated:
            self.hits[page] = 0
            self.workingset.add(page)
            self.inactive.append(page)
            self.count["pgrefill"] += 1
            self.count["pgdeactivate"] += 1
