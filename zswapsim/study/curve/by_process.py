"""Count faults by process: with a DRAM for each process, and in one DRAM that all processes share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.curve.distances import StackDistances
from zswapsim._core.curve.sample import count_misses
from zswapsim.study.curve.stack_curve import EXACT, Curve, StackCurve, make_stack_curve
from zswapsim.traces import DenseTrace

MOST_PROCESSES = 1 << 14
MOST_CELLS = 1 << 26
"""The maximum of processes times sizes, of which each takes 8 bytes."""


class PageOwners:
    """Hold the process of each page of a scanned trace.

    Raises InputError if the trace names no processes, or more than MOST_PROCESSES.
    """

    def __init__(self, trace: DenseTrace) -> None:
        owner = trace.processes()
        if owner is None:
            raise InputError(f"{trace.name}: --by-process: expected a trace that names processes")
        names, place = np.unique(owner, return_inverse=True)
        if len(names) > MOST_PROCESSES:
            raise InputError(
                f"{trace.name}: --by-process: expected at most {MOST_PROCESSES} processes, got {len(names)}"
            )
        self.names: list[int] = names.tolist()
        self.place = place.astype(np.uint32)
        """The place in `names` of each page's process."""


class SeparateDram:
    """Measure the distances of each process among its own pages, as with a DRAM for each process."""

    def __init__(self, trace: DenseTrace, owners: PageOwners) -> None:
        self.trace, self.owners = trace, owners
        sizes = np.bincount(owners.place)
        self.number = np.empty(trace.pages, np.uint32)
        """The number of each page among those of its process."""
        starts = np.cumsum(sizes) - sizes
        order = np.argsort(owners.place, kind="stable")
        self.number[order] = np.arange(trace.pages) - np.repeat(starts, sizes)
        self.stacks = [StackDistances(int(size)) for size in sizes]
        self.accesses = [0] * len(sizes)

    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> None:
        """Feed each process its accesses, in their order."""
        owner = self.owners.place[pages]
        order = np.argsort(owner, kind="stable")
        ends = np.flatnonzero(np.diff(owner[order])) + 1
        for events in np.split(order, ends):
            place = int(owner[events[0]])
            self.stacks[place].feed(self.number[pages[events]], np.ascontiguousarray(ops[events]))
            self.accesses[place] += len(events)

    def curves(self) -> dict[int, StackCurve]:
        """Return the curve of each process."""
        found = zip(self.owners.names, self.stacks, self.accesses, strict=True)
        return {name: make_stack_curve(self.trace, stack, accesses) for name, stack, accesses in found}


class SharedDram:
    """Count the faults and swap-outs of each process's pages at ascending `sizes` of a DRAM that all share."""

    def __init__(self, trace: DenseTrace, owners: PageOwners, sizes: Sequence[int]) -> None:
        if len(owners.names) * (len(sizes) + 1) > MOST_CELLS:
            raise InputError(
                f"--by-process: expected at most {MOST_CELLS} processes times sizes, got {len(owners.names)} times"
                f" {len(sizes)}"
            )
        self.trace, self.owners, self.sizes = trace, owners, np.asarray(sizes, np.int64)
        self._cell_of = np.searchsorted(self.sizes, np.arange(trace.pages + 1)).astype(np.uint32)
        self._misses = np.zeros((len(owners.names), len(sizes) + 1), np.uint64)
        """For each process and number n, its accesses that miss in the first n sizes and in no other."""

    def feed(self, pages: NDArray[np.uint32], distances: NDArray[np.uint32]) -> None:
        """Count accesses with their distances."""
        count_misses(self.owners.place[pages], distances, self._cell_of, self._misses)

    def curves(self, stack: StackDistances) -> dict[int, Curve]:
        """Return the curve of each process; the distances that were fed must come from `stack`."""
        found = self._misses.astype(np.int64)
        majors = found[:, ::-1].cumsum(axis=1)[:, -2::-1]
        depth = stack.distances_now()
        curves = {}
        for place, name in enumerate(self.owners.names):
            mine = np.sort(depth[(self.owners.place == place) & (depth > 0)])
            stayed = np.searchsorted(mine, self.sizes, side="right")
            curves[name] = Curve(
                trace=self.trace.name,
                method=EXACT,
                frames=self.sizes.tolist(),
                major_faults=majors[place].tolist(),
                swap_outs=(majors[place] + len(mine) - stayed).tolist(),
                dirty_swap_outs=[],
                accesses=int(found[place].sum()),
                first_accesses=len(mine),
                pages=self.trace.pages,
            )
        return curves
