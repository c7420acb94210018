"""Run many settings over one trace in parallel: the trace is read once, and its contents are measured once."""

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zswapsim._core.base.arguments import callback, instance, listed, whole
from zswapsim._core.base.errors import InputError
from zswapsim.compressors import get_compressor
from zswapsim.study.compare.parallel import run_parallel
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.run.backend import wanted_codecs
from zswapsim.study.run.inputs import check_contents, open_contents
from zswapsim.study.run.readahead import reads_ahead
from zswapsim.study.run.result import Result, completed
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import IN_DRAM, backend_name
from zswapsim.traces import Contents, DenseTrace, Trace, read_trace

Progress = Callable[[int, int], None]

MOST_PROCESSES = 1 << 16
UNUSED_IN_DRAM = {"node": Settings().node}
WITHOUT_READAHEAD = {"readahead": Settings().readahead, "page_cluster": Settings().page_cluster}
UNUSED_BY_DISK = {"compressor": "store", "node": Settings().node, "chain_size": Settings().chain_size}


def combinations(**choices: Iterable[object] | object) -> list[Settings]:
    """Return Settings for every combination of `choices`; the last choice varies fastest.

    A keyword is a field of Settings; its value is one value or a list of them. Settings that a backend does not use,
    such as the compressor and the node of a disk, make no rows of their own.
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
    profile: Profile | None = None,
) -> list[Result]:
    """Return one Result for each of `settings_list`, in its order.

    The trace is read once, and the contents are compressed once for each compressor, or not at all with a `profile` of
    them; a profile without contents is used as the contents too. Runs are spread over `processes` processes. The
    default is the number of processors, and 1 keeps all runs in this process. Counters do not depend on it. The
    processes are new interpreters with this one's ``sys.path``; they do not import the program's main module.

    `progress` is called with what is done and its total: first contents measured, then accesses replayed in all runs.

    Raises what :func:`zswapsim.run` raises, also from another process. A wrong setting is found before the first run
    starts.
    """
    settings_list = [instance(settings, Settings, "settings") for settings in listed(settings_list, "settings")]
    callback(progress, "progress")
    if not settings_list:
        raise InputError("compare: expected at least one setting")
    for spec in {settings.compressor for settings in settings_list}:
        get_compressor(spec)
    held = open_contents(contents, profile)
    check_contents(settings_list, held, profile)
    dense = _scanned_trace(trace, progress)
    for settings in settings_list:
        settings.frames(dense.pages)
    asked = len(os.sched_getaffinity(0)) if processes is None else whole(processes, "--processes", 0, MOST_PROCESSES)
    workers = min(asked or len(os.sched_getaffinity(0)), len(settings_list))
    known = profile
    if known is None and held is not None and (specs := wanted_codecs(settings_list)):
        known = make_profile(held, specs, threads=workers, progress=progress)
    if workers > 1:
        return run_parallel(dense, held, settings_list, workers, progress, known)
    runs = len(settings_list)
    return [
        completed(run(dense, held, settings, measured=known, progress=_part_of(progress, number, runs)))
        for number, settings in enumerate(settings_list)
    ]  # Ctrl-C ends the comparison, while a single run turns it into an outcome


def _without_unused(settings: Settings) -> Settings:
    name = backend_name(settings.backend)
    unused: dict[str, Any] = UNUSED_BY_DISK if name == "disk" else UNUSED_IN_DRAM if name in IN_DRAM else {}
    if not reads_ahead(settings):
        unused = {**unused, **WITHOUT_READAHEAD}
    if settings.equal_memory:
        unused = {field: value for field, value in unused.items() if field != "node"}
    device = settings.cram if name == "cram" else ""
    return msgspec.structs.replace(settings, cram=device, **unused)


def _scanned_trace(trace: str | Path | Trace | DenseTrace, progress: Progress | None) -> DenseTrace:
    """Return the trace with its pages counted; a DenseTrace is returned as it is."""
    if isinstance(trace, DenseTrace):
        return trace
    dense = DenseTrace(trace if isinstance(trace, Trace) else read_trace(trace))
    dense.scan(progress)
    return dense


def _part_of(progress: Progress | None, number: int, runs: int) -> Progress | None:
    """Return a function that reports the progress of one run as a part of all runs."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, runs * total)
