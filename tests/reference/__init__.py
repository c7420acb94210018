"""The specification of the core: slow, obvious models. If model and core differ, the core is wrong."""

from functools import partial

from tests.reference.generations import Generations
from tests.reference.reclaim import Clock, Fifo, S3Fifo, Sieve, TwoList

RECLAIMERS = {
    "two-list": TwoList,
    "two-list:fault_access=1": partial(TwoList, fault_access=1),
    "two-list:fault_access=1,stats_every=9": partial(TwoList, fault_access=1, stats_every=9),
    "two-list:stats_every=30,stats_cpus=1": partial(TwoList, stats_every=30, stats_cpus=1),
    "mglru": Generations,
    "mglru:fault_access=0": partial(Generations, fault_access=0),
    "clock": Clock,
    "fifo": Fifo,
    "sieve": Sieve,
    "s3fifo": S3Fifo,
}
