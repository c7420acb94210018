"""Compute the rest of the digest: comparisons, curves, plans and page stores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.digest_inputs import (
    NodeFullError,
    PageStore,
    Settings,
    compare,
    curves,
    image_array,
    open_contents,
    open_dense,
    plan,
    profile_of,
)

Record = dict[str, Any]
POINT = ("compressor", "dram_frames", "node_frames", "major_faults", "swap_outs")
RATIOS = ("expansion", "saved", "faults_per_million")
BACKENDS = ("private-node", "zswap:max_pool_percent=12", "zram:mem_limit=1MiB", "private-node/zswap", "disk")
NODE_BYTES = 600 * 4096


def comparison(depth: str, reclaim: str, processes: int, trace: str = "zipf") -> Record:
    """Compare backends, in one process or several. Codecs are measured here, so only counters are kept."""
    fields = {"compressor": "lzo-rle", "dram": "35%", "node": "8%", "depth": depth, "reclaim": reclaim}
    listed = [Settings(backend=backend, **fields) for backend in BACKENDS]
    results = compare(open_dense(trace), open_contents("mix"), listed, processes)
    return {
        each.settings["backend"]: {
            "outcome": each.outcome,
            "counters": {name: value for name, value in each.counters.items() if value},
            "owners": each.owners,
        }
        for each in results
    }


def curve(trace: str, reclaim: str = "lru", **options: Any) -> Record:
    """Return the curves of a trace, with errors rounded to six digits."""
    found = curves(open_dense(trace), reclaim, points=8, **options)
    named = {"whole": found.whole}
    named |= {f"window {number}": each for number, each in enumerate(found.windows)}
    named |= {f"process {number}": each for number, each in found.processes.items()}
    named |= {f"shared {number}": each for number, each in found.shared.items()}
    return {name: one_curve(each) for name, each in named.items()}


def one_curve(found: Any) -> Record:
    names = ("method", "frames", "major_faults", "swap_outs", "dirty_swap_outs", "accesses", "first_accesses", "pages")
    record = {name: getattr(found, name) for name in names}
    return record | {"errors": [f"{error:.6g}" for error in found.errors]}


def planned(reclaim: str, trace: str = "zipf") -> Record:
    """Return the estimates of a plan on its grid, without the values that depend on the codecs' times."""
    codecs = ("lz4-linux", "lzo-rle", "bdi")
    found = plan(
        open_dense(trace),
        open_contents("mix"),
        ("save>20%",),
        compressors=codecs,
        access_ns=100.0,
        settings=Settings(reclaim=reclaim, compressor="lz4-linux"),
        profile=profile_of("mix", codecs),
    )
    points = [
        [getattr(each, name) for name in POINT] + [f"{getattr(each, name):.6g}" for name in RATIOS]
        for each in found.points
    ]
    return {"pages": found.pages, "least": found.least, "rows": found.rows, "points": points}


def stored(compressor: str, **options: Any) -> Record:
    """Fill a page store, overwrite, invalidate and compact it, and return its statistics after every step."""
    images, steps = image_array("mix"), {}
    with PageStore(NODE_BYTES, compressor, verify=True, **options) as store:

        def fill(first: int, last: int, shift: int) -> int:
            failed = 0
            for slot in range(first, last):
                try:
                    store.store(slot, images[(slot * 7 + shift) % len(images)])
                except NodeFullError:
                    failed += 1
            return failed

        steps["filled"] = {"refused": fill(0, 1500, 0)} | store.stats()
        steps["overwritten"] = {"refused": fill(0, 400, 3)} | store.stats()
        kept = [slot for slot in range(400) if slot % 3 == 1]
        for slot in set(range(400)) - set(kept):
            store.invalidate(slot)
        steps["invalidated"] = store.stats()
        steps["compacted"] = {"given back": store.compact()} | store.stats()
        loaded = hashlib.blake2b(b"".join(store.load(slot) for slot in kept), digest_size=8).hexdigest()
        store.check()
        steps["loaded"] = store.stats() | {"pages": loaded}
        steps["owners"] = store.owners()
    return steps


def _all() -> dict[str, Callable[[], Record]]:
    made: dict[str, Callable[[], Record]] = {
        "compare sizes lru": partial(comparison, "sizes", "lru", 1),
        "compare bytes two-list": partial(comparison, "bytes", "two-list", 1),
        "compare sizes mglru in 2 processes": partial(comparison, "sizes", "mglru", 2),
        "compare processes bytes sieve in 2 processes": partial(comparison, "bytes", "sieve", 2, "processes"),
        "curve zipf": partial(curve, "zipf"),
        "curve sort": partial(curve, "sort", window=100_000),
        "curve phases window": partial(curve, "phases", window=7000),
        "curve processes by process": partial(curve, "processes", by_process=True),
        "curve json-processes by process window": partial(curve, "json-processes", by_process=True, window=100_000),
        "curve zipf sampled": partial(curve, "zipf", sampled_pages=600),
        "curve json-head rate window": partial(curve, "json-head", rate=0.1, window=90_000),
        "curve zipf two-list sampled": partial(curve, "zipf", "two-list", sampled_pages=900),
    }
    for reclaim in ("two-list", "mglru", "clock", "fifo", "sieve", "s3fifo"):
        made[f"curve phases {reclaim}"] = partial(curve, "phases", reclaim, window=9000)
    for reclaim in ("lru", "two-list", "sieve"):
        made[f"plan zipf {reclaim}"] = partial(planned, reclaim)
    for compressor in ("lz4-linux", "lzo", "lzo-rle", "bdi", "fpc", "wkdm", "store"):
        made[f"store {compressor}"] = partial(stored, compressor)
    for chain_size in (4, 5, 16):
        made[f"store lzo-rle chain_size={chain_size}"] = partial(stored, "lzo-rle", chain_size=chain_size)
    made["store lz4-linux raw_from=4096"] = partial(stored, "lz4-linux", raw_from=4096)
    made["store wkdm raw_from=2000"] = partial(stored, "wkdm", raw_from=2000)
    return made


OTHERS = _all()
"""The function that computes each part, by its name."""
