"""Make the reclaimer that Settings name."""

from collections.abc import Callable
from functools import partial

from zswapsim._core.reclaim.fifo import QueueReclaimer
from zswapsim._core.reclaim.lru import LruReclaimer
from zswapsim._core.reclaim.mglru import MglruReclaimer
from zswapsim._core.reclaim.reclaimer import Reclaimer
from zswapsim._core.reclaim.s3fifo import S3FifoReclaimer
from zswapsim._core.reclaim.sieve import SieveReclaimer
from zswapsim._core.reclaim.two_list import TwoListReclaimer
from zswapsim.study.settings.reclaimers import parse_reclaim

EXACT_LRU = "lru"
FACTORIES: dict[str, Callable[..., Reclaimer]] = {
    EXACT_LRU: LruReclaimer,
    "two-list": TwoListReclaimer,
    "mglru": MglruReclaimer,
    "clock": partial(QueueReclaimer, second_chance=True),
    "fifo": QueueReclaimer,
    "sieve": SieveReclaimer,
    "s3fifo": S3FifoReclaimer,
}


def open_reclaimer(spec: str) -> Reclaimer:
    """Return the reclaimer that `spec` names, written as in Settings. Raises InputError."""
    name, parameters = parse_reclaim(spec)
    return FACTORIES[name](**parameters)
