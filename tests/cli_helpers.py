"""Run the command line as a user does: in a process of its own, with two output streams and an exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zswapsim.cli import main

PLAIN = {name: value for name, value in os.environ.items() if name not in {"ZSWAPSIM_DEBUG", "COLUMNS"}}
SMALL = "gen:zipf,pages=400,events=6000,alpha=0.9,writes=0.3,seed=1"


@contextmanager
def started(*arguments: object, **settings) -> Iterator[subprocess.Popen]:
    """Start ``zswapsim ARGUMENTS`` in a process group of its own, with pipes for its streams; kill it at the end."""
    command = [sys.executable, "-m", "zswapsim", *map(str, arguments)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **{**streams, "env": PLAIN, **settings}) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def zswapsim(*arguments: object, timeout: float = 120, **settings) -> subprocess.CompletedProcess:
    """Run ``zswapsim ARGUMENTS`` to its end."""
    with started(*arguments, **settings) as process:
        out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def as_json(*arguments: object, **settings):
    """Return the JSON that ``--json -`` prints, after checking that the command prints nothing else, on no stream."""
    done = zswapsim(*arguments, "--json", "-", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(*arguments: object, code: int = 2, folder: Path | None = None, **settings) -> str:
    """Return the one line with which a command fails, after checking that it made no file and printed nothing else."""
    before = listing(folder)
    done = zswapsim(*arguments, **settings)
    assert done.returncode == code, done.stderr
    assert done.stdout in ("", None)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("zswapsim: ")
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert listing(folder) == before
    return done.stderr


def called(*arguments: object) -> int:
    """Return the exit code of ``zswapsim ARGUMENTS`` in this process, and keep its signal handlers."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return main([str(argument) for argument in arguments])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def refused_here(capfd, *arguments: object, code: int = 2, folder: Path | None = None) -> str:
    """Do as :func:`refused` does, in this process: for the many cases that differ only in the message."""
    before = listing(folder)
    assert called(*arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("zswapsim: ")
    assert "Traceback" not in err
    assert "internal error" not in err
    assert listing(folder) == before
    return err


def listing(folder: Path | None) -> list[tuple[str, int]]:
    """Return the names and sizes of all files in a folder, hidden ones included."""
    return sorted((entry.name, entry.stat().st_size) for entry in folder.iterdir()) if folder else []
