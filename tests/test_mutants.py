"""Test the script that puts small faults into the sources: its rules, its equivalents, its choice of tests."""

from pathlib import Path

import pytest
from mutants.baseline import Baseline
from mutants.belongs import Belongs
from mutants.cython_rules import cython_mutants
from mutants.draw import AREAS, area_files, drawn, mutants_of
from mutants.equivalent import read_equivalent, why_equivalent
from mutants.journal import Journal
from mutants.mutant import Mutant
from mutants.numbers import changed_numbers
from mutants.python_rules import python_mutants
from tree import TREE

EQUIVALENT = Path(__file__).parent / "data" / "equivalent_mutants.txt"

PYTHON = '''"""A text with 1 number."""
import sys
LIMIT: int = 3

def f(a: int = 1, *, b=True) -> bool:
    """Return 7 words."""
    assert a < 5
    if a <= LIMIT and not b:
        return f"{a + 1} of {max(a, 2)}" == "1"
    a += 1
    g.last = a
    h(a, b)
    h(b, a)
    return a is None
'''
CYTHON = '''cdef extern from "x.h":
    int f(int a)

cdef int[4] table

cdef int f(int a, uint8_t *p=NULL) noexcept nogil:
    """Return 7 words."""
    cdef uint64_t b = <uint64_t> a + 1
    if a < 5 and p != NULL:
        g(a, <int> b)
    self.x = a
    self.y = self.x
    return b > 3
'''


def changes(found: list[Mutant], text: str) -> list[tuple[str, str, str]]:
    return [(each.rule, text[each.start : each.end], each.text) for each in found]


def test_rules_of_python() -> None:
    found = changes(python_mutants("x.py", PYTHON), PYTHON)
    for expected in [
        ("constant", "3", "2"),
        ("constant", "True", "False"),
        ("comparison", "<=", "<"),
        ("comparison", "<=", ">"),
        ("and/or", "and", "or"),
        ("negated", "not b", "(b)"),
        ("negated", "a <= LIMIT and not b", "(not (a <= LIMIT and not b))"),
        ("+ for -", "+", "-"),
        ("min/max", "max", "min"),
        ("comparison", "==", "!="),
        ("+ for -", "+=", "-="),
        ("dropped statement", "h(a, b)", "pass"),
        ("dropped statement", "g.last = a", "pass"),
        ("order of arguments", "a, b", "b, a"),
        ("order of statements", "h(a, b)\n    h(b, a)", "h(b, a)\n    h(a, b)"),
        ("comparison", "is", "is not"),
        ("return value", "a is None", "not (a is None)"),
    ]:
        assert expected in found, expected
    assert not any("5" in before or "7" in before for _, before, _ in found), "assertions and texts are left alone"
    assert ("order of arguments", "a, 2", "2, a") not in found, "max() has no order"


def test_rules_of_cython() -> None:
    found = changes(cython_mutants("x.pyx", CYTHON), CYTHON)
    for expected in [
        ("constant", "1", "2"),
        ("comparison", "<", "<="),
        ("comparison", "!=", "=="),
        ("and/or", "and", "or"),
        ("negated", "a < 5 and p != NULL", "not (a < 5 and p != NULL)"),
        ("order of arguments", "a, <int> b", "<int> b, a"),
        ("order of statements", "self.x = a\n    self.y = self.x", "self.y = self.x\n    self.x = a"),
        ("dropped statement", "self.x = a", "pass"),
        ("return value", "b > 3", "(b > 3) + 1"),
        ("+ for -", "+", "-"),
    ]:
        assert expected in found, expected
    places = {(before, after) for _, before, after in found}
    assert ("4", "5") not in places, "declarations are left alone"
    assert sum(before == "<" for before, _ in places) == 2, "a cast is no comparison"


def test_a_mutant_changes_its_place_alone() -> None:
    for each in python_mutants("x.py", PYTHON):
        mutated = each.applied(PYTHON)
        assert mutated != PYTHON
        assert mutated.startswith(PYTHON[: each.start])
        assert mutated.endswith(PYTHON[each.end :])
        compile(mutated, "x.py", "exec")


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("3", ["4", "2"]),
        ("0", ["1"]),
        ("0x10", ["17", "15"]),
        ("0.5", ["0.55"]),
        ("0.0", ["1.0"]),
        ("1u", ["2", "0"]),
        ("1j", []),
    ],
)
def test_numbers(text: str, others: list[str]) -> None:
    assert [float(each) for each in changed_numbers(text)] == pytest.approx([float(each) for each in others])


def test_an_equivalent_mutant_is_known_wherever_its_lines_move(tmp_path: Path) -> None:
    mutant = next(each for each in python_mutants("x.py", PYTHON) if each.text == "-=")
    listed = tmp_path / "list.txt"
    listed.write_text("# why\nx.py\n- a += 1\n+ a -= 1\n= nobody looks at a\n")
    known = read_equivalent(listed)
    assert why_equivalent(mutant, PYTHON, known) == "nobody looks at a"
    moved = PYTHON.replace("import sys", "import sys\nimport os")
    other = next(each for each in python_mutants("x.py", moved) if each.text == "-=")
    assert other.line == mutant.line + 1
    assert why_equivalent(other, moved, known) == "nobody looks at a"
    assert why_equivalent(next(iter(python_mutants("x.py", PYTHON))), PYTHON, known) is None
    listed.write_text("x.py\n- a\n+ b\n=\n")
    with pytest.raises(ValueError, match="txt:4: expected"):
        read_equivalent(listed)


def test_each_listed_equivalent_is_still_a_mutant() -> None:
    """A line that has changed must be looked at again."""
    known = read_equivalent(EQUIVALENT)
    for path in sorted({change[0] for change in known}):
        text = (TREE / path).read_text()
        found = {(path, *each.changed(text)) for each in mutants_of(TREE, Path(path))}
        assert {change for change in known if change[0] == path} <= found, path


def test_every_area_has_files_that_can_be_changed() -> None:
    for area in AREAS:
        files = area_files(TREE, area)
        assert files
        assert mutants_of(TREE, files[-1]) or mutants_of(TREE, files[0])


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "zswapsim" / "report"
    folder.mkdir(parents=True)
    (folder / "x.py").write_text(PYTHON)
    first = drawn(tmp_path, "report", 9, 1)
    assert first == drawn(tmp_path, "report", 9, 1) != drawn(tmp_path, "report", 9, 2)
    assert drawn(tmp_path, "report", 4, 1) == first[:4]
    everything = drawn(tmp_path, "report", 1_000, 1)
    assert sorted(everything, key=hash) == sorted(mutants_of(tmp_path, Path("zswapsim/report/x.py")), key=hash)
    assert drawn(tmp_path, "report", 9, 1, only="nothing") == []


def test_tests_are_as_near_as_their_imports(tmp_path: Path) -> None:
    for name, text in {
        "zswapsim/__init__.py": '_HOMES = {"run": "deep.run"}',
        "zswapsim/deep/__init__.py": "",
        "zswapsim/deep/run.py": "from zswapsim.deep.core cimport x",
        "zswapsim/deep/core.pyx": "",
        "tests/helper.py": "from zswapsim.deep.core import x",
        "tests/test_near.py": "from helper import x",
        "tests/test_by_name.py": "from zswapsim import run",
        "tests/test_far.py": "import json",
        "tests/test_words.py": "# about the core",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = Belongs(tmp_path).tests(Path("zswapsim/deep/core.pyx"))
    assert found == {"tests/test_near.py": 1, "tests/test_by_name.py": 2, "tests/test_words.py": 2}


def test_the_likeliest_tests_come_first(tmp_path: Path) -> None:
    baseline = Baseline(tmp_path / "durations.json", TREE)
    quick, slow, failing = "tests/test_mutants.py", "tests/test_report.py", "tests/test_advice.py"
    baseline.note(quick, "passed", {f"{quick}::a": 1.0})
    baseline.note(slow, "passed", {f"{slow}::a": 9.0})
    baseline.note(failing, "failed", {f"{failing}::a": 0.1})
    near = {slow: 1, quick: 1, failing: 1}
    assert baseline.steps(near, {}, 100) == [[quick], [slow]]
    assert baseline.steps(near, {slow: 1}, 100) == [[slow], [quick]]
    assert baseline.steps(near, {}, 3) == [[quick]]
    assert baseline.steps({quick: 2, slow: 1}, {}, 100) == [[slow], [quick]]
    assert Baseline(tmp_path / "durations.json", TREE).known == baseline.known


def test_a_journal_goes_on_after_a_line_that_was_cut(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 5)
    journal.note({"key": "a", "path": "x.py", "outcome": "failed", "test": "tests/test_x.py::test_y"})
    journal.note({"key": "b", "path": "x.py", "outcome": "survived", "test": ""})
    with journal.path.open("a") as out:
        out.write('{"key": "c", "pa')
    again = Journal(tmp_path, 5)
    assert {key: each["outcome"] for key, each in again.found.items()} == {"a": "failed", "b": "survived"}
    assert Journal(tmp_path, 6).kills["x.py"] == {"tests/test_x.py": 1}
