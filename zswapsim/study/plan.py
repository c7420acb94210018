"""How to provision a workload: from a trace, contents and objectives to a DRAM size, a node size and a compressor.

Every size is estimated from faults by size and measured pages; the point that is recommended is then run, and only what
a run has shown to keep the objectives is said to keep them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from zswapsim._core.base.errors import InputError
from zswapsim.study.confirm import Bench, without_bytes
from zswapsim.study.objectives import DEFAULT, parse_objectives
from zswapsim.study.pace import TimedTrace, measure_pace
from zswapsim.study.pagecosts import codecs_of, measure_costs
from zswapsim.study.point import Prices, Workload
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.provision import Plan, check_priced, plan_from
from zswapsim.study.run import held_contents, open_trace
from zswapsim.study.settings import Settings
from zswapsim.study.traffic import open_source
from zswapsim.traces import Contents, DenseTrace, Trace, read_trace

Progress = Callable[[int, int], None]
COMPRESSORS = ("lzo-rle", "lz4", "zstd")


def plan(  # noqa: PLR0913 - each is one thing that a plan rests on
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
    """How to provision `trace` over `contents` so that `objectives` are kept.

    `trace` and `contents` are what :func:`zswapsim.run` takes. `dram`: sizes of the table. `access_ns`: what an access
    takes that finds its page; else the trace's times, else a default. `prices`: money for a GiB of DRAM and of the
    node. `settings`: cost, reclaim, reclaim_batch, chain_size, seed and zero_map are taken from it.
    `profile`: of the contents, which are then not measured again; without contents it stands for its own. Points are
    then run at sizes depth, and so they are where the pages do not fit this machine's free memory.

    Raises InputError for what was asked wrongly, and what :func:`zswapsim.run` raises.
    """
    asked = parse_objectives(objectives)
    base = settings or Settings()
    codecs = codecs_of(compressors)
    priced = checked_prices(prices)
    check_priced(asked, priced)
    held = needed_contents(held_contents(contents, profile))
    dense = timed(trace)
    dense.scan(progress)
    workload = Workload(dense.pages, dense.events, measure_pace(dense, access_ns), priced)
    known = make_profile(held, list(codecs.values()), progress=progress) if profile is None else profile
    return plan_from(
        open_source(dense, base, progress),
        measure_costs(codecs, held, dense.pages, base, profile=known),
        workload,
        objectives,
        names=(dense.name, held.name),
        settings=base,
        dram=dram,
        bench=Bench(dense, held, base, progress, known, without_bytes(held, dense.pages)),
    )


def timed(trace: str | Path | Trace | DenseTrace) -> DenseTrace:
    """A DenseTrace that notes the trace's times as it is scanned; one that exists already is taken as it is."""
    if isinstance(trace, DenseTrace):
        return trace
    return open_trace(TimedTrace(trace if isinstance(trace, Trace) else read_trace(trace)))


def needed_contents(contents: Contents | None) -> Contents:
    """Those that there are. Raises InputError for none."""
    if contents is None:
        raise InputError("--contents none: a plan needs to know what pages hold: expected FILE.pages, recipe:NAME, ...")
    return contents


def checked_prices(prices: tuple[float, float] | None) -> Prices | None:
    """Money for a GiB of DRAM and of the node. Raises InputError for what is none."""
    if prices is None:
        return None
    if not all(0 <= price < 1e12 for price in prices) or not prices[0]:
        raise InputError(f"--price-dram {prices[0]} --price-node {prices[1]}: expected money a GiB, for DRAM above 0")
    return Prices(*prices)
