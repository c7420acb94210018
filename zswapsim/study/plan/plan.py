"""Plan a workload: find the DRAM size, the node size and the compressor with which a trace keeps its objectives.

Every size is estimated from faults by size and measured pages. The recommended point is then run, and a plan only says
that it keeps the objectives if the run has shown that.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from zswapsim._core.base.arguments import callback, instance, listed, number
from zswapsim._core.base.errors import InputError
from zswapsim.study.plan.access_rate import TimedTrace, measure_access_rate
from zswapsim.study.plan.make_plan import Plan, check_prices_given, make_plan
from zswapsim.study.plan.objectives import DEFAULT, parse_objectives
from zswapsim.study.plan.page_costs import measure_costs, open_codecs
from zswapsim.study.plan.plan_point import Prices, Workload
from zswapsim.study.plan.traffic import open_traffic_source
from zswapsim.study.plan.trial_runs import TrialSetup, why_without_bytes
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.run.inputs import open_contents, open_trace
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents, DenseTrace, Trace, read_trace

Progress = Callable[[int, int], None]
COMPRESSORS = ("lzo-rle", "lz4", "zstd")


def plan(  # noqa: PLR0913 - each is one input of a plan
    trace: str | Path | Trace | DenseTrace,
    contents: str | Contents | None,
    objectives: Sequence[str] = DEFAULT,
    *,
    compressors: Sequence[str] = COMPRESSORS,
    dram: Sequence[str | int] = (),
    access_ns: float | None = None,
    prices: tuple[float, float] | None = None,
    settings: Settings | None = None,
    profile: Profile | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan with which `trace` over `contents` keeps `objectives`.

    `trace` and `contents` are what :func:`zswapsim.run` takes. `dram` lists the sizes of the table. `access_ns` is the
    time of an access whose page is resident; without it the trace's times are used, or else a default. `prices` are
    those of a GiB of DRAM and of the node. Of `settings`, cost, reclaim, reclaim_batch, chain_size, seed and zero_map
    are used. With a `profile` of the contents they are not measured again; a profile without contents is used as the
    contents too. Then points are run at sizes depth; they also are if the pages do not fit this machine's free memory.

    Raises InputError for arguments that are not understood, and what :func:`zswapsim.run` raises.
    """
    instance(settings, (Settings, type(None)), "settings")
    callback(progress, "progress")
    objectives = listed(objectives, "--objective")
    asked = parse_objectives(objectives)
    base = settings or Settings()
    codecs = open_codecs(listed(compressors, "--compressor"))
    dram = listed(dram, "--dram")
    checked = check_prices(prices)
    check_prices_given(asked, checked)
    held = require_contents(open_contents(contents, profile))
    dense = open_timed_trace(trace)
    dense.scan(progress)
    workload = Workload(dense.pages, dense.events, measure_access_rate(dense, access_ns), checked)
    known = make_profile(held, list(codecs.values()), progress=progress) if profile is None else profile
    return make_plan(
        open_traffic_source(dense, base, progress),
        measure_costs(codecs, held, dense.pages, base, profile=known),
        workload,
        objectives,
        names=(dense.name, held.name),
        settings=base,
        dram=dram,
        trials=TrialSetup(dense, held, base, progress, known, why_without_bytes(held, dense.pages)),
    )


def open_timed_trace(trace: str | Path | Trace | DenseTrace) -> DenseTrace:
    """Return a DenseTrace that notes the trace's times when it is scanned; a DenseTrace is returned as it is."""
    if isinstance(trace, DenseTrace):
        return trace
    return open_trace(TimedTrace(trace if isinstance(trace, Trace) else read_trace(trace)))


def require_contents(contents: Contents | None) -> Contents:
    """Return `contents`. Raises InputError if there are none."""
    if contents is None:
        raise InputError("--contents none: a plan needs to know what pages hold: expected FILE.pages, recipe:NAME, ...")
    return contents


def check_prices(prices: tuple[float, float] | None) -> Prices | None:
    """Return the prices of a GiB of DRAM and of the node. Raises InputError if they are not prices."""
    if prices is None:
        return None
    if not isinstance(prices, tuple | list) or len(prices) != 2:
        raise InputError("prices: expected those of a GiB of DRAM and of the node")
    found = Prices(number(prices[0], "--price-dram", 0, 1e12), number(prices[1], "--price-node", 0, 1e12))
    if not found[0]:
        raise InputError(f"--price-dram {prices[0]}: expected money a GiB, above 0")
    return found
