"""Find the tests that belong to a source file: those that import it, name it, or import what imports it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?c?import\s+(\([^)]*\)|[^#\n]*)", re.MULTILINE)
HOMES = re.compile(r'"(\w+)": "([\w.]+)"')
COMMAND = re.compile(r"\b(?:zswapsim|as_json|refused|refused_here|called|started)\(\s*\"(\w+)\"")
FAR = 99
EVERYTHING = "tests/test_settings_digest.py"
"""This file compares what runs count for hundreds of settings, so it belongs to whatever a run goes through."""
GONE_THROUGH = (
    "zswapsim/_core",
    "zswapsim/backends",
    "zswapsim/study/run",
    "zswapsim/study/settings",
    "zswapsim/reclaimers",
)
NAMED = 2
"""A test that has a module's name as a word is as near as one that imports what imports the module."""
TOO_COMMON = {"run", "page", "base", "text", "store", "process", "memory", "record", "make", "file", "whole", "names"}


class Belongs:
    """Hold who imports whom in a tree, and tell how far each test file is from a source file."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        sources = [*tree.glob("zswapsim/**/*.py*"), *tree.glob("tests/**/*.py")]
        self.files = sorted(path.relative_to(tree) for path in sources if path.suffix in {".py", ".pyx", ".pxd"})
        self.texts = {path: (tree / path).read_text() for path in self.files}
        self.modules = defaultdict(list)
        for path in self.files:
            self.modules[module_of(path)].append(path)
        self.test_files = {str(path) for path in self.files if is_test(module_of(path))}
        self.importers: dict[str, set[str]] = defaultdict(set)
        for path in self.files:
            for name in set(self._imported(path)):
                self.importers[name].add(module_of(path))

    def tests(self, path: Path) -> dict[str, int]:
        """Return the test files that reach a file, with the steps of the shortest way."""
        found: dict[str, int] = {}
        start = module_of(path)
        # A .pxd of the same module is imported by the .pyx without a word.
        steps, seen = [start], {start}
        for distance in range(1, 12):
            steps = [name for step in steps for name in self._reached(step, seen)]
            for name in steps:
                if is_test(name):
                    found.setdefault(f"{name.replace('.', '/')}.py", distance)
        if str(path).startswith(GONE_THROUGH):
            found[EVERYTHING] = min(found.get(EVERYTHING, FAR), NAMED)
        for test in self._naming(path):
            found[test] = min(found.get(test, FAR), NAMED)
        return found

    def _reached(self, step: str, seen: set[str]) -> Iterator[str]:
        """Yield the importers of a module, and those of a helper of the tests, which is no step of its own."""
        for name in sorted(self.importers[step] - seen):
            seen.add(name)
            yield name
            if name.startswith("tests.") and not is_test(name):
                yield from self._reached(name, seen)

    def _naming(self, path: Path) -> Iterator[str]:
        word = path.stem
        for test in self.files:
            if not is_test(module_of(test)):
                continue
            command = "zswapsim/cli" in str(path) and word in COMMAND.findall(self.texts[test])
            named = word not in TOO_COMMON and re.search(rf"\b{word}\b", self.texts[test])
            if command or named or (word not in TOO_COMMON and word in test.stem):
                yield str(test)

    def _imported(self, path: Path) -> Iterator[str]:
        for home, names in IMPORT.findall(self.texts[path]):
            for name in re.findall(r"[\w.]+", re.sub(r"\bas\s+\w+", "", re.sub(r"#.*", "", names))):
                yield self._home(home, name)
        if path.name == "__init__.py":
            package = module_of(path)
            yield from (f"{package}.{home}" for _, home in HOMES.findall(self.texts[path]))

    def _home(self, home: str, name: str) -> str:
        """Return the module in which a name is, looking through packages that load their names when asked."""
        full = f"{home}.{name}" if home else name
        if full in self.modules:
            return full
        if f"tests.{home or name}" in self.modules:  # the tests' folder is on the path
            return f"tests.{home or name}"
        if f"tests.{full}" in self.modules:
            return f"tests.{full}"
        package = next((path for path in self.modules.get(home, []) if path.name == "__init__.py"), None)
        homes = dict(HOMES.findall(self.texts[package])) if package else {}
        if name in homes:
            return f"{home}.{homes[name]}" if f"{home}.{homes[name]}" in self.modules else home
        if package:
            for further, names in IMPORT.findall(self.texts[package]):
                if further != home and re.search(rf"\b{name}\b", names):
                    return self._home(further, name)
        return home or name


def module_of(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_test(module: str) -> bool:
    """Return True for the name of a test file."""
    return module.startswith("tests.test_")
