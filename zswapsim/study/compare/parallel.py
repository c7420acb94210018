"""Run settings in several processes, which share one trace and its contents as files in a temporary folder.

The interface between parent and workers is :class:`concurrent.futures.Executor`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from zswapsim.files.arrays import map_file, map_new
from zswapsim.files.temporary import temporary_folder
from zswapsim.starting import as_they_finish, submit_all
from zswapsim.study.compare.shared_files import SharedInputs, open_shared, write_shared
from zswapsim.study.compare.workers import worker_processes
from zswapsim.study.profile import Profile
from zswapsim.study.run.folios import compresses_whole
from zswapsim.study.run.readahead import needs_addresses
from zswapsim.study.run.result import Result
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.folios import folio_order
from zswapsim.traces import Contents, DenseTrace

PROGRESS_FILE = "progress"


def run_parallel(
    trace: DenseTrace,
    contents: Contents | None,
    jobs: Sequence[Settings],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    profile: Profile | None = None,
) -> list[Result]:
    """Return the Results of `jobs`, in their order. The first error of any job ends them all and is raised here."""
    with temporary_folder() as folder:
        images = any(job.depth == "bytes" or compresses_whole(job) for job in jobs)
        addresses = any(needs_addresses(job) or folio_order(job.folio) for job in jobs)
        write_shared(folder, trace, contents, profile, images=images, addresses=addresses)
        accesses_done = map_new(folder / PROGRESS_FILE, np.uint64, len(jobs))
        with worker_processes(workers) as executor:
            asked = ((str(folder), number, job) for number, job in enumerate(jobs))
            futures = submit_all(executor, _run_job, asked)
            total = trace.events * len(jobs)
            for _, is_all in as_they_finish(futures):
                if progress is not None:
                    progress(total if is_all else min(int(accesses_done.sum()), total), total)
            return [future.result() for future in futures]


@cache
def _open_once(folder: str) -> SharedInputs:
    return open_shared(folder)


def _run_job(folder: str, number: int, settings: Settings) -> Result:
    """Run one job in a worker, and write its progress to the shared file."""
    shared = _open_once(folder)
    accesses_done = map_file(Path(folder, PROGRESS_FILE), np.uint64, writable=True)

    def progress(done: int, _total: int) -> None:
        accesses_done[number] = done

    return run(shared.trace, shared.contents, settings, measured=shared.profile, progress=progress)
