"""Capture a live process, and fail to."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from cli_helpers import refused, zswapsim

from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim.traces import capture as module
from zswapsim.traces import capture_pages, read_contents
from zswapsim.traces import process as process_module
from zswapsim.traces.capture import Snapshot

MARK = b"zswapsim test page %08d "
PAGES = 300
CHILD = f"""
import mmap, sys
memory = mmap.mmap(-1, {PAGES} * 2 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
shared = mmap.mmap(-1, 4096, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
def fill(target, at, text):
    # By the kilobyte, so that no string of this program is a page that could be taken for one of these.
    for begin in range(0, 4096, 1024):
        phase = begin % len(text)
        target[at + begin : at + begin + 1024] = (text * 40)[phase : phase + 1024]
for page in range({PAGES}):
    fill(memory, 8192 * page, {MARK!r} % page)
fill(shared, 0, {MARK!r} % 99999999)
print("ready", flush=True)
sys.stdin.read()
"""
LINUX = pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="needs procfs with pagemap")
pytestmark = LINUX


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """Run a process with PAGES marked pages, every other one of its mapping, and a shared page."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def marked(pages: np.ndarray) -> list[int]:
    """Return the numbers of the marked pages among these."""
    begin, end = MARK.index(b"%"), MARK.index(b"%") + 8
    found = [page.tobytes() for page in pages if page[:begin].tobytes() == MARK[:begin]]
    return sorted(int(page[begin:end]) for page in found if page == (page[: end + 1] * 200)[:4096])


def test_present_pages_are_captured(child: subprocess.Popen[str]) -> None:
    calls: list[tuple[int, int]] = []
    snapshot = Snapshot(child.pid)
    pages = np.concatenate(list(snapshot.blocks(lambda *at: calls.append(at))))
    assert marked(pages) == list(range(PAGES)), "each once, and not the shared one"
    assert snapshot.knows_present
    assert snapshot.regions > 3
    assert calls[-1] == (len(snapshot.addresses), len(snapshot.addresses))
    used = sum(mapping.anonymous for mapping in psutil.Process(child.pid).memory_maps(grouped=False)) // 4096
    assert abs(len(pages) - used) < 0.1 * used, "as many as the kernel counts"


def test_a_limit_takes_an_even_sample(child: subprocess.Popen[str]) -> None:
    limit = len(Snapshot(child.pid).addresses) // 2
    half = Snapshot(child.pid, limit)
    assert len(np.concatenate(list(half.blocks()))) == len(half.addresses) == limit
    found = marked(np.concatenate(list(half.blocks())))
    assert 0.4 * PAGES < len(found) < 0.6 * PAGES
    assert found[0] < 0.05 * PAGES
    assert found[-1] > 0.95 * PAGES
    with pytest.raises(InputError, match="a limit of 0 pages: expected at least one"):
        Snapshot(child.pid, 0)


def test_without_pagemap_all_is_read_but_zero_pages(
    child: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_present", lambda *_: None)
    snapshot = Snapshot(child.pid)
    pages = np.concatenate(list(snapshot.blocks()))
    assert not snapshot.knows_present
    assert marked(pages) == list(range(PAGES))
    assert pages.any(axis=1).all()


def test_pages_that_vanish_are_left_out(child: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, read = Snapshot(child.pid), os.pread
    gone = set(snapshot.addresses[::7].tolist())

    def flaky(memory: int, length: int, address: int) -> bytes:
        if gone & set(range(address, address + length, 4096)):
            raise OSError(errno.EIO, "Input/output error")
        return read(memory, length, address)

    monkeypatch.setattr(os, "pread", flaky)
    assert sum(len(block) for block in snapshot.blocks()) == len(snapshot.addresses) - len(gone)


def test_contents_of_a_process(child: subprocess.Popen[str]) -> None:
    contents = read_contents(f"pid:{child.pid}")
    assert contents is not None
    assert marked(contents.images) == list(range(PAGES))


def test_a_process_that_ends_meanwhile(child: subprocess.Popen[str]) -> None:
    snapshot = Snapshot(child.pid)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with pytest.raises(InputError, match=f"pid {child.pid}: "):
        list(snapshot.blocks())
    with pytest.raises(InputError, match=f"pid {child.pid}: no such process: expected a running one"):
        Snapshot(child.pid)


def test_a_zombie_has_nothing_left() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(InputError, match=f"pid {process.pid}: it has ended: expected a running process"):
            Snapshot(process.pid)


@pytest.mark.parametrize("pid", ["", "x", "-1", "0", "1.5", "99999999", "9" * 30, "\u0661"])
def test_a_pid_that_is_none(pid: str) -> None:
    with pytest.raises(InputError, match="expected the number of a process"):
        capture_pages(pid)


@pytest.mark.parametrize(
    ("error", "kind", "expected"),
    [
        (psutil.AccessDenied(1), ZswapsimError, "not allowed to read its memory: expected a process of this user"),
        (PermissionError(13, "Permission denied"), ZswapsimError, "not allowed to read its memory"),
        (psutil.ZombieProcess(1), InputError, "it has ended: expected a running process"),
        (OSError(5, "Input/output error"), ZswapsimError, "cannot read its mappings: Input/output error"),
    ],
)
def test_refusals(error: Exception, kind: type, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(psutil.Process, "memory_maps", refuse)
    with pytest.raises(kind) as caught:
        Snapshot(os.getpid())
    assert isinstance(caught.value, InputError) == (kind is InputError)
    assert expected in str(caught.value)


def test_a_kernel_thread_has_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil.Process, "memory_maps", lambda *_, **__: [])
    with pytest.raises(InputError, match="it has no anonymous pages: expected a program with memory of its own"):
        Snapshot(os.getpid())
    monkeypatch.setattr(process_module, "PF_KTHREAD", 0x00400000)  # PF_RANDOMIZE, which every program has
    with pytest.raises(InputError, match="it is a kernel thread, which has no memory of its own: expected a program"):
        Snapshot(os.getpid())


FOREIGN = """
import os, sys
from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim.traces.capture import Snapshot
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    Snapshot(sys.argv[1])
except InputError:
    print("the user's mistake")
except ZswapsimError as error:
    print(error)
"""


def test_a_foreign_process() -> None:
    foreign = os.getpid() if os.geteuid() == 0 else 1
    done = subprocess.run([sys.executable, "-c", FOREIGN, str(foreign)], capture_output=True, text=True, check=False)
    expected = "not allowed to read its memory: expected a process of this user (or run as root)"
    assert (done.stdout, done.stderr) == (f"pid {foreign}: {expected}\n", "")


def test_the_command(child: subprocess.Popen[str], tmp_path: Path) -> None:
    path = tmp_path / "a.pages"
    done = zswapsim("capture", child.pid, "-o", path)
    assert done.returncode == 0
    assert done.stderr == (
        f"zswapsim: {path}: holds that process's private data, as it lay in memory (keys and passwords too);"
        " only you may read the file\n"
    )
    assert done.stdout.startswith(f"{path}: {path.stat().st_size // 4096} pages of ")
    assert done.stdout.endswith(" % same-filled\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert marked(np.fromfile(path, np.uint8).reshape(-1, 4096)) == list(range(PAGES))


def test_the_command_with_a_limit_replaces_a_file(child: subprocess.Popen[str], tmp_path: Path) -> None:
    path = tmp_path / "a.pages"
    path.write_bytes(b"before")
    path.chmod(0o644)
    done = zswapsim("capture", child.pid, "-o", path, "--limit", "64KiB", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert (path.stat().st_size, path.stat().st_mode & 0o777) == (65_536, 0o600)


def test_the_command_refuses(child: subprocess.Popen[str], tmp_path: Path) -> None:
    path = tmp_path / "a.pages"
    assert "pid x: expected the number of a process" in refused("capture", "x", "-o", path, folder=tmp_path)
    assert "--limit 5: expected" in refused("capture", child.pid, "-o", path, "--limit", 5, folder=tmp_path)
    nowhere = tmp_path / "nowhere" / "a.pages"
    assert f"{nowhere}: cannot write: " in refused("capture", child.pid, "-o", nowhere, code=1, folder=tmp_path)
    assert "Is a directory" in refused("capture", child.pid, "-o", tmp_path, code=1, folder=tmp_path)
    child.kill()
    child.wait()
    assert f"pid {child.pid}: no such process" in refused("capture", child.pid, "-o", path, folder=tmp_path)
