"""First in, first out, with a second chance for pages that were accessed: what `--reclaim clock` does."""

from collections import deque

from zswapsim.reclaimers import ReclaimHost


class SecondChance:
    """The state of one replay. `host` is the engine, as a reclaimer sees it."""

    max_hits = 1  # accesses that are counted for each page: 1 is an accessed bit

    def __init__(self, host: ReclaimHost) -> None:
        self.host = host
        self.queue: deque[int] = deque()  # the pages in DRAM, the next to be looked at first

    def insert(self, page: int, refault: bool) -> None:
        """Add a page that has come into DRAM."""
        self.queue.append(page)

    def reclaim(self, page: int, nr_to_reclaim: int) -> None:
        """Evict pages so that `page` can come in; each page is tried once at most."""
        evicted, left = 0, len(self.queue)
        while evicted < nr_to_reclaim and left:
            page = self.queue.popleft()
            if self.host.test_and_clear_accessed(page):
                self.queue.append(page)
                continue
            left -= 1
            if self.host.evict(page):
                evicted += 1
            else:  # it must stay
                self.queue.append(page)
