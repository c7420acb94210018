"""Every combination of settings over one trace: read once, measured once, run in parallel, in a fixed order."""

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim.compressors import get_compressor
from zswapsim.study.backendspec import IN_DRAM, backend_name
from zswapsim.study.behind import wanted_codecs
from zswapsim.study.parallel import run_parallel
from zswapsim.study.profile import Profile, make_profile
from zswapsim.study.readahead import reads_ahead
from zswapsim.study.result import Result, completed
from zswapsim.study.run import check_contents, held_contents, run
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents, DenseTrace, Trace, read_trace

Progress = Callable[[int, int], None]

UNUSED_IN_DRAM = {"node": Settings().node}
WITHOUT_READAHEAD = {"readahead": Settings().readahead, "page_cluster": Settings().page_cluster}
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
    profile: Profile | None = None,
) -> list[Result]:
    """One Result for each of `settings_list`, in its order.

    The trace is read once and the contents are compressed once for each compressor, however many runs there are; not
    at all with a `profile` of them, which without contents stands for its own. Runs go to `processes` processes (as
    many as there are processors when left out; 1 keeps them in this one), and counters do not depend on how many. A
    script that calls this with several processes needs the usual guard, ``if __name__ == "__main__":``, as new
    processes import it.

    `progress` takes what is done and its total: contents measured, then accesses replayed in all runs.

    Raises what :func:`zswapsim.run` raises, as it was raised, also from another process; a wrong setting is found
    before the first run starts.
    """
    if not settings_list:
        raise InputError("compare: expected at least one setting")
    for spec in {settings.compressor for settings in settings_list}:
        get_compressor(spec)
    held = held_contents(contents, profile)
    check_contents(settings_list, held, profile)
    dense = _dense(trace, progress)
    for settings in settings_list:
        settings.frames(dense.pages)
    workers = min(processes or len(os.sched_getaffinity(0)), len(settings_list))
    known = profile
    if known is None and held is not None and (specs := wanted_codecs(settings_list)):
        known = make_profile(held, specs, threads=workers, progress=progress)
    if workers > 1:
        return run_parallel(dense, held, settings_list, workers, progress, known)
    runs = len(settings_list)
    return [
        completed(run(dense, held, settings, measured=known, progress=_part_of(progress, number, runs)))
        for number, settings in enumerate(settings_list)
    ]  # Ctrl-C, which a run by itself turns into an outcome, ends the comparison


def _without_unused(settings: Settings) -> Settings:
    name = backend_name(settings.backend)
    unused: dict[str, Any] = UNUSED_BY_DISK if name == "disk" else UNUSED_IN_DRAM if name in IN_DRAM else {}
    if not reads_ahead(settings):
        unused = {**unused, **WITHOUT_READAHEAD}
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


def _part_of(progress: Progress | None, number: int, runs: int) -> Progress | None:
    """The progress of one run as part of all of them."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, runs * total)
