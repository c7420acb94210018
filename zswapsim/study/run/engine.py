"""Build the engine of a run from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim.compressors.measure import Measured
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.study.run.backend import open_run_backend, wanted_codecs
from zswapsim.study.run.folios import append_zero_content, compresses_whole, folio_options, group_of_folios
from zswapsim.study.run.nodes import Nodes, open_own_nodes, spare_frames
from zswapsim.study.run.readahead import AddressOrder, open_readahead
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import lies_in_dram, shares_dram
from zswapsim.traces.folios import Folios

if TYPE_CHECKING:  # a run without contents starts faster without these imports
    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents


def open_replay(  # noqa: PLR0913 - each is one thing that a replay rests on
    settings: Settings,
    pages: int,
    contents: Contents | None,
    measured: Measured | Profile | None,
    nodes: Nodes | None = None,
    *,
    group_of: NDArray[np.uint16] | None = None,
    order: AddressOrder | None = None,
    folios: Folios | None = None,
    future: NextAccesses | None = None,
) -> Replay:
    """Return the engine for a footprint of `pages` pages.

    `measured` is needed at sizes depth. Without `nodes` the engine gets its own. `group_of` gives the group of each
    page (:func:`~zswapsim.study.run.groups.page_groups`); without it there is one group. `order` is needed for
    readahead by VMA (:func:`~zswapsim.study.run.readahead.order_for`), `folios` for large folios
    (:func:`~zswapsim.study.run.folios.trace_folios`), `future` for the reclaimer ``opt``
    (:func:`~zswapsim.study.run.future.trace_future`).

    Raises InputError, HostMemoryError.
    """
    dram_frames, node_frames, device_pages = settings.frames(pages)
    first_image = 0 if contents is None else settings.seed % len(contents)
    if folios is not None:
        pages, group_of = folios.pages, group_of_folios(group_of, folios)
        images = settings.depth == "bytes" or compresses_whole(settings)
        contents = None if contents is None else contents.with_zeros(images=images)
        measured = append_zero_content(measured, wanted_codecs([settings]))
    nodes = nodes or open_own_nodes(settings, pages, dram_frames, node_frames)
    backend = open_run_backend(settings, contents, measured, nodes, (dram_frames, device_pages), group_of)
    options: dict[str, Any] = {
        "batch": settings.batch,
        "reclaimer": open_reclaimer(settings.reclaim, future),
        "zero_map": settings.zero_map,
        "verify": settings.verify,
        "readahead": open_readahead(settings, order),
    }
    if contents is not None:
        from zswapsim.traces.kinds import ZERO

        options |= {"next_image": contents.next_image, "zero": (contents.kind == ZERO).astype(np.uint8)}
        options |= {"first_image": first_image}
    if contents is not None and settings.depth == "bytes":
        options |= {"dram": nodes.workload, "images": contents.images}
    if shares_dram(settings.backend):
        options |= {"dram": nodes.workload, "reserved": spare_frames(dram_frames)}
    if contents is None and lies_in_dram(settings.backend):
        options |= {"next_image": np.zeros(1, np.uint32), "zero": np.zeros(1, np.uint8)}
    if folios is not None:
        options |= folio_options(settings, folios, len(contents) if contents else 0)
    return Replay(pages, dram_frames, backend, **options)
