"""Run tests in a child that is forked from a process which has the libraries loaded, and watch that it goes on."""

import contextlib
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

LOADED = ("pytest", "numpy", "numpy.testing", "msgspec", "pyarrow", "pyarrow.parquet", "rich.console", "zstandard")
COLLECTING = 120.0
"""Seconds for collecting tests, which also starts what the modules compute when they are imported."""
LEAST, TIMES = 60.0, 20.0
"""A test may take this long, and that many times its CPU time on the unchanged tree; more on a busy machine."""
MEMORY = 12 << 30
POLL = 0.02
OURS = {Path(__file__).resolve().parents[1], Path(__file__).resolve().parents[2]}
"""The folders of the tree that is not changed, of which nothing may be imported."""


class Trial(NamedTuple):
    """Hold how a run of tests ended: `passed`, `failed`, `hangs`, `crashed` or `broken`, and the test that did it.

    `durations` are CPU seconds.
    """

    outcome: str
    test: str
    seconds: float
    durations: dict[str, float]


class _Progress:
    """Write down which test runs, and the CPU time of each."""

    def __init__(self, folder: Path) -> None:
        self.now, self.done = folder / "now", folder / "durations"
        self.durations: dict[str, float] = {}
        self.began = 0.0
        self.failed = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.now.write_text(nodeid)
        self.began = _cpu_seconds()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.durations[nodeid] = _cpu_seconds() - self.began

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_sessionfinish(self) -> None:
        self.done.write_text(json.dumps({"durations": self.durations, "failed": self.failed}))


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the children that it waited for."""
    return sum(os.times()[:4])


def load_libraries() -> None:
    """Import what every test file needs and no mutant changes."""
    for name in LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run_tests(tree: Path, files: Sequence[str], limits: dict[str, float], keep: bool = False) -> Trial:
    """Run test files of a tree, in their order, up to the first failure unless `keep` is true."""
    scratch = tree / "build" / "trial"
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "tmp").mkdir(parents=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become_pytest(tree, files, scratch, keep)
    try:
        status = _watch(child, scratch / "now", limits)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    trial = _judged(status, scratch, time.monotonic() - began)
    shutil.rmtree(scratch / "tmp", ignore_errors=True)
    return trial


def _become_pytest(tree: Path, files: Sequence[str], scratch: Path, keep: bool) -> None:
    code = 99
    try:
        os.setsid()
        os.chdir(tree)
        _redirect(scratch / "output")
        sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() not in OURS)]
        sys.dont_write_bytecode = not keep
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        os.environ |= {"PYTHONPATH": str(tree), "TMPDIR": str(scratch / "tmp"), "HYPOTHESIS_PROFILE": "ci"}
        os.environ |= {} if keep else {"PYTHONDONTWRITEBYTECODE": "1"}
        os.environ.pop("ZSWAPSIM_TREE", None)
        import pytest

        arguments = ["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *files]
        code = int(pytest.main([*([] if keep else ["-x"]), *arguments], plugins=[_Progress(scratch)]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(output: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, stream in enumerate((nothing, written, written)):
        os.dup2(stream, number)


def _watch(child: int, now: Path, limits: dict[str, float]) -> int | None:
    """Wait for the child; return None if a test takes too long."""
    test, since = "", time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        running = now.read_text() if now.exists() else ""
        if running != test:
            test, since = running, time.monotonic()
        limit = LEAST + TIMES * limits.get(test, 0.0) if test else COLLECTING
        if time.monotonic() - since > limit * _crowding():
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(POLL)


def _crowding() -> float:
    """Return how many times longer everything takes, as others have the machine too."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _judged(status: int | None, scratch: Path, seconds: float) -> Trial:
    now = (scratch / "now").read_text() if (scratch / "now").exists() else "collecting"
    if status is None:
        return Trial("hangs", now, seconds, {})
    if os.WIFSIGNALED(status):
        return Trial("crashed", now, seconds, {})
    done = json.loads((scratch / "durations").read_text()) if (scratch / "durations").exists() else {}
    durations, code = done.get("durations", {}), os.waitstatus_to_exitcode(status)
    if code == 0:
        return Trial("passed", "", seconds, durations)
    # 5: nothing was collected, as where all tests are left out; it says nothing of a mutant.
    outcome = "broken" if code in {4, 5} else "failed"
    return Trial(outcome, done.get("failed") or now, seconds, durations)
