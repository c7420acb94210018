"""Call `zswapsim validate` with the running kernel, if it can be used, and check that nothing remains afterwards."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli_helpers import as_json, refused, started, zswapsim
from zswapsim import ZswapsimError
from zswapsim.kernel import groups, swap, zram
from zswapsim.kernel.guard import Keeper
from zswapsim.kernel.own import Own
from zswapsim.kernel.record import Record
from zswapsim.kernel.sole import lock_swap
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
    done = zswapsim("validate", *SMALL, "--json", "-")
    assert done.returncode == 0
    assert re.fullmatch(r"(zswapsim: the kernel's figures may be wrong: .*\n)?", done.stderr), "others may swap here"
    rows = json.loads(done.stdout)
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
    keeper = Keeper(Record.new())
    with monkeypatch.context() as there:
        there.setattr(zram, "DEV", tmp_path)
        _, file = keeper.device().split()
        assert Path(file).is_block_device()
        assert Path(file).parent.parent == tmp_path
    assert keeper.undo() == []
    keeper.record.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def of_another():
    """Add a device as another user does, with a page in it, and remove it at the end."""
    number = zram.hot_add()
    zram.set_up(number, zram.algorithms(number)[0], 1 << 20)
    file = zram.find_node(number)
    if file is not None:
        file.write_bytes(bytes(range(256)) * 16)
    yield number
    zram.hot_remove(number)


@needs_zram
def test_a_device_that_is_in_use_is_never_touched(of_another):
    before = zram.diskseq(of_another), zram.disksize(of_another), zram.mm_stat(of_another)
    with Own(swap=True) as own:
        assert own.device().number != of_another
        with pytest.raises(ZswapsimError, match=r"^swap: .*none: No such file or directory$"):
            own._ask("swap", "/dev/none", "4096")
    assert (zram.diskseq(of_another), zram.disksize(of_another), zram.mm_stat(of_another)) == before


# -- program and guard killed together --------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_with_its_guard(process: subprocess.Popen) -> None:
    for pid in [*children(process.pid), process.pid]:
        os.kill(pid, signal.SIGKILL)
    process.wait()


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_the_next_run_removes_what_a_run_left_that_was_killed_with_its_guard(of_another):
    with started("validate", *LONG) as process:
        swapping(process)
        kill_with_its_guard(process)
    assert made_by(process.pid)
    with Own() as own:
        assert own.cleared.left == []
        assert [re.sub("[0-9].*", "", name) for name in own.cleared.removed] == [
            f"{groups.find().root}/zswapsim-", "swap on /dev/zram", "/sys/block/zram",
        ]  # fmt: skip
    assert made_by(process.pid) == []
    assert zram.mm_stat(of_another)["orig_data_size"] > 0


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_a_command_says_what_it_removes():
    with started("validate", *LONG) as process:
        swapping(process)
        kill_with_its_guard(process)
    done = zswapsim("validate", "--pages", "recipe:mix,pages=10")
    assert done.returncode == 0
    assert re.fullmatch(
        r"zswapsim: removed what a killed run left: .*, swap on /dev/zram\d+, /sys/block/zram\d+\n", done.stderr
    )


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_two_that_swap_at_once_are_refused():
    with Own(swap=True):
        said = refused("validate", *SMALL, code=1)
        assert said.startswith(f"zswapsim: validate --swap: another one is running (process {os.getpid()}), ")
        done = zswapsim("validate", "--pages", "recipe:mix,pages=10")
        assert (done.returncode, done.stderr) == (0, ""), "without --swap there is nothing to falsify"


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_the_lock_is_held_until_the_guard_has_ended():
    with started("validate", *LONG, stderr=subprocess.DEVNULL) as process:
        swapping(process)
        guard = children(process.pid)[0]
        os.kill(guard, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(ZswapsimError, match=f"process {process.pid}"):
            lock_swap()
        os.kill(guard, signal.SIGCONT)
    end = time.monotonic() + 30
    while made_by(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert made_by(process.pid) == []


@needs_group
@pytest.mark.usefixtures("unchanged")
def test_swap_that_is_not_ours_is_told(of_another):
    file = zram.find_node(of_another)
    if file is None:
        pytest.skip("no device file in /dev")
    swap.switch_on(file, 1 << 20, swap.NO_UUID)
    try:
        done = zswapsim("validate", *SMALL, "--quiet")
    finally:
        swap.switch_off(file)
    assert done.returncode == 0
    said = f"{file} is swap of the same priority, and took pages of the replay"
    assert done.stderr == f"zswapsim: the kernel's figures may be wrong: {said}\n"
