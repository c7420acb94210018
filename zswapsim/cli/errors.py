"""Turn an exception into one line on stderr and an exit code. A user sees no traceback unless one is asked for.

==============================  ====  ===================================================
exception                       exit  cause
==============================  ====  ===================================================
InputError                      2     the user gave a wrong option, argument or file
another ZswapsimError, OSError  1     the machine, a compressor or a file failed
MemoryError, ImportError        1     memory ran out
KeyboardInterrupt               130   the user pressed Ctrl-C
BrokenPipeError                 1     the reader of our output went away; nothing is printed
==============================  ====  ===================================================

With ``ZSWAPSIM_DEBUG=1`` in the environment the traceback is printed above the line.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from zswapsim import signals
from zswapsim.text import one_line, printable_lines

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG = "ZSWAPSIM_DEBUG"
PRINTING = ("zswapsim.cli", "rich.")
"""Modules that write to standard output."""


def guarded(work: Callable[[], int | None], *, for_good: bool = False) -> int:
    """Run `work`, flush its output, and return the exit code. The first ending signal ends it, and later ones wait.

    With `for_good` this process is about to end, and signals are ignored from then on: the exit code stays true.
    """
    with signals.Unwinding(for_good=for_good):
        try:
            try:
                code = work() or DONE
                sys.stdout.flush()
            finally:
                signals.begin_to_end()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            code = report(error)
    return code


def report(error: BaseException) -> int:
    """Print one line about `error` and return its exit code."""
    if isinstance(error, SystemExit):  # by a signal
        return error.code if isinstance(error.code, int) else FAILED
    if os.environ.get(DEBUG) == "1":
        import traceback

        with suppress(OSError, ValueError):
            sys.stderr.write(printable_lines("".join(traceback.format_exception(error))))
    if isinstance(error, BrokenPipeError):
        _silence(sys.stdout)
        return FAILED
    try:
        code, message = _classify(error)
    except (MemoryError, ImportError):  # there is not even memory for the modules that say so
        code, message = FAILED, "the host is out of memory"
    if message:
        complain(message)
    if isinstance(error, OSError):
        _silence(sys.stdout)
    return code


def complain(message: str) -> None:
    """Write `message` to stderr as one line that is safe to show. If nobody can read it, there is nobody to tell."""
    if sys.stderr is None:
        return
    try:
        print(f"zswapsim: {one_line(message)}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _silence(sys.stderr)


def _classify(error: BaseException) -> tuple[int, str]:
    from zswapsim._core.base.errors import InputError, ZswapsimError

    if isinstance(error, ZswapsimError):
        return WRONG_USE if isinstance(error, InputError) else FAILED, str(error)
    if isinstance(error, OSError):
        return FAILED, _system(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, ": ".join(["interrupted", *map(str, error.args)])
    return FAILED, _of_limits(error) or f"internal error: {type(error).__name__}: {error} ({DEBUG}=1 shows where)"


def _of_limits(error: BaseException) -> str:
    """Return one line about memory or a thread that the system has refused, "" for any other error."""
    from zswapsim.starting import is_refusal, memory_limit, refusal

    if isinstance(error, MemoryError):
        limit = memory_limit()
        return f"the host is out of memory{limit and f', or the limit is reached: {limit}'}"
    if isinstance(error, ImportError):
        return f"cannot load a part of this program: {error}"
    return refusal("a thread") if is_refusal(error) else ""


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


def _silence(stream: TextIO) -> None:
    """Redirect a stream to /dev/null: the interpreter flushes it once more at exit, and would fail again."""
    with suppress(OSError, ValueError):
        number = stream.fileno()
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, number)
        os.close(descriptor)
