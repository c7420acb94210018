"""Drive a model and, beside it, an engine at each depth: the base of the state machines, and what all of them share."""

import random
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.ahead_samples import PAGES
from tests.page_samples import sample_array, sample_pages
from tests.reach import Reach
from tests.reference.replay import Contents as ModelContents
from tests.reference.replay import Machine
from tests.reference.times import Run, assert_times, run_of
from tests.simulation.plan import draw_trace
from zswapsim import Settings, get_compressor
from zswapsim._core.engine.replay import Replay
from zswapsim.compressors import measure
from zswapsim.study.run.run import open_replay
from zswapsim.traces import Contents

Engine = Replay

CONTENTS = Contents(sample_array(sample_pages()), "samples")
MEASURED = measure(get_compressor("lz4"), CONTENTS.images)


def drawn(seed: int, length: int) -> list[tuple[int, bool]]:
    """Draw accesses from a seed: many, to a hot set that moves, which lists of single accesses seldom are."""
    return draw_trace(random.Random(seed), PAGES, length)


accesses = st.one_of(
    st.builds(drawn, seed=st.integers(0, 1 << 32), length=st.sampled_from([150, 50, 250])),
    st.lists(st.tuples(st.integers(0, PAGES - 1), st.booleans()), min_size=1, max_size=120),
)


def model_contents(contents: Contents = CONTENTS) -> ModelContents:
    """Return contents in the form that a model takes."""
    return ModelContents([image.tobytes() for image in contents.images], contents.next_image.tolist())


def assert_same_counts(engine: Engine, expected: dict[str, int], depth: str = "") -> dict[str, int]:
    """Check the engine, compare its counters with those of a model, and return them all."""
    engine.check()
    found = engine.counters_now()
    assert {name: found[name] for name in expected} == expected, depth
    return found


def assert_same_events(engine: Engine, model: Machine) -> dict[str, int]:
    """Compare the events that an engine and a model have counted, for models whose backend has no statistics."""
    return assert_same_counts(engine, model.count | (model.reclaimer.count if model.reclaimer else {}))


class DepthsMachine(RuleBasedStateMachine):
    """A machine that has been opened has a `model` and `engines` by depth; after each step all of them agree."""

    model: Any
    engines: dict[str, Engine]
    times_run: Run
    reach: Reach

    def __init_subclass__(cls) -> None:
        cls.reach = Reach()

    def open_engines(self, asked: dict[str, Any], pages: int = PAGES, **inputs: Any) -> None:
        """Open an engine at each depth with these settings."""
        self.engines = {}
        self.times_run = run_of(Settings(**asked))
        for depth in ("bytes", "sizes"):
            measured = MEASURED if depth == "sizes" and asked["backend"] != "disk" else None
            self.engines[depth] = open_replay(Settings(depth=depth, **asked), pages, CONTENTS, measured, **inputs)

    @rule(trace=accesses)
    def feed(self, trace: list[tuple[int, bool]]) -> None:
        """Let the model and every engine make the same accesses."""
        pages = np.array([page for page, _ in trace], np.uint32)
        ops = np.array([write for _, write in trace], np.uint8)
        for page, write in trace:
            self.model.access(self.number_of(page), write)
        for engine in self.engines.values():
            done = engine.feed(pages, ops)
            assert done == len(trace) or engine.out_of_memory or engine.bus_error

    def number_of(self, page: int) -> int:
        """Return the model's number of a page of the trace."""
        return page

    @invariant()
    def agree(self) -> None:
        for depth, engine in getattr(self, "engines", {}).items():
            found = assert_same_counts(engine, self.model.counters(), depth)
            assert engine.out_of_memory == self.model.out_of_memory
            assert engine.bus_error == getattr(self.model, "bus_error", False)
            assert engine.verified_pages == (self.expected_verified(found) if depth == "bytes" else 0)
            assert_times(engine, self.times_run)
            self.agree_more(engine, found)

    def expected_verified(self, found: dict[str, int]) -> int:
        """Return how many loaded pages were compared with what was stored, at bytes depth."""
        return found["major_faults"] + found["swap_ra"]

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        """Check the rules that this kind of machine alone has."""

    def teardown(self) -> None:
        if hasattr(self, "engines"):
            self.reach.update(self.model.counters())
            self.reach[f"reclaimed_in_batches_of_{self.model.batch}"] += self.model.count["reclaimed_pages"]
