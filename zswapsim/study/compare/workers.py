"""Run functions in processes of their own, through the interface of :class:`concurrent.futures.Executor`.

A worker is a new interpreter, since the parent has threads (Arrow's, and those that measure). Parent and worker talk
through two pipes: a worker that dies is an end of file, at once, so that nothing ever waits for it. Ending signals are
blocked in workers from their first instruction; the parent kills them when it unwinds, and the kernel does if the
parent is killed.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from signal import Signals
from typing import Any, TypeVar

from zswapsim import signals
from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.system import memory_file
from zswapsim.starting import start_process

Answer = TypeVar("Answer")
START = "import sys; sys.path[:] = sys.argv[1:]; from zswapsim.study.compare.worker import main; main()"
DEBUG = "ZSWAPSIM_DEBUG"
PATIENCE_S = 5.0


class Worker:
    """Hold one process, which runs one function after the other."""

    def __init__(self) -> None:
        # A worker's last words become a part of our one line. They lie in memory, so that no file can remain.
        self.said = memory_file("zswapsim-worker")
        try:
            self.process = start_process(
                [sys.executable, "-c", START, *sys.path],
                "a process of the comparison",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if os.environ.get(DEBUG) == "1" else self.said,
            )
        except BaseException:
            os.close(self.said)
            raise

    def call(self, function: Callable[..., Answer], arguments: Sequence[Any]) -> Answer:
        """Return what the function returns in the process, or raise what it raises.

        Raises ZswapsimError if the process dies.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            pickle.dump((function, arguments), self.process.stdin)
            self.process.stdin.flush()
            good, answer = pickle.load(self.process.stdout)  # noqa: S301  # a child of ours wrote it
        except (OSError, EOFError, pickle.UnpicklingError, ValueError):
            raise ZswapsimError(self._death()) from None
        if not good:
            raise answer
        result: Answer = answer
        return result

    def end(self) -> None:
        """Kill the process if it runs, and wait for it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # bytes that it never read
                    pipe.close()
        os.close(self.said)

    def _death(self) -> str:
        """Return one line about a process that has died."""
        code = self._exit_code()
        lines = os.pread(self.said, 1 << 16, 0).decode(errors="replace").split("\n")  # files: it lies in memory
        last = next((line for line in reversed(lines) if line.strip()), "")
        how = f"by {Signals(-code).name}: was it killed for want of memory?" if code < 0 else f"exit {code}"
        return f"a process of the comparison died ({how}){last and ': ' + last}"

    def _exit_code(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:  # it wrote something that is no answer, and runs on
            self.process.kill()
            return self.process.wait()


class Workers(Executor):
    """Run what is submitted in `workers`, in each of them one call at a time."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self.idle.put(worker)
        self.threads = ThreadPoolExecutor(len(workers))

    def submit(self, function: Callable[..., Answer], /, *arguments: Any, **_named: Any) -> Future[Answer]:
        """Return the future of a call; a function and its arguments are pickled."""
        return self.threads.submit(self._call, function, arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.threads.shutdown(wait, cancel_futures=cancel_futures)

    def _call(self, function: Callable[..., Answer], arguments: Sequence[Any]) -> Answer:
        worker = self.idle.get()
        try:
            return worker.call(function, arguments)
        finally:
            self.idle.put(worker)


@contextmanager
def worker_processes(count: int) -> Iterator[Executor]:
    """Provide an executor whose processes are gone when the block is left for any reason. Raises ZswapsimError."""
    made: list[Worker] = []
    with signals.held():
        try:
            with signals.blocked():
                made.extend(Worker() for _ in range(count))
            executor = Workers(made)
            try:
                with signals.released():
                    yield executor
            finally:
                for worker in made:
                    worker.process.kill()  # a thread that waits for its answer then has the end of the file
                executor.shutdown(cancel_futures=True)
        finally:
            for worker in made:
                worker.end()
