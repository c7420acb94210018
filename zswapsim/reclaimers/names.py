"""Name the reclaimers and parse specifications: ``two-list`` or ``two-list:fault_access=1,stats_every=500``.

The core is not loaded for the built-in ones, since the command line's help names them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zswapsim._core.base.errors import InputError
from zswapsim.plugins import find_plugin, plugin_entries

if TYPE_CHECKING:
    from zswapsim._core.reclaim.plugin_table import ReclaimerTable

GROUP = "zswapsim.reclaimers"
SWAP_CLUSTER_MAX = 32
EXACT_LRU = "lru"
OPT = "opt"
RECLAIMERS = (EXACT_LRU, "two-list", "mglru", "clock", "fifo", "sieve", "s3fifo", OPT)
"""The names of the built-in reclaimers."""
KERNEL_RECLAIMERS = ("two-list", "mglru")
PARAMETERS: dict[str, dict[str, tuple[int, int]]] = {
    "two-list": {"fault_access": (0, 1), "stats_every": (0, 1 << 30), "stats_cpus": (0, 8192)},
    "mglru": {"fault_access": (0, 1)},
}
"""The range of each parameter of a built-in reclaimer; both ends are allowed."""


def reclaimer_names() -> list[str]:
    """Return all names, built-in ones first, then plug-ins, without loading a plug-in."""
    return list(dict.fromkeys([*RECLAIMERS, *(entry.name for entry in plugin_entries(GROUP))]))


def parse_reclaim(spec: str) -> tuple[str, dict[str, int]]:
    """Return the name and the parameters of a reclaimer. Raises InputError, and PluginError if it can't be loaded."""
    name, _, given = spec.partition(":")
    known = _ranges(spec, name)
    parameters: dict[str, int] = {}
    for each in given.split(",") if given else ():
        key, _, value = each.partition("=")
        if key not in known:
            raise InputError(f"--reclaim {spec}: {name} has no parameter {key!r}, only {', '.join(known) or 'none'}")
        lowest, highest = known[key]
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not lowest <= int(value) <= highest:
            raise InputError(
                f"--reclaim {spec}: {key}: expected a whole number from {lowest} to {highest}, got {value!r}"
            )
        parameters[key] = int(value)
    return name, parameters


def default_batch(spec: str) -> int:
    """Return the default number of pages to evict when no frame is free. Raises as :func:`parse_reclaim` does."""
    name, _ = parse_reclaim(spec)
    if name in RECLAIMERS:
        return SWAP_CLUSTER_MAX if name in KERNEL_RECLAIMERS else 1
    return find_table(spec).batch


def find_table(spec: str) -> ReclaimerTable:
    """Return the plug-in of that name. Raises InputError with all names if there is none, PluginError."""
    from zswapsim.reclaimers.plugins import load_plugin

    entry = find_plugin(GROUP, spec.partition(":")[0])
    if entry is None:
        raise InputError(f"--reclaim {spec}: expected one of {', '.join(reclaimer_names())}")
    return load_plugin(entry)


def _ranges(spec: str, name: str) -> Mapping[str, tuple[int, int]]:
    """Return the range of each parameter of a reclaimer."""
    if name in RECLAIMERS:
        return PARAMETERS.get(name, {})
    return {each.name: (each.lowest, each.highest) for each in find_table(spec).parameters}
