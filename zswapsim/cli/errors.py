"""Turn an exception into one line on stderr and an exit code. A user sees no traceback unless one is asked for.

==============================  ====  ===================================================
exception                       exit  cause
==============================  ====  ===================================================
InputError                      2     the user gave a wrong option, argument or file
another ZswapsimError, OSError  1     the machine, a compressor or a file failed
KeyboardInterrupt               130   the user pressed Ctrl-C
BrokenPipeError                 1     the reader of our output went away; nothing is printed
==============================  ====  ===================================================

With ``ZSWAPSIM_DEBUG=1`` in the environment the traceback is printed above the line.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG = "ZSWAPSIM_DEBUG"
PRINTING = ("zswapsim.cli", "rich.")
"""Modules that write to standard output."""


def guarded(work: Callable[[], int | None]) -> int:
    """Run `work`, flush its output, and return the exit code."""
    _unwind_on_signals()
    try:
        code = work() or DONE
        sys.stdout.flush()
        return code
    except Exception as error:
        return report(error)
    except KeyboardInterrupt as error:
        return report(error)


def report(error: BaseException) -> int:
    """Print one line about `error` and return its exit code."""
    if os.environ.get(DEBUG) == "1":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return FAILED
    code, message = _classify(error)
    if message:
        complain(message)
    if isinstance(error, OSError):
        _silence_stdout()
    return code


def complain(message: str) -> None:
    """Write `message` to stderr as one line; its line breaks become spaces."""
    print("zswapsim: " + " ".join(message.split()), file=sys.stderr)


def _classify(error: BaseException) -> tuple[int, str]:
    from zswapsim._core.base.errors import InputError, ZswapsimError

    if isinstance(error, ZswapsimError):
        return WRONG_USE if isinstance(error, InputError) else FAILED, str(error)
    if isinstance(error, OSError):
        return FAILED, _system(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, ": ".join(["interrupted", *map(str, error.args)])
    if isinstance(error, MemoryError):
        return FAILED, "the host is out of memory"
    return FAILED, f"internal error: {type(error).__name__}: {error} ({DEBUG}=1 shows where)"


def _system(error: OSError) -> str:
    """Return one line about an error of the operating system: the file, then the reason.

    Every file that this package opens is named in its errors. So an error without a name that arises where a command
    prints is of standard output; one that arises anywhere else has no file.
    """
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{error.filename if isinstance(error.filename, int) else os.fsdecode(error.filename)}: {reason}"
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    printing = place is not None and str(place.tb_frame.f_globals.get("__name__")).startswith(PRINTING)
    return f"standard output: {reason}" if printing else reason


def _silence_stdout() -> None:
    """Redirect stdout to /dev/null: the interpreter flushes it once more at exit, and would fail again."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        pass


def _unwind_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that children and temporary files are removed."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        try:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, unwind)
        except ValueError:  # not the main thread: the embedding program keeps its handlers
            return
