"""Plan a running process (`zswapsim plan pid:PID`) from what can be observed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim.live import Activity, damon_activity, observe
from zswapsim.live.procfs import threads_of
from zswapsim.reclaimers.names import parse_reclaim
from zswapsim.study.plan.access_rate import measure_access_rate
from zswapsim.study.plan.make_plan import Plan, check_prices_given, make_plan
from zswapsim.study.plan.objectives import DEFAULT, parse_objectives
from zswapsim.study.plan.observed_traffic import ObservedTraffic, observed_access_rate
from zswapsim.study.plan.page_costs import measure_costs, open_codecs
from zswapsim.study.plan.plan import COMPRESSORS, check_prices, open_timed_trace, require_contents
from zswapsim.study.plan.plan_point import Prices, Workload
from zswapsim.study.plan.traffic import open_traffic_source
from zswapsim.study.plan.trial_runs import TrialSetup, why_without_bytes
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents, read_contents
from zswapsim.traces.capture import Snapshot
from zswapsim.traces.perf import PerfTrace
from zswapsim.traces.process import process_id

Progress = Callable[[int, int], None]
PREFIX = "pid:"
MOST_PAGES = 1 << 14
"""The maximum number of pages that are captured, evenly spread over the process: 64 MiB."""
PERF_LIMITS = (
    "accesses are page faults alone: what was used without one is not among them",
    "the footprint is the pages that were faulted, not all that the process has",
    "perf's software events don't tell writes from reads; exceptions:page_fault_user does",
)


class PlanRequest(NamedTuple):
    """Hold the checked arguments of a plan beside the process."""

    objectives: Sequence[str]
    contents: str | Contents | None
    codecs: Mapping[str, Codec]
    dram: Sequence[str | int]
    prices: Prices | None
    settings: Settings
    progress: Progress | None


def plan_process(  # noqa: PLR0913 - each is one input of a plan
    pid: int | str,
    objectives: Sequence[str] = DEFAULT,
    *,
    seconds: float = 10.0,
    method: str = "auto",
    damon: str | Path | None = None,
    perf: str | Path | None = None,
    contents: str | Contents | None = None,
    compressors: Sequence[str] = COMPRESSORS,
    dram: Sequence[str | int] = (),
    prices: tuple[float, float] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan with which process `pid` keeps `objectives`.

    The process is observed for `seconds` by `method` (of :data:`zswapsim.live.METHODS`). Instead, `damon` names a
    record of DAMON, or `perf` a text by perf script of the process's page faults. Only the latter is a trace, on which
    the recommended point can be run. `contents` are those of its pages; without them up to 64 MiB of its own pages are
    read. The other arguments are those of :func:`zswapsim.study.plan.plan.plan`.

    Raises InputError for arguments that are not understood, for an unknown process and for a file that is no record,
    ZswapsimError if this user may not read the process.
    """
    number = process_id(pid)
    request = PlanRequest(
        objectives, contents, open_codecs(compressors), dram, check_prices(prices), settings or Settings(), progress
    )
    check_prices_given(parse_objectives(objectives), request.prices)
    if damon is not None and perf is not None:
        raise InputError("--damon, --perf: expected one of them")
    if perf is not None:
        return _plan_from_faults(number, perf, request)
    if parse_reclaim(request.settings.reclaim)[0] != "lru":
        raise InputError(f"--reclaim {request.settings.reclaim}: expected lru: of a process, only idle times are known")
    if contents is None:
        Snapshot(number, 1)  # if its pages can't be read, say so before the wait
    seen = (
        damon_activity(damon, number)
        if damon is not None
        else observe(number, seconds, method=method, progress=progress)
    )
    return _plan_from_activity(number, seen, request)


def _plan_from_activity(number: int, seen: Activity, request: PlanRequest) -> Plan:
    """Plan by bounds, without a run. Pages are read after the interval, since reading sets accessed bits."""
    source = ObservedTraffic(seen)
    held = _contents(number, request)
    return make_plan(
        source,
        measure_costs(request.codecs, held, source.pages, request.settings, request.progress),
        Workload(source.pages, None, observed_access_rate(seen, source.pages), request.prices),
        request.objectives,
        names=(f"process {number}", held.name),
        settings=request.settings,
        dram=request.dram,
    )


def _plan_from_faults(number: int, perf: str | Path, request: PlanRequest) -> Plan:
    """Plan with the page faults as a trace, and with runs over it."""
    dense = open_timed_trace(PerfTrace(perf, str(perf).endswith(".zst"), threads_of(number)))
    dense.scan(request.progress)
    held = _contents(number, request)
    source = open_traffic_source(dense, request.settings, request.progress)
    source.limits = (*source.limits, *PERF_LIMITS)
    return make_plan(
        source,
        measure_costs(request.codecs, held, dense.pages, request.settings, request.progress),
        Workload(dense.pages, dense.events, measure_access_rate(dense), request.prices),
        request.objectives,
        names=(f"{perf} (page faults of process {number})", held.name),
        settings=request.settings,
        dram=request.dram,
        trials=TrialSetup(dense, held, request.settings, request.progress, None, why_without_bytes(held, dense.pages)),
    )


def _contents(number: int, request: PlanRequest) -> Contents:
    """Return the contents that were asked for, or else the process's own pages."""
    if isinstance(request.contents, Contents):
        return request.contents
    if request.contents is not None and request.contents != f"{PREFIX}{number}":
        return require_contents(read_contents(request.contents))
    snapshot = Snapshot(number, MOST_PAGES)
    images = np.concatenate(list(snapshot.blocks(request.progress)))
    held = Contents(images, f"{PREFIX}{number} ({len(images):,} of its pages)")
    held.private = True
    return held
