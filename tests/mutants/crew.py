"""Let a few processes test mutants, each in a workshop of its own."""

import compileall
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mutants.mutant import Mutant
from mutants.trial import load_libraries, run_tests
from mutants.workshop import DoesNotBuild, Workshop

FORK = multiprocessing.get_context("fork")


class Task(NamedTuple):
    """Hold what a worker is to do: a mutant, or None for the unchanged tree, and the tests in steps."""

    mutant: Mutant | None
    steps: Sequence[Sequence[str]]
    limits: dict[str, float]


class Crew:
    """Hold the workers, which live until :meth:`close`."""

    def __init__(self, pristine: Path, folders: Sequence[Path]) -> None:
        load_libraries()
        self.tasks, self.results = FORK.Queue(), FORK.Queue()
        self.waiting = 0
        self.workers = [
            FORK.Process(target=_work, args=(pristine, Workshop(folder), self.tasks, self.results))
            for folder in folders
        ]
        for worker in self.workers:
            worker.start()

    def give(self, task: Task) -> None:
        """Let whoever is free next do a task."""
        self.waiting += 1
        self.tasks.put(task)

    def ended(self) -> Iterator[tuple[Task, dict[str, Any]]]:
        """Yield each task with its result as it ends; what is given meanwhile is waited for too."""
        while self.waiting:
            found = self.results.get()
            self.waiting -= 1
            yield found

    def close(self) -> None:
        """End all workers and what they run."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.join()


def _work(pristine: Path, shop: Workshop, tasks: Any, results: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shop.restore(pristine)
    compileall.compile_dir(shop.folder / "zswapsim", quiet=2)
    while True:
        task = tasks.get()
        results.put((task, _done(pristine, shop, task)))


def _done(pristine: Path, shop: Workshop, task: Task) -> dict[str, Any]:
    began = time.monotonic()
    found: dict[str, Any] = {"outcome": "survived", "test": "", "durations": {}}
    try:
        if task.mutant:
            _put_in(shop, task.mutant)
        for step in task.steps:
            trial = run_tests(shop.folder, step, task.limits, keep=task.mutant is None)
            found["durations"] |= trial.durations
            if trial.outcome != "passed" or task.mutant is None:
                found |= {"outcome": trial.outcome, "test": trial.test}
                break
    except DoesNotBuild as wrong:
        found |= {"outcome": "unbuildable", "test": str(wrong)[-300:]}
    finally:
        if task.mutant:
            shop.restore(pristine)
    return found | {"seconds": round(time.monotonic() - began, 1)}


def _put_in(shop: Workshop, mutant: Mutant) -> None:
    path = shop.folder / mutant.path
    path.write_text(mutant.applied(path.read_text()))
    if path.suffix != ".py":
        shop.build()
