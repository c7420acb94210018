"""Observe a running process by counters, accessed bits, idle flags and soft-dirty bits."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from live_child import PAGES, Child, child

from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim.files.operation import watched
from zswapsim.live import METHODS, Activity, Referenced, observe
from zswapsim.live.procfs import Process
from zswapsim.live.references import CLEAR_ANONYMOUS, TLB_HIDES, ClearedReferences, Counters
from zswapsim.live.softdirty import kernel_tracks

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs procfs with smaps")
observing = sys.modules["zswapsim.live.observe"]
PAGE = 4096
SLACK = 700 * PAGE  # the memory that the interpreter itself references to read a line and touch a page


@pytest.fixture
def program() -> Iterator[Child]:
    with child() as one:
        yield one


def test_counters_count_faults_and_sizes(program: Child, between: Callable) -> None:
    between(lambda: program.touch("write", PAGES, 200))
    seen = observe(program.pid, 5, method="counters")
    assert seen.name == f"pid:{program.pid}"
    assert 200 <= seen.minor_faults < 400
    assert seen.resident_bytes > (PAGES + 200) * PAGE
    assert (seen.swapped_bytes, seen.curve, seen.write_share) == (0, [], None)
    assert (seen.working_set_bytes, seen.referenced_share) == (None, None)
    assert any("the working set is not known" in limit for limit in seen.limits)
    assert seen.cpu_seconds >= 0


def test_cleared_references_are_those_of_the_interval(program: Child, between: Callable) -> None:
    between(lambda: touch_seen(program, 10))
    few = observe(program.pid, 5, method="clear-refs")
    between(lambda: touch_seen(program, PAGES))
    many = observe(program.pid, 5, method="clear-refs")
    assert 10 * PAGE <= few.working_set_bytes < 10 * PAGE + SLACK
    assert many.working_set_bytes >= PAGES * PAGE
    assert many.working_set_bytes - few.working_set_bytes > (PAGES - 100) * PAGE
    assert few.working_set_bytes <= few.resident_bytes
    assert 0 < few.referenced_share < many.referenced_share <= 1
    assert any("accessed bits were cleared" in limit for limit in few.limits)
    seconds, sizes = zip(*((point.seconds, point.bytes) for point in few.curve), strict=True)
    assert list(seconds) == sorted(seconds)
    assert list(sizes) == sorted(sizes)
    assert len(sizes) == observing.LOOKS
    assert (TLB_HIDES in few.limits) == kernel_tracks()


def touch_seen(program: Child, pages: int) -> None:
    """Let the first pages be read so that it is seen: if clearing accessed bits can't flush the TLB, the child does."""
    if kernel_tracks():
        program.flush()
    program.touch("read", 0, pages)


def test_a_translation_in_the_tlb_hides_no_touch_behind_a_flush(program: Child) -> None:
    process = Process(program.pid)
    for _ in range(5):
        program.touch("read", 0, PAGES)
        process.clear_refs(CLEAR_ANONYMOUS)
        program.flush()
        before = process.referenced_bytes()
        program.touch("read", 0, PAGES)
        assert before < SLACK
        assert process.referenced_bytes() >= PAGES * PAGE


def test_what_observes_changes_nothing_unasked(program: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zswapsim.live.idlepages.BITMAP", Path("/nowhere"))
    monkeypatch.setattr(Process, "clear_refs", lambda *_: pytest.fail("accessed bits were cleared"))
    before = Process(program.pid).referenced_bytes()
    observe(program.pid, 0.01)
    assert Process(program.pid).referenced_bytes() >= before > PAGES * PAGE
    assert psutil.Process(program.pid).status() in (psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)


def test_auto_says_why_it_is_not_better(program: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("zswapsim.live.idlepages.BITMAP", tmp_path / "bitmap")
    seen = observe(program.pid, 0.01)
    assert seen.source == Counters.source
    assert "no better source: " in seen.limits[-1]
    assert "no idle page tracking (CONFIG_IDLE_PAGE_TRACKING)" in seen.limits[-1]
    with pytest.raises(ZswapsimError, match="no idle page tracking"):
        observe(program.pid, 0.01, method="idle-pages")


def test_progress_reaches_its_end(program: Child) -> None:
    calls: list[tuple[int, int]] = []
    observe(program.pid, 0.3, progress=lambda *at: calls.append(at))
    assert calls[-1] == (3, 3)
    assert calls == sorted(calls)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_an_interval_that_is_none(seconds: float) -> None:
    with pytest.raises(InputError, match="expected more than 0 and at most 86400"):
        observe(os.getpid(), seconds)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match=f"method x: expected one of {', '.join(METHODS)}"):
        observe(os.getpid(), 1, method="x")
    with pytest.raises(InputError, match="pid x: expected the number of a process"):
        observe("x", 1)
    with pytest.raises(InputError, match="pid 4194304: no such process: expected a running one"):
        observe(1 << 22, 1)


@pytest.mark.parametrize("method", ["counters", "clear-refs"])
def test_a_process_that_ends_meanwhile(program: Child, between: Callable, method: str) -> None:
    between(program.end)
    with pytest.raises(InputError, match=f"pid {program.pid}: it has ended: expected a running process"):
        observe(program.pid, 5, method=method)


def test_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(InputError, match=f"pid {process.pid}: it has ended: expected a running process"):
            observe(process.pid, 1)


def test_a_kernel_thread_has_nothing() -> None:
    threads = [each.pid for each in psutil.process_iter() if each.pid != 1 and each.ppid() in (0, 2)]
    if not threads:
        pytest.skip("no kernel thread in sight")
    with pytest.raises(InputError, match="it is a kernel thread, which has no memory of its own"):
        observe(threads[0], 1)


def test_a_number_given_anew_is_noticed(program: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(program.pid)
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: False)
    with pytest.raises(InputError, match="it has ended"):
        process.count()


@pytest.mark.parametrize(
    ("error", "kind", "expected"),
    [
        (PermissionError(13, "Permission denied"), ZswapsimError, "not allowed to read its memory"),
        (ProcessLookupError(3, "No such process"), InputError, "it has ended"),
    ],
)
def test_refusals(program: Child, error: OSError, kind: type, expected: str) -> None:
    process = Process(program.pid)

    def refuse(what: str, _path: str) -> None:
        if what == "open":
            raise error

    for call in (process.count, process.referenced_bytes, lambda: ClearedReferences(process)):
        with watched(refuse), pytest.raises(kind, match=expected) as caught:
            call()
        assert isinstance(caught.value, InputError) == (kind is InputError)


def test_clear_refs_refusals(program: Child) -> None:
    process = Process(program.pid)
    with pytest.raises(ZswapsimError, match="clear_refs: Invalid argument"):
        process.clear_refs(99)

    def refuse(what: str, _path: str) -> None:
        if what == "open":
            raise FileNotFoundError(2, "No such file or directory")

    with watched(refuse), pytest.raises(ZswapsimError, match="this kernel has no clear_refs"):
        process.clear_refs(2)
    program.end()
    with watched(refuse), pytest.raises(InputError, match="it has ended"):
        process.clear_refs(2)


def test_reuse_is_the_slope_of_the_curve() -> None:
    curve = [Referenced(1.0, 100), Referenced(2.0, 150), Referenced(4.0, 170)]
    seen = Activity(
        name="x", source="", limits=[], seconds=4, resident_bytes=340, swapped_bytes=0, minor_faults=0,
        major_faults=0, cpu_seconds=0, curve=curve, write_share=None,
    )  # fmt: skip
    assert [seen.reuse_bytes_a_second(at) for at in (0, 0.5, 1, 1.9, 2, 3.9, 4)] == [100, 100, 50, 50, 10, 10, None]
    assert seen.referenced_share == 0.5
    assert seen.working_set_bytes == 170


FOREIGN = """
import os, sys
from zswapsim.live import observe
from zswapsim._core.base.errors import ZswapsimError
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
seen = observe(sys.argv[1], 0.01)
print(seen.source, seen.resident_bytes > 0)
try:
    observe(sys.argv[1], 0.01, method="clear-refs")
except ZswapsimError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_s_process_shows_its_counters(program: Child) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOREIGN, str(program.pid)], capture_output=True, text=True, check=False
    )
    expected = "not allowed to read its memory: expected a process of this user (or run as root)"
    assert done.stderr == ""
    assert done.stdout == f"{Counters.source} True\npid {program.pid}: {expected}\n"


def test_pages_hold_what_is_there(program: Child) -> None:
    from zswapsim.live.pages import anonymous_pages

    addresses, entries = anonymous_pages(Process(program.pid))
    assert set(range(program.start, program.start + PAGES * PAGE, PAGE)) <= set(addresses.tolist())
    assert len(np.unique(addresses)) == len(addresses) == len(entries)
    assert (entries >> np.uint64(63) == 1).all()
