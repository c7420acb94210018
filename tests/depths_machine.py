"""The base of the state machines that drive a model and, beside it, an engine at each depth."""

from typing import Any

import numpy as np
from hypothesis.stateful import RuleBasedStateMachine, invariant

from zswapsim._core.engine.replay import Replay

Engine = Replay


class DepthsMachine(RuleBasedStateMachine):
    """A machine that has been opened has a `model` and `engines` by depth; after each step all of them agree."""

    model: Any
    engines: dict[str, Engine]

    def replay(self, trace: list[tuple[int, bool]]) -> None:
        pages = np.array([page for page, _ in trace], np.uint32)
        ops = np.array([write for _, write in trace], np.uint8)
        for page, write in trace:
            self.model.access(self.number_of(page), write)
        for engine in self.engines.values():
            done = engine.feed(pages, ops)
            assert done == len(trace) or engine.out_of_memory or engine.bus_error

    def number_of(self, page: int) -> int:
        """The model's number of a page of the trace."""
        return page

    @invariant()
    def agree(self) -> None:
        for depth, engine in getattr(self, "engines", {}).items():
            engine.check()
            found = engine.counters_now()
            expected = self.model.counters()
            assert {name: found[name] for name in expected} == expected, depth
            assert engine.out_of_memory == self.model.out_of_memory
            assert engine.bus_error == getattr(self.model, "bus_error", False)
            assert engine.verified_pages == (self.came_back(found) if depth == "bytes" else 0)
            self.agree_more(engine, found)

    def came_back(self, found: dict[str, int]) -> int:
        """Pages that must have been compared at bytes depth."""
        return found["major_faults"] + found["swap_ra"]

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        """What else holds."""
