"""Open the core for a simulated run, and make steps with it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np

from tests.simulation.case import Case
from tests.simulation.models import span
from tests.simulation.worlds import PAGE, as_arrays, world
from zswapsim import Settings
from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.backend.zram_recompress import recompress_slots
from zswapsim._core.backend.zram_slots import mark_idle
from zswapsim._core.backend.zram_writeback import write_back_slots
from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim.study.run.engine import open_replay
from zswapsim.study.run.nodes import DRAM, PRIVATE, open_own_nodes
from zswapsim.study.run.readahead import by_address
from zswapsim.study.settings.backends import SLOT_CHOICES
from zswapsim.traces.folios import Folios

OTHERS = "others"
duplicate = os.dup
BROKEN = {(): None, ("write",): os.O_RDONLY, ("read",): os.O_WRONLY, ("read", "write"): os.O_PATH}
"""How the file behind the device is opened so that it fails at these."""


class Core:
    """Hold the core of one run at one depth: the engine, and what a plan of faults reaches of its node and device."""

    def __init__(self, case: Case, depth: str, *, faulty: bool) -> None:
        self.case, self.place = case, world(case.world)
        settings = Settings(depth=depth, **(case.settings | sizes_of(case)))
        folios = Folios(case.order, np.array(case.places, np.uint32), span(case)) if case.places else None
        self.nodes = open_own_nodes(settings, folios.pages if folios else case.pages, *settings.frames(case.pages)[:2])
        self.files: list[int] = []
        self.taken: list[int] = []
        with ExitStack() as patches:
            patches.enter_context(mock.patch("os.dup", self.keep_file))
            if faulty:
                codecs = mock.patch("zswapsim.study.run.backend.get_compressor", self.place.faulty_codec)
                patches.enter_context(codecs)
            self.engine = open_replay(
                settings,
                case.pages,
                self.place.contents,
                self.place.profile if depth == "sizes" and case.backend != "disk" else None,
                self.nodes,
                group_of=None if case.group_of is None else np.array(case.group_of, np.uint16),
                order=None if case.addresses is None else by_address(np.array(case.addresses, np.uint64)),
                folios=folios,
                future=self.future(),
            )
        backend = self.engine.backend
        self.zram = backend.fast if isinstance(backend, TieredBackend) else backend

    def keep_file(self, descriptor: int) -> int:
        """Note the file behind the swap device, which is the only one that is duplicated."""
        self.files.append(duplicate(descriptor))
        return self.files[-1]

    def future(self) -> NextAccesses | None:
        """Return what the reclaimer opt knows in advance."""
        if self.case.settings["reclaim"] != "opt":
            return None
        return NextAccesses(np.array([page for page, _ in self.case.accesses], np.uint32), self.case.pages)

    # -- steps --------------------------------------------------------------------------------------------------------

    def access(self, accesses: list[tuple[int, bool]]) -> int:
        return self.engine.feed(*as_arrays(accesses))

    def idle(self, age: int | None) -> None:
        mark_idle(self.zram, self.engine.counters_now()["accesses"], age)

    def recompress(self, choice: str, threshold: int, priority: int, most: int) -> None:
        priority = min(priority, len(self.case.options["zram"]["stronger"]))
        recompress_slots(self.zram, SLOT_CHOICES[choice], threshold, priority, most)

    def write_back(self, choice: str, most: int, spans: list[tuple[int, int]] | None) -> int:
        return write_back_slots(self.zram, SLOT_CHOICES[choice], most, spans)

    def compact(self) -> int:
        return self.zram.compact()

    def device(self, broken: tuple[str, ...]) -> None:
        """Let the file behind the device fail, or work again."""
        for number in self.files:
            flags = BROKEN[broken]
            found = os.open(f"/proc/self/fd/{number}", os.O_RDWR if flags is None else flags)
            os.dup2(found, number)
            os.close(found)

    def others(self, wanted: int) -> int:
        """Let others hold `wanted` frames of the node, or as many as there are. Return how many."""
        node = PRIVATE if self.case.backend.startswith("private-node") else DRAM
        grant = self.nodes.machine.nodes[node].arena.grant(OTHERS)
        while len(self.taken) > wanted:
            grant.give(self.taken.pop())
        while len(self.taken) < wanted and (frame := grant.take()) is not None:
            self.taken.append(frame)
        return len(self.taken)


def sizes_of(case: Case) -> dict[str, Any]:
    """Return the sizes of DRAM, node and device as settings take them."""
    swap = case.device * PAGE if case.device else "none"
    return {"dram": case.frames * PAGE, "node": case.node * PAGE, "swap": swap}
