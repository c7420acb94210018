"""Call `zswapsim profile` as a user does: interrupt it, continue it, and read it with `run` and `compare`."""

import json
import os

import pytest
from cli_helpers import SMALL, listing, refused_here, zswapsim
from plugin_helpers import PLUGINS

from zswapsim.cli import main
from zswapsim.report.profile import profile_text

PAGES = "recipe:text,pages=700"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def profile(here):
    assert main(["profile", "recipe:mix,pages=300", "-o", "a.parquet", "--compressor", "lz4", "--quiet"]) == 0
    return "a.parquet"


def watching(folder, ends_at="0:"):
    """Return the environment of a process that has the codec `watched`, which ends it at a call."""
    path = os.pathsep.join([str(PLUGINS / "watched_python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"env": os.environ | {"PYTHONPATH": path, "WATCHED_LOG": str(folder / "calls"), "WATCHED_ENDS_AT": ends_at}}


def test_what_was_measured_survives_a_kill_and_an_interrupt(here):
    command = ("profile", PAGES, "-o", "a.parquet", "--compressor", "watched", "--threads", 1)
    done = zswapsim(*command, **watching(here, "300:SIGKILL"))
    assert (done.returncode, done.stdout, done.stderr) == (-9, "", "")
    assert [name for name, _ in listing(here)] == ["a.parquet.part", "calls"]
    done = zswapsim(*command, **watching(here, "600:SIGINT"))
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "zswapsim: a.parquet.part keeps what was measured; the same command goes on from there",
        "zswapsim: interrupted",
    ]
    done = zswapsim(*command, "--json", "-", **watching(here))
    (codec,) = json.loads(done.stdout)["codecs"]
    assert codec["measured"] == 700 - 2 * 256
    assert [name for name, _ in listing(here)] == ["a.parquet", "calls"]


def test_runs_and_comparisons_read_it(profile, capfd):
    asked = ["--profile", profile, "--json", "-"]
    assert main(["run", SMALL, *asked]) == 0
    alone = json.loads(capfd.readouterr().out)
    assert (alone["settings"]["depth"], alone["settings"]["contents"]) == ("sizes", "recipe:mix,pages=300")
    assert main(["run", SMALL, "--contents", "recipe:mix,pages=300", "--json", "-"]) == 0
    real = json.loads(capfd.readouterr().out)
    same = {name: value for name, value in real["counters"].items() if name in alone["counters"]}
    assert {name: alone["counters"][name] for name in same} == same
    assert main(["compare", SMALL, *asked, "--dram", "50%", "--backend", "private-node", "--processes", "1"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["counters"] == alone["counters"]


def test_a_process_is_named_by_its_number(here, capfd):
    assert main(["profile", str(os.getppid()), "-o", "b.parquet", "--compressor", "store", "--json", "-"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["contents"] == f"pid:{os.getppid()}"
    assert found["pages"] >= found["distinct"] > 0


def test_the_table(profile, capfd):
    assert main(["profile", "recipe:mix,pages=300", "-o", profile, "--compressor", "store"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("a.parquet: recipe:mix,pages=300, hash ")
    assert lines[1].startswith("300 pages (1.2 MiB), ")
    assert [line.split()[0] for line in lines[5:7]] == ["lz4", "store"]
    assert [line.split()[3] for line in lines[5:7]] == ["0", lines[5].split()[2]]
    assert lines[-1].startswith("times of ")


def test_codecs_of_two_machines_are_told_apart():
    figures = dict.fromkeys(("ratio", "compress_ns_mean", "compress_ns_p99", "decompress_ns_mean", "decompress_ns_p99"))
    figures |= {"pages": 1, "measured": 0, "incompressible": 0.0, "same_filled": 1.0, "version": "1"}
    codecs = [figures | {"compressor": name, "cpu": f"{name} machine"} for name in ("a", "b")]
    text = profile_text(
        {"profile": "f", "contents": "c", "contents_hash": "h", "pages": 1, "distinct": 1, "codecs": codecs}
    )
    assert text.splitlines()[-2:] == ["times of a: a machine", "times of b: b machine"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["profile", "none", "-o", "b.parquet"], "none: expected FILE.pages, recipe:NAME, or the number of a process"),
        (["profile", PAGES, "-o", "b.parquet", "--threads", "-1"], "--threads -1: expected 0 or more"),
        (["profile", PAGES, "-o", "b.parquet", "--compressor", "lz5"], "compressor 'lz5': unknown"),
        (["profile", PAGES, "-o", "a.parquet"], "a.parquet: a profile of other contents (recipe:mix,pages=300, 300"),
        (["profile", "missing.pages", "-o", "b.parquet"], "missing.pages: cannot read"),
        (["run", SMALL, "--profile", "missing.parquet"], "missing.parquet: cannot read"),
        (["run", SMALL, "--profile", "a.parquet", "--depth", "bytes"], "--profile a.parquet: is for --depth sizes"),
        (["run", SMALL, "--profile", "a.parquet", "--contents", "none"], "--profile a.parquet: is for --depth sizes"),
        (["run", SMALL, "--profile", "a.parquet", "--contents", PAGES], "a.parquet: a profile of other contents"),
        (["compare", SMALL, "--profile", "a.parquet", "--compressor", "zstd"], "holds lz4: expected zstd too"),
    ],
)  # fmt: skip
def test_wrong_use(profile, here, capfd, arguments, said):
    before = listing(here)
    assert said in refused_here(capfd, *arguments)
    assert listing(here) == before


def test_a_folder_that_is_not_there(here, capfd):
    assert main(["profile", PAGES, "-o", "nowhere/b.parquet"]) == 1
    assert "nowhere/b.parquet: cannot write: nowhere is not a folder" in capfd.readouterr().err
