"""From an exception to one line on stderr and an exit code. No traceback reaches a user, unless asked for.

=====================================  ====  ==========================================
exception                              exit  what it stands for
=====================================  ====  ==========================================
InputError, wrong option or argument   2     the user's mistake
another ZswapsimError, OSError         1     the machine, a codec or a file did not work
KeyboardInterrupt                      130   Ctrl-C
BrokenPipeError                        1     the reader of our output went away: quiet
=====================================  ====  ==========================================

With ``ZSWAPSIM_DEBUG=1`` in the environment the traceback is printed above the line.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG = "ZSWAPSIM_DEBUG"


def guarded(work: Callable[[], int | None]) -> int:
    """Run `work`, write its output out to the last byte, and return the exit code."""
    _end_in_order()
    try:
        code = work() or DONE
        sys.stdout.flush()
        return code
    except Exception as error:
        return report(error)
    except KeyboardInterrupt as error:
        return report(error)


def report(error: BaseException) -> int:
    """Print the one line that `error` deserves and return its exit code."""
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
    """Write one line to stderr, whatever line breaks `message` carries."""
    print("zswapsim: " + " ".join(message.split()), file=sys.stderr)


def _classify(error: BaseException) -> tuple[int, str]:
    from zswapsim._core.base.errors import InputError, ZswapsimError

    if isinstance(error, ZswapsimError):
        return WRONG_USE if isinstance(error, InputError) else FAILED, str(error)
    if hasattr(error, "format_message"):  # typer's own: a wrong option, a missing argument
        return getattr(error, "exit_code", WRONG_USE), _usage(error)
    if isinstance(error, OSError):
        return FAILED, _system(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, ": ".join(["interrupted", *map(str, error.args)])
    if isinstance(error, MemoryError):
        return FAILED, "the host is out of memory"
    return FAILED, f"internal error: {type(error).__name__}: {error} ({DEBUG}=1 shows where)"


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "zswapsim"
    message = error.format_message().rstrip(".")
    return f"{path.partition(' ')[2]}: {message} (see {path} --help)".removeprefix(": ")


def _system(error: OSError) -> str:
    """One line for what the operating system refused: the file, then its reason."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename is not None else f"standard output: {reason}"


def _silence_stdout() -> None:
    """Point stdout at nothing: the interpreter flushes it once more on its way out, and would complain again."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError):
        pass


def _end_in_order() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that children and temporary files go away."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        try:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, unwind)
        except ValueError:  # not the main thread: the embedding program keeps its signals
            return
