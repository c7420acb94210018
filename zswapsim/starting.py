"""Start threads and processes. If the system refuses one, raise an error that names the limit."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from zswapsim._core.base.errors import ZswapsimError
from zswapsim.files.found import is_folder
from zswapsim.files.system import read_text
from zswapsim.signals import held, released

Answer = TypeVar("Answer")
POLL_SECONDS = 0.2

REFUSED = "can't start new thread"
"""The text of the RuntimeError by which Python reports that the system has refused a thread."""
OF_LIMITS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EPERM, errno.ENOSPC})
CGROUPS = Path("/sys/fs/cgroup")
SLACK = 2
"""So far below a limit counts as at it, because threads may have ended since the limit was reached."""


@contextmanager
def thread_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Provide a pool of threads, which have ended when the block is left; what has not begun by then is cancelled.

    Raises ZswapsimError if the system refuses a thread.
    """
    with held(), threads_may_be_refused():
        pool = ThreadPoolExecutor(threads)
        try:
            with released():
                yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def submit_all(pool: Executor, work: Callable[..., Answer], arguments: Iterable[Sequence[Any]]) -> list[Future[Answer]]:
    """Submit a call for each tuple of arguments. Raises ZswapsimError if the system refuses a thread.

    Ctrl-C waits meanwhile: an exception inside the executor could leave one of its locks taken.
    """
    with held(), threads_may_be_refused():
        return [pool.submit(work, *each) for each in arguments]


def as_they_finish(futures: Iterable[Future[Answer]]) -> Iterator[tuple[list[Answer], bool]]:
    """Yield the result of each as it finishes, and True with the last one; also no result, a few times a second.

    Raises the first error as soon as it occurs. Ctrl-C is noticed at once, but never while a lock is taken.
    """
    finished: SimpleQueue[Future[Answer]] = SimpleQueue()
    left = 0
    with held():
        for future in futures:
            future.add_done_callback(finished.put)
            left += 1
    while left:
        found = []
        with suppress(Empty):
            found = [finished.get(timeout=POLL_SECONDS)]
        left -= len(found)
        with held():
            results = [future.result() for future in found]
        yield results, not left


@contextmanager
def threads_may_be_refused() -> Iterator[None]:
    """Raise ZswapsimError for a thread that cannot be started in the block."""
    try:
        yield
    except RuntimeError as error:
        if not is_refusal(error):
            raise
        raise ZswapsimError(refusal("a thread")) from error


def start_process(arguments: Sequence[str | Path], what: str, **settings: Any) -> subprocess.Popen[Any]:
    """Start a process as subprocess.Popen does. Raises ZswapsimError if the system refuses it."""
    try:
        return subprocess.Popen(arguments, **settings)
    except OSError as error:
        if error.errno in OF_LIMITS:
            raise ZswapsimError(refusal(what, error)) from error
        raise ZswapsimError(f"cannot start {what}: {arguments[0]}: {error.strerror or error}") from error


def is_refusal(error: BaseException) -> bool:
    """Tell if an error is Python's for a thread that the system has refused."""
    return isinstance(error, RuntimeError) and REFUSED in str(error)


def refusal(what: str, error: OSError | None = None) -> str:
    """Return one line about a thread or a process that the system has refused, with the limit."""
    if error is not None and error.errno in (errno.EMFILE, errno.ENFILE):
        return f"cannot start {what}: too many open files: {_soft('ulimit -n', resource.RLIMIT_NOFILE)}"
    reason = "" if error is None or error.errno == errno.EAGAIN else f" ({error.strerror})"
    reached, others = _limits()
    named = reached or others or ["a limit of this machine (kernel.threads-max, kernel.pid_max) or its memory"]
    return f"cannot start {what}{reason}: {'the limit is reached' if reached else 'limited by'}: {', '.join(named)}"


def memory_limit() -> str:
    """Return the limit of this process's address space as a text, "" if there is none."""
    return _soft("ulimit -v", resource.RLIMIT_AS, 1024, "KiB")


def _limits() -> tuple[list[str], list[str]]:
    """Return the limits that are reached, and those that may be."""
    reached: list[str] = []
    others: list[str] = []
    for folder in _own_cgroups():
        most, now = _read(folder / "pids.max"), _read(folder / "pids.current")
        if most.isdecimal():
            full = now.isdecimal() and int(now) + SLACK >= int(most)
            (reached if full else others).append(f"pids.max of the cgroup {folder} is {most}")
    asked = (_soft("ulimit -u", resource.RLIMIT_NPROC), memory_limit())
    others += [each for each in asked if each]
    return reached, others


def _own_cgroups() -> list[Path]:
    """Return the folders of this process's cgroup and of those around it that may limit processes, versions 1 and 2."""
    found = []
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "pids"):
            root = CGROUPS / (controllers or ("unified" if is_folder(CGROUPS / "unified") else ""))
            folder = root / path.lstrip("/")
            found += [each for each in (folder, *folder.parents) if each.is_relative_to(root)]
    return found


def _read(path: Path) -> str:
    try:
        return read_text(path).strip()
    except (OSError, ValueError):
        return ""


def _soft(name: str, kind: int, scale: int = 1, unit: str = "") -> str:
    limit = resource.getrlimit(kind)[0]
    if limit == resource.RLIM_INFINITY or (kind == resource.RLIMIT_NPROC and os.geteuid() == 0):
        return ""
    return f"{name} is {limit // scale}{unit and ' ' + unit}"
