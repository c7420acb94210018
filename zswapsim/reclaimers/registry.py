"""Make a reclaimer from its name, and list all reclaimers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim._core.reclaim.fifo import QueueReclaimer
from zswapsim._core.reclaim.lru import LruReclaimer
from zswapsim._core.reclaim.mglru import MglruReclaimer
from zswapsim._core.reclaim.opt import NextAccesses, OptReclaimer
from zswapsim._core.reclaim.plugin import PluginReclaimer
from zswapsim._core.reclaim.reclaimer import Reclaimer
from zswapsim._core.reclaim.s3fifo import S3FifoReclaimer
from zswapsim._core.reclaim.sieve import SieveReclaimer
from zswapsim._core.reclaim.two_list import TwoListReclaimer
from zswapsim.plugins import origin_of, plugin_entries
from zswapsim.reclaimers.names import EXACT_LRU, GROUP, OPT, RECLAIMERS, find_table, parse_reclaim
from zswapsim.reclaimers.plugins import load_plugin

BUILT_IN: dict[str, Callable[..., Reclaimer]] = {
    EXACT_LRU: LruReclaimer,
    "two-list": TwoListReclaimer,
    "mglru": MglruReclaimer,
    "clock": partial(QueueReclaimer, second_chance=True),
    "fifo": QueueReclaimer,
    "sieve": SieveReclaimer,
    "s3fifo": S3FifoReclaimer,
}


@dataclass(frozen=True)
class ReclaimerInfo:
    """The record of one reclaimer."""

    name: str
    origin: str  # "built in", or the package that provides the plug-in
    missing: str  # "" if it can be used, else why not


def open_reclaimer(spec: str, future: NextAccesses | None = None) -> Reclaimer:
    """Return the reclaimer of `spec`, written as in Settings. `future` are the accesses that ``opt`` knows in advance.

    Raises InputError, and PluginError if a plug-in can't be loaded.
    """
    name, parameters = parse_reclaim(spec)
    if name == OPT:
        if future is None:
            raise InputError(f"--reclaim {spec}: expected a trace, whose accesses are known in advance")
        return OptReclaimer(future)
    if name in BUILT_IN:
        return BUILT_IN[name](**parameters)
    return PluginReclaimer(find_table(spec), parameters)


def available() -> list[ReclaimerInfo]:
    """Return every reclaimer; those that can't be used here carry the reason."""
    infos = [ReclaimerInfo(name, "built in", "") for name in RECLAIMERS]
    for entry in plugin_entries(GROUP):
        missing = ""
        try:
            if entry.name in RECLAIMERS:
                raise InputError(f"reclaimer plug-in {entry.name}: the name belongs to a built-in reclaimer")
            load_plugin(entry)
        except ZswapsimError as error:
            missing = str(error)
        infos.append(ReclaimerInfo(entry.name, origin_of(entry), missing))
    return infos
