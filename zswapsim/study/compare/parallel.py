"""Run settings in several processes, which share one trace and its contents as files in a temporary folder.

The interface between parent and workers is :class:`concurrent.futures.Executor`. Processes are spawned, not forked,
because the parent has threads (Arrow's, and those that measure). They leave interrupts to the parent, which kills them
when it unwinds; they end by themselves if the parent is killed.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.arrays import map_file, map_new
from zswapsim.files.temporary import temporary_folder
from zswapsim.study.compare.shared_files import SharedInputs, open_shared, write_shared
from zswapsim.study.profile import Profile
from zswapsim.study.run.folios import compresses_whole
from zswapsim.study.run.readahead import needs_addresses
from zswapsim.study.run.result import Result
from zswapsim.study.run.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.settings.folios import folio_order
from zswapsim.traces import Contents, DenseTrace

PROGRESS_FILE = "progress"
POLL_SECONDS = 0.2
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
        with _executor(workers) as executor:
            with _signals_held():
                futures = [executor.submit(_run_job, str(folder), number, job) for number, job in enumerate(jobs)]
            _wait_for_all(futures, accesses_done, trace.events * len(jobs), progress)
            return [future.result() for future in futures]


def _wait_for_all(
    futures: list[Future[Result]], accesses_done: np.ndarray, total: int, progress: Callable[[int, int], None] | None
) -> None:
    """Wait for all futures and report progress meanwhile; raise the first error as soon as it occurs."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=POLL_SECONDS)
        for future in done:
            future.result()
        if progress is not None:
            progress(min(int(accesses_done.sum()), total) if pending else total, total)


class _RecordingContext(SpawnContext):
    """Spawn processes, and remember them: the executor itself has no public way to kill them."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[BaseProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        self.made.append(SpawnContext.Process(*arguments, **named))
        return self.made[-1]


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
    """Provide an executor whose processes are gone when the block is left for any reason."""
    context = _RecordingContext()
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        yield executor
        executor.shutdown()
    except BrokenProcessPool as error:
        raise ZswapsimError("a process of the comparison died; was it killed for want of memory?") from error
    finally:
        for process in context.made:
            if process.is_alive():
                process.kill()
        executor.shutdown(cancel_futures=True)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold ending signals back until the block is left, because a process that is half started cannot be undone.

    Processes that are started here inherit the mask, so that signals are blocked from their first instruction. The mask
    of this thread alone does not keep the signals from this process, since a library's thread may take them. So there
    are handlers too.
    """
    arrived: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.signal(number, lambda got, _frame: arrived.append(got)) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for got in arrived:
            signal.raise_signal(got)


def _start_worker() -> None:
    """Ignore signals, which the parent gets too, and end this process when the parent ends."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
