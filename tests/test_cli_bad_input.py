"""Give the command line bad input: one clear line, exit 2 (1 if the machine is at fault), and no half-written file."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import SMALL, called, listing, refused, refused_here, zswapsim

FORMS = ["trace.csv", "trace.csv.zst", "trace.parquet", "trace.npy", "trace.bin", "trace.bin.zst"]
GARBAGE = bytes(np.random.default_rng(0).integers(128, 255, 5000, dtype=np.uint8))


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, Path]:
    """Write one small trace in every form."""
    folder = tmp_path_factory.mktemp("good")
    for form in FORMS:
        assert called("convert", SMALL, folder / form, "--quiet") == 0
    return {form: folder / form for form in FORMS}


@pytest.mark.parametrize("command", ["run", "compare"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(capfd, good, form, command):
    assert called(command, good[form], "--contents", "none", "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_a_form_is_read_by_a_process(good):
    done = zswapsim("run", good["trace.parquet"], "--contents", "none", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_file(capfd, tmp_path, form):
    path = tmp_path / form
    path.write_bytes(b"")
    assert str(path) in refused_here(capfd, "run", path, folder=tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_garbage(capfd, tmp_path, form):
    path = tmp_path / form
    path.write_bytes(GARBAGE)
    assert str(path) in refused_here(capfd, "run", path, folder=tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_file(capfd, tmp_path, good, form):
    whole = good[form].read_bytes()
    path = tmp_path / form
    path.write_bytes(whole[: len(whole) // 2 - 1])
    assert str(path) in refused_here(capfd, "run", path, folder=tmp_path)


def test_an_unknown_op_names_its_line(capfd, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("page,op\n1a,R\n1b,W\n1c,X\n")
    line = refused_here(capfd, "run", path, folder=tmp_path)
    assert f"{path}: line 4" in line
    assert "'X'" in line


@pytest.mark.parametrize(
    "trace", ["missing.csv", "bundled:nothing", "gen:nothing", "gen:zipf,pages=-1", "gen:zipf,x=1"]
)
def test_a_trace_that_is_none(capfd, trace):
    assert trace.rpartition(":")[2].split(",")[0].split("=")[0] in refused_here(capfd, "run", trace)


def test_a_folder_is_no_trace(tmp_path):
    assert str(tmp_path) in refused("run", tmp_path)


def test_a_conversion_that_fails_leaves_nothing(tmp_path, good):
    path = tmp_path / "cut.csv.zst"
    path.write_bytes(good["trace.csv.zst"].read_bytes()[:-20])
    refused("convert", path, tmp_path / "out.parquet", folder=tmp_path)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [("recipe:nothing", "nothing"), ("missing.pages", "missing.pages"), ("pid:0", "pid"), ("pid:x", "pid")],
)
def test_contents_that_are_none(capfd, contents, expected):
    assert expected in refused_here(capfd, "run", SMALL, "--contents", contents)


@pytest.mark.parametrize("size", [0, 1, 4095, 4097])
def test_a_page_file_of_another_size(capfd, tmp_path, size):
    path = tmp_path / "odd.pages"
    path.write_bytes(b"x" * size)
    assert "4096" in refused_here(capfd, "run", SMALL, "--contents", path, folder=tmp_path)
    assert "4096" in refused_here(capfd, "compressors", "--pages", path, folder=tmp_path)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("lz5", "lz5"),
        ("zstd:levels=3", "levels"),
        ("zstd:level=99", "99"),
        ("zstd:level=x", "level"),
        ("lz4:acceleration=0", "acceleration"),
        ("deflate:window=99", "window"),
        ("zstd:", "zstd:"),
        ("", "expected"),
    ],
)
@pytest.mark.parametrize("command", ["run", "compare"])
def test_an_unknown_compressor_parameter_or_value(capfd, command, spec, expected):
    assert expected in refused_here(capfd, command, SMALL, "--compressor", spec)


def test_a_dictionary_of_garbage(capfd, tmp_path):
    path = tmp_path / "garbage.dict"
    path.write_bytes(GARBAGE)
    assert str(path) in refused_here(capfd, "run", SMALL, "--compressor", f"zstd:dict={path}", folder=tmp_path)
    assert "missing" in refused_here(capfd, "run", SMALL, "--compressor", "zstd:dict=missing")


@pytest.mark.parametrize(("command", "option"), [("run", "--dram"), ("compare", "--node")])
@pytest.mark.parametrize(
    "size", ["0", "-1", "-64MiB", "4095", "0%", "64 parsecs", "much", "", "nan", "1e400", "9e9TiB"]
)
def test_a_size_that_is_none(capfd, command, option, size):
    assert option in refused_here(capfd, command, SMALL, f"{option}={size}")


@pytest.mark.parametrize("depth", ["bytes", "sizes"])
@pytest.mark.parametrize("option", ["--dram", "--node"])
def test_more_memory_than_can_be_reserved(option, depth):
    done = zswapsim("run", SMALL, option, "100000TiB", "--depth", depth)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert "internal error" not in done.stderr


def test_less_dram_than_a_batch(capfd):
    assert "batch" in refused_here(capfd, "run", SMALL, "--dram", "40KiB", "--reclaim-batch", "32")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--depth", "deep"), ("--backend", "tape"), ("--reclaim", "random"), ("--cost", "free"), ("--swap", "some")],
        *[("--chain-size", "3"), ("--chain-size", "17"), ("--accept-threshold-percent", "101"), ("--window", "-1")],
        *[("--reclaim-batch", "-1"), ("--seed", "-1"), ("--readahead", "all"), ("--page-cluster", "10")],
    ],
)
def test_a_setting_out_of_range(capfd, option, value):
    assert f"{option} {value}" in refused_here(capfd, "run", SMALL, option, value)


def gone() -> int:
    """Return the number of a process that has ended and was reaped."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_that_is_gone(capfd, tmp_path):
    pid = gone()
    assert str(pid) in refused_here(capfd, "capture", pid, "-o", tmp_path / "out.pages", folder=tmp_path)
    assert str(pid) in refused_here(capfd, "run", SMALL, "--contents", f"pid:{pid}")


@pytest.mark.skipif(
    not Path("/proc/2/comm").exists() or Path("/proc/2/comm").read_text() != "kthreadd\n",
    reason="no kernel thread is to be seen from here",
)
def test_a_kernel_thread(tmp_path):
    done = zswapsim("capture", 2, "-o", tmp_path / "out.pages")
    assert done.returncode in (1, 2)
    assert "2" in done.stderr
    assert listing(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="no process is foreign to root")
def test_a_foreign_process(tmp_path):
    refused("capture", 1, "-o", tmp_path / "out.pages", folder=tmp_path, code=1)


def small_disk() -> None:
    """Run in the child: let a file have 4096 bytes, so that the next one fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.mark.parametrize("form", FORMS)
def test_a_disk_that_fills_up_while_a_trace_is_written(tmp_path, form):
    larger = "gen:uniform,pages=90000,events=100000,seed=1"
    line = refused("convert", larger, tmp_path / form, code=1, folder=tmp_path, preexec_fn=small_disk)
    assert "cannot write" in line


def test_a_disk_that_fills_up_while_a_result_is_written(tmp_path):
    (tmp_path / "old.json").write_text("the one before")
    arguments = ["run", SMALL, "--contents", "none", "--quiet", "--json", tmp_path / "old.json"]
    line = refused(*arguments, code=1, folder=tmp_path, preexec_fn=small_disk)
    assert "cannot write" in line
    assert (tmp_path / "old.json").read_text() == "the one before"


def test_a_disk_that_fills_up_while_pages_are_captured(tmp_path, program):
    arguments = ["capture", program.pid, "-o", tmp_path / "own.pages"]
    assert "cannot write" in refused(*arguments, code=1, folder=tmp_path, preexec_fn=small_disk)


def test_a_disk_that_fills_up_while_a_comparison_shares_its_trace(tmp_path):
    arguments = ["compare", SMALL, "--contents", "none", "--dram", "30%", "--dram", "60%", "--processes", 2]
    line = refused(*arguments, code=1, preexec_fn=small_disk)
    assert "TMPDIR" in line
