"""Run the command line without standard streams, with an encoding that lacks characters, and with unspeakable names."""

import codecs
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from cli_helpers import PLAIN, SMALL, called, refused_here, zswapsim

from zswapsim.cli import streams
from zswapsim.text import UNSAFE, printable, printable_lines

HOSTILE = "\x1b]0;owned\x07\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}\x9b31m\udcff x"
ON_DISK = HOSTILE.replace("/", "")
PLANNED = ["plan", "TRACE.csv", "--contents", "NAME.pages", "--compressor", "store", "--dram", "50%"]
TRACE = "page,op\n1,R\n2,W\n3,R\n1,W\n4,R\n2,R\n"
CLOSED = ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(folder, words, closed, **settings):
    """Run ``zswapsim WORDS`` from a shell that closes streams first."""
    command = f"exec {sys.executable} -m zswapsim {words} {closed}"
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=PLAIN | settings, check=False
    )


@pytest.mark.parametrize("closed", CLOSED)
def test_a_run_without_streams_does_its_work_and_nothing_goes_into_a_file(here, closed):
    (here / "trace.csv").write_text(TRACE)
    done = shell(here, "run trace.csv --contents none --dram 8KiB --json out.json", closed)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((here / "out.json").read_bytes())["outcome"] == "completed"
    assert (here / "trace.csv").read_text() == TRACE
    assert ("completed" in done.stdout) == ("1>" not in closed)


@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "2>/dev/full"])
def test_an_error_without_streams_has_its_exit_code(here, closed):
    assert shell(here, "run missing.csv", closed).returncode == 2
    assert shell(here, "compare missing.csv --processes 2", closed).returncode == 2


def test_several_processes_and_a_child_work_without_streams(here):
    words = f"compare {SMALL} --dram 30% --dram 60% --processes 2 --json out.json"
    assert shell(here, words, "0<&- 1>&- 2>&-").returncode == 0
    assert len(json.loads((here / "out.json").read_bytes())) == 2


@pytest.mark.parametrize("words", [f"run {SMALL} --json -", f"convert {SMALL} -", "audit --json -"])
def test_what_is_asked_for_on_a_closed_stream_is_refused(here, words):
    done = shell(here, words, "1>&-")
    assert (done.returncode, done.stderr) == (1, "zswapsim: standard output: it is closed\n")


@pytest.mark.parametrize(
    "settings", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_an_encoding_that_lacks_characters_ends_no_table(here, settings):
    done = shell(here, f"run {SMALL}", "", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"\d us\b", done.stdout)
    assert "\\u2026" not in shell(here, "compressors", "", **settings).stdout


def test_characters_that_an_encoding_lacks_are_written_in_ascii():
    codecs.register_error(streams.ESCAPED, streams.escaped)
    written = "1 µs \N{MULTIPLICATION SIGN} … \N{SNOWMAN}".encode("ascii", streams.ESCAPED)
    assert written == b"1 us x ... \\u2603"


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x07", "\r", "\x7f", "\x9b", "\N{RIGHT-TO-LEFT OVERRIDE}", "\udc80", chr(0xD800)]
)
def test_nothing_that_a_terminal_obeys_is_printable(text):
    assert not UNSAFE.search(printable(f"a{text}b"))
    assert printable(f"a{text}b") not in ("ab", f"a{text}b")
    assert not UNSAFE.search(printable_lines(f"a{text}b", colour=True))


def test_ordinary_text_is_printed_as_it_is():
    assert printable("naïve Übergröße 内存 µ 50 %") == "naïve Übergröße 内存 µ 50 %"
    assert printable(b"caf\xe9".decode(errors="surrogateescape")) == "caf\\xe9"
    assert printable_lines("a\n\x1b[1;32mb\x1b[0m", colour=True) == "a\n\x1b[1;32mb\x1b[0m"
    assert printable_lines("a\n\x1b[1;32mb\x1b[0m") == "a\n\\x1b[1;32mb\\x1b[0m"


WITH_NAMES = [
    ["run", "TRACE.csv", "--contents", "NAME.pages", "--dram", "8KiB"],
    ["run", "TRACE.csv", "--contents", "NAME.pages", "--dram", "8KiB", "--json", "-"],
    ["run", "TRACE.csv", "--contents", "NAME.pages", "--dram", "8KiB", "--json", "NAME.json"],
    ["compare", "TRACE.csv", "--contents", "NAME.pages", "--dram", "8KiB", "--dram", "12KiB", "--json", "NAME.json"],
    ["curve", "TRACE.csv", "--json", "NAME.json", "--picture", "NAME.svg"],
    [
        "plan",
        "TRACE.csv",
        "--contents",
        "NAME.pages",
        "--compressor",
        "store",
        "--dram",
        "50%",
        "--picture",
        "NAME.svg",
    ],
    [*PLANNED, "--json", "-"],
    ["profile", "NAME.pages", "-o", "NAME.parquet", "--compressor", "store", "--json", "NAME.json"],
    ["convert", "TRACE.csv", "NAME.parquet"],
    ["convert", "TRACE.csv", "NAME.csv.zst"],
    ["convert", "TRACE.csv", "NAME.npy"],
    ["convert", "TRACE.csv", "NAME.bin"],
    ["compressors", "--pages", "NAME.pages", "--compressor", "zstd:dict=NAME.dict", "--json", "-"],
    ["compressors", "--pages", "NAME.pages", "--train-dict", "NAME.new", "--dict-size", "4KiB"],
    ["capture", "SELF", "-o", "NAME.captured", "--limit", "64KiB"],
    ["audit", "--json", "NAME.json", "--picture", "NAME.png"],
    ["run", "TRACE.csv", "--contents", "none", "--dram", "8KiB", "--compressor", "zstd:dict=NAME.dict"],
]


@pytest.mark.parametrize("words", WITH_NAMES, ids=" ".join)
def test_a_command_with_unspeakable_names_does_its_work(here, capfd, words):
    name = f"$a$\\b{{{ON_DISK}"
    assert called("capture", os.getpid(), "-o", "some.pages", "--limit", "1MiB", "--quiet") == 0
    os.rename("some.pages", f"{name}.pages")
    (here / f"{name}.csv").write_text(TRACE)
    assert called("compressors", "--pages", f"{name}.pages", "--train-dict", f"{name}.dict", "--quiet") == 0
    capfd.readouterr()
    asked = [word.replace("SELF", str(os.getpid())).replace("NAME", name).replace("TRACE", name) for word in words]
    code = called(*asked)
    out, err = capfd.readouterr()
    assert code == 0, err
    assert not UNSAFE.search(out.replace("\n", ""))
    assert not UNSAFE.search(err.replace("\n", ""))
    for file in here.glob("*.json"):
        assert not UNSAFE.search(file.read_text().replace("\n", ""))
        assert json.loads(file.read_bytes())


@pytest.mark.parametrize(
    "words",
    [
        ["run", HOSTILE],
        [HOSTILE],
        ["run", SMALL, "--compressor", HOSTILE],
        ["run", SMALL, "--compressor", f"zstd:{HOSTILE}=1"],
        ["run", SMALL, "--compressor", f"zstd:dict={HOSTILE}"],
        ["run", SMALL, "--contents", f"recipe:{HOSTILE}"],
        ["run", f"gen:{HOSTILE}"],
        ["run", SMALL, "--groups", HOSTILE, "--backend", "zswap"],
        ["run", SMALL, "--cram", HOSTILE, "--backend", "cram"],
        ["run", SMALL, f"--{HOSTILE}"],
        ["audit", "--explain", HOSTILE],
        ["capture", HOSTILE, "-o", "out.pages"],
        ["plan", SMALL, "--objective", HOSTILE],
    ],
)
def test_an_error_shows_no_control_character(capfd, words):
    err = refused_here(capfd, *words)
    assert not UNSAFE.search(err.replace("\n", ""))


def test_a_terminal_that_is_gone_ends_no_run(tmp_path):
    """The progress bar is drawn on a terminal; if somebody closes it, the work goes on."""
    controller, terminal = pty.openpty()
    os.close(controller)
    done = zswapsim("run", SMALL, "--json", tmp_path / "out.json", stderr=terminal)
    os.close(terminal)
    assert done.returncode == 0
    assert json.loads((tmp_path / "out.json").read_bytes())["outcome"] == "completed"
