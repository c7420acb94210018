"""Find what killed runs left in a kernel that is made up, remove that, and touch nothing else."""

import json
import os
import re

import pytest

from tests.fake_kernel import FakeKernel, Killed, kernel
from zswapsim import ZswapsimError
from zswapsim.files import shared
from zswapsim.kernel import swap, zram
from zswapsim.kernel.leftovers import Cleared, clear_leftovers
from zswapsim.kernel.record import Record
from zswapsim.kernel.sole import lock_swap

__all__ = ["kernel"]
NOTHING = Cleared([], [])


def die(record: Record) -> None:
    """Let the processes that hold a record end."""
    record.file.close()


def steps_of_a_run(kernel: FakeKernel) -> int:
    before = kernel.objects()
    record = kernel.run()
    steps = kernel.steps
    die(record)
    clear_leftovers()
    assert kernel.objects() == before
    return steps


def test_a_run_that_is_killed_at_any_step_leaves_nothing_that_the_next_does_not_find(kernel):
    before = kernel.objects()
    unnamed = 0
    for step in range(3, steps_of_a_run(kernel) + 1):  # the first two are the head of the record
        die(kernel.run(step))
        cleared = clear_leftovers()
        if kernel.objects() == before:
            assert cleared.left == [], step
        else:  # killed between adding a device and writing its number down
            unnamed += 1
            assert kernel.objects() - before == {"zram1"}
            assert re.match(
                r"zram1: unused, may be left by a run that was killed .*echo N > .*hot_remove", cleared.left[0]
            )
            kernel.forget(1)
        assert kernel.records() == []
        assert clear_leftovers() == NOTHING
    assert unnamed == 2


def test_clearing_that_is_killed_at_any_step_is_gone_on_with(kernel):
    before = kernel.objects()
    for step in range(1, 20):
        die(kernel.run())
        kernel.steps, kernel.killed_at = 0, step
        try:
            clear_leftovers()
        except Killed:
            kernel.killed_at = None
            clear_leftovers()
        kernel.killed_at = None
        assert (kernel.objects(), kernel.records()) == (before, []), step


def test_what_was_removed_is_named_the_last_one_first(kernel):
    record = kernel.run()
    die(record)
    assert clear_leftovers().removed == [
        f"{kernel.root}/groups/zswapsim-{record.token}-0", f"swap on {kernel.file(1)}", "/sys/block/zram1",
    ]  # fmt: skip


def test_what_a_live_run_has_is_left_to_it(kernel):
    record = kernel.run()
    before = kernel.objects()
    assert clear_leftovers() == NOTHING
    assert (kernel.objects(), kernel.records()) == (before, [record.name])
    child = os.dup(record.file.fileno())  # its guard has the same lock
    die(record)
    assert clear_leftovers() == NOTHING
    os.close(child)
    assert len(clear_leftovers().removed) == 3


def test_a_number_that_was_given_again_is_not_ours(kernel):
    record = kernel.run()
    die(record)
    kernel.swaps.clear()
    kernel.forget(1)
    assert kernel.add() == 1
    kernel.switch_on(kernel.file(1), 4096, "ab" * 16)
    assert clear_leftovers() == Cleared([f"{kernel.root}/groups/zswapsim-{record.token}-0"], [])
    assert kernel.objects() == {"zram0", "zram1", "swap on zram1"}
    assert kernel.records() == []


def test_swap_that_another_made_on_our_device_is_not_ours(kernel):
    die(kernel.run())
    kernel.switch_off(kernel.file(1))
    kernel.switch_on(kernel.file(1), 4096, "ab" * 16)
    cleared = clear_leftovers()
    assert f"swap on {kernel.file(1)}" not in cleared.removed
    assert kernel.objects() == {"zram0", "zram1", "swap on zram1"}
    by_hand = "echo 1 > /sys/block/zram1/reset; echo 1 > /sys/class/zram-control/hot_remove"
    assert cleared.left == [f"/sys/block/zram1: Device or resource busy; by hand: {by_hand}"]


def test_after_another_boot_nothing_in_the_kernel_is_ours(kernel):
    die(kernel.run())
    before = kernel.objects()
    (kernel.root / "boot").write_text("next-boot\n")
    assert clear_leftovers() == NOTHING
    assert (kernel.objects(), kernel.records()) == (before, [])


def test_a_kernel_that_cannot_tell_disks_apart_is_asked_by_hand(kernel, monkeypatch):
    for module in (zram, swap):
        monkeypatch.setattr(module, "diskseq", lambda _: None)
    die(kernel.run())
    cleared = clear_leftovers()
    assert [line.partition(" may be")[0] for line in cleared.left] == [f"swap on {kernel.file(1)}", "/sys/block/zram1"]
    assert cleared.left[0].endswith(f"if it is: swapoff {kernel.file(1)}")
    assert kernel.objects() == {"zram0", "zram1", "swap on zram1"}
    assert clear_leftovers() == NOTHING, "it is said once"


def test_what_is_busy_stays_in_the_record_and_is_tried_again(kernel):
    record = kernel.run()
    die(record)
    kernel.busy.add(1)
    assert [line.partition(";")[0] for line in clear_leftovers().left] == ["/sys/block/zram1: Device or resource busy"]
    assert kernel.records() == [record.name]
    kernel.busy.clear()
    assert clear_leftovers() == Cleared(["/sys/block/zram1"], [])


def test_a_device_that_another_run_adds_meanwhile_is_not_suspected(kernel):
    adding = next(step for step in range(3, 99) if _kills_while_adding(kernel, step))
    die(kernel.run(adding))
    other = kernel.run()
    assert clear_leftovers().left[0].startswith("zram1: unused"), "zram2 belongs to the live run"
    die(other)


def _kills_while_adding(kernel: FakeKernel, step: int) -> bool:
    before = kernel.objects()
    die(kernel.run(step))
    found = bool(clear_leftovers().left)
    for name in kernel.objects() - before:
        kernel.forget(int(name.removeprefix("zram")))
    return found


# -- files of the run folder ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{", '{"made": "x", "kind": "comet"}\n', '{"made": "x", "kind": "device"}\n[1]\n7\n']
)
def test_a_record_that_nobody_understands_is_told_or_dropped(kernel, text):
    record = Record.new()
    os.write(record.file.fileno(), text.encode())
    die(record)
    cleared = clear_leftovers()
    assert cleared.removed == []
    assert cleared.left == (
        [] if len(text) < 2 else [f"x: its record was made by another version; {record.name} in the run folder"]
    )
    assert kernel.objects() == {"zram0"}


def test_a_line_that_was_cut_off_says_nothing(kernel):
    record = Record.new()
    record.make("/sys/block/zram0", kind="device", number=0, diskseq=zram.diskseq(0))
    size = record.file.state().st_size
    record.file.truncate(size - 3)
    assert record.entries() == {}
    die(record)
    assert clear_leftovers() == NOTHING


def test_only_a_folder_of_our_own_is_used(kernel, tmp_path):
    shared.RUN.mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="only its owner can enter"):
        Record.new()
    shared.RUN.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    shared.RUN.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        Record.new()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_files_of_the_run_folder_are_never_links_nor_pipes(kernel, tmp_path):
    assert clear_leftovers() == NOTHING
    (tmp_path / "precious").write_text(json.dumps({"made": "x", "kind": "folder"}))
    (shared.RUN / "a.record").symlink_to(tmp_path / "precious")
    os.mkfifo(shared.RUN / "b.record")
    assert clear_leftovers() == NOTHING
    (shared.RUN / "swap.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="Too many levels"):
        lock_swap()
    assert (tmp_path / "precious").read_text()


def test_one_run_swaps_at_a_time(kernel):
    held = lock_swap()
    with pytest.raises(ZswapsimError, match=rf"^validate --swap: another one is running \(process {os.getpid()}\)"):
        lock_swap()
    guard = os.dup(held.fileno())
    held.close()
    with pytest.raises(ZswapsimError):
        lock_swap()
    os.close(guard)
    lock_swap().close()
