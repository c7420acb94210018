"""Draw mutants by a seed over areas of the sources."""

import random
from collections import defaultdict
from pathlib import Path

from mutants.cython_rules import cython_mutants
from mutants.mutant import Mutant
from mutants.python_rules import python_mutants

AREAS = {
    "core": ("zswapsim/_core", "zswapsim/compressors", "zswapsim/reclaimers", "zswapsim/backends"),
    "machine": ("zswapsim/machine",),
    "study": ("zswapsim/study",),
    "traces": ("zswapsim/traces",),
    "report": ("zswapsim/report",),
    "cli": ("zswapsim/cli",),
}
SUFFIXES = {".py", ".pyx", ".pxd"}


def mutants_of(tree: Path, path: Path) -> list[Mutant]:
    """Return every mutant of one file."""
    make = python_mutants if path.suffix == ".py" else cython_mutants
    return make(str(path), (tree / path).read_text())


def area_files(tree: Path, area: str) -> list[Path]:
    """Return the source files of an area, relative to the tree."""
    found = [path for folder in AREAS[area] for path in (tree / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted(path.relative_to(tree) for path in found)


def area_of(path: str) -> str:
    """Return the area that a file belongs to."""
    return next(area for area, folders in AREAS.items() if path.startswith(folders))


def drawn(tree: Path, area: str, number: int, seed: int, only: str = "") -> list[Mutant]:
    """Return mutants of an area in the order in which they are drawn: first a rule, then one of its mutants.

    So that a rule with few mutants is drawn as often as that of numbers. `only` is a part of the names of files.
    """
    by_rule: dict[str, list[Mutant]] = defaultdict(list)
    for path in area_files(tree, area):
        if only in str(path):
            for mutant in mutants_of(tree, path):
                by_rule[mutant.rule].append(mutant)
    chance = random.Random(f"{seed} {area}")
    found: list[Mutant] = []
    while by_rule and len(found) < number:
        rule = chance.choice(sorted(by_rule))
        found.append(by_rule[rule].pop(chance.randrange(len(by_rule[rule]))))
        if not by_rule[rule]:
            del by_rule[rule]
    return found
