"""Check that files appear whole or not at all."""

import os
from pathlib import Path

import pytest

from zswapsim._core.base.errors import InputError, OutputError
from zswapsim.files.atomic import atomic_write


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_write(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_text_is_utf8(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a", "w") as file:
        file.write("µs\n")
    assert (tmp_path / "a").read_bytes() == "µs\n".encode()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, InputError, GeneratorExit])
def test_what_was_there_stays_on_failure(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    elif call == "replace":
        monkeypatch.setattr(Path, "replace", full)

    def write_half() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            if call == "write":
                full()

    with pytest.raises(OutputError) as caught:
        write_half()
    assert str(caught.value) == f"{path}: cannot write: No space left on device"
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_write(path, permissions=0o600) as file:
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600, "from the beginning"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with atomic_write(path) as file:
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == 0o640, "those of the file it replaces"
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "b"):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o640


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_device_is_written_through() -> None:
    with atomic_write("/dev/null") as file:
        file.write(b"gone")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["", "nowhere/a", "file/a", "a" * 300])
def test_paths_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write: "), atomic_write(tmp_path / name):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected 'wb' or 'w'"), atomic_write(tmp_path / "a", "r"):
        pass
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in ("a\0b", tmp_path / "loop"):
        with pytest.raises(OutputError, match="cannot write: "), atomic_write(path):
            pass
