"""Open the core of a scope many times over: what does not change from one sequence to the next is made once."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

from tests.simulation.case import Case
from tests.simulation.engines import Core
from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena, Grant
from zswapsim._core.readahead.readahead import ClusterReadahead
from zswapsim._core.reclaim.lru import LruReclaimer
from zswapsim.backends import BackendPlan, open_backend


class Again(Core):
    """Hold a core that was opened from the recipe of another one."""

    def __init__(self, case: Case, engine: Replay) -> None:
        self.case, self.engine = case, engine
        self.zram = engine.backend.fast if isinstance(engine.backend, TieredBackend) else engine.backend


class Recipe:
    """Hold the plan of a backend and the arguments of an engine, as `open_replay` made them for a scope."""

    plan: BackendPlan
    arguments: tuple[Any, ...]
    options: dict[str, Any]

    def __init__(self, case: Case) -> None:
        self.case = case
        with ExitStack() as patches:
            patches.enter_context(mock.patch("zswapsim.study.run.backend.open_backend", self.keep_plan))
            patches.enter_context(mock.patch("zswapsim.study.run.engine.Replay", self.keep_engine))
            Core(case, "sizes", faulty=False)

    def keep_plan(self, plan: BackendPlan) -> Any:
        self.plan = plan
        return open_backend(plan)

    def keep_engine(self, *arguments: Any, **options: Any) -> Replay:
        self.arguments, self.options = arguments, options
        return Replay(*arguments, **options)

    def core(self) -> Again:
        """Open the core anew, with frames, reclaimer and readahead of its own."""
        arenas: dict[int, FrameArena] = {}

        def anew(grant: Grant | None) -> Grant | None:
            if grant is None:
                return None
            arena = arenas.setdefault(id(grant.arena), FrameArena(grant.arena.frames * 4096, backed=False))
            return arena.grant(grant.owner_name)

        plan = self.plan._replace(frames=anew(self.plan.frames))
        if plan.slow_tier is not None:
            plan = plan._replace(slow_tier=plan.slow_tier._replace(frames=anew(plan.slow_tier.frames)))
        options = self.options | {"reclaimer": LruReclaimer(), "dram": anew(self.options.get("dram"))}
        if options["readahead"] is not None:
            options["readahead"] = ClusterReadahead(page_cluster=self.case.settings["page_cluster"])
        pages, frames, _ = self.arguments
        return Again(self.case, Replay(pages, frames, open_backend(plan), **options))
