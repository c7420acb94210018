"""Evict first in, first out, with a second chance for pages that were accessed, as `--reclaim clock` does."""

from collections import deque

from zswapsim.reclaimers import ReclaimHost


class SecondChance:
    """Hold the state of one replay. `host` is the engine's interface to a reclaimer."""

    max_hits = 1  # hits that are counted for each page: 1 is an accessed bit

    def __init__(self, host: ReclaimHost) -> None:
        self.host = host
        self.queue: deque[int] = deque()  # the pages in DRAM, the next one to scan first

    def insert(self, page: int, refault: bool) -> None:
        """Add a page that was faulted in."""
        self.queue.append(page)

    def reclaim(self, page: int, nr_to_reclaim: int) -> None:
        """Evict pages to make room for `page`; try each page at most once."""
        evicted, left = 0, len(self.queue)
        while evicted < nr_to_reclaim and left:
            page = self.queue.popleft()
            if self.host.test_and_clear_accessed(page):
                self.queue.append(page)
                continue
            left -= 1
            if self.host.evict(page):
                evicted += 1
            else:  # it can't be evicted
                self.queue.append(page)
