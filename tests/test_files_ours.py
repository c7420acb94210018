"""Check that a file beside a profile is taken for ours only if it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zswapsim import InputError, make_profile, read_contents
from zswapsim.cli import main
from zswapsim.study.profile.journal import LINE_BYTES

FOREIGN = {
    "text": b"mine\n",
    "one byte": b"x",
    "no line": b"mine" * 100,
    "long": b"0" * (LINE_BYTES + 10),
    "JSON": b'{"version":1}\n',
    "nearly": b'{"version":1,"contents_hash":"letters',
    "zeros": bytes(5000),
}


@pytest.fixture(scope="module")
def pages():
    return read_contents("recipe:mix,pages=20")


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_never_changed(tmp_path: Path, pages, data: bytes, resume: bool) -> None:
    part = tmp_path / "a.part"
    part.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.part: expected what an unfinished profile measured, got another file"):
        make_profile(pages, ["lz4"], tmp_path / "a", resume=resume)
    assert part.read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.part"]


@pytest.mark.parametrize("fresh", [[], ["--fresh"]])
def test_the_command_refuses_in_one_line(tmp_path: Path, capfd, fresh: list[str]) -> None:
    (tmp_path / "a.part").write_text("mine\n")
    assert main(["profile", "recipe:mix,pages=20", "-o", str(tmp_path / "a"), *fresh]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert (tmp_path / "a.part").read_text() == "mine\n"


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe", "folder", "device"])
def test_what_is_no_file_of_one_name_is_refused(tmp_path: Path, pages, kind: str, resume: bool) -> None:
    part, other = tmp_path / "a.part", tmp_path / "other"
    other.write_bytes(b"" if kind == "hard link" else b"kept")
    if kind in ("link", "dangling link"):
        part.symlink_to(other if kind == "link" else tmp_path / "nothing")
    elif kind == "hard link":
        part.hardlink_to(other)
    elif kind == "pipe":
        os.mkfifo(part)
    elif kind == "folder":
        part.mkdir()
    else:
        part.symlink_to("/dev/null")
    before = sorted(path.name for path in tmp_path.iterdir()), other.read_bytes()
    with pytest.raises(InputError, match=r"a\.part: "):
        make_profile(pages, ["lz4"], tmp_path / "a", resume=resume)
    assert (sorted(path.name for path in tmp_path.iterdir()), other.read_bytes()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_root_takes_no_file_of_another_user(tmp_path: Path, pages) -> None:
    (tmp_path / "a.part").touch()
    os.chown(tmp_path / "a.part", 1000, 1000)
    with pytest.raises(InputError, match=r"got a file of another user \(1000\)"):
        make_profile(pages, ["lz4"], tmp_path / "a")


def test_a_name_that_is_another_file_by_now_is_not_removed(tmp_path: Path, pages) -> None:
    def replace(_done: int, _total: int) -> None:
        (tmp_path / "a.part").rename(tmp_path / "moved")
        (tmp_path / "a.part").write_text("mine\n")

    make_profile(pages, ["lz4"], tmp_path / "a", threads=1, progress=replace)
    assert (tmp_path / "a.part").read_text() == "mine\n"


def test_fresh_discards_what_is_ours(tmp_path: Path, pages) -> None:
    with pytest.raises(ZeroDivisionError):
        make_profile(pages, ["lz4"], tmp_path / "a", progress=lambda done, total: 1 // (done < total))
    assert (tmp_path / "a.part").stat().st_size > 100
    assert make_profile(pages, ["lz4"], tmp_path / "a", resume=False).added["lz4"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_pipe_does_not_hang_the_command(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.part")
    command = [sys.executable, "-m", "zswapsim", "profile", "recipe:mix,pages=5", "-o", str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("resume", [True, False])
def test_a_profile_is_not_written_into_a_device_or_pipe(tmp_path: Path, pages, resume: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        with pytest.raises(InputError, match=f"{name}: expected a file for the profile"):
            make_profile(pages, ["lz4"], tmp_path / name, resume=resume)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["null", "pipe"]
