"""Drive the page store against the reference: same pages, same counters, same zspages after every step."""

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tests.page_samples import lz4_length, sample_pages
from tests.reach import Reach, assert_reached, run_machine, share_of_examples
from tests.reference.store import Store
from tests.simulation.worlds import noise_of
from zswapsim import NodeFullError, PageStore, SlotEmptyError

SLOTS = 160
slot_numbers = st.one_of(st.integers(0, SLOTS), st.sampled_from([16383, 16384, 2**31, 2**32 - 1]))
page_numbers = st.integers(0, 1 << 20)
# Pages of few sizes share zspages, which fill and empty: compaction has objects to move only then.
PALETTES = {
    "three sizes": noise_of([500] * 4 + [1300] * 4 + [2000] * 4),
    "one size": noise_of([900 + number for number in range(6)]),
    "all sizes": sample_pages(),
}


class StoreMachine(RuleBasedStateMachine):
    reach = Reach()
    slots = Bundle("slots")

    @initialize(
        frames=st.sampled_from([64, 64, 24, 7, 2, 1]),
        chain=st.integers(4, 16),
        raw_from=st.sampled_from([None, None, 4096, 1000]),
        verify=st.booleans(),
        palette=st.sampled_from([*PALETTES]),
        fill=st.sampled_from([150, 60, 0]),
    )
    def open(self, frames: int, chain: int, raw_from: int | None, verify: bool, palette: str, fill: int) -> None:
        self.core = PageStore(frames * 4096, "lz4", chain_size=chain, raw_from=raw_from, verify=verify)
        self.model = Store(frames * 4096, lz4_length, chain, raw_from)
        self.palette = PALETTES[palette]
        self.store_many(0, fill, 0, 1)

    def page(self, number: int) -> bytes:
        return self.palette[number % len(self.palette)]

    @rule(target=slots, slot=slot_numbers, page=page_numbers)
    def store(self, slot: int, page: int) -> int:
        data = self.page(page)
        try:
            self.core.store(slot, data)
            fitted = True
        except NodeFullError:
            fitted = False
        assert fitted == self.model.store(slot, data)
        return slot

    @rule(first=st.integers(0, 80), count=st.integers(0, 80), page=page_numbers, threads=st.integers(1, 3))
    def store_many(self, first: int, count: int, page: int, threads: int) -> None:
        data = [self.page(page + number * number) for number in range(count)]
        fitted = 0
        for number, each in enumerate(data):
            if not self.model.store(first + number, each):
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

    @rule(strides=st.permutations([2, 3, 5, 9]), compacts=st.booleans())
    def thin_out(self, strides: list[int], compacts: bool) -> None:
        """Free all slots but some, in each quarter another share, so that zspages of several groups are left."""
        for slot in sorted(self.model.slots):
            if slot % strides[slot * 4 // SLOTS % 4]:
                self.core.invalidate(slot)
                self.model.invalidate(slot)
        if compacts:
            self.compact()

    @rule()
    def compact(self) -> None:
        before = {slot: held.place for slot, held in self.model.slots.items()}
        freed = self.model.compact()
        moved = sum(held.place != before[slot] for slot, held in self.model.slots.items())
        assert self.core.compact() == freed
        self.reach.note("compactions")
        self.reach.note("compactions_that_free", freed > 0)
        self.reach["objects_moved"] += moved

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "core"):
            self.core.check()
            assert self.core.stats() == self.model.stats()
            dump = self.core.dump()
            assert dump == self.model.pool.dump()
            frames = self.model.pool.frames()
            assert self.core.owners() == {"page store": frames, "free": self.model.pool.limit - frames}
            partial = [sum(len(dump[size][group]) for group in dump[size] if group < 11) for size in dump]
            self.reach.note("states_with_two_partial_zspages_of_a_class", max(partial, default=0) > 1)

    def teardown(self) -> None:
        if hasattr(self, "core"):
            held = sorted(self.model.slots)
            assert [self.core.load(slot) for slot in held] == [self.model.load(slot) for slot in held]
            self.core.close()


def test_the_store_equals_its_reference_and_its_compaction_moves_objects() -> None:
    reach = run_machine(StoreMachine, stateful_step_count=40, max_examples=share_of_examples(2))
    assert_reached(reach, objects_moved=20, states_with_two_partial_zspages_of_a_class=10, compactions_that_free=5)
