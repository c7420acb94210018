"""Replay runs that are drawn from seeds, and every short sequence on three pages, beside their reference."""

from collections import Counter

import pytest

from tests import simulate as program
from tests.reference.replay import Machine
from tests.simulation.draw import BACKENDS, draw_case
from tests.simulation.runs import simulate
from tests.simulation.scopes import SCOPES, UPKEEP, WITH_UPKEEP, explore, sequences
from tests.simulation.shrink import failure, shrunk
from tests.simulation.whole import simulate_whole


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_runs_that_are_drawn_from_seeds_equal_their_reference(first: int) -> None:
    for seed in range(first, first + 25):
        case = draw_case(seed)
        try:
            simulate(case)
        except AssertionError as error:
            raise AssertionError(f"python tests/simulate.py {seed} --shrink\n{error}\n{case.text()}") from None


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_long_runs_equal_their_reference(backend: str) -> None:
    for seed in range(2):
        simulate(draw_case(seed, backend, length=1000))


def test_whole_runs_equal_their_reference_also_where_ctrl_c_ends_them() -> None:
    reached = sum((simulate_whole(seed) for seed in range(30)), Counter())
    assert reached["whole interrupted"] > 4
    assert reached["whole completed"] > 4


def test_a_seed_draws_the_same_run_every_time() -> None:
    for seed in range(20):
        assert draw_case(seed) == draw_case(seed)
    assert draw_case(1) != draw_case(2)


# -- small scopes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCOPES)
def test_every_short_sequence_on_three_pages_and_two_frames(name: str) -> None:
    assert explore(SCOPES[name], 4) == 224


@pytest.mark.parametrize("name", WITH_UPKEEP)
def test_every_short_sequence_with_an_administrator_s_work(name: str) -> None:
    assert explore(WITH_UPKEEP[name], 3, UPKEEP) == sum(1 for _ in sequences(3, UPKEEP))


def test_sequences_are_counted_up_to_the_names_of_pages() -> None:
    assert [sum(1 for _ in sequences(length)) for length in range(1, 6)] == [2, 8, 40, 224, 1312]


# -- the program ------------------------------------------------------------------------------------------------------


def test_the_program_prints_what_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["1", "--count", "3", "--backend", "disk"]) == 0
    assert capsys.readouterr().out.startswith("3 seeds\nbackends: disk 3\n")
    assert program.main(["--scopes", "2"]) == 0
    assert "disk, 2 operations: 8 sequences\n" in capsys.readouterr().out


def write_uncounted(machine: Machine, number: int) -> bool:
    """Write a page to the device of a faulty model."""
    machine.swap.device.add(number)
    return True


def test_a_run_that_fails_is_shortened_and_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Machine, "to_device", write_uncounted)
    seed = next(seed for seed in range(50) if failure(draw_case(seed, "disk")))
    case = draw_case(seed, "disk")
    short = shrunk(case)
    assert len(short.accesses) < len(case.accesses) // 2
    assert "pswpout" in failure(short)
    assert program.main([str(seed), "--backend", "disk"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"seed {seed}: AssertionError: step ")
    assert printed.endswith("1 failed\n")
