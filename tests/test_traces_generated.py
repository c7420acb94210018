"""Test generators: their distributions, the same on every machine, and their specifications."""

import hashlib
import math
from itertools import pairwise

import numpy as np
import pytest

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.draw import RankTable
from zswapsim.traces import ArrayTrace, Chunk, DenseTrace, Trace, read_trace
from zswapsim.traces.generators import GENERATORS, below
from zswapsim.traces.zipf import exponential, logarithm, zipf_sums

# The first digits of the SHA-256 of all pages (uint64, little-endian), then all ops. A change here changes every
# result.
GOLDEN = {
    "gen:zipf": "82814f6ff5843d4f9fbba2a0",
    "gen:zipf,pages=1e6,events=1.1e6,alpha=1.2,writes=0.5,seed=7": "e7d71d7faf8344b298568ab3",
    "gen:uniform,pages=777,events=2e5,seed=1": "b262a4502d0b3bd903348b0e",
    "gen:scan,pages=1000,repeat=3,writes=1": "64e1ffad06971edda69610fa",
    "gen:loop,pages=99,events=12345,writes=0.01": "f2bb88ed8f2aa5e19cdcaaae",
    "gen:phases,pages=1e4,events=3e5,set=0.2,overlap=0.3,alpha=0.7,seed=5": "e42f6ba7dd2de98addc28dc3",
}


def whole(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    chunks = list(trace.chunks())
    return np.concatenate([chunk.page for chunk in chunks]), np.concatenate([chunk.op for chunk in chunks])


@pytest.mark.parametrize("spec", GOLDEN)
def test_golden(spec: str) -> None:
    pages, ops = whole(read_trace(spec))
    assert hashlib.sha256(pages.astype("<u8").tobytes() + ops.tobytes()).hexdigest()[:24] == GOLDEN[spec]


@pytest.mark.parametrize("name", GENERATORS)
def test_starts_anew_and_shares_no_state(name: str) -> None:
    trace = read_trace(f"gen:{name},pages=100,events=100,seed=3")
    first, second = trace.chunks(), trace.chunks()
    assert np.array_equal(next(first).page, next(second).page)
    assert whole(trace)[0].max() < 100
    assert trace.events == len(whole(trace)[0]) == 100
    assert np.array_equal(whole(read_trace(trace.name))[0], whole(trace)[0]), "the name is the specification"


@pytest.mark.parametrize("alpha", [0, 0.5, 0.99, 1, 1.5, 3])
def test_zipf_frequencies(alpha: float) -> None:
    pages, _ = whole(read_trace(f"gen:zipf,pages=200,events=4e5,alpha={alpha},seed=1"))
    counts = np.sort(np.bincount(pages.astype(np.int64), minlength=200))[::-1]
    weights = np.arange(1, 201) ** -float(alpha)
    expected = 4e5 * weights / weights.sum()
    # Compute chi-square over ranks that are common enough. Sorting biases it slightly upwards if ranks are close.
    common = expected > 50
    chi = ((counts - expected) ** 2 / expected)[common].mean()
    assert chi < (3 if alpha else 5)


def test_zipf_scatters_ranks_by_seed() -> None:
    tops = {
        int(np.bincount(whole(read_trace(f"gen:zipf,pages=1000,events=1e4,seed={seed}"))[0].astype(int)).argmax())
        for seed in range(6)
    }
    assert len(tops) >= 4


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 2.5, 10.0])
@pytest.mark.parametrize("ranks", [1, 2, 3, 1000])
def test_zipf_sums_are_exact(ranks: int, alpha: float) -> None:
    sums = zipf_sums(ranks, alpha)
    weights = [rank**-alpha for rank in range(1, ranks + 1)]
    total = math.fsum(weights)
    expected = [math.fsum(weights[: rank + 1]) / total * 2**53 for rank in range(ranks)]
    assert np.abs(sums.astype(float) - expected).max() <= 2**53 * 1e-13
    assert int(sums[-1]) == 2**53


def test_functions_agree_with_the_library() -> None:
    values = np.concatenate([np.arange(1, 2e5), [1e9, 2.0**40, 4294967295.0]])
    assert np.abs(logarithm(values) - np.log(values)).max() < 1e-14
    assert np.abs(exponential(-0.9 * logarithm(values)) / values**-0.9 - 1).max() < 1e-13


def test_draws_invert_the_sums() -> None:
    sums = np.array([5, 5, 2**52, 2**53], np.uint64)
    raw = np.array([0, 4, 5, 2**52 - 1, 2**52, 2**53 - 1], np.uint64) << np.uint64(11)
    out = np.empty(6, np.uint64)
    RankTable(sums).draw(raw, np.array([10, 11, 12, 13], np.uint32), out)
    assert out.tolist() == [10, 10, 12, 12, 13, 13]


@pytest.mark.parametrize("sums", [[], [5], [2**53 + 1], [2**53, 5, 2**53], [2**53, 5], [[2**53]]])
def test_rank_table_refuses_other_sums(sums: list[int]) -> None:
    with pytest.raises(InputError):
        RankTable(np.array(sums, np.uint64))


def test_rank_table_refuses_other_lengths() -> None:
    table = RankTable(np.array([2**53], np.uint64))
    numbers, raw = np.zeros(1, np.uint32), np.zeros(3, np.uint64)
    for bad in (lambda: table.draw(raw, numbers, raw[:2]), lambda: table.draw(raw, numbers[:0], raw.copy())):
        with pytest.raises(InputError):
            bad()
    with pytest.raises(TypeError):
        RankTable.__new__(RankTable)  # type: ignore[call-arg]


def test_below_is_even() -> None:
    raw = np.array([0, 2**63, 2**64 - 1], np.uint64)
    assert below(raw, 10).tolist() == [0, 5, 9]
    assert below(raw, 2**32 - 1).tolist() == [0, 2**31 - 1, 2**32 - 2]


def test_writes_do_not_move_pages() -> None:
    shares = {}
    for writes in (0, 0.3, 1):
        pages, ops = whole(read_trace(f"gen:zipf,pages=1000,events=1e5,writes={writes}"))
        shares[writes] = ops.mean()
        assert np.array_equal(pages, whole(read_trace("gen:zipf,pages=1000,events=1e5"))[0])
    assert (shares[0], shares[1]) == (0, 1)
    assert abs(shares[0.3] - 0.3) < 0.01


def test_scan_and_loop() -> None:
    assert whole(read_trace("gen:scan,pages=3,repeat=2"))[0].tolist() == [0, 0, 1, 1, 2, 2]
    assert whole(read_trace("gen:scan,pages=3,repeat=2,events=3"))[0].tolist() == [0, 0, 1]
    assert whole(read_trace("gen:loop,pages=3,events=7"))[0].tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_phases_move_their_working_set() -> None:
    pages, _ = whole(read_trace("gen:phases,pages=1000,events=5e4,set=0.1,phase=1e4,overlap=0.25"))
    sets = [set(pages[start : start + 10_000].tolist()) for start in range(0, 50_000, 10_000)]
    assert [len(each) for each in sets] == [100] * 5
    assert [len(a & b) for a, b in pairwise(sets)] == [25] * 4


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("nothing", "unknown name 'nothing': expected one of zipf, uniform, scan, loop, phases"),
        ("", "unknown name ''"),
        ("zipf,", "'': expected KEY=VALUE, KEY one of pages, events, alpha, writes, seed"),
        ("zipf,size=3", "'size=3': expected KEY=VALUE, KEY one of pages"),
        ("zipf,pages", "'pages': expected KEY=VALUE"),
        ("zipf,pages=3,pages=4", "pages is given twice"),
        ("zipf,pages=0", "pages: expected a whole number from 1 to 268435456, got '0'"),
        ("zipf,pages=-1", "pages: expected a whole number from 1"),
        ("zipf,pages=1.5", "pages: expected a whole number from 1"),
        ("zipf,pages=many", "pages: expected a whole number from 1"),
        ("zipf,pages=1e400", "pages: expected a whole number from 1"),
        ("zipf,pages=nan", "pages: expected a whole number from 1"),
        ("zipf,pages=", "pages: expected a whole number from 1"),
        ("uniform,pages=4294967296", "pages: expected a whole number from 1 to 4294967295"),
        ("zipf,events=0", "events: expected a whole number from 1"),
        ("zipf,events=1e99", "events: expected a whole number from 1"),
        ("zipf,alpha=-0.1", "alpha: expected a number from 0 to 10"),
        ("zipf,alpha=11", "alpha: expected a number from 0 to 10"),
        ("zipf,alpha=inf", "alpha: expected a number from 0 to 10"),
        ("zipf,writes=1.01", "writes: expected a number from 0 to 1"),
        ("zipf,seed=-1", "seed: expected a whole number from 0"),
        ("phases,set=2", "set: expected a number from 0 to 1"),
        ("scan,pages=3,events=4", "events=4: expected at most pages * repeat = 3"),
    ],
)
def test_bad_specifications(spec: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_trace(f"gen:{spec}")
    assert str(caught.value).startswith("gen:")
    assert expected in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 10**9])
def test_dense_trace(keep: int) -> None:
    source = ArrayTrace(np.array([7, 2**64 - 1, 7, 3, 3], np.uint64), np.array([0, 1, 1, 0, 0], np.uint8))
    dense = DenseTrace(source, keep_events=keep)
    calls: list[tuple[int, int]] = []
    dense.scan(lambda *at: calls.append(at))
    assert (dense.pages, dense.events, dense.writes, calls) == (3, 5, 2, [(5, 5)])
    for _ in range(2):
        chunks = list(dense.chunks())
        assert [chunk[0].tolist() for chunk in chunks] == [[0, 1, 0, 2, 2]]
        assert [chunk[1].tolist() for chunk in chunks] == [[0, 1, 1, 0, 0]]
        assert (chunks[0][0].dtype, chunks[0][1].dtype) == (np.uint32, np.uint8)
    assert dense.originals().tolist() == [7, 2**64 - 1, 3]
    assert dense.read_ns > 0


def test_dense_trace_scans_by_itself() -> None:
    dense = DenseTrace(read_trace("gen:loop,pages=5,events=9"))
    assert sum(len(pages) for pages, _ in dense.chunks()) == dense.events == 9


def test_a_page_belongs_to_its_process() -> None:
    rng = np.random.default_rng(0)
    page, process = (
        rng.integers(0, 40, 3000).astype(np.uint64) << np.uint64(50),
        rng.integers(0, 2**32, 5)[rng.integers(0, 5, 3000)],
    )
    dense = DenseTrace(ArrayTrace(page, None, None, process.astype(np.uint32)))
    numbers, model = np.concatenate([chunk[0] for chunk in dense.chunks()]).tolist(), {}
    assert numbers == [model.setdefault(key, len(model)) for key in zip(process.tolist(), page.tolist(), strict=True)]
    assert dense.pages == len(model)
    with pytest.raises(InputError, match="no single number"):
        dense.originals()


class Given(Trace):
    """Define a third party's trace that yields the given times, another time on each pass."""

    name = "given"

    def __init__(self, *passes: list[Chunk]) -> None:
        self.passes = list(passes)

    def chunks(self):  # type: ignore[no-untyped-def]
        return iter(self.passes.pop(0))


def chunk(*pages: int, op: object = None, process: object = None) -> Chunk:
    page = np.array(pages, np.uint64)
    return Chunk(page, np.zeros(len(page), np.uint8) if op is None else op, None, process)  # type: ignore[arg-type]


def test_a_trace_that_changes_is_noticed() -> None:
    for second in ([chunk(1, 2, 9)], [chunk(1, 2)], [chunk(1, 2, 1), chunk(1)], []):
        dense = DenseTrace(Given([chunk(1, 2, 1)], second), keep_events=0)
        dense.scan()
        with pytest.raises(InputError, match="given: expected 3 events as in the first pass: it changed"):
            list(dense.chunks())


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [chunk()],
        [chunk(1, op=np.array([2], np.uint8))],
        [chunk(1, op=np.array([0], np.int64))],
        [chunk(1, op=np.array([0, 0], np.uint8))],
        [chunk(1), chunk(1, process=np.array([1], np.uint32))],
        [Chunk(np.array([1, 2]), np.zeros(2, np.uint8))],
    ],
)
def test_a_third_partys_trace_is_checked(chunks: list[Chunk]) -> None:
    with pytest.raises(InputError):
        DenseTrace(Given(chunks)).scan()
