"""Count what state machines reach in a run, so that a test can say if they do the work that they are for."""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


class Reach(Counter[str]):
    """Count events by name over all examples of one machine."""

    def note(self, name: str, happened: bool = True) -> None:
        self[name] += happened

    def share(self, name: str, of: str) -> float:
        """Return how often one event came with another one."""
        return self[name] / self[of] if self[of] else 0.0


def run_machine(machine: type[RuleBasedStateMachine], **options: Any) -> Reach:
    """Run a state machine that has a `reach` with these settings of Hypothesis, and return what it reached."""
    machine.reach.clear()  # type: ignore[attr-defined]
    run_state_machine_as_test(machine, settings=settings(**options))
    return machine.reach  # type: ignore[attr-defined,no-any-return]


def share_of_examples(divisor: int) -> int:
    """Return a share of the profile's examples, for machines that do much in each."""
    return max(settings.default.max_examples // divisor, 1)


def assert_reached(reach: Reach, **least: int) -> None:
    """Assert that each event was counted at least so often if the profile has 100 examples; with fewer, a share.

    Only a profile that draws the same in every run is held to it: what a random run reaches differs.
    """
    if not settings.default.derandomize:
        return
    examples = min(settings.default.max_examples, 100)
    short = {name: (reach[name], wanted * examples // 100) for name, wanted in least.items()}
    missed = {name: found for name, found in short.items() if found[0] < found[1]}
    assert not missed, f"reached too seldom (found, expected): {missed} of {dict(reach)}"
