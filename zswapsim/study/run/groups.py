"""Assign pages to the groups of a run, and collect what the run counted for each group."""

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.backend.zswap import ZswapBackend
from zswapsim._core.base.errors import InputError
from zswapsim.study.settings.groups import WORKLOAD, parse_groups
from zswapsim.traces import DenseTrace


def page_groups(text: str, trace: DenseTrace) -> NDArray[np.uint16] | None:
    """Return the group of each page of a trace that was scanned, uint16[pages]; None without groups.

    Raises InputError if the trace names no processes, or none of those of a group.
    """
    if not text:
        return None
    processes = trace.processes()
    if processes is None:
        raise InputError(f"--groups {text}: expected a trace that names processes, which {trace.name} does not")
    present, place = np.unique(processes, return_inverse=True)
    group_of = np.zeros(len(present), np.uint16)
    for number, group in enumerate(parse_groups(text), 1):
        mine = [slice(*np.searchsorted(present, (first, last + 1))) for first, last in group.processes]
        for each in mine:
            group_of[each] = number
        if mine and all(each.start == each.stop for each in mine):
            raise InputError(f"--groups {text}: {trace.name} has no process of {group.name}")
    return np.ascontiguousarray(group_of[place])


def group_results(text: str, backend: object, group_of: NDArray[np.uint16] | None) -> dict[str, dict[str, int]]:
    """Return the pages of each group and the counters of its memory.stat, which include the groups below it."""
    pool = backend.slow if isinstance(backend, TieredBackend) else backend
    if group_of is None or not isinstance(pool, ZswapBackend):
        return {}
    names = [WORKLOAD, *(group.name for group in parse_groups(text))]
    stats = pool.group_stats()
    if len(stats) != len(names):
        return {}
    own = np.bincount(group_of, minlength=len(names))
    below = {name: sum(own[i] for i, other in enumerate(names) if _is_within(other, name)) for name in names}
    return {name: {"pages": int(below[name])} | found for name, found in zip(names, stats, strict=True)}


def _is_within(name: str, above: str) -> bool:
    return above in (WORKLOAD, name) or name.startswith(f"{above}/")
