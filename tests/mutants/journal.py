"""Keep what became of each mutant in a file of JSON lines, so that a run that was ended goes on where it was."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

KILLED = {"failed", "hangs", "crashed"}


class Journal:
    """Hold the results of earlier runs with the same seed, and those of all seeds for choosing tests."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = folder / f"seed-{seed}.jsonl"
        self.found = {each["key"]: each for each in _read(self.path)}
        self.kills: dict[str, Counter[str]] = defaultdict(Counter)
        for path in folder.glob("seed-*.jsonl"):
            for each in _read(path):
                self._learn(each)

    def note(self, result: dict[str, Any]) -> None:
        """Add a result; a later one for the same mutant replaces it."""
        self.found[result["key"]] = result
        self._learn(result)
        with self.path.open("a") as out:
            out.write(f"{json.dumps(result)}\n")

    def _learn(self, result: dict[str, Any]) -> None:
        if result["outcome"] in KILLED:
            self.kills[result["path"]][result["test"].partition("::")[0]] += 1


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    # The last line is cut off if the program was killed while it wrote.
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
