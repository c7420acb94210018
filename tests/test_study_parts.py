"""Test small parts of runs and curves by hand: pieces of a trace, rows of a timeline, bounds of errors."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from zswapsim.study.curve.sampled import NORMAL, ErrorBound
from zswapsim.study.profile.record import profile_key
from zswapsim.study.run import feeding
from zswapsim.study.run.feeding import (
    FIRST_PIECE,
    LEAST_PIECE,
    MOST_PIECE,
    MOST_PIECE_OF_BYTES,
    PIECE_NS,
    TIMELINE_COLUMNS,
    Feeder,
    Timeline,
)

# -- pieces -----------------------------------------------------------------------------------------------------------


class Engine:
    """Take all accesses, in the time that it is given."""

    def __init__(self, times: list[int], takes: int | None = None) -> None:
        self.clock, self.times, self.takes = 0, times, takes

    def feed(self, pages: np.ndarray, _ops: np.ndarray) -> int:
        self.clock += self.times.pop(0)
        return len(pages) if self.takes is None else self.takes


def feeder(monkeypatch: pytest.MonkeyPatch, times: list[int], depth: str = "sizes", takes: int | None = None) -> Feeder:
    engine = Engine(times, takes)
    clock = SimpleNamespace(perf_counter_ns=lambda: engine.clock, thread_time_ns=lambda: engine.clock // 2)
    monkeypatch.setattr(feeding, "time", clock)
    return Feeder(engine, depth)


def fed(made: Feeder, number: int | None = None) -> int:
    """Feed so many accesses, or a whole piece, and return the size of the next piece."""
    count = made.piece if number is None else number
    made.feed(np.zeros(count, np.uint32), np.zeros(count, np.uint8))
    return made.piece


@pytest.mark.parametrize(
    ("took", "factor"),
    [(PIECE_NS + 1, 0.5), (PIECE_NS, 1), (PIECE_NS // 4, 1), (PIECE_NS // 4 - 1, 2), (0, 2)],
)
def test_a_piece_is_halved_if_it_took_long_and_doubled_if_it_was_quick(monkeypatch, took, factor):
    assert fed(feeder(monkeypatch, [took])) == FIRST_PIECE * factor


def test_a_piece_that_was_cut_short_says_nothing_of_a_longer_one(monkeypatch):
    assert fed(feeder(monkeypatch, [0]), FIRST_PIECE - 1) == FIRST_PIECE


@pytest.mark.parametrize(
    ("depth", "most"), [("sizes", MOST_PIECE), ("counts", MOST_PIECE), ("bytes", MOST_PIECE_OF_BYTES)]
)
def test_pieces_stay_between_their_limits(monkeypatch, depth, most):
    quick = feeder(monkeypatch, [0] * 40, depth)
    sizes = [fed(quick) for _ in range(40)]
    assert sizes[-1] == max(sizes) == most
    slow = feeder(monkeypatch, [PIECE_NS * 2] * 40, depth)
    assert [fed(slow, 1) for _ in range(40)][-1] == LEAST_PIECE
    assert MOST_PIECE_OF_BYTES < MOST_PIECE


def test_wall_and_processor_time_add_up(monkeypatch):
    made = feeder(monkeypatch, [100, 300])
    fed(made)
    fed(made)
    assert made.times() == {"feed": 400, "feed_processor": 200}


# -- the timeline -----------------------------------------------------------------------------------------------------


def timeline(window: int = 10) -> Timeline:
    engine = SimpleNamespace(done=0)
    engine.counters_now = lambda: dict.fromkeys(TIMELINE_COLUMNS, 0) | {"accesses": engine.done}
    return Timeline(engine, window)


def rows(made: Timeline, *ends: tuple[int, bool]) -> list[int]:
    for done, final in ends:
        made.engine.done = done
        made.add_row(done, final=final)
    return [row["accesses"] for row in made.rows]


def test_a_row_ends_each_window_and_the_run():
    assert rows(timeline(), (9, False), (10, False), (11, False), (20, False), (23, True)) == [10, 20, 23]
    assert rows(timeline(), (10, False), (10, True)) == [10]
    assert rows(timeline(), (0, True)) == [0]
    assert set(timeline().rows) == set()


@pytest.mark.parametrize(("done", "left"), [(0, 10), (1, 9), (9, 1), (10, 10)])
def test_a_window_ends_at_a_multiple_of_its_length(done, left):
    assert timeline().until_next(done) == left


# -- bounds of a sample -----------------------------------------------------------------------------------------------


class Curve:
    """Have as many major faults as frames are missing of 1,000, at any size."""

    accesses, pages = 5_000, 1_000

    def major_faults(self, frames: np.ndarray) -> np.ndarray:
        return np.maximum(1_000 - np.asarray(frames), 0.0)


def bound(rate: float) -> ErrorBound:
    return ErrorBound(SimpleNamespace(pages=100, rate=rate))


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_the_scale_s_error_is_that_of_sizes_off_by_the_root_of_their_sample(rate):
    frames = np.array([64.0, 400.0])
    off = NORMAL * np.sqrt((1 - rate) / (rate * frames))
    assert bound(rate)._scale_error(Curve(), frames) == pytest.approx(off * frames / 5_000)


def test_a_sample_of_all_pages_has_no_error_of_scale():
    assert list(bound(1.0)._scale_error(Curve(), np.array([3.0, 500.0]))) == [0.0, 0.0]


def test_the_scale_is_never_off_by_more_than_the_size_itself():
    assert bound(0.001)._scale_error(Curve(), np.array([10.0])) == pytest.approx(10 / 5_000)


def test_the_steeper_side_of_a_curve_bounds_the_error():
    steep = Curve()
    steep.major_faults = lambda frames: np.where(
        np.asarray(frames) < 400, 900.0, np.where(np.asarray(frames) > 400, 100.0, 850.0)
    )
    assert bound(0.5)._scale_error(steep, np.array([400.0])) == pytest.approx(750 / 5_000)


def test_the_choice_s_error_is_bernstein_s_bound():
    made = bound(0.5)
    made._variances = lambda: np.arange(len(made.cells), dtype=float)
    frames = np.array([100.0])
    cell = int(np.searchsorted(made.cells, 50))
    log = np.log(4 / 0.05)
    mean_off = np.sqrt(2 * cell * log / 100) + 7 * (5_000 / 100) * log / (3 * 99)
    assert made._choice_error(Curve(), frames) == pytest.approx(mean_off * 1_000 / 5_000)


def test_variances_are_those_of_the_misses_of_a_page_at_each_size():
    made = ErrorBound(SimpleNamespace(pages=3, rate=0.5))
    made._misses[:] = 0
    made._misses[0, len(made.cells)] = 6  # page 0 misses in all sizes
    made._misses[1, 1] = 3  # page 1 in the smallest
    found = made._variances()
    assert found[-1] == pytest.approx(np.var([6, 0, 0]))
    assert found[0] == pytest.approx(np.var([6, 3, 0]))


def test_without_accesses_nothing_is_known():
    empty = SimpleNamespace(accesses=0)
    assert list(bound(0.5).at(empty, np.array([1.0, 2.0]))) == [1.0, 1.0]


def test_a_bound_is_at_most_all_accesses():
    assert max(bound(0.001).at(Curve(), np.array([1.0, 900.0]))) <= 1.0


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_dictionary_has_eight_bytes_of_its_hash_in_a_profile():
    plain = SimpleNamespace(dictionary=b"", spec="zstd:level=3")
    assert profile_key(plain) == "zstd:level=3"
    codec = SimpleNamespace(dictionary=b"words", spec="zstd:level=3,dict=a", settings={"dict": "a"})
    named = hashlib.blake2b(b"words", digest_size=8).hexdigest()
    assert profile_key(codec) == f"zstd:level=3,dict=blake2b-{named}"
