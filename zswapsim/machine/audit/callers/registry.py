"""A table holds kernel callers; each entry says what it calls and which existing call sites it stands for."""

from collections.abc import Callable
from typing import NamedTuple

from zswapsim.machine.audit.callers.outcome import Outcome
from zswapsim.machine.machine import Machine

Run = Callable[[Machine], Outcome]


class Caller(NamedTuple):
    """Describe a kernel caller; calling the description runs the caller on a machine."""

    run: Run
    surface: str
    """The caller calls this function."""
    sites: tuple[str, ...]
    """The caller stands for existing call sites of these kinds."""

    def __call__(self, machine: Machine) -> Outcome:
        """Run the caller; return what became of its requests."""
        return self.run(machine)


class CallerTable(dict[str, Caller]):
    """Map names to callers."""

    def add(self, name: str, surface: str, *sites: str) -> Callable[[Run], Run]:
        """Return a decorator that adds a function as a caller."""

        def register(run: Run) -> Run:
            self[name] = Caller(run, surface, sites)
            return run

        return register
