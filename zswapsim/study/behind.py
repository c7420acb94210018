"""The backend of a run: from its settings to a plan."""

import math
from typing import Any

from zswapsim._core.backend import Backend
from zswapsim.backends import BackendPlan, open_backend
from zswapsim.backends.lengths import assumed, with_same_filled_compressed
from zswapsim.backends.rules import PoolRules, zram_rules, zswap_rules
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Measured, measure
from zswapsim.study.backendspec import IN_DRAM, BackendSpec, parse_backend
from zswapsim.study.cost import PRESETS, in_dram
from zswapsim.study.nodes import Nodes
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents


def open_behind(
    settings: Settings, contents: Contents | None, measured: Measured | None, nodes: Nodes, sizes: tuple[int, int]
) -> Backend:
    """The backend of a run on `nodes`; `sizes` are frames of DRAM and pages of the device. Raises InputError."""
    spec = parse_backend(settings.backend)
    real = settings.depth == "bytes"
    pooled = spec.name in IN_DRAM
    if pooled and contents is None:
        measured = assumed(settings.assumed_length)
    rules = pool_rules(spec, settings, *sizes) if pooled else None
    if rules is not None and not rules.same_filled and measured is not None and contents is not None:
        measured = with_same_filled_compressed(measured, get_compressor(settings.compressor), contents.images)
    cost = PRESETS[settings.cost]
    return open_backend(
        BackendPlan(
            name=spec.name,
            cost=in_dram(cost) if pooled else cost,
            device_pages=sizes[1],
            frames=nodes.swap_backend,
            codec=get_compressor(settings.compressor) if real else None,
            measured=measured,
            chain_size=settings.chain_size,
            accept_threshold_percent=settings.accept_threshold_percent,
            exclusive_loads=settings.exclusive_loads,
            rules=rules,
            further=further_codecs(spec, settings.depth, contents),
        )
    )


def pool_rules(spec: BackendSpec, settings: Settings, dram_frames: int, device_pages: int) -> PoolRules:
    """The rules of a pool in DRAM."""
    values = spec.values
    if spec.name == "zram":
        stay = not settings.exclusive_loads
        return zram_rules(mem_limit=values["mem_limit"], disksize=values["disksize"], slots_stay=stay)
    given: dict[str, Any] = {name: values[name] for name in ("max_pool_percent", "version", "retries")}
    return zswap_rules(
        dram_frames,
        device_pages,
        accept_threshold_percent=settings.accept_threshold_percent,
        group_bytes=values["max"],
        writeback=bool(values["writeback"]),
        shrinker_enabled=bool(values["shrinker_enabled"]),
        shrinker_priority=values["shrinker_priority"],
        **given,
    )


def further_codecs(spec: BackendSpec, depth: str, contents: Contents | None) -> list[Any]:
    """zram's codecs for recompression, as a plan takes them. Without contents there is nothing to recompress."""
    codecs = [get_compressor(name) for name in spec.values.get("algorithms", ())]
    if depth == "bytes" or contents is None:
        return codecs if contents is not None else []
    return [measure(codec, contents.images) for codec in codecs]


def spare_frames(dram_frames: int) -> int:
    """Frames that only a reclaim may take: min_free_kbytes, as calculate_min_free_kbytes() in mm/page_alloc.c has it."""
    kilobytes = min(max(math.isqrt(dram_frames * 4 * 16), 128), 262144)
    return kilobytes // 4
