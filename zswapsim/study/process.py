"""`zswapsim plan pid:PID`: how to provision a running process, from what can be seen of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim.live import Activity, damon_activity, observe
from zswapsim.study.confirm import Bench, without_bytes
from zswapsim.study.objectives import DEFAULT, parse_objectives
from zswapsim.study.observed import Observed, observed_pace
from zswapsim.study.pace import measure_pace
from zswapsim.study.pagecosts import codecs_of, measure_costs
from zswapsim.study.plan import COMPRESSORS, checked_prices, needed_contents, timed
from zswapsim.study.point import Prices, Workload
from zswapsim.study.policies import parse_reclaim
from zswapsim.study.provision import Plan, check_priced, plan_from
from zswapsim.study.settings import Settings
from zswapsim.study.traffic import open_source
from zswapsim.traces import Contents, read_contents
from zswapsim.traces.capture import Snapshot
from zswapsim.traces.perf import PerfTrace
from zswapsim.traces.process import no_such_process, process_id

Progress = Callable[[int, int], None]
PREFIX = "pid:"
MOST_PAGES = 1 << 14
"""Captured at most, evenly spread: 64 MiB."""
PERF_LIMITS = (
    "accesses are page faults alone: what was used without one is not among them",
    "the footprint is the pages that were faulted, not all that the process has",
    "perf's software events don't tell writes from reads; exceptions:page_fault_user does",
)


class Asked(NamedTuple):
    """What a plan is to keep, and what it rests on beside the process."""

    objectives: Sequence[str]
    contents: str | Contents | None
    codecs: Mapping[str, Codec]
    dram: Sequence[str | int]
    prices: Prices | None
    settings: Settings
    progress: Progress | None


def plan_process(  # noqa: PLR0913 - each is one thing that a plan rests on
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
    """How to provision process `pid` so that `objectives` are kept.

    It is observed for `seconds` by `method` (of :data:`zswapsim.live.METHODS`), or what is known of it comes from
    `damon`, a record of DAMON, or `perf`, a text by perf script of its page faults. Only the last is a trace, on which
    what is recommended can be run. `contents`: what its pages hold; else its own, up to 64 MiB of them. The others as
    in :func:`zswapsim.study.plan.plan`.

    Raises InputError for what was asked wrongly, no such process or a record that is none, ZswapsimError where this
    user may not look into the process.
    """
    number = process_id(pid)
    asked = Asked(
        objectives, contents, codecs_of(compressors), dram, checked_prices(prices), settings or Settings(), progress
    )
    check_priced(parse_objectives(objectives), asked.prices)
    if damon is not None and perf is not None:
        raise InputError("--damon, --perf: expected one of them")
    if perf is not None:
        return _of_faults(number, perf, asked)
    if parse_reclaim(asked.settings.reclaim)[0] != "lru":
        raise InputError(f"--reclaim {asked.settings.reclaim}: expected lru: of a process, only idle times are known")
    if contents is None:
        Snapshot(number, 1)  # a refusal comes before the wait
    seen = (
        damon_activity(damon, number)
        if damon is not None
        else observe(number, seconds, method=method, progress=progress)
    )
    return _of_activity(number, seen, asked)


def _of_activity(number: int, seen: Activity, asked: Asked) -> Plan:
    """By bounds, without a run: pages are read behind the interval, since reading sets accessed bits."""
    source = Observed(seen)
    held = _contents(number, asked)
    return plan_from(
        source,
        measure_costs(asked.codecs, held, source.pages, asked.settings, asked.progress),
        Workload(source.pages, None, observed_pace(seen, source.pages), asked.prices),
        asked.objectives,
        names=(f"process {number}", held.name),
        settings=asked.settings,
        dram=asked.dram,
    )


def _of_faults(number: int, perf: str | Path, asked: Asked) -> Plan:
    """The faults as a trace, with runs over it."""
    dense = timed(PerfTrace(perf, str(perf).endswith(".zst"), threads_of(number)))
    dense.scan(asked.progress)
    held = _contents(number, asked)
    source = open_source(dense, asked.settings, asked.progress)
    source.limits = (*source.limits, *PERF_LIMITS)
    return plan_from(
        source,
        measure_costs(asked.codecs, held, dense.pages, asked.settings, asked.progress),
        Workload(dense.pages, dense.events, measure_pace(dense), asked.prices),
        asked.objectives,
        names=(f"{perf} (page faults of process {number})", held.name),
        settings=asked.settings,
        dram=asked.dram,
        bench=Bench(dense, held, asked.settings, asked.progress, None, without_bytes(held, dense.pages)),
    )


def _contents(number: int, asked: Asked) -> Contents:
    """What was asked for, else the process's own pages."""
    if isinstance(asked.contents, Contents):
        return asked.contents
    if asked.contents is not None and asked.contents != f"{PREFIX}{number}":
        return needed_contents(read_contents(asked.contents))
    snapshot = Snapshot(number, MOST_PAGES)
    images = np.concatenate(list(snapshot.blocks(asked.progress)))
    return Contents(images, f"{PREFIX}{number} ({len(images):,} of its pages)")


def threads_of(pid: int) -> frozenset[int]:
    """The process and its threads, as perf may name either. Raises InputError where there is no such process."""
    try:
        return frozenset({pid, *(thread.id for thread in psutil.Process(pid).threads())})
    except psutil.NoSuchProcess:
        raise no_such_process(f"pid {pid}") from None
    except psutil.AccessDenied:
        return frozenset({pid})
