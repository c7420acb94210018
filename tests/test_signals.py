"""Hold back, release and unwind: ending signals at the worst moments leave nothing, and print no traceback."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from cli_helpers import PLAIN, SMALL

from zswapsim import signals
from zswapsim.cli.errors import guarded
from zswapsim.signals import Unwinding, blocked, held, released

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def handlers_stay():
    """Check that every test leaves the handlers, the mask and the counts as they were."""
    before = [signal.getsignal(number) for number in (*ENDING, signal.SIGALRM)], sys.unraisablehook
    yield
    assert ([signal.getsignal(number) for number in (*ENDING, signal.SIGALRM)], sys.unraisablehook) == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    assert (signals._state.holds, signals._state.waiting, signals._state.ending) == (0, [], False)


def test_a_signal_waits_until_the_block_is_left():
    seen = []

    def work():
        with held():
            signal.raise_signal(signal.SIGINT)
            seen.append("after")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen == ["after"]


def test_the_innermost_of_several_blocks_delivers_nothing():
    seen = []

    def work():
        with held():
            with held():
                signal.raise_signal(signal.SIGINT)
            seen.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen == ["outer"]


def test_a_released_block_lets_through_what_has_arrived_and_what_arrives():
    seen = []
    with held():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), released():
            seen.append("not reached")
        with pytest.raises(KeyboardInterrupt), released():
            signal.raise_signal(signal.SIGINT)
    assert seen == []


def test_a_handler_of_the_program_is_called_later(monkeypatch):
    got = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: got.append(number))
    try:
        with held():
            signal.raise_signal(signal.SIGHUP)
            assert got == []
        assert got == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_every_signal_that_waited_is_delivered_even_if_the_first_raises():
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: got.append(number))

    def work():
        with held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == [signal.SIGTERM]


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Unwinding(), held():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_the_blocks_do_nothing():
    done = []

    def work():
        with held(), released():
            done.append(signals._state.holds)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [0]


def test_a_child_of_a_blocked_block_gets_no_signal():
    code = "import signal; print(sorted(int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
    with blocked():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{sorted(map(int, ENDING))}\n"


@pytest.mark.parametrize("first", ENDING)
def test_the_first_signal_unwinds_and_later_ones_wait(first, capsys):
    steps = []

    def work():
        try:
            signal.raise_signal(first)
        finally:
            for number in ENDING:
                signal.raise_signal(number)
            steps.append("removed")

    assert guarded(work) == CODES[first]
    assert steps == ["removed"]
    assert capsys.readouterr().err == ("zswapsim: interrupted\n" if first == signal.SIGINT else "")


def test_after_an_interrupt_that_became_a_result_signals_wait_too():
    steps = []

    def work():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGTERM)
            steps.append("printed")
        raise KeyboardInterrupt

    assert guarded(work) == 130
    assert steps == ["printed"]


def test_a_signal_while_an_error_is_reported_changes_nothing(capsys, monkeypatch):
    def complain(message):
        signal.raise_signal(signal.SIGINT)
        sys.stderr.write(message)

    monkeypatch.setattr("zswapsim.cli.errors.complain", complain)

    def work():
        raise ValueError("wrong")

    assert guarded(work) == 1
    assert "ValueError: wrong" in capsys.readouterr().err


class Swallows:
    """Be interrupted where Python can only print the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_is_swallowed_comes_again(capsys):
    def work():
        made = Swallows()
        del made
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.001)

    assert guarded(work) == 143
    assert capsys.readouterr().err == ""


AT_EXIT = """
import atexit, os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    atexit.register(os.kill, os.getpid(), number)
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, 2); kill(pid, 15)
sys.late = Late()
from zswapsim.cli import main
sys.exit(main())
"""
WHILE_IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from zswapsim.cli import main
sys.exit(main())
"""


def run(script, *arguments):
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=PLAIN, check=False)


@pytest.mark.parametrize("arguments", [["--version"], ["run", SMALL, "--quiet"], ["run", "missing.csv"]])
def test_signals_while_the_interpreter_ends_change_no_exit_code(arguments):
    done = run(AT_EXIT, *arguments)
    assert done.returncode == (2 if "missing.csv" in arguments else 0)
    assert done.stderr.count("\n") == (1 if done.returncode else 0)


@pytest.mark.parametrize("name", ["zswapsim.signals", "zswapsim.cli.errors", "zswapsim.cli.run", "numpy"])
def test_ctrl_c_while_modules_are_imported_is_one_line(name):
    done = run(WHILE_IMPORTING.format(name=name), "run", SMALL)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "zswapsim: interrupted\n")


def test_a_background_job_goes_on_at_ctrl_c():
    """A shell starts a background job with SIGINT ignored."""
    script = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + AT_EXIT
    assert run(script, "--version").returncode == 0


def test_the_mask_of_the_process_is_untouched():
    with held():
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    assert os.getpid()
