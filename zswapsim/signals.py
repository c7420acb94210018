"""Hold back the signals that end a program while something is made or undone.

The signals are Ctrl-C (SIGINT), SIGTERM and SIGHUP. What must not be left half made, such as a temporary folder or a
child, is made and undone in a :class:`held` block; what uses it runs in a :class:`released` block inside::

    with held():
        folder = make()
        try:
            with released():
                ...
        finally:
            remove(folder)

The command line takes the signals over (:class:`Unwinding`): the first of them unwinds the stack, and all later ones
wait until the process has ended. What is too slow for somebody can be ended by SIGKILL. In a program that uses this
package as a library, its own handlers stay; a block only delays them.

Python runs handlers in the main thread, so the blocks do nothing in another one.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REDELIVERY_S = 0.001


class _State:
    """Hold what the handlers have to know. The main thread alone changes it."""

    def __init__(self) -> None:
        self.holds = 0
        """Blocks around the code that runs now that hold signals back."""
        self.waiting: list[int] = []
        """Signals that have arrived in them."""
        self.ending = False
        """True once a signal unwinds the stack of the command line, or its work is done."""
        self.number: int | None = None
        """The signal that unwinds the stack, until the work has ended by it."""
        self.again: Any = None
        """The handler of SIGALRM that was there before the signal had to be raised again."""


_state = _State()


class _Delayed:
    """Call the handler that was there before: at once, or after the block that holds signals back."""

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if _state.holds:
            _state.waiting.append(number)
        elif callable(self.before):
            self.before(number, frame)
        else:
            signal.signal(number, self.before)
            signal.raise_signal(number)


class held:  # noqa: N801  # a statement, as in `with suppress(...)`
    """Hold ending signals back until the block is left."""

    def __enter__(self) -> Self:
        self.ours = _in_main_thread()
        self.delayed: dict[int, _Delayed] = {}
        self.outside = _state.holds
        if self.ours:
            _state.holds = self.outside + 1
            self._delay_handlers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.ours:
            return
        _state.holds = self.outside
        try:
            _deliver()
        finally:
            # Until here a handler that has no block around it calls the one before, so nothing is lost in between.
            for number, handler in self.delayed.items():
                signal.signal(number, handler.before)

    def _delay_handlers(self) -> None:
        for number in ENDING:
            before = signal.getsignal(number)
            if before is not None and before is not signal.SIG_IGN and not isinstance(before, _Delayed):
                self.delayed[number] = _Delayed(before)
                signal.signal(number, self.delayed[number])


class released:  # noqa: N801  # a statement, as in `with suppress(...)`
    """Let signals through again inside a `held` block, first those that have arrived since it began."""

    def __enter__(self) -> Self:
        self.ours, self.inside = _in_main_thread(), _state.holds
        if self.ours and self.inside:
            _state.holds = self.inside - 1
            try:
                _deliver()
            except BaseException:
                _state.holds = self.inside
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.ours:
            _state.holds = self.inside


@contextmanager
def blocked() -> Iterator[None]:
    """Hold ending signals back, and start children that never get them: a child inherits the mask of this thread."""
    with held():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class Unwinding:
    """Let the first ending signal unwind the stack, and all later ones wait.

    Ctrl-C raises KeyboardInterrupt, another signal SystemExit with the exit code of a shell. A signal that is ignored,
    as in a background job, or has a handler of the embedding program stays as it is. The handlers that were there
    before come back when the block is left; if the process ends then (`for_good`), signals are ignored instead.
    """

    def __init__(self, *, for_good: bool = False) -> None:
        self.for_good = for_good

    def __enter__(self) -> Self:
        self.before: dict[int, Any] = {}
        self.hook = sys.unraisablehook
        if _in_main_thread():
            _state.ending, _state.number = False, None
            sys.unraisablehook = _raised_where_nothing_can_be(self.hook)
            for number in ENDING:
                before = signal.getsignal(number)
                if before in (signal.SIG_DFL, signal.default_int_handler):
                    self.before[number] = before
                    signal.signal(number, _Delayed(_unwind))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self.before.items():
            signal.signal(number, signal.SIG_IGN if self.for_good else before)
        if _in_main_thread():
            sys.unraisablehook = self.hook
            _state.ending = False
            _state.waiting.clear()


def begin_to_end() -> None:
    """Let all ending signals wait from here on, since the work is done or has failed."""
    if _in_main_thread():
        _state.ending, _state.number = True, None
        if _state.again is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, _state.again)
            _state.again = None


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def _deliver() -> None:
    """Raise the signals that have arrived, unless another block holds them back; each, even if the first one raises."""
    if _state.waiting and not _state.holds:
        try:
            signal.raise_signal(_state.waiting.pop(0))
        finally:
            _deliver()


def _unwind(number: int, _frame: FrameType | None) -> None:
    if not _state.ending:
        _state.ending, _state.number = True, number
        _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _raised_where_nothing_can_be(usual: Callable[[Any], object]) -> Callable[[Any], None]:
    """Return a hook for exceptions that Python can only print: one of a signal is raised again a moment later."""

    def hook(what: Any) -> None:
        if _state.number is None or not issubclass(what.exc_type, KeyboardInterrupt | SystemExit):
            usual(what)
            return
        before = signal.signal(signal.SIGALRM, _again)
        if _state.again is None:
            _state.again = before or signal.SIG_DFL
        signal.setitimer(signal.ITIMER_REAL, REDELIVERY_S)

    return hook


def _again(_number: int, _frame: FrameType | None) -> None:
    if _state.holds:
        signal.setitimer(signal.ITIMER_REAL, REDELIVERY_S)
    elif _state.number is not None:
        _raise(_state.number)
