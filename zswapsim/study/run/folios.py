"""Adapt a run to large folios: its pages, contents, lengths and groups, and the engine's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Columns, Measured
from zswapsim.study.settings import Settings
from zswapsim.study.settings.cost import NODES
from zswapsim.study.settings.folios import folio_order, swaps_in_whole
from zswapsim.traces import DenseTrace
from zswapsim.traces.folios import Folios

if TYPE_CHECKING:  # a run without contents starts faster without these imports
    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents

CLEAR_PAGE_NS = PAGE_SIZE / NODES["dram"][1]
"""Time to clear a page of a large folio, at the bandwidth of one core to local DRAM."""


def swaps_in_whole_folios(settings: Settings) -> bool:
    """Tell if a fault swaps in all of a folio that was swapped out as one."""
    return swaps_in_whole(settings.backend, settings.folio_swapin, settings.folio_compress)


def compresses_whole(settings: Settings) -> bool:
    """Tell if a run compresses large folios as one, for which it needs pages at sizes depth too."""
    return settings.folio_compress == "whole" and folio_order(settings.folio) > 0 and settings.depth != "counts"


def folio_codec(settings: Settings, contents: Contents | None) -> FolioCodec | None:
    """Return what compresses large folios as one, if anything does. Raises InputError for a codec that can't."""
    if contents is None or not compresses_whole(settings):
        return None
    codec, order = get_compressor(settings.compressor), folio_order(settings.folio)
    return FolioCodec(codec, order, contents.images if settings.depth == "sizes" else None)


def trace_folios(settings: Settings, trace: DenseTrace) -> Folios | None:
    """Return the folios of a trace that was scanned; None if every folio is a page. Raises InputError."""
    order = folio_order(settings.folio)
    return trace.folios(order) if order else None


def group_of_folios(group_of: NDArray[np.uint16] | None, folios: Folios) -> NDArray[np.uint16] | None:
    """Return the group of every page of all folios, from the groups of the trace's pages: a folio has one process."""
    if group_of is None:
        return None
    found = np.zeros(folios.pages >> folios.order, np.uint16)
    found[folios.place >> np.uint32(folios.order)] = group_of
    return np.repeat(found, 1 << folios.order)


def append_zero_content(known: Measured | Profile | None, specs: Sequence[str]) -> Measured | Profile | None:
    """Return `known` with one more content at its end, a page of zeros, as the codecs `specs` compress it."""
    if known is None or not specs:
        return known
    from zswapsim.study.profile import make_profile
    from zswapsim.traces import Contents

    zeros = make_profile(Contents(np.zeros((1, PAGE_SIZE), np.uint8), "zeros"), specs, threads=1)
    if isinstance(known, Measured):
        return _join(known, zeros.measured(specs[0]))
    for spec in specs:
        known.measured(spec)
    return replace(
        known,
        content=np.append(known.content, np.uint32(len(known.kind))),
        kind=np.append(known.kind, zeros.kind),
        digest=np.concatenate([known.digest, zeros.digest]),
        columns={key: _join_columns(known.columns[key], zeros.columns[key]) for key in zeros.columns},
        _expanded={},
    )


def _join(first: Measured, second: Measured) -> Measured:
    both = (first.compressed, second.compressed)
    return Measured(
        first.spec,
        np.append(first.size, second.size),
        np.append(first.same_filled, second.same_filled),
        np.append(first.zero, second.zero),
        np.append(first.compress_ns, second.compress_ns),
        np.append(first.decompress_ns, second.decompress_ns),
        _join_columns(both[0], both[1]) if both[0] is not None and both[1] is not None else None,
    )


def _join_columns(first: Columns, second: Columns) -> Columns:
    return Columns(
        np.append(first.size, second.size),
        np.append(first.compress_ns, second.compress_ns),
        np.append(first.decompress_ns, second.decompress_ns),
    )


def folio_options(settings: Settings, folios: Folios, images: int) -> dict[str, Any]:
    """Return the arguments of Replay for folios; of `images` contents, if any, the last is zero."""
    return {
        "order": folios.order,
        "place": folios.place,
        "swaps_in_whole": swaps_in_whole_folios(settings),
        "zero_image": max(images - 1, 0),
        "clear_ns": CLEAR_PAGE_NS,
    }
