"""Know how long every test takes on the unchanged tree, and which test files pass there."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GUESS = 4.0
FIRST, SECOND = 4.0, 25.0
"""Seconds of tests that are run first, and next, before the rest."""


class Baseline:
    """Hold the durations of test files, each for one content of the file."""

    def __init__(self, path: Path, tree: Path) -> None:
        self.path, self.tree = path, tree
        self.known: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def is_known(self, name: str) -> bool:
        """Return True if a test file was run on the unchanged tree, and has not changed since."""
        return bool(self.known.get(name, {}).get("content") == self._content(name))

    def may_pass(self, name: str) -> bool:
        """Return True unless a test file is known to fail on the unchanged tree."""
        return not self.is_known(name) or self.known[name]["outcome"] == "passed"

    def note(self, name: str, outcome: str, durations: Mapping[str, float]) -> None:
        """Remember how a test file did."""
        self.known[name] = {"content": self._content(name), "outcome": outcome, "tests": dict(durations)}
        self.path.write_text(json.dumps(self.known))

    def seconds(self, name: str) -> float:
        """Return how long a test file takes, a second for starting it included; a guess if it never ran."""
        tests = self.known.get(name, {}).get("tests", {})
        return 1.0 + (sum(tests.values()) if tests else GUESS)

    def limits(self) -> dict[str, float]:
        """Return the duration of every single test."""
        return {test: seconds for each in self.known.values() for test, seconds in each["tests"].items()}

    def learn(self, durations: Mapping[str, float]) -> None:
        """Take the durations of test files that nothing is known of from a run on a mutant."""
        for test, seconds in durations.items():
            name = test.partition("::")[0]
            self.known.setdefault(name, {"content": "", "outcome": "unknown", "tests": {}})
            if self.known[name]["outcome"] == "unknown":
                self.known[name]["tests"][test] = seconds

    def steps(self, near: Mapping[str, int], kills: Mapping[str, int], budget: float) -> list[list[str]]:
        """Return the files that may pass, the likeliest to kill first, in steps: a few seconds, more, and the rest."""
        able = [name for name in near if self.may_pass(name)]
        order = sorted(able, key=lambda name: (-kills.get(name, 0), near[name], self.seconds(name), name))
        steps: list[list[str]] = [[], [], []]
        spent = 0.0
        for name in order:
            spent += self.seconds(name)
            if spent > budget and any(steps):
                continue
            steps[0 if spent <= FIRST or not steps[0] else 1 if spent <= SECOND else 2].append(name)
        return [step for step in steps if step]

    def _content(self, name: str) -> str:
        return hashlib.sha256((self.tree / name).read_bytes()).hexdigest()[:16]
