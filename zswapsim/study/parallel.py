"""Runs in several processes, over one trace and one set of contents that they share as files in a temporary folder.

The seam is :class:`concurrent.futures.Executor`. Processes are spawned, not forked: the parent has threads (Arrow's,
the measuring ones). They leave interrupts to the parent, are killed when it unwinds, and end by themselves should
it be killed.
"""

import multiprocessing
import os
import signal
import tempfile
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
from zswapsim.study.folios import compresses_whole
from zswapsim.study.foliospec import folio_order
from zswapsim.study.profile import Profile
from zswapsim.study.readahead import needs_addresses
from zswapsim.study.result import Result
from zswapsim.study.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.share import Shared, open_shared, write_shared
from zswapsim.traces import Contents, DenseTrace

BOARD = "progress"
LOOK_SECONDS = 0.2
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_parallel(
    trace: DenseTrace,
    contents: Contents | None,
    jobs: Sequence[Settings],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    profile: Profile | None = None,
) -> list[Result]:
    """The Results of `jobs`, in their order. The first error of any job ends them all and is raised here."""
    with tempfile.TemporaryDirectory(prefix="zswapsim-") as folder:
        images = any(job.depth == "bytes" or compresses_whole(job) for job in jobs)
        addresses = any(needs_addresses(job) or folio_order(job.folio) for job in jobs)
        write_shared(folder, trace, contents, profile, images=images, addresses=addresses)
        board = np.memmap(Path(folder, BOARD), np.uint64, "w+", shape=(len(jobs),))
        with _executor(workers) as executor:
            with _signals_held():
                futures = [executor.submit(_work, folder, number, job) for number, job in enumerate(jobs)]
            _follow(futures, board, trace.events * len(jobs), progress)
            return [future.result() for future in futures]


def _follow(
    futures: list[Future[Result]], board: np.ndarray, total: int, progress: Callable[[int, int], None] | None
) -> None:
    """Wait for all, looking at the board now and then; raise the first error as soon as it is there."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=LOOK_SECONDS)
        for future in done:
            future.result()
        if progress is not None:
            progress(min(int(board.sum()), total) if pending else total, total)


class _Recorded(SpawnContext):
    """A spawning context that knows the processes it made: the executor itself has no public way to end them."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[BaseProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        self.made.append(SpawnContext.Process(*arguments, **named))
        return self.made[-1]


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
    """An executor whose processes are gone when the block is left, whatever ends it."""
    context = _Recorded()
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
    """Let what would end us wait until the block is left: half a start of a process can't be undone.

    Processes started here inherit the mask, so that they are deaf from their first instruction. The mask of this
    thread alone would not keep the signals from us, since a library's thread may take them: hence the handlers.
    """
    arrived: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.signal(number, lambda got, _frame: arrived.append(got)) for number in ENDING}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for got in arrived:
            signal.raise_signal(got)


def _start_worker() -> None:
    """Leave signals to the parent, which gets them too or ends us itself, and end with it."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _opened(folder: str) -> Shared:
    return open_shared(folder)


def _work(folder: str, number: int, settings: Settings) -> Result:
    """One run, in a worker; how far it is goes to the board."""
    shared = _opened(folder)
    board = np.memmap(Path(folder, BOARD), np.uint64, "r+")

    def progress(done: int, _total: int) -> None:
        board[number] = done

    return run(shared.trace, shared.contents, settings, measured=shared.profile, progress=progress)
