"""The specification: slow, obvious models with the interfaces of the core. What they say is right."""

from tests.reference.generations import Generations
from tests.reference.reclaim import Clock, Fifo, S3Fifo, Sieve, TwoList

RECLAIMERS = {
    "two-list": TwoList,
    "mglru": Generations,
    "clock": Clock,
    "fifo": Fifo,
    "sieve": Sieve,
    "s3fifo": S3Fifo,
}
