"""Every combination of settings over one trace: read once, measured once, run in parallel, in a fixed order."""

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from zswapsim._core.codec import Codec
from zswapsim._core.errors import InputError
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Measured, measure
from zswapsim.study.backendspec import IN_DRAM, backend_name
from zswapsim.study.parallel import Job, run_parallel
from zswapsim.study.result import Result, completed
from zswapsim.study.run import run
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents, DenseTrace, Trace, read_contents, read_trace

Progress = Callable[[int, int], None]

UNUSED_IN_DRAM = {"node": Settings().node}
UNUSED_BY_DISK = {"compressor": "store", "node": Settings().node, "chain_size": Settings().chain_size}


def combinations(**choices: Iterable[object] | object) -> list[Settings]:
    """Settings for every combination of `choices`, the last of them varying fastest.

    A keyword is a field of Settings; its value is one value or a list of them. What a backend has no use for (the
    compressor and the node of a disk) makes no rows of its own.
    """
    names = list(choices)
    values = [value if isinstance(value, list | tuple) else [value] for value in choices.values()]
    made = (Settings(**dict(zip(names, row, strict=True))) for row in itertools.product(*values))
    return list(dict.fromkeys(_without_unused(settings) for settings in made))


def compare(
    trace: str | Path | Trace | DenseTrace,
    contents: str | Contents | None,
    settings_list: Sequence[Settings],
    processes: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """One Result for each of `settings_list`, in its order.

    The trace is read once and the contents are compressed once for each compressor, however many runs there are.
    Runs go to `processes` processes (as many as there are processors when left out; 1 keeps them in this one), and
    counters do not depend on how many. A script that calls this with several processes needs the usual guard,
    ``if __name__ == "__main__":``, as new processes import it.

    `progress` takes what is done and its total: contents measured, then accesses replayed in all runs.

    Raises what :func:`zswapsim.run` raises, as it was raised, also from another process; a wrong setting is found
    before the first run starts.
    """
    if not settings_list:
        raise InputError("compare: expected at least one setting")
    codecs = {settings.compressor: get_compressor(settings.compressor) for settings in settings_list}
    dense = _dense(trace, progress)
    for settings in settings_list:
        settings.frames(dense.pages)
    held = read_contents(contents) if isinstance(contents, str) else contents
    workers = min(processes or len(os.sched_getaffinity(0)), len(settings_list))
    measured = _measure_all(codecs, held, settings_list, workers, progress)
    jobs = [(settings, measured.get(settings.compressor)) for settings in settings_list]
    if workers > 1:
        return run_parallel(dense, held, jobs, workers, progress)
    return [_run_here(dense, held, job, _part_of(progress, number, len(jobs))) for number, job in enumerate(jobs)]


def _without_unused(settings: Settings) -> Settings:
    name = backend_name(settings.backend)
    unused = UNUSED_BY_DISK if name == "disk" else UNUSED_IN_DRAM if name in IN_DRAM else {}
    if settings.equal_memory:
        unused = {field: value for field, value in unused.items() if field != "node"}
    device = settings.cram if name == "cram" else ""
    return msgspec.structs.replace(settings, cram=device, **unused)


def _dense(trace: str | Path | Trace | DenseTrace, progress: Progress | None) -> DenseTrace:
    """The trace with its pages counted; one that has been scanned already is taken as it is."""
    if isinstance(trace, DenseTrace):
        return trace
    dense = DenseTrace(trace if isinstance(trace, Trace) else read_trace(trace))
    dense.scan(progress)
    return dense


def _measure_all(
    codecs: dict[str, Codec],
    contents: Contents | None,
    settings_list: Sequence[Settings],
    threads: int,
    progress: Progress | None,
) -> dict[str, Measured]:
    """Measured sizes by compressor as it was asked for; two spellings of one codec are measured once."""
    if contents is None:
        return {}
    wanted = dict.fromkeys(settings.compressor for settings in settings_list if settings.depth == "sizes")
    once: dict[str, Measured] = {}
    for spec in wanted:
        codec = codecs[spec]
        if codec.spec not in once:
            once[codec.spec] = measure(codec, contents.images, threads=threads, progress=progress)
    return {spec: once[codecs[spec].spec] for spec in wanted}


def _run_here(trace: DenseTrace, contents: Contents | None, job: Job, progress: Progress | None) -> Result:
    """One run in this process. Ctrl-C, which a run by itself turns into an outcome, ends the comparison."""
    return completed(run(trace, contents, job[0], measured=job[1], progress=progress))


def _part_of(progress: Progress | None, number: int, runs: int) -> Progress | None:
    """The progress of one run as part of all of them."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, runs * total)
