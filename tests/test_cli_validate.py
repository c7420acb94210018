"""Call `zswapsim validate` with the running kernel, if it can be used, and check that nothing remains afterwards."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli_helpers import as_json, started, zswapsim
from zswapsim import ZswapsimError
from zswapsim.kernel import groups, zram
from zswapsim.kernel.guard import Keeper
from zswapsim.kernel.own import Own
from zswapsim.traces.contents import write_pages

MISSING = zram.missing()
MISSING_GROUP = MISSING or groups.missing()
needs_zram = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
needs_group = pytest.mark.skipif(MISSING_GROUP is not None, reason=str(MISSING_GROUP))
SMALL = ["--swap", "--trace", "gen:zipf,pages=4096,events=60000,writes=0.3", "--dram", "40%"]
LONG = ["--swap", "--trace", "gen:uniform,pages=16384,events=3e6", "--dram", "25%"]
FIELDS = {*zram.MM_STAT, "write_ns", "read_ns"}


def made_by(pid: int | str) -> list[str]:
    """Return the groups that process `pid` has made and not removed."""
    found = groups.find()
    return [] if found is None else [path.name for path in found.root.glob(f"zswapsim-{pid}-*")]


def kernel_state() -> set[str]:
    """Return the names of devices and swap spaces."""
    swaps = [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    return {*swaps, *(path.name for path in zram.BLOCK.glob("zram*"))}


@pytest.fixture
def unchanged():
    """Check that a moment after the test the kernel has no device and no swap space that it had not before."""
    before = kernel_state()
    yield
    end = time.monotonic() + 30
    while kernel_state() - before and time.monotonic() < end:
        time.sleep(0.05)
    assert kernel_state() - before == set()


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_every_field_is_equal_with_every_codec():
    rows = as_json("validate", "--pages", "recipe:mix,pages=1500", "--pages", "recipe:half,pages=300")
    assert [row["pages"] for row in rows[::3]] == ["recipe:mix,pages=1500", "recipe:half,pages=300"][: len(rows[::3])]
    for row in rows:
        assert set(row) == {"codec", "pages", "kernel", "model"}
        assert set(row["kernel"]) == FIELDS
        if row["codec"] in ("lz4", "lzo", "lzo-rle"):
            assert {f: row["kernel"][f] for f in zram.MM_STAT} == {f: row["model"][f] for f in zram.MM_STAT}


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_pages_of_a_file_that_fill_no_whole_batch(tmp_path):
    pages = np.random.default_rng(5).integers(0, 3, (257, 4096), dtype=np.uint8)
    write_pages(tmp_path / "some.pages", pages)
    done = zswapsim("validate", "--pages", tmp_path / "some.pages")
    assert (done.returncode, done.stderr) == (0, "")
    assert "UNEQUAL" not in done.stdout
    assert "are equal in every field of mm_stat." in done.stdout


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_an_unknown_codec_is_refused_and_the_device_removed():
    done = zswapsim("validate", "--pages", "recipe:mix,pages=10", "--codec", "lz5")
    assert done.returncode == 2
    assert done.stderr.startswith("zswapsim: --codec lz5: expected one that this kernel's zram has: ")
    assert done.stderr.count("\n") == 1


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_swap_ins_beside_the_kernel_s():
    rows = as_json("validate", *SMALL)
    assert {row["reclaim"] for row in rows} >= {"two-list", "lru"}
    for row in rows:
        assert set(row["kernel"]) == set(row["model"]) == {"swap_ins", "swap_outs", "pool_frames", "seconds"}
        assert row["kernel"]["swap_ins"] > 1000
        # This checks only that both count the same events; how close they are is measured, not tested.
        assert row["model"]["swap_ins"] == pytest.approx(row["kernel"]["swap_ins"], rel=0.25)


def swapping(process: subprocess.Popen) -> None:
    """Wait until a started command has its group, with a process in it."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        found = groups.find()
        if any((found.root / name / "cgroup.procs").read_text() for name in made_by(process.pid)):
            return
        time.sleep(0.02)
    pytest.fail(f"no group: exit {process.poll()}")


@needs_group
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_everything_is_removed_after_a_signal(number):
    with started("validate", *LONG) as process:
        swapping(process)
        assert made_by(process.pid)
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}.get(number, 128 + number)
        assert out == ""
        assert "Traceback" not in err
        end = time.monotonic() + 30
        while made_by(process.pid) and time.monotonic() < end:
            time.sleep(0.05)
        assert made_by(process.pid) == []


def writing(process: subprocess.Popen, before: set[str]) -> None:
    """Wait until a started command has its device."""
    end = time.monotonic() + 60
    while not kernel_state() - before and time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    assert process.poll() is None, f"no device: exit {process.poll()}"


@needs_zram
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_device_that_pages_are_written_to_is_removed_after_a_signal(number):
    before = kernel_state()
    with started("validate", "--pages", "recipe:mix,pages=20000") as process:
        writing(process, before)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[number]
        assert "Traceback" not in err


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_ctrl_c_of_a_terminal_reaches_all_and_everything_is_removed():
    with started("validate", *LONG) as process:
        swapping(process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_a_device_is_removed_after_an_exception():
    def fails() -> None:
        with Own() as own:
            own.device()
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fails()


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_a_device_is_removed_even_where_the_guard_was_killed():
    with Own() as own:
        device = own.device()
        assert zram.folder(device.number).exists()
        own.guard.kill()
        own.guard.wait()


@needs_zram
@pytest.mark.usefixtures("unchanged")
def test_without_a_file_in_dev_one_is_made_and_removed_by_whoever_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    keeper = Keeper()
    with monkeypatch.context() as there:
        there.setattr(zram, "DEV", tmp_path)
        _, file = keeper.device().split()
        assert Path(file).is_block_device()
        assert Path(file).parent.parent == tmp_path
    assert keeper.undo() == []
    assert list(tmp_path.iterdir()) == []


@needs_zram
def test_a_device_that_is_in_use_is_never_touched():
    before = {path.name: (path / "mm_stat").read_text() for path in zram.BLOCK.glob("zram*")}
    with Own() as own:
        assert f"zram{own.device().number}" not in before
        with pytest.raises(ZswapsimError, match=r"^swap: .*none: No such file or directory$"):
            own._ask("swap", "/dev/none", "4096")
    assert {path.name: (path / "mm_stat").read_text() for path in zram.BLOCK.glob("zram*")} == before
