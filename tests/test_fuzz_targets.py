"""Run every Python fuzz target a little, so that the long runs start from a clean state; see docs/robustness.md."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import parsers, readers
from tests.fuzz.mutate import binary, damaged, specification, text
from tests.fuzz.python import TARGETS, main, small_blocks
from tests.fuzz.targets import READ, REFUSED, Found, Input, Target
from zswapsim import InputError

EXAMPLES = 12


@pytest.fixture(autouse=True)
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in the blocks of the long run, and put back what it changes."""
    small_blocks(monkeypatch.setattr)


@pytest.mark.parametrize("name", TARGETS)
def test_samples_are_good_and_what_is_made_of_them_keeps_the_rule(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    found = {target.judge(Input(data, at, False), tmp_path) for at, data in enumerate(target.samples)}
    assert READ in found

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 2**32))
    def keeps_the_rule(seed: int) -> None:
        assert target.judge(target.draw(Random(seed)), tmp_path) in (READ, REFUSED)

    keeps_the_rule()


def test_names_are_unlike() -> None:
    assert len(TARGETS) == len(readers.TARGETS) + len(parsers.TARGETS)


@pytest.mark.parametrize("mutation", [damaged, binary, text, specification])
def test_a_mutation_follows_from_its_generator(mutation: object) -> None:
    samples = [b"page,op\n1,R\n22,W\n", b"a:b=1+2"]
    made = [[mutation(Random(seed), samples[0], samples) for seed in range(200)] for _ in range(2)]  # type: ignore[operator]
    assert made[0] == made[1]
    assert len(set(made[0])) > 100


def broken(data: bytes, _folder: Path) -> object:
    """Stand for a reader with four faults."""
    if data == b"raise":
        raise KeyError("a fault")
    if data == b"lines":
        raise InputError("two\nlines")
    return data


@pytest.mark.parametrize(
    ("data", "sample", "error"),
    [(b"raise", 0, KeyError), (b"lines", 0, Found), (b"other", 0, Found)],
)
def test_each_kind_of_fault_is_found(tmp_path: Path, data: bytes, sample: int, error: type[Exception]) -> None:
    target = Target("broken", lambda: [b"sample"], broken, binary, checked=True)
    assert target.judge(Input(b"sample", sample, True), tmp_path) == READ
    with pytest.raises(error):
        target.judge(Input(data, sample, True), tmp_path)


def test_a_long_run_keeps_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good = Target("good", lambda: [b"sample"], lambda data, _: data, binary)
    bad = Target("bad", lambda: [b"sample"], lambda data, _: broken(data if data == b"sample" else b"raise", _), binary)
    monkeypatch.setattr("tests.fuzz.python.TARGETS", {"good": good, "bad": bad})
    findings = tmp_path / "found"
    assert main(["--executions", "20", "--findings", str(findings)]) == 1
    said = capfd.readouterr().out
    assert "good" in said
    assert "bad: execution 0: KeyError" in said
    assert [path.name.startswith("bad-") for path in findings.iterdir()] == [True]
    assert main(["--executions", "20", "--target", "good", "--findings", str(findings)]) == 0
