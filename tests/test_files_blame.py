"""Check that an error of the system names the file it is about, and that want of memory is not blamed on a file."""

import errno
import os
from pathlib import Path

import pytest
from cli_helpers import called
from file_faults import MEMORY, failing

from zswapsim import HostMemoryError, InputError, OutputError, read_contents, read_trace, write_trace
from zswapsim.cli.errors import _system, guarded
from zswapsim.files.arrays import read_array
from zswapsim.files.atomic import atomic_write
from zswapsim.files.opening import open_file, read_bytes
from zswapsim.files.operation import reason
from zswapsim.study.compare.shared_files import write_shared
from zswapsim.study.profile import make_profile, read_profile
from zswapsim.traces import DenseTrace
from zswapsim.traces.contents import write_pages

TRACE = "gen:zipf,pages=60,events=400,alpha=0.9,writes=0.3,seed=1"
FORMS = ("t.csv", "t.csv.zst", "t.bin", "t.bin.zst", "t.parquet", "t.npy")


def test_an_error_without_a_name_is_not_of_standard_output(capfd) -> None:
    def work() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    assert guarded(work) == 1
    assert capfd.readouterr().err == "zswapsim: Too many open files\n"
    assert _system(OSError()) == "OSError"
    assert _system(OSError(5, "Input/output error", 7)) == "7: Input/output error"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(), "OSError"),
        (OSError("two\nlines"), "two lines"),
        (OSError(28, "full"), "full"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_reason_is_never_empty(error: Exception, said: str) -> None:
    assert reason(error) == said


def test_every_operation_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    for call in (
        lambda: open_file(tmp_path / "none"),
        lambda: read_bytes(tmp_path),
        lambda: read_array(tmp_path / "none", "u1"),
    ):
        with pytest.raises(OSError, match=str(tmp_path)) as caught:
            call()
        assert str(caught.value.filename).startswith(str(tmp_path))
    for at in range(1, 4):
        with failing(at), pytest.raises(OSError, match="Input/output error") as caught:
            read_bytes(tmp_path / "a")
        assert caught.value.filename == str(tmp_path / "a")


def test_an_input_that_fails_while_an_output_is_written_is_blamed_itself(tmp_path: Path) -> None:
    def copy() -> None:
        with atomic_write(tmp_path / "out") as file, failing(2):
            file.write(read_bytes(tmp_path / "in"))

    (tmp_path / "in").write_bytes(b"data")
    with pytest.raises(OSError, match="Input/output error") as caught:
        copy()
    assert caught.value.filename == str(tmp_path / "in")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("name", FORMS)
def test_want_of_memory_is_not_a_garbled_trace(tmp_path: Path, name: str) -> None:
    write_trace(read_trace(TRACE), tmp_path / name)
    with failing(0) as counted:
        list(read_trace(tmp_path / name).chunks())
    for at in range(2, counted.count + 1):  # the first one only asks if it exists
        with failing(at, MEMORY), pytest.raises(HostMemoryError, match="out of memory"):
            list(read_trace(tmp_path / name).chunks())
        with failing(at, "EIO"), pytest.raises(InputError) as caught:
            list(read_trace(tmp_path / name).chunks())
        assert "cannot read: Input/output error" in str(caught.value)
        assert "garbled" not in str(caught.value)


def test_want_of_memory_is_not_a_garbled_profile(tmp_path: Path) -> None:
    make_profile(read_contents("recipe:mix,pages=20"), ["lz4"], tmp_path / "p")
    with failing(0) as counted:
        read_profile(tmp_path / "p")
    for at in range(1, counted.count):  # the last one asks who may read it
        with failing(at, MEMORY), pytest.raises(HostMemoryError, match="out of memory"):
            read_profile(tmp_path / "p")
        with failing(at, "EIO"), pytest.raises(InputError, match="cannot read: Input/output error"):
            read_profile(tmp_path / "p")


def test_a_shared_trace_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    dense = DenseTrace(read_trace(TRACE))
    dense.scan()
    contents = read_contents("recipe:mix,pages=20")
    with failing(0) as counted:
        (tmp_path / "0").mkdir()
        write_shared(tmp_path / "0", dense, contents, None)
    for at in range(1, counted.count + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        with failing(at, "ENOSPC"), pytest.raises(OutputError) as caught:
            write_shared(folder, dense, contents, None)
        assert str(caught.value).startswith(f"{folder}/")
        assert "cannot write the shared trace: No space left on device (TMPDIR moves it)" in str(caught.value)


def test_a_page_file_that_cannot_be_read_says_why(tmp_path: Path, capfd) -> None:
    path = tmp_path / "x.pages"
    write_pages(path, read_contents("recipe:mix,pages=8").images)
    with failing(0) as counted:
        called("compressors", "--pages", path, "--compressor", "store", "-q")
    places = [at for at, seen in enumerate(counted.seen, 1) if seen in (("open", str(path)), ("read", str(path)))]
    assert places
    for at in places:
        with failing(at, "EMFILE"):
            assert called("compressors", "--pages", path, "--compressor", "store") == 2
        assert capfd.readouterr().err == f"zswapsim: {path}: cannot read: Too many open files\n"
