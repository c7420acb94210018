"""Shorten a run that fails: leave out steps, then accesses, as long as it fails in the same way."""

from __future__ import annotations

import re

from tests.simulation.case import Case, Step
from tests.simulation.runs import simulate


def failure(case: Case) -> str:
    """Return what goes wrong in a run, or nothing."""
    try:
        simulate(case)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def kind_of(text: str) -> str:
    """Return a failure without its numbers, which change when steps are left out."""
    return re.sub(r"\d+", "#", text)[:60]


def shrunk(case: Case) -> Case:
    """Return the shortest case that was found to fail as this one does."""
    kind = kind_of(failure(case))

    def fails(steps: list[Step]) -> bool:
        return kind_of(failure(case.with_steps(tuple(steps)))) == kind

    steps = without(list(case.steps), fails)
    singles = [Step("access", ([access],)) for step in steps if step.kind == "access" for access in step.values[0]]
    if len(singles) > 1:
        split = [
            single
            for step in steps
            for single in ([Step("access", ([each],)) for each in step.values[0]] if step.kind == "access" else [step])
        ]
        if fails(split):
            steps = without(split, fails)
    return case.with_steps(tuple(steps))


def without(steps: list[Step], fails: object) -> list[Step]:
    """Leave out runs of steps, long ones first, while the rest still fails."""
    size = len(steps) // 2
    while size:
        first = 0
        while first < len(steps):
            rest = steps[:first] + steps[first + size :]
            if rest and fails(rest):  # type: ignore[operator]
                steps = rest
            else:
                first += size
        size //= 2
    return steps
