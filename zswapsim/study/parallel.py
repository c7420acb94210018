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

from zswapsim._core.errors import ZswapsimError
from zswapsim.compressors.measure import Measured
from zswapsim.study.result import Result
from zswapsim.study.run import run
from zswapsim.study.settings import Settings
from zswapsim.study.share import Shared, open_shared, write_shared
from zswapsim.traces import Contents, DenseTrace

Job = tuple[Settings, Measured | None]
BOARD = "progress"
LOOK_SECONDS = 0.2


def run_parallel(
    trace: DenseTrace,
    contents: Contents | None,
    jobs: Sequence[Job],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The Results of `jobs`, in their order. The first error of any job ends them all and is raised here."""
    with tempfile.TemporaryDirectory(prefix="zswapsim-") as folder:
        write_shared(folder, trace, contents)
        board = np.memmap(Path(folder, BOARD), np.uint64, "w+", shape=(len(jobs),))
        with _executor(workers) as executor:
            futures = [executor.submit(_work, folder, number, *job) for number, job in enumerate(jobs)]
            _follow(futures, board, trace.events * len(jobs), progress)
            return [future.result() for future in futures]


def _follow(futures: list[Future], board: np.ndarray, total: int, progress: Callable[[int, int], None] | None) -> None:
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
            process.kill()
        executor.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@cache
def _opened(folder: str) -> Shared:
    return open_shared(folder)


def _work(folder: str, number: int, settings: Settings, measured: Measured | None) -> Result:
    """One run, in a worker; how far it is goes to the board."""
    shared = _opened(folder)
    board = np.memmap(Path(folder, BOARD), np.uint64, "r+")

    def progress(done: int, _total: int) -> None:
        board[number] = done

    return run(shared.trace, shared.contents, settings, measured=measured, progress=progress)
