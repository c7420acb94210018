"""One run: a trace, contents and settings become a Result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.engine.replay import Replay
from zswapsim.compressors.measure import Measured
from zswapsim.study.backendspec import backend_name, charged_elsewhere, lies_in_dram, parse_backend, shares_dram
from zswapsim.study.behind import open_behind, spare_frames, wanted_codecs
from zswapsim.study.feeding import Feeding
from zswapsim.study.folios import (
    Engine,
    compresses_whole,
    expect_folios,
    group_of_folios,
    known_with_zeros,
    open_folios,
    trace_folios,
)
from zswapsim.study.groups import group_results, page_groups
from zswapsim.study.nodes import PRIVATE, Nodes, check_binding, open_nodes
from zswapsim.study.readahead import AddressOrder, open_readahead, order_for
from zswapsim.study.reclaim import open_reclaimer
from zswapsim.study.result import BUS_ERROR, COMPLETED, INTERRUPTED, OUT_OF_MEMORY, PAGES_LOST, Result
from zswapsim.study.settings import MOST_FRAMES, NO_HOST_NODE, Settings
from zswapsim.study.timeline import Timeline
from zswapsim.study.upkeep import Upkeep
from zswapsim.traces import DenseTrace, Trace, read_trace
from zswapsim.traces.folios import Folios

if TYPE_CHECKING:  # a run without contents starts without them
    from pathlib import Path

    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents

Progress = Callable[[int, int], None]


def run(
    trace: str | Path | Trace | DenseTrace,
    contents: str | Contents | None = None,
    settings: Settings | None = None,
    *,
    measured: Measured | Profile | None = None,
    progress: Progress | None = None,
) -> Result:
    """Replay a trace over contents with settings.

    `trace` and `contents` are objects or what :func:`read_trace` and :func:`read_contents` take; without contents
    the run is at counts depth. `measured` spares the measuring at sizes depth: a profile of the contents, or what one
    codec makes of them; a profile without contents stands for its own. `progress` is called with accesses done and all
    of them. Ctrl-C ends the run as ``interrupted``, with the counters so far; while the trace is still read for the
    first time there are none, and the KeyboardInterrupt says how far that was.

    Raises InputError, and the other ZswapsimError where the machine or a codec fails.
    """
    started = time.perf_counter_ns()
    asked = settings or Settings()
    dense = open_trace(trace)
    held = held_contents(contents, measured)
    asked = msgspec.structs.replace(asked, depth="counts") if held is None else asked
    held = None if asked.depth == "counts" else held
    check_contents([asked], held, measured)
    check_binding(asked)
    dense.scan()
    clock = time.perf_counter_ns()
    measured = _measured(asked, held, measured)
    measure_ns = time.perf_counter_ns() - clock
    dram_frames, node_frames, _ = asked.frames(dense.pages)
    folios = trace_folios(asked, dense)
    nodes = _nodes(asked, folios.pages if folios else dense.pages, dram_frames, node_frames)
    group_of = page_groups(asked.groups, dense)
    order = order_for(asked, dense)
    engine = open_replay(asked, dense.pages, held, measured, nodes, group_of=group_of, order=order, folios=folios)
    timeline = Timeline(engine, asked.window or -(-dense.events // 100))
    upkeep = Upkeep(engine.backend, parse_backend(asked.backend).values)
    read_before = dense.read_ns
    clock = time.perf_counter_ns()
    feeding = Feeding(engine, asked.depth)
    outcome = _replay(feeding, dense, timeline, upkeep, progress)
    replay_ns = time.perf_counter_ns() - clock - (dense.read_ns - read_before)
    times = engine.times()
    return Result(
        settings=_described(asked, dense, held, engine),
        outcome=outcome,
        counters=engine.counters_now(),
        times_ns={"read": dense.read_ns, "measure": measure_ns, "replay": replay_ns}
        | feeding.times()
        | {name: int(value) for name, value in times["wall"].items()}
        | {"total": time.perf_counter_ns() - started},
        modelled_ns=times["modelled"],
        fault_latency_ns=engine.latencies(),
        timeline=timeline.rows,
        owners=engine.owners(),
        verified_pages=engine.verified_pages,
        host_frames=located(asked, nodes),
        groups=group_results(asked.groups, engine.backend, group_of),
    )


def open_trace(trace: str | Path | Trace | DenseTrace) -> DenseTrace:
    """A DenseTrace of any form of trace. Raises InputError."""
    if isinstance(trace, DenseTrace):
        return trace
    return DenseTrace(trace if isinstance(trace, Trace) else read_trace(trace))


def located(settings: Settings, nodes: Nodes) -> dict[str, int]:
    """Where the private node's frames lie on the host, if that was asked for."""
    if settings.bind_node == NO_HOST_NODE:
        return {}
    return {str(node): frames for node, frames in nodes.machine.nodes[PRIVATE].arena.located().items()}


def open_replay(
    settings: Settings,
    pages: int,
    contents: Contents | None,
    measured: Measured | Profile | None,
    nodes: Nodes | None = None,
    *,
    group_of: NDArray[np.uint16] | None = None,
    order: AddressOrder | None = None,
    folios: Folios | None = None,
) -> Engine:
    """The engine for a footprint of `pages` pages; `measured` at sizes depth; `nodes` when left out are its own.

    `group_of`: the group of each page (:func:`~zswapsim.study.groups.page_groups`); without it there is one.
    `order`: for readahead by VMA (:func:`~zswapsim.study.readahead.order_for`). `folios`: large ones
    (:func:`~zswapsim.study.folios.trace_folios`).

    Raises InputError, HostMemoryError.
    """
    dram_frames, node_frames, device_pages = settings.frames(pages)
    first_image = 0 if contents is None else settings.seed % len(contents)
    reclaimer = open_reclaimer(settings.reclaim)
    if folios is not None:
        pages, group_of = folios.pages, group_of_folios(group_of, folios)
        images = settings.depth == "bytes" or compresses_whole(settings)
        contents = None if contents is None else contents.with_zeros(images=images)
        measured = known_with_zeros(measured, wanted_codecs([settings]))
        expect_folios(reclaimer, settings, folios)
    nodes = nodes or _nodes(settings, pages, dram_frames, node_frames)
    backend = open_behind(settings, contents, measured, nodes, (dram_frames, device_pages), group_of)
    options: dict[str, Any] = {
        "batch": settings.batch,
        "reclaimer": reclaimer,
        "zero_map": settings.zero_map,
        "verify": settings.verify,
        "ahead": open_readahead(settings, order),
    }
    if contents is not None:
        from zswapsim.traces.kinds import ZERO

        options |= {"next_image": contents.next_image, "zero": (contents.kind == ZERO).astype(np.uint8)}
        options |= {"first_image": first_image}
    if contents is not None and settings.depth == "bytes":
        options |= {"dram": nodes.workload, "images": contents.images}
    if shares_dram(settings.backend):
        options |= {"dram": nodes.workload, "spare": spare_frames(dram_frames)}
    if contents is None and lies_in_dram(settings.backend):
        options |= {"next_image": np.zeros(1, np.uint32), "zero": np.zeros(1, np.uint8)}
    engine = Replay(pages, dram_frames, backend, **options)
    return engine if folios is None else open_folios(engine, settings, folios, len(contents) if contents else 0)


def _nodes(settings: Settings, pages: int, dram_frames: int, node_frames: int) -> Nodes:
    """The machine of a run of its own: no more DRAM than there are pages, and no end of it to a pool elsewhere."""
    if charged_elsewhere(settings.backend):
        node_frames = min(pages * settings.chain_size, MOST_FRAMES - 1)  # each object in a zspage of its own
    return open_nodes(settings, min(dram_frames, pages), node_frames, spare_frames(dram_frames))


def held_contents(contents: str | Contents | None, measured: Measured | Profile | None) -> Contents | None:
    """The contents of a run: those that are given or named, else those of a profile. Raises InputError."""
    if isinstance(contents, str):
        from zswapsim.traces import read_contents

        return read_contents(contents)
    if contents is None and measured is not None and not isinstance(measured, Measured):
        return measured.contents()
    return contents


def check_contents(
    settings_list: Sequence[Settings], contents: Contents | None, measured: Measured | Profile | None
) -> None:
    """Raise InputError where runs can't be given these contents, or what was measured is not of them."""
    if contents is None:
        return
    if not contents.holds_bytes and any(map(compresses_whole, settings_list)):
        raise InputError("--folio-compress whole: a profile holds no pages: expected --contents too")
    if not contents.holds_bytes and any(settings.depth == "bytes" for settings in settings_list):
        raise InputError("--depth bytes: a profile holds no pages: expected --contents too, or --depth sizes")
    specs = wanted_codecs(settings_list)
    if measured is None or not specs:
        return
    if not isinstance(measured, Measured):
        measured.check(contents, specs)
    elif len(measured.size) != len(contents):
        raise InputError(f"measured sizes of {len(measured.size)} contents: expected {len(contents)}")


def _measured(
    settings: Settings, contents: Contents | None, measured: Measured | Profile | None
) -> Measured | Profile | None:
    """What a run at sizes depth accounts with; a plain disk needs none."""
    specs = wanted_codecs([settings])
    if contents is None or not specs:
        return None
    if measured is not None:
        return measured
    from zswapsim.study.profile import make_profile

    return make_profile(contents, specs)


def _replay(feeding: Feeding, trace: DenseTrace, timeline: Timeline, upkeep: Upkeep, progress: Progress | None) -> str:
    """Feeds the trace in pieces short enough that Ctrl-C is heard soon. Returns the outcome."""
    engine, done = feeding.engine, 0
    try:
        for pages, ops in trace.chunks():
            first = 0
            while first < len(pages):
                end = min(first + min(feeding.piece, timeline.until_next(done), upkeep.until_next(done)), len(pages))
                fed = feeding.feed(pages[first:end], ops[first:end])
                done += fed
                short = fed < end - first
                if not short:
                    upkeep.note(done)
                timeline.note(done, final=short)
                if short:
                    return BUS_ERROR if engine.bus_error else OUT_OF_MEMORY
                first = end
                if progress is not None:
                    progress(done, trace.events)
    except KeyboardInterrupt:
        timeline.note(done, final=True)
        return INTERRUPTED
    timeline.note(done, final=True)
    return PAGES_LOST if engine.counters_now()["lost_pages"] else COMPLETED


def _described(settings: Settings, trace: DenseTrace, contents: Contents | None, engine: Engine) -> dict[str, Any]:
    dram, node, device = settings.frames(trace.pages)
    asked: dict[str, Any] = msgspec.to_builtins(settings)
    return asked | {
        "reclaim_batch": settings.batch,
        "trace": trace.name,
        "contents": "none" if contents is None else contents.name,
        "footprint_pages": trace.pages,
        "dram_frames": dram,
        "node_frames": node if backend_name(settings.backend) in ("private-node", "cram") else 0,
        "device_pages": device,
    }
