"""Drive the engine against the reference machine at bytes and sizes depth, with exact LRU and the other reclaimers."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.ahead_samples import ORDER, PAGES, ahead_options, model_ahead
from tests.depths_machine import CONTENTS, DepthsMachine, Engine, model_contents
from tests.page_samples import lz4_length
from tests.reach import assert_reached, run_machine, share_of_examples
from tests.reference import RECLAIMERS
from tests.reference.replay import Machine, Swap
from tests.reference.store import Store


class ReplayMachine(DepthsMachine):
    reclaim = ("lru",)

    @initialize(
        data=st.data(),
        frames=st.sampled_from([20, 30, 40, 10, 4, 2, 1]),
        batch=st.sampled_from([1, 2, 8, 32]),
        node=st.sampled_from([1, 2, 5, 9, 20]),
        device=st.sampled_from([0, 3, 12, 1 << 20]),
        options=st.fixed_dictionaries(
            {
                "backend": st.sampled_from(["private-node", "private-node", "private-node", "disk"]),
                "chain_size": st.sampled_from([4, 8, 16]),
                "accept_threshold_percent": st.sampled_from([1, 50, 90, 100]),
                "exclusive_loads": st.booleans(),
                "zero_map": st.booleans(),
                "seed": st.integers(0, 100),
            }
            | ahead_options
        ),
    )
    def open(self, data: st.DataObject, frames: int, batch: int, node: int, device: int, options: dict) -> None:
        frames = max(frames, batch)
        swap = "none" if device == 0 else device * 4096
        name = data.draw(st.sampled_from(self.reclaim), label="reclaim")
        options = options | {"reclaim": name}
        asked = {"dram": frames * 4096, "node": node * 4096, "swap": swap, "reclaim_batch": batch} | options
        self.open_engines(asked, order=ORDER)
        store = Store(node * 4096, lz4_length, options["chain_size"]) if options["backend"] != "disk" else None
        swap = Swap(store, device, options["accept_threshold_percent"], options["exclusive_loads"])
        seed = options["seed"] % len(CONTENTS.images)
        reclaimer = None if name == "lru" else RECLAIMERS[name](frames, PAGES)
        self.model = Machine(
            frames, model_contents(), swap, batch=batch, reclaimer=reclaimer, zero_map=options["zero_map"], seed=seed,
            readahead=model_ahead(options) if device else None,
        )  # fmt: skip

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        assert set(engine.owners().get("private", {"free": 0})) <= {"swap backend", "free"}


class ReclaimMachine(ReplayMachine):
    reclaim = tuple(RECLAIMERS)


def test_replay_equals_its_reference_with_exact_lru() -> None:
    reach = run_machine(ReplayMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, zswpwb=50)


def test_replay_equals_its_reference_with_every_reclaimer() -> None:
    reach = run_machine(ReclaimMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, zswpwb=50)
