"""Put small faults into the sources, one at a time, and list those that no test notices.

    python tests/mutate.py --seed 1 --count 40 --areas report study
    make mutants ARGS="--seed 1 --count 40"

Mutants are drawn by the seed and built in a copy of the tree under build/mutants. The tests that import or name the
module are run, the likeliest first; with --whole all others follow. What was found is kept there, so that the same
command goes on where it was ended, and --again tries those that lived once more. Mutants that change nothing which a
test could see are listed with the reason in tests/data/equivalent_mutants.txt.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mutants.baseline import Baseline
from mutants.belongs import Belongs
from mutants.crew import Crew, Task
from mutants.draw import AREAS, area_of, drawn
from mutants.equivalent import read_equivalent, why_equivalent
from mutants.journal import KILLED, Journal
from mutants.mutant import Mutant
from mutants.workshop import Workshop

TREE = Path(__file__).resolve().parents[1]
FOLDER = TREE / "build" / "mutants"
EQUIVALENT = TREE / "tests" / "data" / "equivalent_mutants.txt"
SPARE = 3
"""So many times the mutants are drawn, for those that do not build."""
NEAR = 3
"""Tests that are more imports away are run only with --whole."""
TIMED_OUT = 3600.0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40, help="mutants of each area")
    parser.add_argument("--areas", nargs="+", choices=AREAS, default=[*AREAS])
    parser.add_argument("--only", default="", help="a part of the names of the files to change")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=150, help="seconds of tests for a mutant, without --whole")
    parser.add_argument("--whole", action="store_true", help="run all tests before a mutant counts as alive")
    parser.add_argument("--again", action="store_true", help="try those that lived once more")
    parser.add_argument("--list", action="store_true", help="print the mutants that would be tried, and try none")
    return parser.parse_args()


class Campaign:
    """Hold all that a run of this program needs."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.belongs, self.known = Belongs(TREE), read_equivalent(EQUIVALENT)
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(FOLDER, asked.seed)
        self.baseline = Baseline(FOLDER / "durations.json", TREE)
        self.drawn = {area: drawn(TREE, area, SPARE * asked.count, asked.seed, asked.only) for area in asked.areas}
        self.queues = {area: iter(mutants) for area, mutants in self.drawn.items()}
        self.outcomes: dict[str, Counter[str]] = {area: Counter() for area in asked.areas}
        self.alive: list[tuple[Mutant, str]] = []

    def source(self, mutant: Mutant) -> str:
        return (TREE / mutant.path).read_text()

    def to_try(self, area: str, number: int) -> Iterator[Mutant]:
        """Yield the next mutants of an area whose fate is open, and count those whose fate is known."""
        while number and (mutant := next(self.queues[area], None)) is not None:
            earlier = self.journal.found.get(mutant.key(self.source(mutant)), {}).get("outcome")
            if earlier == "unbuildable":
                continue
            number -= 1
            if why_equivalent(mutant, self.source(mutant), self.known):
                self.outcomes[area]["equivalent"] += 1
            elif earlier in KILLED or (earlier == "survived" and not self.asked.again):
                self.count(mutant, earlier)
            else:
                yield mutant

    def count(self, mutant: Mutant, outcome: str) -> None:
        self.outcomes[area_of(mutant.path)]["killed" if outcome in KILLED else outcome] += 1
        if outcome not in KILLED:
            self.alive.append((mutant, outcome))

    def task(self, mutant: Mutant) -> Task:
        budget = TIMED_OUT if self.asked.whole else self.asked.budget
        steps = self.baseline.steps(self.near(mutant), self.journal.kills[mutant.path], budget)
        return Task(mutant, steps, self.baseline.limits())

    def near(self, mutant: Mutant) -> dict[str, int]:
        found = self.belongs.tests(Path(mutant.path))
        farthest = 99 if self.asked.whole else max(NEAR, min(found.values(), default=0))
        return {name: steps for name, steps in found.items() if steps <= farthest}

    def note(self, mutant: Mutant, found: dict[str, Any]) -> None:
        source = self.source(mutant)
        kept = {name: value for name, value in found.items() if name != "durations"}
        self.journal.note({"key": mutant.key(source), "path": mutant.path, "rule": mutant.rule, **kept})
        print(f"{found['outcome']:<11} {found['seconds']:6.1f} s  {mutant.path}:{mutant.line}  {mutant.rule}", end="")
        print(f"  {found['test']}" if found["outcome"] in KILLED else "", flush=True)


class Round:
    """Give mutants to the crew until each has an outcome.

    A test that kills counts only if its file passes on the unchanged tree, which is tried when it first kills.
    """

    def __init__(self, campaign: Campaign, crew: Crew) -> None:
        self.campaign, self.crew = campaign, crew
        self.doubtful: dict[str, list[tuple[Mutant, dict[str, Any]]]] = {}

    def run(self, mutants: list[Mutant]) -> None:
        for mutant in mutants:
            self.crew.give(self.campaign.task(mutant))
        for task, found in self.crew.ended():
            if task.mutant is None:
                self.tried_unchanged(task.steps[0][0], found)
            else:
                self.tried(task.mutant, found)

    def tried(self, mutant: Mutant, found: dict[str, Any]) -> None:
        self.campaign.baseline.learn(found["durations"])
        name = found["test"].partition("::")[0]
        certain = name not in self.campaign.belongs.test_files or self.campaign.baseline.is_known(name)
        if found["outcome"] not in KILLED or certain:
            self.settled(mutant, found)
        elif name in self.doubtful:
            self.doubtful[name].append((mutant, found))
        else:
            self.doubtful[name] = [(mutant, found)]
            self.crew.give(Task(None, [[name]], {}))

    def tried_unchanged(self, name: str, found: dict[str, Any]) -> None:
        baseline = self.campaign.baseline
        baseline.note(name, found["outcome"], found["durations"])
        if not baseline.may_pass(name):
            print(f"{name} is left out, as it does not pass on the unchanged tree: {found['test']}", flush=True)
        for mutant, killed in self.doubtful.pop(name):
            if baseline.may_pass(name):
                self.settled(mutant, killed)
            else:
                self.crew.give(self.campaign.task(mutant))

    def settled(self, mutant: Mutant, found: dict[str, Any]) -> None:
        self.campaign.note(mutant, found)
        if found["outcome"] != "unbuildable":
            self.campaign.count(mutant, found["outcome"])
        else:
            for other in self.campaign.to_try(area_of(mutant.path), 1):
                self.crew.give(self.campaign.task(other))


def run(campaign: Campaign) -> None:
    first = [mutant for area in campaign.asked.areas for mutant in campaign.to_try(area, campaign.asked.count)]
    if not first:
        return
    pristine = Workshop(FOLDER / "pristine")
    pristine.restore(TREE)
    pristine.build()
    crew = Crew(pristine.folder, [FOLDER / f"job-{number}" for number in range(campaign.asked.jobs)])
    try:
        Round(campaign, crew).run(first)
    finally:
        crew.close()


def report(campaign: Campaign) -> None:
    for mutant, outcome in campaign.alive:
        print(f"\n{outcome}: {mutant.path}:{mutant.line}\n{mutant.diff(campaign.source(mutant))}")
    print(f"\nseed {campaign.asked.seed}\narea     drawn  killed  equivalent  alive    rate")
    for area, found in campaign.outcomes.items():
        total, counted = sum(found.values()), sum(found.values()) - found["equivalent"]
        alive = counted - found["killed"]
        rate = f"{100 * found['killed'] / counted:.1f} %" if counted else "-"
        print(f"{area:<8} {total:5}  {found['killed']:6}  {found['equivalent']:10}  {alive:5}  {rate:>6}")


def main() -> int:
    asked = options()
    shared = TREE.parent / "shared" / "traces"
    if shared.is_dir():
        os.environ.setdefault("ZSWAPSIM_TRACES", str(shared))
    campaign = Campaign(asked)
    if asked.list:
        for area in asked.areas:
            for mutant in campaign.to_try(area, asked.count):
                print(f"{mutant.diff(campaign.source(mutant))}\n")
        return 0
    try:
        run(campaign)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here")
    report(campaign)
    return 1 if campaign.alive else 0


if __name__ == "__main__":
    sys.exit(main())
