"""Count what state machines reach in a run, so that a test can say if they do the work that they are for."""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EXAMPLES = 100


class Reach(Counter[str]):
    """Count events by name over all examples of one machine."""

    def note(self, name: str, happened: bool = True) -> None:
        self[name] += happened


def run_machine(machine: type[RuleBasedStateMachine], **options: Any) -> Reach:
    """Run a state machine that has a `reach` with these settings of Hypothesis, and return what it reached."""
    machine.reach.clear()  # type: ignore[attr-defined]
    run_state_machine_as_test(machine, settings=settings(**options))
    return machine.reach  # type: ignore[attr-defined,no-any-return]


def share_of_examples(divisor: int) -> int:
    """Return a share of the profile's examples, for machines that do much in each."""
    return max(settings.default.max_examples // divisor, 1)


def assert_reached(reach: Reach, **least: int) -> None:
    """Assert that each event was counted at least so often, if the profile has 100 examples that it always draws alike.

    A random run, or one of few examples, is not held to it: what it reaches differs too much.
    """
    if not settings.default.derandomize or settings.default.max_examples < EXAMPLES:
        return
    missed = {name: (reach[name], wanted) for name, wanted in least.items() if reach[name] < wanted}
    assert not missed, f"reached too seldom (found, expected): {missed} of {dict(reach)}"
