"""Draw a run from a seed: backend, settings, reclaimer, folios, readahead, groups and contents."""

from __future__ import annotations

import random
from typing import Any

from tests.reference import RECLAIMERS
from tests.simulation.case import Case
from tests.simulation.plan import draw_steps
from tests.simulation.worlds import COMPRESSORS, PAGES, STRONGER

BACKENDS = ("private-node", "zswap", "zram", "disk", "cram", "private-node/zswap", "zram/zswap")
WEIGHTS = (3, 5, 4, 1, 4, 3, 3)
ASYNCHRONOUS = ("private-node", "zswap", "disk", "private-node/zswap")
TREES: tuple[tuple[str, ...], ...] = (("a",), ("a", "b"), ("a", "a/b", "c"), ("a", "a/b", "a/b/c"))
# A pool of a few frames has room for few size classes: a zspage of one object takes up to 16 frames.
WORLDS = {"": [*PAGES, "data", "classes", "one class"], "zram": [*PAGES, *["data", "classes", "one class"] * 3]}
RECLAIM = ("lru", "lru", "lru", *RECLAIMERS, "opt")


def draw_case(seed: int, backend: str | None = None, length: int | None = None, **fixed: Any) -> Case:
    """Return the run of a seed. `backend`, `length` of the trace and fields of the case may be given instead."""
    rng = random.Random(f"run {seed}")
    name = backend or rng.choices(BACKENDS, WEIGHTS)[0]
    pages = rng.choice([10, 24, 48, 48, 64, 90]) if length is None else rng.choice([64, 120, 200])
    case = Case(
        seed=seed,
        backend=name,
        world=rng.choice(WORLDS.get(name, WORLDS[""])),
        pages=pages,
        depths=rng.choice([("bytes", "sizes"), ("bytes",), ("sizes",)]),
        settings={},
        frames=draw_frames(rng, name, pages),
        node=rng.choice([1, 2, 3, 5, 9, 20]),
        device=draw_device(rng, name, pages),
    )
    case = replaced(case, **draw_common(rng, case))
    case = replaced(case, **draw_units(rng, case))
    case = replaced(case, **draw_backend(rng, case))
    case = replaced(case, **fixed)
    return replaced(case, **draw_steps(rng, case, length or rng.choice([100, 150, 250, 400])))


def draw_frames(rng: random.Random, backend: str, pages: int) -> int:
    """Draw the frames of DRAM. If zram is all the swap there is, it has to find room in them for all pages."""
    if rng.random() < 0.3:
        return rng.randint(2, max(2, pages * 3 // 4))
    return pages * 4 // 5 if backend == "zram" else pages // 2


def draw_device(rng: random.Random, backend: str, pages: int) -> int:
    """Draw the pages of the device. On a small one a run often ends soon, because no page can be swapped out."""
    if rng.random() < 0.1:
        return rng.choice([1, 3] + [0] * (backend in ("private-node", "cram")))
    return rng.choice([pages // 2, pages, pages, 1 << 20, 1 << 20, 1 << 20])


def replaced(case: Case, **changes: Any) -> Case:
    """Return the case with some fields replaced; `settings` and `options` are added to those that it has."""
    for name in ("settings", "options"):
        changes[name] = getattr(case, name) | changes.get(name, {})
    return Case(**(vars(case) | changes))


def draw_common(rng: random.Random, case: Case) -> dict[str, Any]:
    """Draw what every backend has."""
    batch = rng.choice([1, 1, 2, 8, 32])
    frames = max(case.frames, batch) if batch < case.pages else case.frames
    settings = {
        "compressor": rng.choice(COMPRESSORS) if case.backend in ("private-node", "zswap") else "lz4",
        "reclaim": rng.choice(RECLAIM),
        "reclaim_batch": min(batch, frames),
        "chain_size": rng.choice([4, 4, 4, 8, 16]),
        "zero_map": rng.random() < 0.6,
        "exclusive_loads": rng.random() < 0.6,
        "seed": rng.randrange(100),
        "verify": rng.random() < 0.9,
    }
    return {"settings": settings, "frames": frames}


# -- folios or readahead ----------------------------------------------------------------------------------------------


def draw_units(rng: random.Random, case: Case) -> dict[str, Any]:
    """Draw large folios or readahead, where a backend and a reclaimer can have them."""
    if case.backend != "cram" and case.settings["reclaim"] != "opt" and rng.random() < 0.3:
        return draw_folios(rng, case)
    if case.backend in ASYNCHRONOUS and case.settings["reclaim"] != "opt" and rng.random() < 0.5:
        return draw_readahead(rng, case)
    return {}


def draw_folios(rng: random.Random, case: Case) -> dict[str, Any]:
    order = rng.choice([2, 2, 3])
    size = 1 << order
    span = -(-case.pages // size) * size + rng.choice([0, size])
    settings = {"folio": 4096 << order, "folio_swapin": rng.choice(["auto", "page", "whole"])}
    if case.backend == "private-node" and rng.random() < 0.4:
        settings |= {"folio_compress": "whole", "folio_swapin": "auto", "compressor": rng.choice(["lz4", "zstd"])}
    places = tuple(rng.sample(range(span), case.pages))
    return {"settings": settings, "places": places, "frames": max(case.frames, size)}


def draw_readahead(rng: random.Random, case: Case) -> dict[str, Any]:
    kind = rng.choice(["cluster", "vma"])
    settings = {"readahead": kind, "page_cluster": rng.choice([0, 1, 1, 2, 3, 3, 6])}
    if kind == "cluster":
        return {"settings": settings}
    # Two mappings. The first crosses the end of what a page table maps.
    parted = rng.randint(1, case.pages)
    first = rng.sample(range(490, 490 + 2 * parted), parted)
    addresses = (*first, *rng.sample(range(5000, 5100 + case.pages), case.pages - parted))
    return {"settings": settings, "addresses": addresses}


# -- backends ---------------------------------------------------------------------------------------------------------


def draw_backend(rng: random.Random, case: Case) -> dict[str, Any]:
    """Draw the parameters of the backend, and what settings say of it."""
    fast, _, slow = case.backend.partition("/")
    changes: dict[str, Any] = {"settings": {"accept_threshold_percent": rng.choice([1, 50, 90, 100])}, "options": {}}
    specs = []
    for name in (fast, slow):
        options, spec = {"zswap": draw_zswap, "zram": draw_zram}.get(name, draw_none)(rng, case)
        spec = spec or name
        changes["options"] |= {name: options} if options else {}
        specs += [spec] if spec else []
    if "zswap" in (fast, slow) and rng.random() < 0.5:
        changes |= draw_groups(rng, case)
        changes["settings"] |= changes.pop("more")
    if fast == "cram":
        options = draw_cram(rng)
        changes["options"] |= {"cram": options}
        changes["settings"] |= {"cram": ",".join(f"{name}={value}" for name, value in options.items())}
    changes["settings"] |= {"backend": "/".join(specs)}
    return changes


def draw_none(rng: random.Random, case: Case) -> tuple[dict[str, Any], str]:
    """Return no parameters, for a backend that has none."""
    return {}, ""


def draw_zswap(rng: random.Random, case: Case) -> tuple[dict[str, Any], str]:
    options = {
        "max_pool_percent": rng.choice([0, 10, 20, 20, 30, 30, 50, 100]),
        "version": rng.choice(["6.6", "6.12", "6.18"]),
        "writeback": rng.choice([1, 1, 1, 1, 1, 0]),
        "shrinker_enabled": rng.choice([0, 1]),
        "shrinker_priority": rng.choice([0, 1, 3, 12]),
        "retries": rng.choice([1, 16, 300]),
    }
    if rng.random() < 0.3:
        options["max"] = rng.choice([0, 9000, 20000, 60000])
    return options, "zswap:" + ",".join(f"{name}={value}" for name, value in options.items())


def draw_zram(rng: random.Random, case: Case) -> tuple[dict[str, Any], str]:
    limits = [0, 0, 0, 0, 0, 0, 0, 5, 20] if case.backend == "zram" else [0, 1, 5, 5, 9]
    sizes = [0, 0, 0, 0, 0, 0, 0, 20, case.pages * 2 // 3] if case.backend == "zram" else [0, 0, 3, 20]
    options = {
        "mem_limit": rng.choice(limits),
        "disksize": rng.choice(sizes),
        "stronger": STRONGER[: rng.choice([0, 1, 2, 2])],
        "charged": rng.choice([1, 1, 1, 0]) if case.backend == "zram" else 1,
    }
    spec = f"zram:mem_limit={options['mem_limit'] * 4096},disksize={options['disksize'] * 4096},idle_every=1,idle_age=1"
    spec += f",charged={options['charged']}"
    return options, spec + (",algorithms=" + "+".join(options["stronger"]) if options["stronger"] else "")


def draw_cram(rng: random.Random) -> dict[str, Any]:
    form = rng.choice(["swap", "tier"])
    high, low = rng.choice([(1000, 999), (900, 800), (1000, 0), (500, 200), (1, 0)])
    return {
        "form": form,
        "read": rng.choice(["map", "copy"]),
        "ratio": rng.choice([1.0, 1.5, 3.0, 8.0]),
        "control": rng.choice(["watermarks", "counting", "tokens"]),
        "delay": rng.choice([0, 1, 7, 60, 1000]),
        "zero": rng.choice([0, 1, 9, 100]),
        "zero_batch": rng.choice([0, 1, 3]),
        "sector": rng.choice([8, 64, 512, 4096]),
        "budget": rng.choice([0, 1, 4, 100]) if form == "tier" else 0,
        "tokens": rng.choice([1, 2, 8]),
        "high": high,
        "low": low,
        "loss": rng.choice(["go-on", "go-on", "end"]),
    }


def draw_groups(rng: random.Random, case: Case) -> dict[str, Any]:
    """Draw a tree of groups. All pages of a folio are of one group."""
    tree = rng.choice(TREES)
    groups, texts = [], []
    for name in tree:
        most, writeback = rng.choice([None, None, 0, 2, 6]), rng.choice([1, 1, 0])
        parent = 1 + tree.index(name.rpartition("/")[0]) if "/" in name else 0
        groups.append((parent, most, bool(writeback)))
        texts.append(f"{name}:writeback={writeback}" + ("" if most is None else f",max={most * 4096}"))
    units = [(place >> case.order) for place in case.places] if case.places else range(case.pages)
    group_of = {unit: rng.randint(0, len(tree)) for unit in sorted(set(units))}
    return {
        "groups": tuple(groups),
        "group_of": tuple(group_of[unit] for unit in units),
        "more": {"groups": ";".join(texts)},
    }
