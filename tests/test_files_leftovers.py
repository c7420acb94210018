"""Check that what a killed process leaves is removed by the next start, and nothing else is."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cli_helpers import called

from zswapsim.files.atomic import atomic_write
from zswapsim.files.leftovers import new_file_name, new_folder_name, remove_dead_files, remove_dead_folders
from zswapsim.files.temporary import HeldFolder, temporary_folder, unnamed_file

KILLED = """
import os, signal, sys, tempfile
from zswapsim.files.atomic import atomic_write
from zswapsim.files.temporary import HeldFolder
tempfile.tempdir = sys.argv[1] + "/tmp"
held = HeldFolder()
(held.path / "images.npy").write_bytes(b"data")
with atomic_write(sys.argv[1] + "/out") as file:
    file.write(b"half" * 100000)
    if sys.argv[2] == "wait":
        print(flush=True)
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_next_start_removes_what_a_killed_process_left(here: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(here), "die"], check=False)
    assert len(names(here)) == 4, "a file beside the output, tmp, a folder and a file in it"
    with atomic_write(here / "out") as file:
        file.write(b"whole")
    assert (here / "out").read_bytes() == b"whole"
    with temporary_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert names(here / "tmp") == [folder.name]
    assert names(here) == ["out", "tmp"]


def test_any_command_removes_what_a_killed_one_left(here: Path) -> None:
    (here / new_file_name()).write_bytes(b"half")
    (here / "tmp" / new_folder_name()).mkdir()
    assert called("audit", "--isolation", "private-flag", "-q", "--json", here / "out") == 0
    assert names(here) == ["out", "tmp"]


def test_what_a_living_process_uses_stays(here: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(here), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        before = names(here)
        remove_dead_files(here)
        with temporary_folder():
            pass
        assert names(here) == before
        child.kill()
    remove_dead_files(here)
    remove_dead_folders(here / "tmp")
    assert names(here) == ["tmp"]


def test_only_files_of_our_own_are_removed(here: Path) -> None:
    ours = new_file_name()
    (here / ours).write_bytes(b"half")
    kept = [".zswapsim-notes.tmp", "zswapsim.tmp", f"{ours}x", ours[1:], ".zswapsim-0123456789abcdeg.tmp"]
    for name in kept:
        (here / name).write_bytes(b"mine")
    link, hard, pipe, folder, other = (new_file_name() for _ in range(5))
    (here / link).symlink_to(here / "zswapsim.tmp")
    (here / "mine").write_bytes(b"mine")
    (here / hard).hardlink_to(here / "mine")
    os.mkfifo(here / pipe)
    (here / folder).mkdir()
    if os.geteuid() == 0:
        (here / other).write_bytes(b"another user's")
        os.chown(here / other, 1000, 1000)
        kept.append(other)
    remove_dead_files(here)
    assert names(here) == sorted([*kept, link, hard, "mine", pipe, folder, "tmp"])


def test_only_folders_of_our_own_are_removed(here: Path) -> None:
    ours, with_folder, link = (new_folder_name() for _ in range(3))
    (here / ours).mkdir()
    (here / ours / "page").write_bytes(b"data")
    kept = ["zswapsim-results", "zswapsim-main.tmp", f"{ours}.d"]
    for name in kept:
        (here / name).mkdir()
    (here / with_folder / "below").mkdir(parents=True)
    (here / link).symlink_to(here / "zswapsim-results")
    remove_dead_folders(here)
    assert names(here) == sorted([*kept, with_folder, f"{with_folder}/below", link, "tmp"])


def test_a_lock_tells_that_an_owner_lives(here: Path) -> None:
    file = here / new_file_name()
    with file.open("wb") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        remove_dead_files(here)
        assert file.exists()
    remove_dead_files(here)
    assert not file.exists()


def test_a_folder_that_is_removed_before_it_is_locked_is_made_anew(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def mkdir(path: Path, mode: int, made=os.mkdir) -> None:
        made(path, mode)
        if not taken:
            taken.append(path)
            remove_dead_folders(here / "tmp")

    monkeypatch.setattr(os, "mkdir", mkdir)
    held = HeldFolder()
    assert held.path != taken[0]
    assert names(here / "tmp") == [held.path.name]
    held.remove()
    assert names(here / "tmp") == []


def test_a_file_system_without_unnamed_files_is_no_hindrance(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without(path: str, flags: int, *given: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, *given)

    monkeypatch.setattr(os, "open", without)
    with unnamed_file() as file:
        file.write(b"data")
        assert file.read_at(4, 0) == b"data"
        assert names(here / "tmp") == []
