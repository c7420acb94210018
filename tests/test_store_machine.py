"""Drive the page store against the reference: same pages, same counters, same zspages after every step."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tests.page_samples import lz4_length, sample_pages
from tests.reference.store import Store
from zswapsim import NodeFullError, PageStore, SlotEmptyError

slot_numbers = st.one_of(st.integers(0, 40), st.sampled_from([16383, 16384, 2**31, 2**32 - 1]))
page_numbers = st.integers(0, len(sample_pages()) - 1)


class StoreMachine(RuleBasedStateMachine):
    slots = Bundle("slots")

    @initialize(
        frames=st.sampled_from([1, 2, 7, 24, 64]),
        chain=st.integers(4, 16),
        raw_from=st.sampled_from([None, 4096, 1000]),
        verify=st.booleans(),
    )
    def open(self, frames: int, chain: int, raw_from: int | None, verify: bool) -> None:
        self.core = PageStore(frames * 4096, "lz4", chain_size=chain, raw_from=raw_from, verify=verify)
        self.model = Store(frames * 4096, lz4_length, chain, raw_from)

    @rule(target=slots, slot=slot_numbers, page=page_numbers)
    def store(self, slot: int, page: int) -> int:
        data = sample_pages()[page]
        try:
            self.core.store(slot, data)
            fitted = True
        except NodeFullError:
            fitted = False
        assert fitted == self.model.store(slot, data)
        return slot

    @rule(first=st.integers(0, 30), pages=st.lists(page_numbers, max_size=80), threads=st.integers(1, 3))
    def store_many(self, first: int, pages: list[int], threads: int) -> None:
        data = [sample_pages()[page] for page in pages]
        fitted = 0
        for number, page in enumerate(data):
            if not self.model.store(first + number, page):
                break
            fitted += 1
        try:
            self.core.store_pages(range(first, first + len(data)), b"".join(data), threads=threads)
            assert fitted == len(data)
        except NodeFullError as error:
            assert f"slot {first + fitted}" in str(error)

    @rule(slot=slots)
    def load(self, slot: int) -> None:
        expected = self.model.load(slot)
        try:
            assert self.core.load(slot) == expected
        except SlotEmptyError:
            assert expected is None

    @rule(threads=st.integers(1, 3))
    def load_everything(self, threads: int) -> None:
        held = sorted(self.model.slots)
        buffer = bytearray(4096 * len(held))
        self.core.load_pages(held, buffer, threads=threads)
        assert bytes(buffer) == b"".join(self.model.load(slot) for slot in held)

    @rule(slot=slots)
    def invalidate(self, slot: int) -> None:
        held = self.model.invalidate(slot)
        try:
            self.core.invalidate(slot)
            assert held
        except SlotEmptyError:
            assert not held

    @rule()
    def compact(self) -> None:
        assert self.core.compact() == self.model.compact()

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "core"):
            self.core.check()
            assert self.core.stats() == self.model.stats()
            assert self.core.dump() == self.model.pool.dump()
            frames = self.model.pool.frames()
            assert self.core.owners() == {"page store": frames, "free": self.model.pool.limit - frames}

    def teardown(self) -> None:
        if hasattr(self, "core"):
            self.core.close()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(stateful_step_count=40)
