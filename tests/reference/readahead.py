"""Model swap readahead after mm/swap_state.c and swap slots after mm/swapfile.c (Linux 6.18) on one CPU."""

from __future__ import annotations

from collections.abc import Iterator

CLUSTER = 512
SEARCHED = ("nonfull", "free", "frag")


def swapin_pages(prev: int, now: int, hits: int, max_pages: int, last: int) -> int:
    """Return the size of the next readahead window: __swapin_nr_pages()."""
    if hits:
        pages = 4
        while pages < hits + 2:
            pages *= 2
    else:
        pages = 2 if abs(now - prev) == 1 else 1
    return max(min(pages, max_pages), last // 2)


class SwapArea:
    """Allocate the slots of pages in clusters. Every cluster is on one list, except the one being allocated from."""

    def __init__(self, pages: int) -> None:
        clusters = pages // CLUSTER + 1
        self.used: list[set[int]] = [set() for _ in range(clusters)]
        self.used[0].add(0)  # the header
        self.lists: dict[str, list[int]] = {"nonfull": [0], "free": list(range(1, clusters)), "frag": [], "full": []}
        self.slot: dict[int, int] = {}
        self.page: dict[int, int] = {}
        self.next = 0

    def move(self, cluster: int, name: str) -> None:
        if cluster in self.lists[name]:
            return
        for held in self.lists.values():
            if cluster in held:
                held.remove(cluster)
        self.lists[name].append(cluster)

    def alloc_slot(self, page: int) -> None:
        if page in self.slot:
            return
        found = 0
        if self.next and self.next // CLUSTER not in self.lists["full"]:
            found = self.scan(self.next)
        for name in SEARCHED:
            if not found and self.lists[name]:
                found = self.scan(self.lists[name].pop(0) * CLUSTER)
        self.slot[page], self.page[found] = found, page

    def scan(self, slot: int) -> int:
        cluster = slot // CLUSTER
        used, end = self.used[cluster], (cluster + 1) * CLUSTER
        left = [each for each in range(slot if used else cluster * CLUSTER, end) if each not in used]
        if left:
            used.add(left[0])
        self.move(cluster, "full" if len(used) == CLUSTER else "frag")
        room = left and left[0] + 1 < end and len(used) < CLUSTER
        self.next = left[0] + 1 if room else 0
        return left[0] if left else 0

    def free_slot(self, page: int) -> None:
        slot = self.slot.pop(page, None)
        if slot is not None:
            del self.page[slot]
            used = self.used[slot // CLUSTER]
            used.remove(slot)
            self.move(slot // CLUSTER, "nonfull" if used else "free")


class Cluster:
    """Read ahead by slot: swap_cluster_readahead()."""

    def __init__(self, pages: int, page_cluster: int = 3) -> None:
        self.area = SwapArea(pages)
        self.max_pages = 1 << page_cluster
        self.hits, self.prev, self.last = 4, 0, 0

    def window(self, page: int) -> Iterator[int]:
        """Yield the pages of the window around a faulting page; each slot is looked up when its turn comes."""
        slot, hits, self.hits = self.area.slot[page], self.hits, 0
        pages = swapin_pages(self.prev, slot, hits, self.max_pages, self.last)
        self.prev = self.prev if hits else slot
        self.last = pages
        first = slot // pages * pages
        for each in range(first, first + pages) if pages > 1 else ():
            if each in self.area.page:
                yield self.area.page[each]

    def hit(self, page: int) -> None:
        self.hits += 1

    def mapped(self, page: int, write: bool) -> None:
        """Free the slot of a mapped page as should_try_to_free_swap() says, in a swap area that is not half full."""
        if write:
            self.area.free_slot(page)

    def evicted(self, page: int) -> None:
        self.area.alloc_slot(page)


class Vma:
    """Read ahead by address: swap_vma_readahead(). `addresses` and `mapping` have an element for each page."""

    def __init__(self, addresses: list[int], mapping: list[int], page_cluster: int = 3) -> None:
        self.address, self.mapping = addresses, mapping
        self.page = {(mapping[page], address): page for page, address in enumerate(addresses)}
        self.max_pages = 1 << min(page_cluster, 5)
        self.info = dict.fromkeys(mapping, (0, 0, 4))

    def window(self, page: int) -> Iterator[int]:
        mapping, now = self.mapping[page], self.address[page]
        prev, last, hits = self.info[mapping]
        pages = swapin_pages(prev, now, hits, self.max_pages, last)
        self.info[mapping] = (now, pages, 0)
        if now == prev + 1:
            left = now
        elif prev == now + 1:
            left = now - pages + 1
        else:
            left = now - (pages - 1) // 2
        table = now // 512 * 512
        for address in range(max(left, table), min(left + pages, table + 512)) if pages > 1 else ():
            if (mapping, address) in self.page:
                yield self.page[mapping, address]

    def hit(self, page: int) -> None:
        _, last, hits = self.info[self.mapping[page]]
        self.info[self.mapping[page]] = (self.address[page], last, min(hits + 1, 63))

    def mapped(self, page: int, write: bool) -> None:
        pass

    def evicted(self, page: int) -> None:
        pass
