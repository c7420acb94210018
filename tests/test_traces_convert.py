"""Call `zswapsim convert` as a user does."""

import signal
import time
from pathlib import Path

import pytest
from cli_helpers import listing, refused, started, zswapsim

from zswapsim.traces import read_trace


def test_converts_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    done = zswapsim("convert", "gen:loop,pages=10,events=1000,writes=1", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: 1000 events, 10 distinct pages, 100.0 % writes\n"
    assert sum(len(chunk.page) for chunk in read_trace(path).chunks()) == 1000


def test_says_what_a_form_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.oracleGeneral"
    done = zswapsim("convert", "bundled:sort", path, "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"zswapsim: {path}: this form has no place for writes, which became reads\n"
    assert path.stat().st_size == 24 * 312_898


def test_writes_csv_to_a_pipe() -> None:
    done = zswapsim("convert", "gen:scan,pages=3,writes=1", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "page,op\n0,W\n1,W\n2,W\n", "")


def test_refusals(tmp_path: Path) -> None:
    trace, out = tmp_path / "a.csv", tmp_path / "b.parquet"
    trace.write_text("page,op\n1,R\n2,Q\n")
    assert f"{trace}: line 3: expected R or W, got 'Q'" in refused("convert", trace, out, folder=tmp_path)
    assert "it is the trace to be read" in refused("convert", trace, trace, folder=tmp_path)
    assert "no such trace" in refused("convert", tmp_path / "c.csv", out, folder=tmp_path)
    assert "unknown form of a trace" in refused("convert", "gen:zipf", tmp_path / "b.xyz", folder=tmp_path)
    assert "gen:zipf,alpha=x: alpha" in refused("convert", "gen:zipf,alpha=x", out, folder=tmp_path)
    nowhere = tmp_path / "nowhere" / "b.csv"
    assert "No such file or directory" in refused("convert", "gen:zipf", nowhere, code=1, folder=tmp_path)
    full = tmp_path / "full.csv"
    full.symlink_to("/dev/full")
    assert "No space left on device" in refused("convert", "gen:zipf", full, code=1, folder=tmp_path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    with started("convert", "gen:uniform,pages=1e9,events=1e11", tmp_path / "a.csv") as process:
        while not listing(tmp_path) or listing(tmp_path)[0][1] == 0:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert listing(tmp_path) == []
