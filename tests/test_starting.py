"""Refuse threads and processes, as a limit does: every command ends in one line, and waits for nobody who is gone."""

import errno
import os
import resource
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_helpers import called, refused, refused_here

from zswapsim import starting
from zswapsim._core.base.errors import ZswapsimError
from zswapsim.starting import refusal, start_process, submit_all, thread_pool
from zswapsim.study.compare import workers
from zswapsim.study.compare.workers import worker_processes

TRACE = "gen:uniform,pages=60,events=300,seed=1"
TWO_ROWS = ("--contents", "none", "--dram", "50%", "--dram", "60%", "--processes", "2")
COMMANDS = {
    "run": ["run", TRACE, "--contents", "recipe:mix,pages=600"],
    "compare": ["compare", TRACE, *TWO_ROWS],
    "curve": ["curve", TRACE, "--reclaim", "fifo"],
    "profile": ["profile", "recipe:mix,pages=600", "-o", "out.parquet", "--compressor", "store", "--threads", "2"],
    "compressors": ["compressors", "--pages", "recipe:mix,pages=600", "--compressor", "store", "--threads", "2"],
    "convert": ["convert", TRACE, "out.csv"],
    "demo": ["demo", "--trace", TRACE],
}
STARTS_PROCESSES = ("compare", "demo")
OWN_CGROUPS = Path("/sys/fs/cgroup/pids")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("first", [1, 2, 3, 4])
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "demo"])
def test_a_thread_that_is_refused_ends_a_command_in_one_line_or_not_at_all(command, first, capfd, monkeypatch):
    real, started = threading.Thread.start, []

    def start(thread):
        started.append(thread)
        if len(started) >= first:
            raise RuntimeError(starting.REFUSED)
        real(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        code = called(*COMMANDS[command])
    err = capfd.readouterr().err
    assert code in (0, 1)
    assert err.count("\n") == code
    if code:
        assert err.startswith("zswapsim: cannot start a thread: ")
    assert called(*COMMANDS[command], "--quiet") == 0


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
@pytest.mark.parametrize("command", STARTS_PROCESSES)
def test_a_process_that_is_refused_ends_a_command_in_one_line(command, number, capfd, monkeypatch):
    class Refused(subprocess.Popen):
        def __init__(self, *_arguments, **_settings):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, "Popen", Refused)
    assert "cannot start " in refused_here(capfd, *COMMANDS[command], code=1)


def test_a_second_process_that_is_refused_leaves_none(capfd, monkeypatch):
    made = []

    class Refused(subprocess.Popen):
        def __init__(self, *arguments, **settings):
            if made:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            super().__init__(*arguments, **settings)
            made.append(self)

    monkeypatch.setattr(subprocess, "Popen", Refused)
    assert "a process of the comparison" in refused_here(capfd, *COMMANDS["compare"], code=1)
    assert made[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("raise ImportError('no such library')", "died (exit 1): ImportError: no such library"),
        ("import os; os.kill(os.getpid(), 9)", "died (by SIGKILL: was it killed for want of memory?)"),
        ("import os; os.write(1, b'nonsense'); input()", "a process of the comparison died"),
        ("import sys; sys.exit(3)", "died (exit 3)"),
    ],
)
def test_a_worker_that_dies_as_it_starts_is_one_line(start, said, capfd, monkeypatch):
    monkeypatch.setattr(workers, "START", start)
    monkeypatch.setattr(workers, "PATIENCE_S", 0.1)
    assert said in refused_here(capfd, *COMMANDS["compare"], code=1)


def in_a_worker(*arguments):
    """Call a function of this module in a worker."""
    with worker_processes(1) as executor:
        return executor.submit(*arguments).result()


def chatter(number):
    os.write(1, b"what a plug-in prints is no answer\n")
    return number + 1


class Stubborn(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def fail_stubbornly():
    raise Stubborn("this", "that")


def mask():
    return sorted(int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_what_a_worker_prints_is_no_answer():
    assert in_a_worker(chatter, 4) == 5


def test_an_exception_that_cannot_be_sent_is_sent_as_text():
    with pytest.raises(ZswapsimError, match="Stubborn: this and that"):
        in_a_worker(fail_stubbornly)


def test_no_ending_signal_reaches_a_worker():
    assert in_a_worker(mask) == sorted(map(int, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))


def test_a_limit_that_is_reached_is_named(tmp_path, monkeypatch):
    for name, text in (("pids.max", "20"), ("pids.current", "19")):
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(starting, "_own_cgroups", lambda: [tmp_path])
    assert refusal("a thread") == (
        f"cannot start a thread: the limit is reached: pids.max of the cgroup {tmp_path} is 20"
    )
    (tmp_path / "pids.current").write_text("3\n")
    assert f"limited by: pids.max of the cgroup {tmp_path} is 20" in refusal("a thread")


def test_a_limit_that_may_be_meant_is_named(monkeypatch):
    limits = {resource.RLIMIT_NPROC: 40, resource.RLIMIT_AS: 1 << 30, resource.RLIMIT_NOFILE: 64}
    monkeypatch.setattr(starting, "_own_cgroups", list)
    monkeypatch.setattr(starting.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], limits[kind]))
    assert refusal("a thread") == "cannot start a thread: limited by: ulimit -u is 40, ulimit -v is 1048576 KiB"
    assert "Cannot allocate memory" in refusal("a thread", OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)))
    assert "too many open files: ulimit -n is 64" in refusal("a process", OSError(errno.EMFILE, "x"))


def test_without_any_limit_the_machine_is_named(monkeypatch):
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(starting, "_own_cgroups", list)
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: unlimited)
    assert "kernel.threads-max" in refusal("a thread")


def test_other_errors_pass():
    with pytest.raises(ZswapsimError, match="cannot start it: /missing/program: No such file"):
        start_process(["/missing/program"], "it")
    with pytest.raises(RuntimeError, match="of the work"), thread_pool(1) as pool:
        submit_all(pool, fail_at_work, [()])[0].result()


def fail_at_work():
    raise RuntimeError("of the work")


@contextmanager
def limited_group(most):
    """Make a cgroup of our own that limits processes and threads."""
    folder = OWN_CGROUPS / f"zswapsim-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "pids.max").write_text(str(most))
    except OSError:
        pytest.skip("no cgroup that limits processes can be made here")
    try:
        yield folder
    finally:
        folder.rmdir()


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 3, 4])
def test_a_real_limit_is_named_and_nothing_hangs(most):
    with limited_group(most) as folder:

        def join():
            (folder / "cgroup.procs").write_text(str(os.getpid()))

        line = refused(*COMMANDS["compare"], code=1, preexec_fn=join)
    assert f"pids.max of the cgroup {folder} is {most}" in line


@pytest.mark.slow
def test_little_address_space_is_one_line(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20))

    line = refused("run", TRACE, "--dram", "1GiB", "--node", "1GiB", code=1, preexec_fn=limit)
    assert "memory" in line or "cannot load" in line or "cannot" in line
