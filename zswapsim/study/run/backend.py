"""Wire the backend of a run from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend
from zswapsim._core.codec.codec import Codec
from zswapsim.backends import BackendPlan, open_backend
from zswapsim.backends.cram import CramPlan
from zswapsim.backends.lengths import assumed, with_same_filled_compressed
from zswapsim.backends.rules import ZramRules, ZswapRules, zram_rules, zswap_rules
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Measured
from zswapsim.study.run.folios import folio_codec
from zswapsim.study.run.nodes import ELSEWHERE, PRIVATE, Nodes
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import IN_DRAM, BackendSpec, charged_elsewhere, lies_in_dram, parse_backend
from zswapsim.study.settings.cost import PRESETS, in_dram
from zswapsim.study.settings.cram import parse_cram
from zswapsim.study.settings.groups import group_tree

if TYPE_CHECKING:  # a run without contents starts faster without these imports
    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents


def open_run_backend(
    settings: Settings,
    contents: Contents | None,
    measured: Measured | Profile | None,
    nodes: Nodes,
    sizes: tuple[int, int],
    group_of: NDArray[np.uint16] | None = None,
) -> Backend:
    """Return the backend of a run on `nodes`; `sizes` are the frames of DRAM and the pages of the device.

    `group_of` is the group of every page, with :attr:`Settings.groups`. Raises InputError.
    """
    spec = parse_backend(settings.backend)
    if contents is None and lies_in_dram(settings.backend):
        measured = assumed(settings.assumed_length)
    plan = _plan(spec, settings, contents, measured, sizes)._replace(frames=nodes.swap_backend)
    if charged_elsewhere(settings.backend):
        plan = plan._replace(node=ELSEWHERE)
    if spec.name == "cram":
        advertised = nodes.machine.nodes[PRIVATE].frames
        plan = plan._replace(cram=CramPlan(**parse_cram(settings.cram).plan(advertised)))
    if spec.slow_tier is not None:
        slow = _with_groups(
            spec.slow_tier, settings, _plan(spec.slow_tier, settings, contents, measured, sizes), group_of
        )
        plan = plan._replace(slow_tier=slow._replace(frames=nodes.slow_tier))
    else:
        plan = _with_groups(spec, settings, plan, group_of)
    return open_backend(plan)


def _with_groups(
    spec: BackendSpec, settings: Settings, plan: BackendPlan, group_of: NDArray[np.uint16] | None
) -> BackendPlan:
    """Return the plan with its groups if it is zswap's; other backends have none."""
    if spec.name != "zswap":
        return plan
    text = settings.groups if group_of is not None else ""
    groups = group_tree(text, spec.values["max"], bool(spec.values["writeback"]))
    return plan._replace(groups=groups, group_of=group_of)


def _plan(
    spec: BackendSpec,
    settings: Settings,
    contents: Contents | None,
    known: Measured | Profile | None,
    sizes: tuple[int, int],
) -> BackendPlan:
    """Return the plan of one tier, without its frames."""
    zswap = zswap_settings(spec, settings, *sizes) if spec.name == "zswap" else None
    measured = known if known is None or isinstance(known, Measured) else known.measured(settings.compressor)
    if zswap is not None and not zswap.same_filled and measured is not None:
        measured = with_same_filled_compressed(measured)
    cost = PRESETS[settings.cost]
    return BackendPlan(
        name=spec.name,
        cost=in_dram(cost) if spec.name in IN_DRAM else cost,
        device_pages=sizes[1],
        codec=get_compressor(settings.compressor) if settings.depth == "bytes" else None,
        measured=measured,
        chain_size=settings.chain_size,
        accept_threshold_percent=settings.accept_threshold_percent,
        exclusive_loads=settings.exclusive_loads,
        zswap=zswap,
        zram=zram_settings(spec, settings) if spec.name == "zram" else None,
        recompressors=recompression_codecs(spec, settings.depth, contents, known),
        folio_codec=folio_codec(settings, contents),
    )


def zram_settings(spec: BackendSpec, settings: Settings) -> ZramRules:
    """Return zram's limits, and what it tracks."""
    values = spec.values
    return zram_rules(
        mem_limit=values["mem_limit"],
        disksize=values["disksize"],
        keep_slots=not settings.exclusive_loads and spec.slow_tier is None,
        track_access_time=values["idle_age"] is not None,
    )


def zswap_settings(spec: BackendSpec, settings: Settings, dram_frames: int, device_pages: int) -> ZswapRules:
    """Return the rules of zswap with its limits in frames and slots."""
    values = spec.values
    max_frames = dram_frames * values["max_pool_percent"] // 100
    accept = max_frames * settings.accept_threshold_percent // 100
    rules = zswap_rules(values["version"], max_frames, accept, device_pages, writeback=bool(values["writeback"]))
    return rules._replace(
        shrinker=bool(values["shrinker_enabled"]),
        priority=values["shrinker_priority"],
        max_retries=values["retries"],
    )


def recompression_codecs(
    spec: BackendSpec, depth: str, contents: Contents | None, known: Measured | Profile | None
) -> list[Codec | Measured]:
    """Return zram's codecs for recompression, as a plan takes them; none without contents to recompress."""
    names = spec.values.get("algorithms", ())
    if contents is None or not names:
        return []
    if depth == "bytes":
        return [get_compressor(name) for name in names]
    if known is None or isinstance(known, Measured):
        from zswapsim.study.profile import make_profile

        known = make_profile(contents, names)
    return [known.measured(name) for name in names]


def wanted_codecs(settings_list: Sequence[Settings]) -> list[str]:
    """Return the codecs whose lengths runs at sizes depth need, each once: several for zram, none for a plain disk."""
    found: list[str] = []
    for settings in settings_list:
        spec: BackendSpec | None = parse_backend(settings.backend)
        if settings.depth != "sizes" or (spec is not None and spec.name == "disk"):
            continue
        found.append(settings.compressor)
        while spec is not None:
            found += spec.values.get("algorithms", ())
            spec = spec.slow_tier
    return list(dict.fromkeys(found))
