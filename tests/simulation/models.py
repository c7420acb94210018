"""Build the reference of a simulated run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.reference import RECLAIMERS
from tests.reference.cram import CramMachine, Device
from tests.reference.folios import (
    FolioNodeBeforeZswap,
    Folios,
    FolioZram,
    FolioZramBeforeZswap,
    FolioZswap,
    WholeFolios,
)  # fmt: skip
from tests.reference.pools import Zram, Zswap
from tests.reference.readahead import Cluster, Vma
from tests.reference.reclaim import Opt, Reclaimer
from tests.reference.replay import Machine, Swap
from tests.reference.store import Store
from tests.reference.tiers import NodeBeforeZswap, ZramBeforeZswap
from tests.simulation.case import Case
from tests.simulation.worlds import PAGE, World, physical, world
from zswapsim import get_compressor
from zswapsim._core.backend.foliocodec import FolioCodec

SINGLE: dict[str, Any] = {
    "zswap": Zswap,
    "zram": Zram,
    "private-node/zswap": NodeBeforeZswap,
    "zram/zswap": ZramBeforeZswap,
}
LARGE: dict[str, Any] = {
    "zswap": FolioZswap,
    "zram": FolioZram,
    "private-node/zswap": FolioNodeBeforeZswap,
    "zram/zswap": FolioZramBeforeZswap,
}


def build_model(case: Case) -> Any:
    """Return the model of a run. Its `number_of` gives its own number of a page of the trace."""
    place = world(case.world)
    model = {"cram": cram_model, "private-node": node_model, "disk": node_model}.get(case.backend, pool_model)(
        case, place
    )
    model.faults = place.faults
    if isinstance(model, ZramBeforeZswap):
        model.slow.faults = place.faults
    return model


def shared_options(case: Case, place: World) -> dict[str, Any]:
    """Return the parameters that every model has."""
    settings = case.settings
    options = {
        "batch": settings["reclaim_batch"],
        "zero_map": settings["zero_map"],
        "seed": settings["seed"] % len(place.images),
        "reclaimer": build_reclaimer(case),
    }
    if case.places:
        options |= {"size": 1 << case.order, "whole": swaps_in_whole(case)}
    elif settings.get("readahead", "none") != "none" and settings["page_cluster"] and case.device:
        options |= {"readahead": build_readahead(case)}
    return options


def swaps_in_whole(case: Case) -> bool:
    """Return True if a fault swaps in all of a folio that was swapped out as one."""
    swapin = case.settings["folio_swapin"]
    return swapin == "whole" or (swapin == "auto" and (case.backend == "zram" or "folio_compress" in case.settings))


def build_reclaimer(case: Case) -> Reclaimer | None:
    """Return the reclaimer; None is exact LRU."""
    name = case.settings["reclaim"]
    if name == "lru":
        return None
    if name == "opt":
        return Opt(case.frames, case.pages, [page for page, _ in case.accesses])
    if not case.places:
        return RECLAIMERS[name](case.frames, case.pages)
    units = case.frames >> case.order if swaps_in_whole(case) else case.frames
    return RECLAIMERS[name](units, span(case))


def span(case: Case) -> int:
    """Return the pages of all folios, or of the trace if folios are single pages."""
    size = 1 << case.order
    return (max(case.places) // size + 1) * size if case.places else case.pages


def build_readahead(case: Case) -> Cluster | Vma:
    most = case.settings["page_cluster"]
    if case.settings["readahead"] == "cluster":
        return Cluster(case.pages, most)
    addresses = list(case.addresses or ())
    return Vma(addresses, [address // 4000 for address in addresses], most)


def length_of(case: Case, place: World) -> Callable[[bytes], int]:
    return partial(place.length, case.settings["compressor"])


# -- backends ---------------------------------------------------------------------------------------------------------


def node_model(case: Case, place: World) -> Machine:
    """Return the model of a private node or of a plain disk."""
    settings, length = case.settings, length_of(case, place)
    store = Store(case.node * PAGE, length, settings["chain_size"]) if case.backend != "disk" else None
    swap = Swap(store, case.device, settings["accept_threshold_percent"], settings["exclusive_loads"])
    contents = place.model_contents(with_zeros=case.places is not None)
    options = shared_options(case, place)
    if "folio_compress" in settings:
        codec = FolioCodec(get_compressor(settings["compressor"]), case.order)
        return WholeFolios(case.frames, contents, swap, whole_length=codec.length, **options)
    return (Folios if case.places else Machine)(case.frames, contents, swap, **options)


def pool_model(case: Case, place: World) -> Machine:
    """Return the model of a pool in DRAM, or of two tiers."""
    settings = case.settings
    zswap = zswap_options(case) if "zswap" in case.backend else {}
    options = shared_options(case, place) | {
        "chain_size": settings["chain_size"],
        "exclusive": settings["exclusive_loads"],
    }
    if "zram" in case.backend:
        zram = case.options["zram"]
        options |= {name: zram[name] for name in ("mem_limit", "disksize", "charged")}
        options |= {"stronger": tuple(partial(place.length, spec) for spec in zram["stronger"])}
        options |= {"slow_options": zswap} if zswap else {}
    else:
        options |= zswap
    if case.backend == "private-node/zswap":
        options |= {"node_frames": case.node}
    contents = place.model_contents(with_zeros=case.places is not None)
    made = (LARGE if case.places else SINGLE)[case.backend]
    return made(case.frames, contents, length_of(case, place), case.device, **options)


def zswap_options(case: Case) -> dict[str, Any]:
    """Return zswap's parameters as its model takes them."""
    asked = case.options["zswap"]
    groups = None if case.group_of is None else dict(zip(case.places or range(case.pages), case.group_of, strict=True))
    if groups and case.places:
        # A folio's pages that are never accessed are of its group too.
        folios = {number >> case.order: group for number, group in groups.items()}
        groups = {(folio << case.order) + i: group for folio, group in folios.items() for i in range(1 << case.order)}
    return {
        "max_pool_percent": asked["max_pool_percent"],
        "accept_threshold_percent": case.settings["accept_threshold_percent"],
        "version": tuple(map(int, asked["version"].split("."))),
        "group_bytes": asked.get("max"),
        "writeback": bool(asked["writeback"]),
        "shrinker": bool(asked["shrinker_enabled"]),
        "priority": asked["shrinker_priority"],
        "retries": asked["retries"],
        "groups": case.groups,
        "group_of": groups,
    }


def cram_model(case: Case, place: World) -> CramMachine:
    """Return the model of a device that compresses by itself."""
    asked, length = case.options["cram"], length_of(case, place)
    device = Device(
        case.node, max(1, int(case.node * PAGE / asked["ratio"])), asked["high"], asked["low"],
        **{name: asked[name] for name in ("delay", "zero", "zero_batch", "tokens")},
    )  # fmt: skip
    return CramMachine(
        case.frames,
        place.model_contents(with_zeros=False),
        device,
        [physical(length(page), page, asked["sector"]) for page in place.images],
        case.device,
        raw=frozenset(number for number, page in enumerate(place.images) if length(page) >= PAGE),
        control=asked["control"],
        tier=asked["form"] == "tier",
        maps=asked["read"] == "map",
        exclusive=case.settings["exclusive_loads"],
        loss_ends_run=asked["loss"] == "end",
        budget=asked["budget"],
        **shared_options(case, place),
    )
