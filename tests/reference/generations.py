"""Model Linux's multi-generational LRU for anonymous pages, as of 6.18."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.reclaim import Evict, Reclaimer

REGION = 512  # pages that one page table maps
BATCH = 64


@dataclass
class Tier:
    avg_refaulted: int = 0
    avg_total: int = 0
    refaulted: int = 0
    evicted: int = 0
    protected: int = 0

    def totals(self) -> tuple[int, int]:
        """Return how many pages refaulted, and how many were evicted or protected."""
        return self.avg_refaulted + self.refaulted, self.avg_total + self.evicted + self.protected

    def carry_over(self) -> None:
        refaulted, total = self.totals()
        self.__init__(refaulted // 2, total // 2)


class Generations(Reclaimer):
    def __init__(self, frames: int, pages: int, fault_access: int = 1) -> None:
        super().__init__(frames, pages)
        self.fault_access = fault_access
        self.min_seq, self.max_seq = 0, 3
        self.lists: dict[int, list[int]] = {seq: [] for seq in range(4)}  # pages by sequence number
        self.seq: dict[int, int] = {}  # the generation of each resident page, which may be on an older one's list
        self.isolated: list[int] = []
        self.referenced: set[int] = set()
        self.workingset: set[int] = set()
        self.shadow: dict[int, tuple[int, bool]] = {}
        self.tiers = {False: Tier(), True: Tier()}  # True: pages of the working set, False: the others
        self.worth_walking: dict[int, set[int] | None] = {3: None}  # regions by sequence number; None: every region

    # -- faults ---------------------------------------------------------------------------------------------------

    def add(self, page: int, refault: bool) -> None:
        self.hits[page] = self.fault_access
        if refault:
            self.refault(page)
        self.put_back(page)

    def put_back(self, page: int) -> None:
        self.seq[page] = self.max_seq if page in self.workingset else self.max_seq - 1
        self.lists[self.seq[page]].append(page)

    def refault(self, page: int) -> None:
        seq, workingset = self.shadow.pop(page)
        self.count["workingset_refault_anon"] += 1
        if self.max_seq - seq >= 4:
            return
        self.count["workingset_activate_anon"] += 1
        self.tiers[workingset].refaulted += 1
        if workingset:
            self.workingset.add(page)
            self.count["workingset_restore_anon"] += 1

    def evicted(self, page: int) -> None:
        super().evicted(page)
        workingset = page in self.workingset
        self.record_shadow(page)
        self.tiers[workingset].evicted += 1
        self.referenced.discard(page)
        self.workingset.discard(page)
        del self.seq[page]

    def record_shadow(self, page: int) -> None:
        self.shadow |= dict.fromkeys(self.span(page), (self.min_seq, page in self.workingset))

    # -- aging ----------------------------------------------------------------------------------------------------

    def accessed_again(self, page: int) -> bool:
        if page in self.referenced or page in self.workingset:
            self.referenced.discard(page)
            self.workingset.add(page)
            return True
        self.referenced.add(page)
        return False

    def walk_pages(self, first: int, end: int) -> int:
        young = 0
        for page in range(first, end):
            if self.hits.get(page, 0) and page not in self.isolated:
                self.hits[page] = 0
                young += len(self.span(page))
                if self.accessed_again(page):
                    self.seq[page] = self.max_seq
        return young

    def age(self) -> None:
        worth = self.worth_walking.pop(self.max_seq)
        following = set()
        for first in range(0, self.pages, REGION):
            if worth is None or first in worth:
                end = min(first + REGION, self.pages)
                if self.walk_pages(first, end) * 8 >= end - first:
                    following.add(first)
        self.max_seq += 1
        self.worth_walking[self.max_seq] = following
        self.lists[self.max_seq] = []

    def look_around(self, page: int) -> None:
        region = page // REGION * REGION
        first, end = region, min(region + REGION, self.pages)
        if end - first > BATCH:
            first = min(max(first, page - BATCH // 2), end - BATCH)
            end = first + BATCH
        if (1 + self.walk_pages(first, end)) * 8 >= end - first and self.worth_walking[self.max_seq] is not None:
            self.worth_walking[self.max_seq].add(region)

    # -- eviction -------------------------------------------------------------------------------------------------

    def reclaim(self, wanted: int, evict: Evict, faulting: int) -> int:
        for _ in range(16):
            evicted = 0
            for priority in range(12, -1, -1):
                if evicted < wanted:
                    evicted += self.shrink(priority, evict)
            if evicted:
                return evicted
        return 0

    def nr_gens(self) -> int:
        return self.max_seq - self.min_seq + 1

    def shrink(self, priority: int, evict: Evict) -> int:
        evicted = scanned = 0
        while True:
            if self.nr_gens() <= 3 and priority != 12:
                self.age()
                return evicted
            share = len(self.hits) >> priority if self.nr_gens() > 2 else 0
            if not share:
                return evicted
            batch, freed = self.evict_batch(evict)
            evicted += freed
            scanned += batch
            if not batch or scanned >= share:
                return evicted

    def evict_batch(self, evict: Evict) -> tuple[int, int]:
        """Return the progress of one batch (0 if there is nothing more to do), and the pages that it evicted."""
        scanned = self.isolate()
        scanned += self.inc_min_seq()
        freed = self.evict_isolated(evict)
        return (scanned if self.nr_gens() > 2 else 0), freed

    def isolate(self) -> int:
        oldest = self.lists[self.min_seq]
        protect = self.tier_is_protected()
        scanned = 0
        if self.nr_gens() == 2:
            return 0
        while oldest and scanned < 4096 and len(self.isolated) < BATCH:
            page = oldest.pop(0)
            scanned += 1
            if not self.sort_page(page, protect):
                self.isolated.append(page)
        self.count["pgscan"] += len(self.isolated)
        self.count["pgrefill"] += scanned - len(self.isolated)
        return scanned if self.isolated or scanned == 4096 else 0

    def sort_page(self, page: int, protect: bool) -> bool:
        if self.seq[page] == self.min_seq:
            if not (protect and page in self.workingset):
                return False
            self.tiers[True].protected += 1
            self.referenced.discard(page)
            self.seq[page] += 1
        self.lists[self.seq[page]].append(page)
        return True

    def tier_is_protected(self) -> bool:
        (base_refaulted, base_total), (refaulted, total) = self.tiers[False].totals(), self.tiers[True].totals()
        return refaulted >= 64 and refaulted * (base_total + 64) * 2 > (base_refaulted + 1) * total * 3

    def inc_min_seq(self) -> bool:
        before = self.min_seq
        while self.nr_gens() > 2 and not self.lists[self.min_seq]:
            del self.lists[self.min_seq]
            self.min_seq += 1
        if self.min_seq == before:
            return False
        for tier in self.tiers.values():
            tier.carry_over()
        return True

    def evict_isolated(self, evict: Evict) -> int:
        kept = [page for page in self.isolated if not self.evict_one(page, evict)]
        freed = len(self.isolated) - len(kept)
        self.isolated = []
        for page in kept:
            if page not in self.workingset and self.nr_gens() == 2:
                self.referenced.discard(page)
            self.put_back(page)
        return freed

    def evict_one(self, page: int, evict: Evict) -> bool:
        if self.hits[page]:
            self.hits[page] = 0
            self.look_around(page)
            self.count["pgactivate"] += self.accessed_again(page)
            return False
        if evict(page):
            return True
        self.count["pgactivate"] += 1
        return False
