"""Replay one trace over contents with settings, and return a Result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from zswapsim._core.base.arguments import callback, instance
from zswapsim.compressors.measure import Measured
from zswapsim.study.run.engine import open_replay
from zswapsim.study.run.feeding import Feeder, Timeline, feed_trace, window_of
from zswapsim.study.run.folios import trace_folios
from zswapsim.study.run.future import trace_future
from zswapsim.study.run.groups import group_results, page_groups
from zswapsim.study.run.inputs import check_contents, measure_if_needed, open_contents, open_trace
from zswapsim.study.run.nodes import check_binding, host_frames, open_own_nodes
from zswapsim.study.run.readahead import order_for
from zswapsim.study.run.result import BUS_ERROR, COMPLETED, INTERRUPTED, OUT_OF_MEMORY, PAGES_LOST, Result
from zswapsim.study.run.zram_upkeep import ZramUpkeep
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import backend_name, parse_backend
from zswapsim.traces import DenseTrace, Trace

if TYPE_CHECKING:  # a run without contents starts faster without these imports
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

    `trace` and `contents` are objects, or whatever :func:`read_trace` and :func:`read_contents` take; without contents
    the run is at counts depth. `measured` makes a measurement at sizes depth unnecessary: it is a profile of the
    contents, or the lengths and times of one codec. A profile without contents is used as the contents too. `progress`
    is called with the number of accesses done and their total. Ctrl-C ends the run with the outcome ``interrupted`` and
    the counters so far. During the first read of the trace there are no counters yet; then KeyboardInterrupt is raised,
    and it says how far the read had come.

    Raises InputError, and the other ZswapsimError where the machine or a codec fails.
    """
    started = time.perf_counter_ns()
    callback(progress, "progress")
    dense = open_trace(trace)
    asked, held = _choose_depth(settings, open_contents(contents, measured))
    check_contents([asked], held, measured)
    check_binding(asked)
    dense.scan()
    clock = time.perf_counter_ns()
    measured = measure_if_needed(asked, held, measured)
    measure_ns = time.perf_counter_ns() - clock
    folios = trace_folios(asked, dense)
    nodes = open_own_nodes(asked, folios.pages if folios else dense.pages, *asked.frames(dense.pages)[:2])
    group_of = page_groups(asked.groups, dense)
    order = order_for(asked, dense)
    future = trace_future(asked.reclaim, dense)
    engine = open_replay(
        asked, dense.pages, held, measured, nodes, group_of=group_of, order=order, folios=folios, future=future
    )
    timeline = Timeline(engine, window_of(asked.window, dense.events))
    read_before = dense.read_ns
    clock = time.perf_counter_ns()
    feeder = Feeder(engine, asked.depth)
    outcome = _replay(feeder, dense, timeline, asked, progress)
    replay_ns = time.perf_counter_ns() - clock - (dense.read_ns - read_before)
    times = engine.times()
    return Result(
        settings=_settings_with_sizes(asked, dense, held),
        outcome=outcome,
        counters=engine.counters_now(),
        times_ns={"read": dense.read_ns, "measure": measure_ns, "replay": replay_ns, **feeder.times()}
        | {name: int(value) for name, value in times["wall"].items()}
        | {"total": time.perf_counter_ns() - started},
        modelled_ns=times["modelled"],
        fault_latency_ns=engine.latencies(),
        timeline=timeline.rows,
        owners=engine.owners(),
        verified_pages=engine.verified_pages,
        host_frames=host_frames(asked, nodes),
        groups=group_results(asked.groups, engine.backend, group_of),
    )


def _choose_depth(settings: Settings | None, contents: Contents | None) -> tuple[Settings, Contents | None]:
    """Return settings at counts depth if there are no contents, and no contents at counts depth."""
    settings = Settings() if settings is None else instance(settings, Settings, "settings")
    if contents is None:
        return msgspec.structs.replace(settings, depth="counts"), None
    return settings, None if settings.depth == "counts" else contents


def _replay(
    feeder: Feeder, trace: DenseTrace, timeline: Timeline, settings: Settings, progress: Progress | None
) -> str:
    """Feed the whole trace, and return the outcome of the run."""
    engine = feeder.engine
    upkeep = ZramUpkeep(engine.backend, parse_backend(settings.backend).values)
    try:
        if not feed_trace(feeder, trace, timeline, upkeep, progress):
            return BUS_ERROR if engine.bus_error else OUT_OF_MEMORY
    except KeyboardInterrupt:
        return INTERRUPTED
    return PAGES_LOST if engine.counters_now()["lost_pages"] else COMPLETED


def _settings_with_sizes(settings: Settings, trace: DenseTrace, contents: Contents | None) -> dict[str, Any]:
    """Return the settings as a dict, with the names of trace and contents and the frames that sizes came to."""
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
