"""Hold a mutant, a small change of a source file, and show it as a diff."""

import difflib
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """Hold one change: the characters from `start` to `end` of a file become `text`."""

    path: str
    line: int
    start: int
    end: int
    text: str
    rule: str

    def applied(self, source: str) -> str:
        """Return the whole text with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def changed(self, source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the lines that go and those that come, without indentation: they stay equal if the change moves."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        last = len(source) if last < 0 else last
        before, after = source[first:last], self.applied(source)[first : last + len(self.text) - self.end + self.start]
        gone, come = [line.strip() for line in before.splitlines()], [line.strip() for line in after.splitlines()]
        while gone and come and gone[0] == come[0]:
            gone, come = gone[1:], come[1:]
        while gone and come and gone[-1] == come[-1]:
            gone, come = gone[:-1], come[:-1]
        return tuple(gone), tuple(come)

    def key(self, source: str) -> str:
        """Return a name that stays the same if lines move; equal changes in equal lines are told apart by the line."""
        words = (self.path, self.rule, str(self.line), *self.changed(source)[0], ">", *self.changed(source)[1])
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]

    def diff(self, source: str) -> str:
        """Return the change as a diff with one line of context."""
        before, after = source.splitlines(), self.applied(source).splitlines()
        return "\n".join(difflib.unified_diff(before, after, self.path, f"{self.path}, {self.rule}", "", "", 1, ""))
