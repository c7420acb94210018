"""Plan for a running process: bounds of its faults from its observation, and what the plan says it can't know."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zstandard
from cli_helpers import refused_here
from hypothesis import given, settings
from hypothesis import strategies as st
from live_child import PAGES, Child, child

from zswapsim import Settings, run
from zswapsim._core.base.errors import InputError
from zswapsim.live import Activity, Referenced, Reused, damon_activity
from zswapsim.live.pages import anonymous_pages
from zswapsim.live.procfs import Process, threads_of
from zswapsim.report.plan import plan_text
from zswapsim.study.plan.observed_traffic import ObservedTraffic, observed_access_rate
from zswapsim.study.plan.plan_process import MOST_PAGES, plan_process
from zswapsim.traces import ArrayTrace

pytestmark = pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs procfs with pagemap")
PAGE = 4096
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def program() -> Iterator[Child]:
    with child() as one:
        yield one


def activity(**changes: object) -> Activity:
    values = {
        "name": "x", "source": "a source", "limits": ["a limit"], "seconds": 8.0, "resident_bytes": 1000 * PAGE,
        "swapped_bytes": 0, "minor_faults": 5, "major_faults": 16, "cpu_seconds": 2.0, "curve": [], "write_share": None,
    }  # fmt: skip
    return Activity(**{**values, **changes})


def curve(*points: tuple[float, int]) -> list[Referenced]:
    return [Referenced(seconds, pages * PAGE) for seconds, pages in points]


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_bounds_are_the_slopes_beside_a_stretch() -> None:
    source = ObservedTraffic(activity(curve=curve((1, 100), (2, 160), (4, 200), (8, 240))))
    assert (source.pages, source.least) == (1000, 100)
    expected = {100: (100, 20), 159: (100, 20), 160: (60, 10), 200: (20, 0), 239: (20, 0), 240: (10, 0), 1000: (0, 0)}
    assert {at: (source.at(at).major_faults / 8, source.at_least(at)) for at in expected} == expected
    assert source.at(300) == (300, 80, 80, 700)


def test_what_came_back_is_taken_where_it_was_counted() -> None:
    seen = activity(curve=curve((1, 100), (2, 300)), reused=[Reused(1, 50 * PAGE), Reused(2, 8 * PAGE)])
    source = ObservedTraffic(seen)
    assert [(source.at(at).major_faults, source.at_least(at)) for at in (100, 299, 300, 999)] == [
        (400, 8), (400, 8), (64, 0), (64, 0),
    ]  # fmt: skip


def test_counters_know_of_the_present_size_alone() -> None:
    source = ObservedTraffic(activity(swapped_bytes=500 * PAGE))
    assert (source.pages, source.least) == (1500, 1000)
    assert source.at(1200) == (1200, 16, 16, 300)
    nothing = ObservedTraffic(activity())
    assert (nothing.least, nothing.at(1000).major_faults) == (1000, 0)
    assert any("less than 100 % of its memory nothing is known" in limit for limit in nothing.limits)
    assert any("it is 4.0 times as much" in limit for limit in nothing.limits)


def test_the_pace_is_the_interval_s() -> None:
    seen = activity(curve=curve((100, 50), (119, 60), (240, 90)), seconds=240.0)
    assert (observed_access_rate(seen, 1000).working_set, observed_access_rate(seen, 1000).working_set_seconds) == (
        60,
        120,
    )
    assert (
        observed_access_rate(activity(), 70).working_set,
        observed_access_rate(activity(), 70).working_set_seconds,
    ) == (70, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=8),
    st.booleans(),
)
def test_bounds_hold_each_other(points: list[tuple[int, int]], counted: bool) -> None:
    sizes = np.cumsum([size for size, _ in points]).tolist()
    times = [2.0**at for at in range(len(points))]
    reused = [Reused(at, float(rate)) for at, (_, rate) in zip(times, points, strict=True)] if counted else []
    seen = activity(curve=curve(*zip(times, sizes, strict=True)), reused=reused)
    source = ObservedTraffic(seen)
    faults = [source.at(frames).major_faults for frames in range(source.least, source.pages + 1)]
    assert faults == sorted(faults, reverse=True)
    assert faults[-1] == 0
    assert all(0 <= source.at_least(at) * seen.seconds <= source.at(at).major_faults for at in range(1, source.pages))


@pytest.mark.parametrize("alpha", [0.6, 1.0])
def test_lru_faults_lie_between_the_bounds(alpha: float) -> None:
    """Pages are drawn independently by Zipf's law and observed at doubling times; LRU is warmed up before."""
    random, pages, events = np.random.default_rng(1), 2000, 1 << 16
    weights = 1.0 / np.arange(1, pages + 1) ** alpha
    drawn = random.choice(pages, 2 * events, p=weights / weights.sum()).astype(np.uint64)
    looks = [events >> back for back in range(7, -1, -1)]
    seen = curve(*((at / events, len(np.unique(drawn[events : events + at]))) for at in looks))
    source = ObservedTraffic(activity(curve=seen, seconds=1.0, resident_bytes=pages * PAGE))
    for frames in (source.least, 500, 800, 1200, 1600):
        faults = [
            run(ArrayTrace(part), None, Settings(dram=frames * PAGE, depth="counts")).counters["major_faults"]
            for part in (drawn[:events], drawn)
        ]
        assert source.at_least(frames) <= faults[1] - faults[0] <= source.at(frames).major_faults


# -- records of DAMON -------------------------------------------------------------------------------------------------

LINE = "kdamond.0 1 [000] {at}.000000: damon:damon_aggregated: target_id={target} nr_regions={count} {span}: {rest}\n"


def record(path: Path, start: int, snapshots: list[list[tuple[int, int, int]]], target: int = 0) -> Path:
    """Write a text as perf prints it: a snapshot a second from 10 s on, rows of (pages, accesses, age) at `start`."""
    text = ""
    for at, rows in enumerate(snapshots, 10):
        low = start
        for pages, accesses, age in rows:
            span, low = f"{low}-{low + pages * PAGE}", low + pages * PAGE
            text += LINE.format(at=at, target=target, count=len(rows), span=span, rest=f"{accesses} {age}")
    path.write_text(text)
    return path


@pytest.fixture
def mapping_only(program: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program's only anonymous pages be the 600 of its mapping."""

    def only(process: Process) -> object:
        pages = anonymous_pages(process)
        inside = (pages.addresses >= program.start) & (pages.addresses < program.start + PAGES * PAGE)
        return pages._replace(addresses=pages.addresses[inside], entries=pages.entries[inside])

    monkeypatch.setattr("zswapsim.live.damon.anonymous_pages", only)


@pytest.mark.usefixtures("mapping_only")
def test_idle_ages_and_what_comes_back(program: Child, tmp_path: Path) -> None:
    hot, warm, cold = (100, 5, 0), 200, (300, 0, 50)
    path = record(
        tmp_path / "record",
        program.start,
        [[hot, (warm, 0, 0), cold], [hot, (warm, 0, 1), cold], [hot, (warm, 0, 2), cold], [hot, (warm, 3, 0), cold]],
    )
    seen = damon_activity(path, program.pid)
    # There are three steps, idle for 1, 2 and 3 s at their beginnings; the last uses the 200 pages again after 3 s.
    assert seen.seconds == 3.0
    assert [point.seconds for point in seen.curve] == [1, 2, 4, 8, 16, 32, 64]
    within = [point.bytes / PAGE for point in seen.curve]
    assert within == [100, round(100 + 200 / 3), 300, 300, 300, 300, 600]
    assert [each.bytes_a_second / PAGE for each in seen.reused] == pytest.approx([200 / 3] * 2 + [0] * 5)
    assert (seen.major_faults, seen.write_share) == (None, None)
    source = ObservedTraffic(seen)
    assert (source.at(100).major_faults, source.at(300).major_faults) == (200, 0)


@pytest.mark.usefixtures("mapping_only")
def test_the_target_of_a_record_is_the_process_s(program: Child, tmp_path: Path) -> None:
    other = record(tmp_path / "other", 0x1000, [[(50, 1, 0)]] * 2, target=1).read_text()
    path = record(tmp_path / "record", program.start, [[(PAGES, 1, 0)]] * 3)
    path.write_text(other + path.read_text())
    assert damon_activity(path, program.pid).curve[-1].bytes == PAGES * PAGE


@pytest.mark.parametrize(
    ("snapshots", "offset", "expected"),
    [
        ([[(50, 1, 0)]] * 2, 1 << 30, "its regions hold 0 of the "),
        ([[(PAGES, 1, 0)]], 0, "expected at least two snapshots of pid "),
    ],
)
@pytest.mark.usefixtures("mapping_only")
def test_records_that_say_nothing_of_it(
    program: Child, tmp_path: Path, snapshots: list, offset: int, expected: str
) -> None:
    path = record(tmp_path / "record", program.start + offset, snapshots)
    with pytest.raises(InputError, match=expected):
        damon_activity(path, program.pid)


def test_a_record_of_physical_memory_is_refused(program: Child) -> None:
    with pytest.raises(
        InputError, match=r"damon.data: its regions hold 0 of the .* \(damo record \d+\), taken recently"
    ):
        damon_activity(DATA / "damon.data", program.pid)


# -- plans ------------------------------------------------------------------------------------------------------------


def words(made: object) -> str:
    return " ".join(plan_text(made).split())


def test_by_counters_nothing_is_promised(program: Child) -> None:
    made = plan_process(program.pid, seconds=0.01, method="counters", compressors=["lz4"])
    assert not made.confirmed
    assert made.tries == []
    assert (made.recommended.estimate.dram_frames, made.recommended.estimate.node_frames) == (made.pages, 0)
    assert made.contents.startswith(f"pid:{program.pid} (")
    assert [each.dram_frames for each in made.unseen] == [made.pages * share // 100 for share in range(90, 0, -10)]
    assert [each.saved for each in made.unseen] == sorted(each.saved for each in made.unseen)
    each = made.unseen[0]
    assert each.faults_per_percent * each.fault_stall_ns == pytest.approx(1e7)
    for said in ("the working set is not known", "faults not known: ", "working set not known: ", "Keep all"):
        assert said in words(made)
    assert made.to_json().startswith(b"{")


def test_by_references_a_size_is_recommended_by_estimate(program: Child, between: Callable) -> None:
    program.touch("read", 0, PAGES)
    between(lambda: program.touch("read", 0, 100))
    made = plan_process(
        program.pid, seconds=4, method="clear-refs", compressors=["lz4"], contents="recipe:mix,pages=64"
    )
    assert made.kept
    assert 0 < made.recommended.estimate.dram_frames < made.pages
    assert made.recommended.run is None
    assert made.at_least[made.pages] == 0
    assert made.contents == "recipe:mix,pages=64"
    said = words(made)
    assert "accessed bits cleared by /proc/PID/clear_refs" in said
    assert "No run has confirmed that, as there is no trace to run it on." in said
    assert " at least a second " in said


@pytest.mark.usefixtures("mapping_only")
def test_by_a_record_of_damon(program: Child, tmp_path: Path) -> None:
    path = record(tmp_path / "record", program.start, [[(100, 5, 0), (500, 0, 50)]] * 3)
    made = plan_process(program.pid, damon=path, compressors=["lz4"], contents="recipe:text,pages=64")
    assert made.kept
    assert made.source == f"3 snapshots of DAMON in {path}, over 2 s"
    assert made.recommended.estimate.major_faults == 0
    assert made.recommended.estimate.saved > 50


def test_by_page_faults_it_is_run(program: Child, tmp_path: Path) -> None:
    path = tmp_path / "faults.perf"
    text = zstandard.ZstdDecompressor().decompress((DATA / "faults.perf.zst").read_bytes()).decode()
    path.write_text(text.replace("13449/13449", f"{program.pid}/{program.pid}"))
    made = plan_process(program.pid, ["save>20%"], perf=path, compressors=["lz4"], contents="recipe:text,pages=64")
    assert (made.accesses, made.confirmed) == (299, True)
    assert made.recommended.run.major_faults == made.recommended.verified_pages
    assert any("accesses are page faults alone" in limit for limit in made.limits)
    with pytest.raises(InputError, match="the trace is empty"):
        plan_process(os.getpid(), perf=path, contents="recipe:text,pages=64")


def test_threads_are_the_process_s(program: Child) -> None:
    assert program.pid in threads_of(program.pid)
    assert len(threads_of(os.getpid())) >= 1
    with pytest.raises(InputError, match="no such process"):
        threads_of(1 << 22)


def test_a_large_process_is_captured_in_part(monkeypatch: pytest.MonkeyPatch, program: Child) -> None:
    assert MOST_PAGES * PAGE == 64 << 20
    monkeypatch.setattr("zswapsim.study.plan.plan_process.MOST_PAGES", 100)
    made = plan_process(program.pid, seconds=0.01, compressors=["lz4"])
    assert made.contents == f"pid:{program.pid} (100 of its pages)"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gen:scan,pages=9", "--seconds", "3"], "--seconds: expected a process, pid:PID"),
        (["pid:x"], "pid x: expected the number of a process"),
        (["pid:4194304"], "pid 4194304: no such process: expected a running one"),
        (["pid:{pid}", "--damon", "a", "--perf", "b"], "--damon, --perf: expected one of them"),
        (["pid:{pid}", "--reclaim", "mglru"], "--reclaim mglru: expected lru"),
        (["pid:{pid}", "--access-ns", "5"], "--access-ns: expected a trace"),
        (["pid:{pid}", "--method", "x"], "method x: expected one of auto, idle-pages, clear-refs, counters"),
        (["pid:{pid}", "--seconds", "0"], "seconds 0.0: expected more than 0"),
        (["pid:{pid}", "--contents", "none", "--seconds", "0.01"], "--contents none: a plan needs to know"),
        (["pid:{pid}", "--damon", "/nowhere"], "/nowhere: cannot read: No such file"),
        (["pid:{pid}", "--objective", "cost"], "--objective cost: needs prices"),
    ],
)
def test_what_is_refused(program: Child, capfd: pytest.CaptureFixture, arguments: list[str], expected: str) -> None:
    filled = [argument.format(pid=program.pid) for argument in arguments]
    assert expected in refused_here(capfd, "plan", *filled, "--quiet")


FOREIGN = """
import os, sys
from zswapsim._core.base.errors import ZswapsimError
from zswapsim.report.plan import plan_text
from zswapsim.study.plan.plan_process import plan_process

def planned(pid, contents=None):
    return plan_text(plan_process(pid, seconds=0.01, compressors=["lz4"], contents=contents))

planned(os.getpid())  # what is imported late may not be readable to another user
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    planned(sys.argv[1])
except ZswapsimError as error:
    print(error)
print(planned(sys.argv[1], "recipe:mix,pages=64"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_s_process_gets_one_line_or_the_counters(program: Child) -> None:
    command = [sys.executable, "-c", FOREIGN, str(program.pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    expected = f"pid {program.pid}: not allowed to read its memory: expected a process of this user (or run as root)"
    first, _, text = done.stdout.partition("\n")
    assert first == expected
    assert "fault counters and sizes of /proc/PID" in text
    assert "the working set is not known" in " ".join(text.split())
