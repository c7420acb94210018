"""Check that what is made of a process's memory, or of a private file, is for its owner alone."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import called

from zswapsim import Contents, make_profile, read_contents, read_profile, read_trace, write_trace
from zswapsim.files.privacy import HOLDS, TELLS
from zswapsim.study.compare.shared_files import write_shared
from zswapsim.study.profile import write_profile
from zswapsim.traces import DenseTrace, capture_pages
from zswapsim.traces.contents import write_pages

TRACE = "gen:zipf,pages=60,events=400,alpha=0.9,writes=0.3,seed=1"


def mode(path: Path | str) -> int:
    return Path(path).stat().st_mode & 0o777


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    old = os.umask(0o022)
    yield tmp_path
    os.umask(old)


@pytest.fixture
def captured(here: Path) -> Path:
    """Return a file of pages as `capture` writes it."""
    write_pages("x.pages", read_contents("recipe:mix,pages=400").images, 0o600)
    return here / "x.pages"


@pytest.mark.usefixtures("captured")
def test_a_profile_of_private_pages_is_private(capfd) -> None:
    assert called("profile", "x.pages", "-o", "p", "--compressor", "lz4", "--json", "j") == 0
    assert (mode("p"), mode("j")) == (0o600, 0o600)
    assert capfd.readouterr().err.splitlines() == [f"zswapsim: p: {TELLS}", f"zswapsim: j: {TELLS}"]
    Path("p").chmod(0o644)
    again = read_profile("p")
    assert again.private, "it says so itself"
    assert again.contents().private
    assert again.contents().with_zeros().private
    write_profile(again, "q")
    assert mode("q") == 0o600


@pytest.mark.usefixtures("captured")
def test_a_profile_that_is_there_becomes_private() -> None:
    Path("x.pages").chmod(0o644)
    make_profile(read_contents("x.pages"), ["lz4"], "p")
    assert mode("p") == 0o644
    Path("x.pages").chmod(0o600)
    make_profile(read_contents("x.pages"), ["lz4"], "p")
    assert mode("p") == 0o600


@pytest.mark.usefixtures("captured")
@pytest.mark.parametrize("there", [False, True])
def test_the_journal_of_private_pages_is_private(there: bool) -> None:
    if there:
        Path("p.part").touch(0o644)
    with pytest.raises(ZeroDivisionError):
        make_profile(read_contents("x.pages"), ["lz4"], "p", progress=lambda done, total: 1 // (done < total))
    assert mode("p.part") == 0o600


@pytest.mark.usefixtures("captured")
def test_a_dictionary_trained_on_private_pages_is_private(capfd) -> None:
    Path("d").touch(0o644)
    assert called("compressors", "--pages", "x.pages", "--train-dict", "d", "--dict-size", "4096") == 0
    assert mode("d") == 0o600
    assert capfd.readouterr().err == f"zswapsim: d: {HOLDS}\n"


def test_what_is_made_of_a_process_is_private(here: Path, capfd, program: subprocess.Popen[bytes]) -> None:
    assert called("profile", program.pid, "-o", "p", "--compressor", "store") == 0
    assert mode("p") == 0o600
    assert capfd.readouterr().err == f"zswapsim: p: {TELLS}\n"
    assert called("compressors", "--pages", f"pid:{program.pid}", "--train-dict", "d", "--dict-size", "4096") == 0
    assert mode("d") == 0o600
    write_pages("y.pages", capture_pages(program.pid, 20))
    assert mode("y.pages") == 0o600
    assert read_contents("y.pages").private


def test_files_that_workers_share_are_private(here: Path) -> None:
    dense = DenseTrace(read_trace(TRACE))
    dense.scan()
    contents = read_contents("recipe:mix,pages=20")
    write_shared(here, dense, contents, make_profile(contents, ["lz4"]), addresses=True)
    assert {mode(path) for path in here.iterdir()} == {0o600}


def test_a_trace_that_others_may_not_read_is_converted_into_such_a_one(here: Path) -> None:
    write_trace(read_trace(TRACE), "t.csv")
    assert called("convert", "t.csv", "u.csv") == 0
    assert mode("u.csv") == 0o644
    Path("t.csv").chmod(0o600)
    assert called("convert", "t.csv", "v.csv") == 0
    assert called("convert", "t.csv", "u.csv") == 0
    assert (mode("v.csv"), mode("u.csv")) == (0o600, 0o600)


def test_what_anybody_may_read_stays_so(here: Path, capfd) -> None:
    write_pages("x.pages", read_contents("recipe:mix,pages=400").images)
    assert called("profile", "x.pages", "-o", "p", "--compressor", "lz4", "--json", "j", "-q") == 0
    assert called("compressors", "--pages", "x.pages", "--train-dict", "d", "--dict-size", "4096", "-q") == 0
    assert {mode(name) for name in ("x.pages", "p", "j", "d")} == {0o644}
    assert not read_profile("p").private
    assert not Contents(np.zeros((1, 4096), np.uint8)).private
    assert capfd.readouterr().err == ""
