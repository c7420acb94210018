"""Drive the compressing device against its reference, at bytes and sizes depth at once.

Both lose the same pages, and every other page is loaded as it was stored.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.ahead_samples import PAGES
from tests.depths_machine import DepthsMachine, Engine, model_contents
from tests.page_samples import lz4_length
from tests.reach import assert_reached, run_machine, share_of_examples
from tests.reference import RECLAIMERS
from tests.reference.cram import CramMachine, Device

IMAGES = model_contents().images

devices = st.fixed_dictionaries(
    {
        "form": st.sampled_from(["swap", "tier"]),
        "read": st.sampled_from(["map", "copy"]),
        "ratio": st.sampled_from([3.0, 8.0, 1.5, 1.0]),
        "control": st.sampled_from(["watermarks", "counting", "tokens"]),
        "delay": st.sampled_from([60, 7, 1000, 1, 0]),
        "zero": st.sampled_from([0, 1, 9, 100]),
        "zero_batch": st.sampled_from([0, 1, 3]),
        "sector": st.sampled_from([8, 64, 512, 4096]),
        "budget": st.sampled_from([0, 1, 4, 100]),
        "tokens": st.sampled_from([1, 2, 8]),
        "marks": st.sampled_from([(1000, 999), (900, 800), (1000, 0), (500, 200), (1, 0)]),
        "loss": st.sampled_from(["go-on", "go-on", "end"]),
    }
)


def physical(page: bytes, sector: int) -> int:
    """Return the size of a page on a device that compresses with lz4."""
    if not any(page):
        return 0
    length = 8 if page == page[:8] * 512 else lz4_length(page)
    return -(-length // sector) * sector


class CramStateMachine(DepthsMachine):
    reclaim = ("lru",)

    @initialize(
        data=st.data(),
        frames=st.sampled_from([20, 30, 10, 3, 1]),
        batch=st.sampled_from([1, 2, 8]),
        node=st.sampled_from([20, 60, 9, 5, 2, 1]),
        swap=st.sampled_from([0, 3, 12, 1 << 20]),
        device=devices,
        run=st.fixed_dictionaries(
            {"exclusive_loads": st.booleans(), "zero_map": st.booleans(), "seed": st.integers(0, 100)}
        ),
    )
    def open(self, data: st.DataObject, frames: int, batch: int, node: int, swap: int, device: dict, run: dict) -> None:
        frames = max(frames, batch)
        name = data.draw(st.sampled_from(self.reclaim), label="reclaim")
        high, low = device["marks"]
        budget = device["budget"] if device["form"] == "tier" else 0
        spec = {**device, "budget": budget, "high": high, "low": low}
        del spec["marks"]
        asked = {
            "backend": "cram",
            "cram": ",".join(f"{name}={value}" for name, value in spec.items()),
            "dram": frames * 4096,
            "node": node * 4096,
            "swap": "none" if swap == 0 else swap * 4096,
            "reclaim": name,
            "reclaim_batch": batch,
            **run,
        }
        self.open_engines(asked)
        own = {name: device[name] for name in ("delay", "zero", "zero_batch", "tokens")}
        self.model = CramMachine(
            frames,
            model_contents(),
            Device(node, max(1, int(node * 4096 / device["ratio"])), high, low, **own),
            [physical(page, device["sector"]) for page in IMAGES],
            swap,
            control=device["control"],
            tier=device["form"] == "tier",
            maps=device["read"] == "map",
            exclusive=run["exclusive_loads"],
            loss_ends_run=device["loss"] == "end",
            budget=budget,
            batch=batch,
            reclaimer=None if name == "lru" else RECLAIMERS[name](frames, PAGES),
            zero_map=run["zero_map"],
            seed=run["seed"] % len(IMAGES),
        )
        counted = device["control"] == "counting" and device["form"] == "swap"
        self.safe = device["ratio"] == 1.0 or device["control"] == "tokens" or counted

    def expected_verified(self, found: dict[str, int]) -> int:
        return found["major_faults"] - found["poisoned_reads"] + found["mapped_reads"]

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        assert engine.backend.lost_slots() == self.model.lost()
        assert found["lost_pages"] == found["poisoned_reads"] + found["poisoned_pages"]
        assert not (self.safe and found["lost_pages"])


class CramReclaimMachine(CramStateMachine):
    reclaim = tuple(RECLAIMERS)


def test_cram_equals_its_reference_with_exact_lru() -> None:
    reach = run_machine(CramStateMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, lost_pages=5)


def test_cram_equals_its_reference_with_every_reclaimer() -> None:
    reach = run_machine(CramReclaimMachine, stateful_step_count=12, max_examples=share_of_examples(2))
    assert_reached(reach, lost_pages=5)
