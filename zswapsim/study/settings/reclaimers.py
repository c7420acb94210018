"""Parse the spec of a reclaimer: ``two-list`` or ``two-list:fault_access=1,stats_every=500``."""

from zswapsim._core.base.errors import InputError

SWAP_CLUSTER_MAX = 32
RECLAIMERS = ("lru", "two-list", "mglru", "clock", "fifo", "sieve", "s3fifo")
KERNEL_RECLAIMERS = ("two-list", "mglru")
PARAMETERS = {
    "two-list": {"fault_access": 1, "stats_every": 1 << 30, "stats_cpus": 8192},
    "mglru": {"fault_access": 1},
}
"""The highest value of each parameter; the lowest is 0."""


def parse_reclaim(spec: str) -> tuple[str, dict[str, int]]:
    """Return the name and the parameters of a reclaimer. Raises InputError."""
    name, _, given = spec.partition(":")
    if name not in RECLAIMERS:
        raise InputError(f"--reclaim {spec}: expected one of {', '.join(RECLAIMERS)}")
    known = PARAMETERS.get(name, {})
    parameters: dict[str, int] = {}
    for each in given.split(",") if given else ():
        key, _, value = each.partition("=")
        if key not in known:
            raise InputError(f"--reclaim {spec}: {name} has no parameter {key!r}, only {', '.join(known) or 'none'}")
        if not value.isdecimal() or int(value) > known[key]:
            raise InputError(f"--reclaim {spec}: {key}: expected a whole number from 0 to {known[key]}, got {value!r}")
        parameters[key] = int(value)
    return name, parameters


def default_batch(spec: str) -> int:
    """Return how many pages are reclaimed when no frame is free, unless settings say otherwise. Raises InputError."""
    return SWAP_CLUSTER_MAX if parse_reclaim(spec)[0] in KERNEL_RECLAIMERS else 1
