"""Read the list of mutants that change nothing which a test could see, each with its reason."""

from pathlib import Path

from mutants.mutant import Mutant

Change = tuple[str, tuple[str, ...], tuple[str, ...]]


def read_equivalent(path: Path) -> dict[Change, str]:
    """Return the reason of each change: a file's name, lines with ``-`` and ``+``, and the reason behind ``=``."""
    found: dict[Change, str] = {}
    name, gone, come = "", [], []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        mark, words = line[:1], line[1:].strip()
        if mark == "=":
            if not name or not words or not gone + come:
                raise ValueError(f"{path}:{number}: expected a file's name, lines with - and +, and a reason")
            found[name, tuple(gone), tuple(come)] = words
            gone, come = [], []
        elif mark == "-":
            gone.append(words)
        elif mark == "+":
            come.append(words)
        elif mark and mark != "#":
            name, gone, come = line.strip(), [], []
    return found


def why_equivalent(mutant: Mutant, source: str, known: dict[Change, str]) -> str | None:
    """Return the reason why a mutant is equivalent, None if it is not listed."""
    return known.get((mutant.path, *mutant.changed(source)))
