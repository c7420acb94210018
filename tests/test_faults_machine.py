"""Drive every backend with codecs that fail, a node and a device that are full, and bytes that are damaged.

No page is lost or changed: each load is compared with what was stored. The run ends at the first load of a page whose
bytes were damaged, and at no other. Only cram loses pages, and its counters say how many.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.faulty_codecs import E_CODEC, E_CORRUPT, c_codec
from tests.page_samples import sample_array, sample_pages
from zswapsim import CorruptPageError, InputError, Settings
from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.backend.zram_recompress import recompress_slots
from zswapsim._core.backend.zram_slots import mark_idle
from zswapsim._core.backend.zram_writeback import write_back_slots
from zswapsim._core.base.errors import SlotEmptyError
from zswapsim._core.engine.replay import Replay
from zswapsim.study.run.run import open_replay
from zswapsim.traces import Contents

PAGES = 48
DAMAGED_AT = 12  # inside the deflated bytes, whose checksum detects it
CONTENTS = Contents(sample_array(sample_pages()), "samples")
BACKENDS = [
    "private-node",
    "zswap:max_pool_percent=50",
    "zswap:max_pool_percent=30,version=6.6,retries=1,shrinker_enabled=1,shrinker_priority=0",
    "zram",
    "zram:mem_limit=20K,algorithms=zstd",
    "zram:disksize=40K,algorithms=zstd/zswap:max_pool_percent=30",
    "private-node/zswap:max_pool_percent=40",
    "disk",
    "cram",
]
accesses = st.lists(st.tuples(st.integers(0, PAGES - 1), st.booleans()), min_size=1, max_size=40)


def compress(page: bytes) -> bytes | int:
    """Fail on about every fifth content; use deflate for the others."""
    return E_CODEC if zlib.crc32(page) % 5 == 0 else zlib.compress(page, 1)


def decompress(data: bytes) -> bytes | int:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return E_CORRUPT


FAULTY = c_codec(compress, decompress)


@contextmanager
def faulty_codec() -> Iterator[None]:
    """Replace every codec that a run asks for with the faulty one."""
    with mock.patch("zswapsim.study.run.backend.get_compressor", return_value=FAULTY):
        yield


class FaultMachine(RuleBasedStateMachine):
    @initialize(
        backend=st.sampled_from(BACKENDS),
        frames=st.integers(4, 30),
        node=st.sampled_from([1, 3, 9, 40]),
        device=st.sampled_from([0, 3, 12, 1 << 20]),
        exclusive=st.booleans(),
        reclaim=st.sampled_from(["lru", "fifo", "sieve"]),
    )
    def open(self, backend: str, frames: int, node: int, device: int, exclusive: bool, reclaim: str) -> None:
        asked = Settings(
            dram=frames * 4096,
            node=node * 4096,
            swap=device * 4096 or "none",
            backend=backend,
            cram="ratio=3" if backend == "cram" else "",
            exclusive_loads=exclusive,
            reclaim=reclaim,
        )
        with faulty_codec():
            self.engine: Replay = open_replay(asked, PAGES, CONTENTS, None)
        self.exclusive = exclusive
        behind = self.engine.backend
        self.pools = [behind.fast, behind.slow] if isinstance(behind, TieredBackend) else [behind]
        self.is_zram = backend.startswith("zram")
        self.damaged: set[int] = set()
        self.over = False

    def access(self, page: int, write: bool) -> None:
        before = self.engine.verified_pages
        try:
            self.over = self.engine.feed(np.array([page], np.uint32), np.array([write], np.uint8)) == 0
        except CorruptPageError as error:
            assert page in self.damaged, "it was not damaged"
            assert str(error).startswith(f"page {page}, ")
            self.over = True
            return
        assert not (self.engine.verified_pages > before and page in self.damaged), "a damaged page came back unnoticed"
        if write and not self.over:
            self.damaged.discard(page)  # the backend's copy is stale

    @rule(trace=accesses)
    def feed(self, trace: list[tuple[int, bool]]) -> None:
        for page, write in trace:
            if not self.over:
                self.access(page, write)

    @precondition(lambda self: not self.over and hasattr(self.pools[0], "inject_fault"))
    @rule(page=st.integers(0, PAGES - 1))
    def damage(self, page: int) -> None:
        """Return one stored page's bytes, of a page whose copy is still valid; a stale copy is never loaded."""
        for pool in self.pools:
            if page not in self.damaged:
                try:
                    pool.inject_fault(page, DAMAGED_AT, 0xFF)
                except (SlotEmptyError, InputError):  # the slot is empty, or holds one word
                    continue
                self.damaged.add(page)

    @precondition(lambda self: not self.over and self.is_zram)
    @rule(choice=st.integers(0, 4), most=st.integers(0, 9))
    def work_on_slots(self, choice: int, most: int) -> None:
        write_back_slots(self.pools[0], choice, most)
        recompress_slots(self.pools[0], choice, 0, 0, most)
        mark_idle(self.pools[0])

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "engine"):
            return
        counters = self.engine.counters_now()
        if not self.over or self.engine.out_of_memory:
            self.engine.check()
            came_back = counters["major_faults"] - counters["poisoned_reads"] + counters.get("mapped_reads", 0)
            assert self.engine.verified_pages == came_back
        lost = counters["lost_pages"]
        assert lost == (counters["poisoned_reads"] + counters["poisoned_pages"] if "poisoned_pages" in counters else 0)


TestFaults = FaultMachine.TestCase
TestFaults.settings = settings(stateful_step_count=10, max_examples=settings.default.max_examples // 2)
